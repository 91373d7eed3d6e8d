"""Draw pictures with trained weights.

python sample.py attrs=male,glasses w=3
python sample.py --help
"""

import json
import math
import re
from pathlib import Path

import torch
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

import cli
from data.images import enlarge, grid, save_png
from data.requests import described, parse_requests
from diffusion.sampling import SPACINGS
from pipeline import Pipeline, choose_checkpoint
from training.build import build_guidance, build_sampler
from training.checkpoint import CheckpointError
from training.settings import MAX_SEED, choice, number, whole
from version import code_version


@cli.command("sample")
def main(cfg: DictConfig) -> None:
    settings = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    for name in ("n", "scale", "batch_size"):
        whole(name, settings[name], 1)
    choice("snap", settings["snap"], (True, False))
    whole("seed", settings["seed"], 0, MAX_SEED)
    w, sampler = number("w", settings["w"], 0), build_sampler(settings["sampler"])
    path = choose_checkpoint(settings["checkpoint"], settings.get("dataset", {}).get("name"))
    pipe = Pipeline.load(path, settings["device"], settings["precision"])
    whole("steps", settings["steps"], 1, pipe.diffusion.schedule.T)
    guidance, weaker = build_guidance(settings["guidance"]), load_weaker(settings)
    pipe.refuse(guidance, sampler, weaker)
    choice("spacing", settings["spacing"], SPACINGS)
    requests, negative = (
        parse_requests(pipe.schema, settings["attrs"]),
        pipe.schema.encode(settings["negative"], "negative"),
    )
    for one, other in [pair for request in requests for pair in pipe.schema.unseen_pairs(request.label)]:
        print(f"warning: no training example has both {one!r} and {other!r}; the model must invent it")
    attrs = described(pipe.schema, requests)
    told = re.sub(r"[^a-z0-9]+", "-", attrs.lower()).strip("-")[:60]
    record = {
        "checkpoint": pipe.checkpoint,
        "weights": path.as_posix(),
        "step": pipe.info.step,
        "dataset": pipe.info.dataset,
        "attrs": attrs,
        "negative": ",".join(pipe.schema.names(negative)) or None,
        "w": w,
        "guidance": {**settings["guidance"], "checkpoint": weaker and weaker.checkpoint},
        "sampler": settings["sampler"],
        "steps": settings["steps"],
        "spacing": settings["spacing"],
        "snap": settings["snap"],
        "scale": settings["scale"],
        "device": str(pipe.device),
        "precision": pipe.precision,
        "code": code_version(),
    }
    seeds = range(settings["seed"], settings["seed"] + settings["n"])
    print("\n".join(f"{name:>10}: {value}" for name, value in record.items()))
    with (
        cli.new_folder(settings["out"], Path("samples") / pipe.info.dataset, told) as out,
        tqdm(total=len(seeds) * settings["steps"], unit="image-step", disable=None) as bar,
    ):
        images = pipe(
            attrs, seeds, w=w, negative=settings["negative"], guidance=guidance,
            weaker=weaker,
            sampler=sampler, steps=settings["steps"], spacing=settings["spacing"], snap_to_palette=settings["snap"],
            batch_size=settings["batch_size"], on_step=lambda done, s, x: bar.update(len(x)),
        )  # fmt: skip
        write(out, images, seeds, record)
    print(f"{'written':>10}: {out.as_posix()}/grid.png and {len(images)} pictures beside it")


def load_weaker(settings: dict) -> Pipeline | None:
    """The model that autoguidance moves away from."""
    path = settings["guidance"]["checkpoint"]
    try:
        return path and Pipeline.load(path, settings["device"], settings["precision"])
    except CheckpointError as error:
        raise ValueError(f"guidance.{error}") from error


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
