"""Sample pictures from trained weights.

python sample.py attrs=male,glasses w=3
python sample.py --help
"""

import json
import math
import re
import time
from pathlib import Path

from tqdm import tqdm

from cli.app import command
from data.images import enlarge, grid, read_png, save_png
from inference.job import prepare, require_ranking
from inference.replay import difference, read_stored
from inference.settings import SampleSettings
from runtime.folders import new_folder


@command(SampleSettings)
def main(settings: SampleSettings, overrides: list[str]) -> None:
    job, notes = prepare(settings)
    if settings.rank is not None:
        require_ranking(job)
    record, seeds = job.record, list(settings.seeds)
    print(f"weights: {record['weights']} ({record['dataset']}, step {record['step']:,})")
    print(*[f"asked for: {job.attrs}", *notes], sep="\n")
    name = re.sub(r"[^a-z0-9]+", "-", job.attrs.lower()).strip("-")[:60]
    total, began = len(seeds) * job.pipe.rounds(settings), time.perf_counter()
    with (
        new_folder(settings.out, Path("samples") / record["dataset"], name) as out,
        tqdm(total=total, unit="image-step", disable=None) as bar,
    ):
        images = job.sample(seeds, on_step=lambda done, s, x, x_0: bar.update(len(x)))
        record["seconds"] = round(time.perf_counter() - began, 2)
        if settings.rank is not None:
            scores = job.adherence(images)
            best = scores.argsort(descending=True, stable=True).tolist()
            record["ranking"] = [{"seed": seeds[i], "score": round(scores[i].item(), 4)} for i in best]
            images, seeds = images[best[: settings.keep]], [seeds[i] for i in best[: settings.keep]]
        write(out, images, seeds, record)
    cost = f"{record['sampler']['name']}, {settings.steps} steps, w = {settings.w:g}: NFE {record['nfe']} per picture"
    print(f"sampled: {cost}, {record['seconds']:.1f} s on {record['device']} in {record['precision']}")
    print(f"written: {out.as_posix()}/grid.png and {len(images)} pictures beside it")
    if settings.from_image is not None and len(images) == 1:
        stored, original = read_stored(Path(settings.from_image)), read_png(settings.from_image)
        print(f"compared: {difference(images[0], original, {**record, 'seed': seeds[0]}, stored)}")


def write(out: Path, images, seeds: list[int], record: dict) -> None:
    """One PNG per picture, a grid, and a JSON file; every PNG says inside how it came about."""
    ranking = {"ranking": record.pop("ranking")} if "ranking" in record else {}
    stored = {key: value for key, value in record.items() if key != "seconds"}
    files = []
    for image, seed in zip(images, seeds, strict=True):
        name = f"seed-{seed:06d}.png"
        save_png(enlarge(image, record["scale"]), out / name, {**stored, "seed": seed})
        files.append({"file": name, "seed": seed})
    columns = math.ceil(math.sqrt(len(images)))
    sheet = grid(images, columns, record["scale"], gap=record["scale"])
    save_png(sheet, out / "grid.png", {**stored, "seeds": seeds})
    (out / "samples.json").write_text(json.dumps({**record, "images": files, **ranking}, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
