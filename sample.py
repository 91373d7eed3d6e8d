"""Sample pictures from trained weights.

python sample.py attrs=male,glasses w=3
python sample.py --help
"""

import re
import time
from pathlib import Path

from tqdm import tqdm

from cli.app import command
from data.images import read_png
from inference.job import prepare, require_ranking
from inference.output import announced, line, write
from inference.replay import difference, read_stored
from inference.settings import SampleSettings
from inference.weights import from_here
from runtime.folders import new_folder


@command(SampleSettings)
def main(settings: SampleSettings, overrides: list[str]) -> None:
    job, notes = prepare(settings)
    if settings.rank is not None:
        require_ranking(job)
    record, seeds, beside = job.record, list(settings.seeds), {"notes": notes}
    print(*announced(job, notes), sep="\n")
    began = time.perf_counter()
    with (
        new_folder(settings.out, Path("samples") / record["dataset"], folder_name(job.attrs)) as out,
        tqdm(total=len(seeds) * job.total_steps, unit="image-step", disable=None, leave=False) as bar,
    ):
        images = job.sample(seeds, on_step=lambda done, s, x, x_0: bar.update(len(x)))
        labels = dict(zip(seeds, job.completed(seeds), strict=False))
        beside["seconds"] = round(time.perf_counter() - began, 2)
        sampled = f"{job.method}, {beside['seconds']:.1f} s"
        if settings.rank is not None:
            scores = job.adherence(images)
            best = scores.argsort(descending=True, stable=True).tolist()
            beside["ranking"] = [{"seed": seeds[i], "score": round(scores[i].item(), 4)} for i in best]
            best = best[: settings.keep]
            images, seeds = images[best], [seeds[i] for i in best]
            sampled += f"; kept {len(best)} of {len(scores)}, adherence {scores[best[0]]:.2f} to {scores[best[-1]]:.2f}"
        write(out, images, seeds, record, beside, [labels.get(seed, "") for seed in seeds])
    print(line("sampled", sampled))
    pictures = "1 picture" if len(images) == 1 else f"{len(images)} pictures"
    print(line("written", f"{from_here(out).as_posix()}/grid.png and {pictures} beside it"))
    if settings.from_image is not None and len(images) == 1:
        stored = read_stored(Path(settings.from_image), SampleSettings)
        same = difference(images[0], read_png(settings.from_image), {**record, "seed": seeds[0]}, stored)
        print(line("compared", same))


def folder_name(request: str) -> str:
    """A request as a part of a file name."""
    return re.sub(r"[^a-z0-9]+", "-", request.lower()).strip("-")[:60]


if __name__ == "__main__":
    main()
