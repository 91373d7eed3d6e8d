"""What a training of docs/REPORT.md is: what it changes, how often, what is measured, and whose weights it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

ALIKE = ("compile=false", "channels_last=false", "train.preview_every=0")  # how every training is computed
EACH = {"pixelfaces": 10, "cryptopunks": 5, "mnist": 50}  # requests for each value, the same for every training


class Measures(NamedTuple):
    """What is measured of the weights of a training, beside its loss.

    w        : guidance of the requests
    requests : at most so many; None for all, of which EACH says how many there are
    complete : pictures sampled from complete labels; 0 for none
    pictures : in the sets for FID, recall and memorisation
    progress : whether the weights of every kept step are measured too, from complete labels
    sheet    : requests of a sheet of pictures; () for none
    columns  : pictures per request there
    noising  : whether a strip of noised pictures is made
    diffuses : whether the network denoises step by step; others know no guidance, no sampler and no such loss
    detail   : pictures of bigfaces that are sampled twice from complete labels, for their details; in place of all else
    """

    w: tuple[float, ...] = (1.0, 3.0)
    requests: int | None = None
    complete: int = 300
    pictures: int = 600
    progress: bool = False
    sheet: tuple[str, ...] = ()
    columns: int = 8
    noising: bool = False
    diffuses: bool = True
    detail: int = 0

    @property
    def guided(self) -> tuple[float, ...]:
        """The guidance of what is not a request."""
        return (1.0, 3.0) if self.diffuses else (1.0,)


@dataclass(frozen=True)
class Variant:
    """A training, repeated with the seeds 0, 1, ...

    name      : of its metrics files
    overrides : of train.py, without the seed
    seconds   : that training and measuring took on one core of an AMD EPYC, roughly; the cheapest run first
    shown     : whether its sheets stand in a section that has those of some rows alone
    start     : the variant whose weights, of the same seed, are given it
    start_as  : the setting that names them: init_from, what it starts from, or autoencoder, in whose latents it is
    small     : the variant, of the same seed, that generates the small pictures which an upsampler enlarges
    """

    name: str
    overrides: tuple[str, ...]
    measures: Measures
    seeds: int = 1
    seconds: int = 600
    shown: bool = False
    start: Variant | None = None
    start_as: Literal["init_from", "autoencoder"] = "init_from"
    small: Variant | None = None


class Run(NamedTuple):
    """One seed of a variant."""

    variant: Variant
    seed: int

    @property
    def name(self) -> str:
        return f"{self.variant.name}-{self.seed}"

    @property
    def start(self) -> Run | None:
        """The training whose weights are given this one."""
        return self.variant.start and Run(self.variant.start, self.seed)

    @property
    def small(self) -> Run | None:
        """The training whose pictures this one enlarges."""
        return self.variant.small and Run(self.variant.small, self.seed)

    @property
    def needs(self) -> list[Run]:
        """The trainings that come before it."""
        return [run for run in (self.start, self.small) if run]

    @property
    def overrides(self) -> list[str]:
        return [*self.variant.overrides, *([f"seed={self.seed}"] if self.seed else [])]


@dataclass(frozen=True)
class Study:
    """One section of the report: rows of its tables by name."""

    key: str
    rows: dict[str, Variant]

    @property
    def runs(self) -> list[Run]:
        return [Run(variant, seed) for variant in self.rows.values() for seed in range(variant.seeds)]
