"""Scaling: what a training step costs by batch, image size and width, sampling by NFE, and what processes bring."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import torch

from inference.pipeline import Pipeline
from runtime.plots import Panel, table
from scripts.speed.bench import ROOT, SIDE, WEIGHTS, Bench, stepping
from scripts.speed.programs import run_python
from scripts.speed.sampling import OPTIONS, PICTURES, REQUEST, sampling
from scripts.speed.timing import Case, Spread, number
from training.trainer import Trainer

MEASUREMENTS = 5
BATCHES, SIDES, WIDTHS = (8, 32, 128), (16, 24, 32, 48, 64), (16, 32, 64)
SHARE = 4  # a batch where size or width grow is this part of the usual one
SAMPLER_STEPS = (1, 2, 4, 8)
PROCESSES = (1, 2)
WINDOW = 6  # steps; of two such windows, the second is reported


def measure(bench: Bench) -> dict[str, Any]:
    few = fewer(bench)
    return {
        "images in a batch": training(bench, {batch: {"batch_size": batch} for batch in BATCHES}),
        "image side, pixels": training(bench, {side: {"side": side, "batch_size": few} for side in SIDES}),
        "model.channels": training(bench, {width: {"width": width, "batch_size": few} for width in WIDTHS}),
        "NFE per picture": by_nfe(bench),
        "processes": by_processes(bench),
    }


def fewer(bench: Bench) -> int:
    return max(bench.settings.batch_size // SHARE, 1)


def training(bench: Bench, points: dict[int, dict[str, int]]) -> dict[str, Any]:
    """Seconds of a training step of model=unet at each point."""
    cases = [Case(str(x), stepping(trained(bench, **point))) for x, point in points.items()]
    seconds = bench.stopwatch.time(cases)
    rows = [
        {"x": x, "images": point["batch_size"], "seconds": Spread.of(seconds[str(x)])._asdict()}
        for x, point in points.items()
    ]
    return {"what": "Training step of model=unet", "rows": rows}


def trained(bench: Bench, batch_size: int, side: int = SIDE, width: int | None = None) -> Trainer:
    return bench.trainer([f"model.channels={width}"] if width else [], side, batch_size)


def by_nfe(bench: Bench) -> dict[str, Any]:
    """Seconds of sampling with more and more steps, and nothing after them."""
    pipe = Pipeline.load(WEIGHTS, bench.device, bench.precision)
    options = {steps: OPTIONS.replace(steps=steps, refine=0) for steps in SAMPLER_STEPS}
    cases = [Case(str(steps), sampling(pipe, chosen, bench.threads)) for steps, chosen in options.items()]
    seconds = bench.stopwatch.time(cases)
    rows = [
        {
            "x": pipe.evaluations(REQUEST, chosen),
            "images": PICTURES,
            "seconds": Spread.of(seconds[str(steps)])._asdict(),
        }
        for steps, chosen in options.items()
    ]
    return {"what": "Sampling", "rows": rows}


def by_processes(bench: Bench) -> dict[str, Any]:
    """Images a second that train.py reports under torchrun; on a CPU, the processes share its threads."""
    counts = [n for n in PROCESSES if _possible(n, bench)]
    speeds: dict[int, list[float]] = {n: [] for n in counts}
    with tempfile.TemporaryDirectory() as folder:
        for i in bench.stopwatch.turns():
            for n in counts:
                speeds[n].append(images_per_second(n, bench, Path(folder) / f"{n}-{i}"))
    rows = [{"x": n, "images": fewer(bench), "images_per_second": Spread.of(speeds[n])._asdict()} for n in counts]
    return {"what": "Training by train.py, with torchrun", "rows": rows}


def _possible(processes: int, bench: Bench) -> bool:
    if fewer(bench) % processes:
        return False
    return processes == 1 or {"cpu": True, "cuda": torch.cuda.device_count() >= processes}.get(bench.device.type, False)


def images_per_second(processes: int, bench: Bench, run: Path) -> float:
    """Of a short training in the folder `run`. Raises ValueError where it fails."""
    steps = 2 * WINDOW
    settings = {
        "dataset": "pixelfaces",
        "dataset.count": max(2 * fewer(bench), 100),
        "train.batch_size": fewer(bench),
        "train.steps": steps,
        "train.log_every": WINDOW,
        "train.validate_every": 0,
        "train.preview_every": 0,
        "device": bench.device.type,
        "precision": bench.precision,
        "run": run,
    }
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    typed = [f"{key}={value}" for key, value in settings.items()]
    run_python([*torchrun, str(ROOT / "train.py"), *typed], max(bench.threads // processes, 1))
    return json.loads((run / "status.json").read_text(encoding="utf-8"))["images_per_second"]


def report(figures: dict[str, Any]) -> str:
    return "## Scaling\n\n" + "\n".join(_section(name, curve) for name, curve in figures.items())


def _section(name: str, curve: dict[str, Any]) -> str:
    rows = []
    for row in curve["rows"]:
        if "seconds" in row:
            spread = Spread(**row["seconds"])
            rows.append((row["x"], row["images"], str(spread), number(row["images"] / spread.median)))
            head = (name, "images", spread.head("seconds"), "images/s")
        else:
            spread = Spread(**row["images_per_second"])
            rows.append((row["x"], row["images"], str(spread)))
            head = (name, "images in a batch", spread.head("images/s"))
    return f"{curve['what']}:\n\n{table(head, rows)}"


def summary(figures: dict[str, Any]) -> str:
    costs = []
    for name, curve in figures.items():
        first, *_, last = curve["rows"] if len(curve["rows"]) > 1 else 2 * curve["rows"]
        key = "seconds" if "seconds" in first else "images_per_second"
        ratio = last[key]["median"] / first[key]["median"]
        costs.append(f"{name} {first['x']} to {last['x']}: {ratio:.1f} times the {key.replace('_per_second', '/s')}")
    return "; ".join(costs)


def panels(figures: dict[str, Any]) -> list[Panel]:
    found = []
    for name, curve in figures.items():
        rows = curve["rows"]
        if "seconds" in rows[0]:
            points = ([row["x"] for row in rows], [row["seconds"]["median"] for row in rows])
            found.append(Panel(f"{curve['what']}: seconds", name, {"": points}, share=False))
    return found
