"""Draw pictures with trained weights.

python sample.py attrs=male,glasses w=3
python sample.py --help
"""

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path

import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from cli import app as cli
from data.images import enlarge, grid, read_png, save_png
from inference.job import prepare
from inference.ranking import adherence
from inference.replay import difference, settled


@cli.command("sample")
def main(cfg: DictConfig) -> None:
    settings = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    settings, stored = settled(settings, HydraConfig.get().overrides.task)
    drawing, notes = prepare(settings)
    record, seeds = drawing.record, drawing.seeds
    print("\n".join([*notes, *(f"{name:>10}: {value}" for name, value in record.items())]))
    told = re.sub(r"[^a-z0-9]+", "-", drawing.attrs.lower()).strip("-")[:60]
    rounds = drawing.pipe.rounds(settings["steps"], settings["refine"])
    with (
        cli.new_folder(settings["out"], Path("samples") / record["dataset"], told) as out,
        tqdm(total=len(seeds) * rounds, unit="image-step", disable=None) as bar,
    ):
        images = drawing.draw(seeds, on_step=lambda done, s, x, x_0: bar.update(len(x)))
        if settings["rank"] is not None:
            scores = adherence(drawing, images)
            best = scores.argsort(descending=True, stable=True)
            record["ranking"] = [{"seed": seeds[i], "score": round(scores[i].item(), 4)} for i in best.tolist()]
            kept = best[: settings["keep"]].tolist()
            images, seeds = images[kept], [seeds[i] for i in kept]
        write(out, images, seeds, record)
    print(f"{'written':>10}: {out.as_posix()}/grid.png and {len(images)} pictures beside it")
    if stored is not None and len(images) == 1:
        original = read_png(settings["from_image"])
        print(f"{'compared':>10}: {difference(images[0], original, {**record, 'seed': seeds[0]}, stored)}")


def write(out: Path, images: torch.Tensor, seeds: Sequence[int], record: dict) -> None:
    """One PNG per picture, a grid, and a JSON file; every PNG says inside how it came about."""
    files, ranking = [], record.pop("ranking", None)
    for image, seed in zip(images, seeds, strict=True):
        name = f"seed-{seed:06d}.png"
        save_png(enlarge(image, record["scale"]), out / name, {**record, "seed": seed})
        files.append({"file": name, "seed": seed})
    columns = math.ceil(math.sqrt(len(images)))
    sheet = grid(images, columns, record["scale"], gap=record["scale"])
    save_png(sheet, out / "grid.png", {**record, "seeds": list(seeds)})
    told = {**record, "images": files, **({"ranking": ranking} if ranking else {})}
    (out / "samples.json").write_text(json.dumps(told, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
