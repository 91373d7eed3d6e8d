"""Draw pictures with trained weights.

python sample.py attrs=male,glasses w=3
python sample.py --help
"""

import datetime
import json
import math
import re
from pathlib import Path

import torch
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

import cli
from data.images import enlarge, grid, save_png
from pipeline import Pipeline, find_checkpoint
from training.build import build_sampler
from training.checkpoint import read_info
from training.settings import number, whole
from version import code_version

DEFAULT_DATASET = "cryptopunks"
MAX_SEED = 2**62


@cli.command("sample")
def main(cfg: DictConfig) -> None:
    settings = OmegaConf.to_container(cfg, resolve=True)
    for name in ("n", "scale", "batch_size"):
        whole(name, settings[name], 1)
    whole("seed", settings["seed"], 0, MAX_SEED)
    w, sampler = number("w", settings["w"], 0), build_sampler(settings["sampler"])
    path = choose_checkpoint(settings)
    pipe = Pipeline.load(path, settings["device"], settings["precision"])
    whole("steps", settings["steps"], 1, pipe.diffusion.schedule.T)
    cond, negative = pipe.schema.encode(settings["attrs"]), pipe.schema.encode(settings["negative"], "negative")
    for one, other in pipe.schema.unseen_pairs(cond):
        print(f"warning: no training example has both {one!r} and {other!r}; the model must invent it")
    out = make_folder(settings["out"], pipe.info.dataset, pipe.schema.names(cond))

    record = {
        "checkpoint": pipe.checkpoint,
        "weights": path.as_posix(),
        "step": pipe.info.step,
        "dataset": pipe.info.dataset,
        "attrs": ",".join(pipe.schema.names(cond)) or "any",
        "negative": ",".join(pipe.schema.names(negative)) or None,
        "w": w,
        "sampler": settings["sampler"],
        "steps": settings["steps"],
        "snap": settings["snap"],
        "scale": settings["scale"],
        "device": str(pipe.device),
        "code": code_version(),
    }
    seeds = range(settings["seed"], settings["seed"] + settings["n"])
    print("\n".join(f"{name:>10}: {value}" for name, value in record.items()))
    with tqdm(total=len(seeds) * settings["steps"], unit="image-step", disable=None) as bar:
        images = pipe(
            cond, seeds, w, sampler, settings["steps"], negative, settings["snap"], settings["batch_size"],
            on_step=lambda done, s, x: bar.update(len(x)),
        )  # fmt: skip
    write(out, images, seeds, record)
    print(f"{'written':>10}: {out.as_posix()}/grid.png and {len(images)} pictures beside it")


def choose_checkpoint(settings: dict) -> Path:
    """The weights named, else the newest run on the data set, else those that ship."""
    dataset = settings.get("dataset", {}).get("name")
    if settings["checkpoint"] is None:
        return find_checkpoint(dataset or DEFAULT_DATASET)
    path = Path(str(settings["checkpoint"]))
    trained_on = read_info(path).dataset
    if dataset not in (None, trained_on):
        raise ValueError(f"checkpoint={path}: trained on {trained_on}, not on dataset={dataset}; leave dataset out")
    return path


def make_folder(out: str | None, dataset: str, names: list[str]) -> Path:
    """A new folder for the pictures. Raises ValueError rather than write among other files."""
    if out is None:
        time = datetime.datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
        told = re.sub(r"[^a-z0-9]+", "-", " ".join(names).lower()).strip("-")[:60] or "any"
        folder = Path("samples") / dataset / f"{time}-{told}"
    else:
        folder = Path(str(out))
    if folder.is_dir() and any(folder.iterdir()):
        raise ValueError(f"out={folder}: holds files already; name a new folder, nothing was touched")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"out={folder}: cannot be written ({error.strerror}); name another folder") from error
    return folder


def write(out: Path, images: torch.Tensor, seeds: range, record: dict) -> None:
    """One PNG per picture, a grid, and a JSON file; every PNG says inside how it came about."""
    files = []
    for image, seed in zip(images, seeds, strict=True):
        name = f"seed-{seed:06d}.png"
        save_png(enlarge(image, record["scale"]), out / name, {**record, "seed": seed})
        files.append({"file": name, "seed": seed})
    columns = math.ceil(math.sqrt(len(images)))
    sheet = grid(images, columns, record["scale"], gap=record["scale"])
    save_png(sheet, out / "grid.png", {**record, "seeds": [seeds[0], seeds[-1]]})
    (out / "samples.json").write_text(json.dumps({**record, "images": files}, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
