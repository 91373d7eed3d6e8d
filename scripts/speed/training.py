"""Training: images a second of whole optimisation steps, beside public peers and what a matrix product reaches."""

from __future__ import annotations

from typing import Any

import torch

from runtime.plots import Panel, percent, table
from scripts.speed.bench import SIDE, Bench, flops, parameters, stepping
from scripts.speed.peers import PEERS, how_to_install
from scripts.speed.timing import Case, Spread, number
from training.trainer import Trainer

MEASUREMENTS = 1
FLAGSHIP = "experiment=cryptopunks"  # which peers match in the number of parameters
NETWORKS = {  # overrides of train.py, by the name of the row
    FLAGSHIP: ["experiment=cryptopunks"],
    "model=unet": ["model=unet"],
    "model=dit": ["model=dit"],
}
PRODUCT, SIZES = "matrix product", {"cuda": 8192}
SIZE = 1024  # of its matrices on other devices
GIGA = 1e9


def measure(bench: Bench) -> dict[str, Any]:
    trainers, missing = trainings(bench)
    work = {name: flops(stepping(trainer)) / GIGA for name, trainer in trainers.items()}
    cases = [Case(name, stepping(trainer), bench.settings.batch_size) for name, trainer in trainers.items()]
    rates = bench.stopwatch.rates([*cases, matrix_product(bench)])
    ceiling = rates.pop(PRODUCT)
    rows = []
    for name, trainer in trainers.items():
        rate, per_image = rates[name], work[name] / bench.settings.batch_size
        rows.append({
            "name": name,
            "optimizer": trainer.settings.optim.name,
            "parameters": parameters(trainer.model),
            "gflop_per_image": per_image,
            "images_per_second": rate._asdict(),
            "share_of_ceiling": rate.median * per_image / ceiling.median,
        })  # fmt: skip
    return {
        "batch_size": bench.settings.batch_size,
        "side": SIDE,
        "rows": rows,
        "not_installed": missing,
        "gflops_of_a_matrix_product": {"size": matrix_size(bench), **ceiling._asdict()},
    }


def trainings(bench: Bench) -> tuple[dict[str, Trainer], dict[str, str]]:
    """One for each row, and how to install the peers that are missing."""
    trainers = {name: bench.trainer(overrides) for name, overrides in NETWORKS.items()}
    missing, first = {}, trainers[FLAGSHIP]
    for peer in PEERS:
        if peer.is_installed():
            model = peer.matched(parameters(first.model), first.data.image_shape, first.schema.cardinalities)
            trainers[peer.package] = bench.trainer([], model=model)
        else:
            missing[peer.package] = how_to_install(peer.package)
    return trainers, missing


def matrix_size(bench: Bench) -> int:
    return SIZES.get(bench.device.type, SIZE)


def matrix_product(bench: Bench) -> Case:
    """The product of two square matrices, counted in GFLOP: about the most that this device does in this precision."""
    size, dtype = matrix_size(bench), torch.bfloat16 if bench.precision == "bf16" else torch.float32
    a, b = (torch.randn(size, size, device=bench.device, dtype=dtype) for _ in range(2))
    return Case(PRODUCT, lambda: a @ b, 2 * size**3 / GIGA)


def report(figures: dict[str, Any]) -> str:
    rows = [
        (
            f"`{row['name']}`",
            row["optimizer"],
            f"{row['parameters'] / 1e6:.2f} M",
            f"**{Spread(**row['images_per_second'])}**",
            number(row["gflop_per_image"]),
            percent(row["share_of_ceiling"]),
        )
        for row in figures["rows"]
    ]
    rows += [(f"`{name}`", "", "", f"not installed: `{command}`", "", "") for name, command in _missing(figures)]
    ceiling = {**figures["gflops_of_a_matrix_product"]}
    size, speed = ceiling.pop("size"), Spread(**ceiling).head("images/s")
    header = ("network", "optimiser", "parameters", speed, "GFLOP per image", "of the ceiling")
    return (
        f"## Training\n\nOptimisation steps of {figures['batch_size']} images of {figures['side']} x {figures['side']} "
        f"pixels. The ceiling is a matrix product of {size} x {size}: {Spread(**ceiling)} GFLOP/s.\n\n"
        f"{table(header, rows)}"
    )


def _missing(figures: dict[str, Any]) -> list[tuple[str, str]]:
    return list(figures["not_installed"].items())


def summary(figures: dict[str, Any]) -> str:
    speeds = [f"{row['name']} {number(row['images_per_second']['median'])}" for row in figures["rows"]]
    missing = [f"; {name} is missing, {command}" for name, command in _missing(figures)]
    return f"images/s: {', '.join(speeds)}{''.join(missing)}"


def panels(figures: dict[str, Any]) -> list[Panel]:
    points = {row["name"]: ([row["parameters"] / 1e6], [row["images_per_second"]["median"]]) for row in figures["rows"]}
    return [Panel("training: images/s", "parameters, millions", points, share=False)]
