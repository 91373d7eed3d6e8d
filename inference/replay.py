"""Reproducing a picture of sample.py: its stored options, put before what is typed; and whether it is the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from data.images import read_settings
from inference.weights import find_weights
from runtime.settings import key_of, literal, quoted_text

PATHS = ("weights", "guide_weights")  # where weights lie; their hashes say which they are
ALTERNATIVES = (("attrs", "prompt", "edit"), ("checkpoint", "dataset"))  # who types one means none of the others
# Options that decide a picture, as its PNG records them; with the weights and its seed, all there is.
DECIDING = (
    "attrs", "negative", "w", "guidance", "sampler", "steps", "spacing", "refine", "init", "edit", "strength", "mask",
    "feather", "resample", "quantise", "scale", "precision",
)  # fmt: skip


def with_stored(overrides: Sequence[str], one_of_many: bool = False) -> list[str]:
    """`overrides` after those that a picture stores, if one of them is from_image=PICTURE.

    one_of_many : whether the program samples several pictures, and one is to be told

    Raises ValueError for a picture without options, and where the weights that made it are not to be found.
    """
    typed = [key_of(override) for override in overrides]
    named = [override.partition("=")[2] for override in overrides if key_of(override) == "from_image"]
    if not named or named[-1] == "null":
        return list(overrides)
    path = Path(re.sub(r"^(['\"])(.*)\1$", r"\2", named[-1]))
    stored = read_stored(path)
    count = ["n=1"] if one_of_many and not {"n", "rank"} & set(typed) else []
    return [*stored_overrides(stored, typed, path), *count, *overrides]


def read_stored(path: Path) -> dict[str, Any]:
    """What a PNG of sample.py stores. Raises ValueError where something is missing."""
    stored = read_settings(path)
    missing = [key for key in (*DECIDING, "seed", "checkpoint", "weights", "guide") if key not in stored]
    if missing:
        raise ValueError(f"from_image={path}: its settings lack {missing[0]}; name a single picture of sample.py")
    return stored


def stored_overrides(stored: dict[str, Any], typed: Sequence[str], path: Path) -> list[str]:
    """The stored options as they would be typed, without those that `typed` keys stand in the place of."""
    replaced = {other for group in ALTERNATIVES if set(group) & set(typed) for other in group}
    if "edit" in replaced and not stored["mask"]:
        replaced |= {"feather", "resample"}  # of the edge that the edit found
    found = [line for key in DECIDING if key not in replaced for line in _typed(key, stored[key], typed, path)]
    if "checkpoint" not in replaced:
        place = find_weights(str(stored["checkpoint"]), Path(str(stored["weights"])))
        found.append(f"checkpoint={quoted_text(place.as_posix())}")
    if stored["guide"] and "guide" not in typed:
        place = find_weights(str(stored["guide"]), Path(str(stored.get("guide_weights", ""))), argument="guide")
        found.append(f"guide={quoted_text(place.as_posix())}")
    return [*found, *_typed("seed", stored["seed"], typed, path)]


def _typed(key: str, value: Any, typed: Sequence[str], path: Path) -> Iterator[str]:
    """An option as on the command line; of a group, its choice and its settings unless another is chosen."""
    if not isinstance(value, dict):
        yield f"{key}={_literal(value, path)}"
    elif key not in typed:
        parts = {str(name): part for name, part in value.items()}
        if not all(re.fullmatch(r"\w+", name) for name in [*parts, str(parts.get("name"))]):
            raise ValueError(f"from_image={path}: its {key} cannot be read; name a picture that sample.py wrote")
        yield f"{key}={parts.pop('name')}"
        yield from (f"{key}.{name}={_literal(part, path)}" for name, part in parts.items())


def _literal(value: Any, path: Path) -> str:
    """A stored value in Hydra's grammar. Raises ValueError for what is no option, or could refer to others."""
    try:
        found = literal(value)
    except ValueError:
        found = "$"
    if "$" in found:
        raise ValueError(f"from_image={path}: {value!r} in it is no option; name a picture that sample.py wrote")
    return found


def difference(image: Tensor, original: Tensor, record: dict[str, Any], stored: dict[str, Any]) -> str:
    """In words: is a picture (C, H, W) uint8 the one it was to reproduce, and if not, what may be why.

    original : the same as it was written, enlarged by a whole number
    """
    scale = max(original.shape[-1] // image.shape[-1], 1)
    original = original[:, ::scale, ::scale]
    changed = [key for key in record if key in stored and record[key] != stored[key] and key not in PATHS]
    others = "; ".join(f"{key} was {stored[key]}, is {record[key]}" for key in changed)
    if image.shape != original.shape:
        return f"another size than the original{'; ' + others if others else ''}"
    gap = (image.short() - original.short()).abs()
    if not gap.any():
        return "identical to the original" + (f", though {others}" if others else "")
    pixels = int(gap.amax(dim=0).bool().sum())
    reason = others or "with the same settings, so the machine computes differently"
    return f"{pixels} of {gap[0].numel()} pixels differ from the original, by up to {int(gap.max())} levels: {reason}"
