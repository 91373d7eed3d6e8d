"""Measure trained weights on pictures that no training has seen.

python evaluate.py dataset=cryptopunks
python evaluate.py --help
"""

import json
from pathlib import Path

import torch
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

import cli
from data.images import grid, save_png, snap
from evaluation.exact import draw_from_labels, exact_match
from pipeline import Pipeline, choose_checkpoint
from training.build import build_sampler, build_splits
from training.settings import choice, number, whole
from version import code_version

WORST = 12


@cli.command("evaluate")
def main(cfg: DictConfig) -> None:
    settings = OmegaConf.to_container(cfg, resolve=True)
    w, sampler = number("w", settings["w"], 0), build_sampler(settings["sampler"])
    tries, n = whole("tries", settings["tries"], 1), whole("n", settings["n"], 1)
    split = choice("split", settings["split"], ("validation", "test"))
    path = choose_checkpoint(settings["checkpoint"], settings["dataset"]["name"])
    pipe = Pipeline.load(path, settings["device"], settings["precision"])
    steps = whole("steps", settings["steps"], 1, pipe.diffusion.schedule.T)
    if pipe.palette is None or not len(pipe.schema):
        raise ValueError(f"checkpoint={path}: exact match needs pixel art and labels, as of cryptopunks or pixelfaces")
    data = getattr(build_splits({**pipe.info.config, "data_root": settings["data_root"]}), split)
    data = data.select(torch.arange(min(n, len(data))))
    out = cli.new_folder(settings["out"], Path("evaluations") / pipe.info.dataset, split)

    with tqdm(total=len(data) * tries * steps, unit="image-step", disable=None) as bar:
        drawn = draw_from_labels(pipe, data, tries, w, sampler, steps, lambda done, s, x: bar.update(len(x)))
    figures, wrong = exact_match(drawn, data)
    record = {
        "checkpoint": pipe.checkpoint,
        "weights": path.as_posix(),
        "step": pipe.info.step,
        "dataset": pipe.info.dataset,
        "split": split,
        "w": w,
        "sampler": settings["sampler"],
        "steps": steps,
        "seeds": [0, tries * len(data) - 1],
        "code": code_version(),
        "exact_match": figures,
    }
    (out / "metrics.json").write_text(json.dumps(record, indent=2), encoding="utf-8")
    worst = wrong[0].argsort(descending=True)[:WORST]
    pairs = torch.cat([snap(drawn[0, worst], data.palette), data.images[worst]])
    save_png(grid(pairs, len(worst), scale=4, gap=4), out / "worst.png", record)
    print("\n".join(f"{name:>15}: {value}" for name, value in {**record, **figures}.items() if name != "exact_match"))
    print(f"{'written':>15}: {out.as_posix()}/metrics.json and worst.png (drawn above, true below)")


if __name__ == "__main__":
    main()
