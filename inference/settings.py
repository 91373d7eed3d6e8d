"""The settings of sample.py, and of the scripts that sample: compare, animate and interpolate."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from conf import MAX_SEED, Request, Text, setting
from data import AnyDataset
from diffusion.sampling import SamplingOptions
from inference.replay import AT_AN_EDGE, with_stored
from inference.weights import with_folder
from runtime.device import ComputeSettings
from runtime.settings import key_of

MANY = 100_000  # pictures of one command, which are held in memory
SeedNumber = Annotated[int, Field(ge=0, le=MAX_SEED)]
OF_A_PICTURE = {"strength": 1.0, "mask": None, "feather": 0, "resample": 1}  # need one to start from; their defaults


class JobSettings(ComputeSettings, SamplingOptions):
    """What is asked for, by which weights, and how it is sampled."""

    dataset: AnyDataset | None = None
    attrs: Request | None = setting(
        "any",
        'names with commas, "-name" for absence, "name:5" for its own w; "a | b * 2" adds conditions; any for none',
    )
    prompt: Text | None = setting(
        None, 'in place of attrs, a phrase in English or French: "a woman with a gold chain, without a hat"'
    )
    negative: Request | None = setting(None, "what guidance moves away from, named like attrs; null for no condition")
    guide: Text | None = setting(
        None, "weaker weights of the same kind to move away from (autoguidance); null for the same weights"
    )
    upsampler: Text | None = setting(
        None, "weights trained with upsample=4, for example, that enlarge what the others generate; null for none"
    )
    init: Text | None = setting(None, "a picture to start from, in the model's size or a whole multiple of it")
    edit: Request | None = setting(None, "what of that picture changes, such as +top hat,-beard; the rest is kept")
    strength: float = setting(1.0, "noise level to which it is noised: 0 leaves it, 1 ignores it", ge=0, le=1)
    mask: Text | None = setting(
        None, "a picture of the same size: light where init is inpainted, dark where it is kept"
    )
    feather: int = setting(
        0, "pixels over which the strength grows to its full, from the edge of the mask", ge=0, le=512
    )
    resample: int = setting(1, "times each step is taken where there is a mask (RePaint)", ge=1, le=1000)
    scale: int = setting(8, "each pixel becomes scale x scale pixels; 1 writes the native size", ge=1, le=100)
    out: Text | None = setting(None, "folder to write to, new or empty; null makes one named after the time")
    checkpoint: Text | None = setting(
        None, "weights (.safetensors); null takes the newest run on the data set, else the pretrained ones"
    )

    @classmethod
    def expanded(cls, overrides: list[str]) -> list[str]:
        return with_folder(cls, overrides)

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        """Refuse what would change nothing, and what says the same thing twice."""
        for first, second, why in (
            ("prompt", "attrs", "both say what is asked for"),
            ("edit", "attrs", "an edit keeps the rest of the picture"),
            ("edit", "prompt", "an edit keeps the rest of the picture"),
        ):
            one, other = getattr(self, first), getattr(self, second)
            if one is not None and other not in (None, "any"):
                raise ValueError(f"{first}={one!r}, {second}={other!r}: {why}; give one of the two")
        if self.edit is not None and self.init is None:
            raise ValueError(f"edit={self.edit!r}: name the picture with init=FILE")
        for name, default in OF_A_PICTURE.items():
            value = getattr(self, name)
            if value == default:
                continue
            if self.init is None:
                raise ValueError(f"{name}={value}: changes a picture that is there; name one with init=FILE")
            if name in AT_AN_EDGE and self.mask is None and self.edit is None:
                raise ValueError(f"{name}={value}: works at the edge of a mask; name one with mask=FILE")
        return self


class SampleSettings(JobSettings):
    """Sample pictures from trained weights: python sample.py attrs=male,glasses w=3"""

    program: ClassVar[str] = "sample"
    from_image: Text | None = setting(
        None, "a PNG that sample.py wrote, to reproduce it; what is typed beside it changes"
    )
    seed: int = setting(0, "of the first picture; the next ones have seed + 1, seed + 2, ...", ge=0, le=MAX_SEED)
    n: int | None = setting(None, "number of pictures; null: 16, or one with from_image", ge=1, le=MANY)
    rank: Literal["adherence"] | None = setting(
        None, "adherence samples `of` pictures and keeps those that show best what is asked for; null samples n"
    )
    keep: int = setting(4, "pictures that a ranking keeps", ge=1, le=MANY)
    of: int = setting(32, "pictures that it samples", ge=1, le=MANY)

    @classmethod
    def expanded(cls, overrides: list[str]) -> list[str]:
        return with_folder(cls, with_stored(cls, overrides, one_of_many=True))

    @property
    def seeds(self) -> range:
        """Of the pictures to be sampled; a ranking samples more than it keeps."""
        count = self.of if self.rank is not None else 16 if self.n is None else self.n
        return range(self.seed, self.seed + count)

    @model_validator(mode="after")
    def _ranking(self) -> Self:
        if self.rank is None:
            for name, default in (("keep", 4), ("of", 32)):
                if getattr(self, name) != default:
                    raise ValueError(f"{name}={getattr(self, name)}: belongs to a ranking; give rank=adherence too")
        elif self.n is not None:
            raise ValueError(f"n={self.n}: a ranking samples `of` pictures and keeps `keep`; give those instead")
        elif self.keep > self.of:
            raise ValueError(f"keep={self.keep}: must be at most of={self.of}")
        return self


class CompareSettings(JobSettings):
    """Sample the same seeds, one setting changed at a time: python scripts/compare.py vary.steps=[5,30] vary.w=[1,7]"""

    program: ClassVar[str] = "compare"
    vary: dict[str, Any] = setting({}, "settings of sample.py and their values, each a list: vary.w=[1,3,7]")
    seeds: list[SeedNumber] = setting([0, 1, 2], "of the pictures of every row", min_length=1, max_length=1000)
    scale: int = setting(4, "each pixel becomes scale x scale pixels on the sheet", ge=1, le=100)

    @classmethod
    def expanded(cls, overrides: list[str]) -> list[str]:
        """All vary.SETTING=[...] in one argument, so that a group and its settings can both vary."""
        rest, varied = [], []
        for override in with_folder(cls, overrides):
            written = re.fullmatch(r"vary\.(\w[\w.]*)=(\[.*\])", override, flags=re.DOTALL)
            if written:
                varied.append(f"{written[1]}:{written[2]}")
            elif key_of(override).partition(".")[0] == "vary" and not override.startswith("++vary={"):
                raise ValueError(f"{override}: must be a setting and a list of its values, such as vary.w=[1,3,7]")
            else:
                rest.append(override)
        return [*rest, f"++vary={{{','.join(varied)}}}"] if varied else rest


class AnimateSettings(JobSettings):
    """Show a picture as it comes out of the noise: python scripts/animate.py attrs=male,glasses seed=3"""

    program: ClassVar[str] = "animate"
    from_image: Text | None = setting(
        None, "a PNG that sample.py wrote, to animate it; what is typed beside it changes"
    )
    seed: int = setting(0, "of the picture", ge=0, le=MAX_SEED)
    frames: int = setting(10, "columns of the sheet; the animation has a frame for every step", ge=1, le=1000)

    @classmethod
    def expanded(cls, overrides: list[str]) -> list[str]:
        return with_folder(cls, with_stored(cls, overrides))


class InterpolateSettings(JobSettings):
    """Sample pictures between two seeds, and two requests: python scripts/interpolate.py seeds=[3,8] attrs=male"""

    program: ClassVar[str] = "interpolate"
    complete: bool | None = setting(
        False, "whether the label prior decides what a request leaves open; pictures between two then have its jumps"
    )
    seeds: list[SeedNumber] = setting([0, 1], "of the first and the last picture", min_length=2, max_length=2)
    to: Request | None = setting(None, "the last request, in the form of attrs; null for the same")
    frames: int = setting(9, "pictures, the two ends among them", ge=2, le=1000)
