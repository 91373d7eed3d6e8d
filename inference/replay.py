"""A picture of sample.py drawn again from the settings inside it, and compared with what it was."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from cli.app import key_of
from data.images import read_settings
from inference.job import AT_AN_EDGE, DECIDING
from inference.weights import find_weights

PATHS = ("weights", "weaker")  # where weights lie; their hashes say which they are


def settled(settings: dict[str, Any], overrides: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """`settings`, or with from_image what `replayed` makes of them, and what that picture stores.

    overrides : the arguments as they were typed
    """
    if settings["from_image"] is None:
        return settings, None
    return replayed(settings, Path(settings["from_image"]), [key_of(override) for override in overrides])


def replayed(settings: dict[str, Any], picture: Path, typed: Collection[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """`settings` with those stored in a PNG of sample.py, but for what was typed; and what the PNG stores.

    typed : keys of the command line, such as "w" and "guidance.fade"

    Raises ValueError for a picture without settings, and where the weights that drew it are not to be found.
    """
    stored = read_settings(picture)
    missing = [key for key in (*DECIDING, "seed", "checkpoint") if key not in stored]
    if missing:
        raise ValueError(f"from_image={picture}: its settings lack {missing[0]}; name a single picture of sample.py")
    again = {key: stored[key] for key in (*DECIDING, "seed") if key not in typed}
    again["n"] = settings["n"] if {"n", "rank"} & set(typed) else 1
    weaker = again.get("guidance", {}).get("checkpoint")
    if weaker and "guidance.checkpoint" not in typed:
        found = find_weights(weaker, Path(stored.get("weaker", "")), argument="guidance.checkpoint")
        again["guidance"] = {**again["guidance"], "checkpoint": found.as_posix()}
    for group, _, setting in (key.partition(".") for key in typed):
        if setting and group in again:  # one of a group's settings was typed, and the others are the picture's
            again[group] = {**again[group], setting: settings[group][setting]}
    if {"attrs", "prompt"} & set(typed):
        again.pop("attrs", None)
        if "edit" not in typed:
            if again.get("edit") and not again.get("mask", settings["mask"]):
                again |= {key: default for key, default in AT_AN_EDGE.items() if key not in typed}
            again["edit"] = None
    elif again.get("edit", settings["edit"]):
        again["attrs"] = "any"  # the change says it, beside the picture
    if not {"checkpoint", "dataset"} & set(typed):
        again["checkpoint"] = find_weights(stored["checkpoint"], Path(stored["weights"])).as_posix()
        again["dataset"] = {}
    return {**settings, **again}, stored


def difference(image: Tensor, original: Tensor, record: dict[str, Any], stored: dict[str, Any]) -> str:
    """In words: is a picture (C, H, W) uint8 the one it was to draw again, and if not, what may be why.

    original : the same as it was written, enlarged by stored["scale"]
    """
    original = original[:, :: stored["scale"], :: stored["scale"]]
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
