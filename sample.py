"""Sample pictures from trained weights.

python sample.py attrs=male,glasses w=3
torchrun --standalone --nproc_per_node=2 sample.py n=10000
python sample.py --help
"""

from __future__ import annotations

import re
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from cli.app import command
from data.images import read_png
from inference.job import Job, prepare, require_ranking
from inference.output import announced, line, write
from inference.pipeline import Pipeline
from inference.replay import difference, read_stored
from inference.settings import SampleSettings
from inference.weights import from_here
from runtime.distributed import Processes, processes
from runtime.folders import new_folder

if TYPE_CHECKING:
    from torch import Tensor


@command(SampleSettings)
def main(settings: SampleSettings, overrides: list[str]) -> None:
    with ExitStack() as stack:
        here = stack.enter_context(processes(settings.device))
        job, notes = prepare(settings, lambda path, device, *how: Pipeline.load(path, here.device, *how))
        if settings.rank is not None:
            require_ranking(job)
        here.on_main(lambda: print(*announced(job, notes), sep="\n"))
        folder = new_folder(settings.out, Path("samples") / job.record["dataset"], folder_name(job.attrs))
        out = here.on_main(lambda: stack.enter_context(folder))
        began = time.perf_counter()
        images = sample(job, settings.seeds, here)
        if images is not None:
            finish(job, images, out, {"notes": notes, "seconds": round(time.perf_counter() - began, 2)})


def sample(job: Job, seeds: range, here: Processes) -> Tensor | None:
    """A picture for each seed, each process its share of them; (N, C, H, W) uint8 in the main one, None elsewhere."""
    count = len(seeds[here.rank :: here.world_size])
    hidden = None if here.is_main else True  # None: shown in a terminal alone
    with tqdm(total=count * job.total_steps, unit="image-step", disable=hidden, leave=False) as bar:
        return here.shared(seeds, lambda mine: job.sample(mine, on_step=lambda done, s, x, x_0: bar.update(len(x))))


def finish(job: Job, images: Tensor, out: Path, beside: dict) -> None:
    """Rank the pictures where that is asked for, write them, and say where they are."""
    settings, record, seeds = job.settings, job.record, list(job.settings.seeds)
    labels = dict(zip(seeds, job.completed(seeds), strict=False))
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
