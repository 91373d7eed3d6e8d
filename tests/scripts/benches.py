"""Benches for tests: small networks, and a stopwatch that stops after a round."""

from data.cryptopunks import SCHEMA
from runtime.distributed import CPU
from scripts.speed import training
from scripts.speed.bench import Bench
from scripts.speed.settings import BenchmarkSettings
from scripts.speed.timing import Stopwatch

SHAPE, CARDINALITIES = (3, 24, 24), SCHEMA.cardinalities
TINY_UNET = ["model.channels=8", "model.channel_mults=[1,2]", "model.blocks=1", "model.head_dim=8"]
TINY_NETWORKS = {
    training.FLAGSHIP: ["experiment=cryptopunks", *TINY_UNET],
    "model=unet": [*TINY_UNET, "model.attention_levels=[1]"],
    "model=dit": ["model=dit", "model.width=24", "model.depth=1"],
}


def bench_of(rounds: int = 1, **settings) -> Bench:
    settings = BenchmarkSettings(rounds=rounds, threads=1, device="cpu", **settings)
    return Bench(settings, CPU, "fp32", 1, Stopwatch(CPU, rounds, 1e-9, 9))
