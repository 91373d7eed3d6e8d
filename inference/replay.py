"""Reproducing a picture of sample.py: its stored options, put before what is typed; and whether it is the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from torch import Tensor

from conf import Settings
from data.images import read_settings
from inference.weights import find_weights
from runtime.settings import key_of, literal, quoted_text

OTHERS = ("guide", "upsampler")  # weights besides those that are sampled, by their hashes
# Where weights lie, whose hashes count; and what follows.
DERIVED = ("weights", *(f"{key}_weights" for key in OTHERS), "nfe", "automatic")
EARLIER = {"complete": False, "upsampler": None}  # what was not stored yet, as it was
REQUEST, PICTURE = {"attrs", "prompt", "negative"}, {"init", "edit", "complete"}  # that decide what options suit
ALTERNATIVES = (("attrs", "prompt", "edit"), ("checkpoint", "dataset"))  # typing one takes the place of the others
AT_AN_EDGE = ("feather", "resample")  # need a mask, or an edit, which finds one
# Options that decide a picture, as its PNG records them; with the weights and its seed, all there is.
DECIDING = (
    "attrs", "negative", "w", "complete", "guidance", "sampler", "steps", "spacing", "refine", "init", "edit",
    "strength", "mask", "feather", "resample", "quantise", "scale", "precision",
)  # fmt: skip


def with_stored(cls: type[Settings], overrides: Sequence[str], one_of_many: bool = False) -> list[str]:
    """`overrides` after those that a picture stores, if one of them is from_image=PICTURE.

    cls         : the settings of the program
    one_of_many : whether the program samples several pictures unless it is told to sample one

    Raises ValueError for a picture without options, and where the weights that made it are not to be found.
    """
    typed = [key_of(override) for override in overrides]
    pictures = [_value(override) for override in overrides if key_of(override) == "from_image"]
    if not pictures or pictures[-1] in (None, ""):
        return list(overrides)
    path = Path(pictures[-1])
    stored = read_stored(path, cls)
    count = ["n=1"] if one_of_many and not {"n", "rank"} & set(typed) else []
    return [*stored_overrides(stored, typed), *count, *overrides]


def _value(override: str) -> str | None:
    """The text that a person typed after the =; None for null, and for what Hydra will refuse."""
    try:
        value = OverridesParser.create().parse_override(override).value()
    except HydraException:
        return None
    return None if value is None else str(value)


def read_stored(path: Path, cls: type[Settings]) -> dict[str, Any]:
    """What a PNG of sample.py stores. Raises ValueError where an option is missing, or is none that `cls` takes."""
    try:
        stored = read_settings(path)
    except ValueError as error:
        raise ValueError(f"from_image={error}") from error
    stored = {**EARLIER, **stored}
    if isinstance(stored.get("spacing"), str):  # a name, before spacings had settings
        stored["spacing"] = {"name": stored["spacing"]}
    for key in (*DECIDING, "seed", "checkpoint", "weights", *OTHERS):
        if key not in stored:
            remedy = "name a single picture that this version of sample.py wrote"
            raise ValueError(f"from_image={path}: its settings lack {key}; {remedy}")
    try:
        cls.parse({key: stored[key] for key in (*DECIDING, "seed")})
        for key in ("checkpoint", "weights", *OTHERS, *(f"{other}_weights" for other in OTHERS)):
            if not isinstance(stored.get(key), str | None):
                raise ValueError(f"{key}={stored[key]!r}: must be text")
        if "${" in str(stored):
            raise ValueError("they refer to other values by ${...}")
    except ValueError as error:
        raise ValueError(f"from_image={path}: its settings are damaged: {error}") from error
    return stored


def stored_overrides(stored: dict[str, Any], typed: Sequence[str]) -> list[str]:
    """The stored options as they would be typed, without those that the keys `typed` replace."""
    replaced = {other for group in ALTERNATIVES if set(group) & set(typed) for other in group}
    if stored["edit"] and {"attrs", "prompt"} & set(typed) and not stored["mask"] and "mask" not in typed:
        replaced |= {*AT_AN_EDGE}  # there is no edge without the edit
    if set(typed) & (PICTURE | (REQUEST if stored["complete"] else set())):  # others may suit what is typed
        replaced |= set(stored.get("automatic", ())) & set(DECIDING)
    options = [line for key in DECIDING if key not in replaced for line in as_typed_option(key, stored[key], typed)]
    if "checkpoint" not in replaced:
        options += _weights("checkpoint", stored["checkpoint"], stored["weights"])
    for key in OTHERS:
        if stored[key] and key not in typed:
            options += _weights(key, stored[key], stored.get(f"{key}_weights"))
    return [*options, *as_typed_option("seed", stored["seed"], typed)]


def _weights(key: str, digest: str, path: str | None) -> list[str]:
    """The weights with this hash, wherever they are now."""
    return [f"{key}={quoted_text(find_weights(digest, Path(path or ''), argument=key).as_posix())}"]


def as_typed_option(key: str, value: Any, typed: Sequence[str]) -> Iterator[str]:
    """An option as on the command line; of a group, its choice and its settings unless another is chosen."""
    if isinstance(value, dict) and key not in typed:
        yield f"{key}={value['name']}"
        yield from (f"{key}.{name}={_literal(part)}" for name, part in value.items() if name != "name")
    elif not isinstance(value, dict):
        yield f"{key}={_literal(value)}"


def _literal(value: Any) -> str:
    """In Hydra's grammar, in which a text such as "null" needs quotes."""
    return quoted_text(value) if isinstance(value, str) else literal(value)


def difference(image: Tensor, original: Tensor, record: dict[str, Any], stored: dict[str, Any]) -> str:
    """In words: is a picture (C, H, W) uint8 the one it was to reproduce, and if not, what may be why.

    original       : the same as it was written, enlarged by a whole number
    record, stored : what the PNG of the picture would carry, and what that of the original does
    """
    scale = max(original.shape[-1] // image.shape[-1], 1)
    original = original[:, ::scale, ::scale]
    others = "; ".join(f"{key} was {_shown(was)}, is {_shown(now)}" for key, was, now in _changed(record, stored))
    if image.shape != original.shape:
        return f"another size than the original{'; ' + others if others else ''}"
    gap = (image.short() - original.short()).abs()
    if not gap.any():
        return "identical to the original" + (f", though {others}" if others else "")
    pixels = int(gap.amax(dim=0).bool().sum())
    reason = others or "with the same settings, so the machine computes differently"
    return f"{pixels} of {gap[0].numel()} pixels differ from the original, by up to {int(gap.max())} levels: {reason}"


def _changed(record: dict[str, Any], stored: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """(key, stored value, value now) of what both have and what is not the same, but for what follows from others."""
    now, was = _flat(record), _flat(stored)
    different = [key for key in now if key in was and now[key] != was[key] and key not in DERIVED]
    asked = {"attrs", "edit"} & set(different)
    yield from ((key, was[key], now[key]) for key in different if not (asked and key == "request"))


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """Groups as they are typed: {"sampler": {"name": "ddim", "eta": 0}} -> {"sampler": "ddim", "sampler.eta": 0}."""
    flat = {}
    for key, value in record.items():
        parts = value if isinstance(value, dict) else {"name": value}
        flat |= {key if name == "name" else f"{key}.{name}": part for name, part in parts.items()}
    return flat


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else literal(value)
