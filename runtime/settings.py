"""Checks of what a person typed: each refusal names the setting, the value, what is allowed and the remedy."""

from __future__ import annotations

import math
from typing import Any

MAX_SEED = 2**62


def number(name: str, value: Any, low: float = -math.inf, high: float = math.inf) -> float:
    """`value` as a float in [low, high]. Raises ValueError for anything else, nan and infinity included."""
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not good or not low <= value <= high:
        raise ValueError(f"{name}={value!r}: must be a number {_range(low, high)}; give it as {name}=NUMBER")
    return float(value)


def whole(name: str, value: Any, low: int = 0, high: float = math.inf) -> int:
    """`value` as an int in [low, high]. Raises ValueError for anything else."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"{name}={value!r}: must be a whole number {_range(low, high)}; give it as {name}=NUMBER")
    return value


def numbers(name: str, value: Any, low: float, high: float = math.inf, length: int | None = None) -> None:
    """Refuse all but a list of numbers in [low, high], not empty, or of the given length."""
    if not isinstance(value, list) or not value or length not in (None, len(value)):
        raise ValueError(f"{name}={value!r}: must be a list of {length or 'one or more'} numbers, in brackets")
    for entry in value:
        number(name, entry, low, high)


def choice(name: str, value: Any, allowed: tuple) -> Any:
    """`value` if it is one of `allowed`. Raises ValueError otherwise."""
    if value not in allowed:
        raise ValueError(f"{name}={value!r}: unknown; choose one of {', '.join(map(str, allowed))}")
    return value


def refuse_idle(settings: dict[str, Any], defaults: dict[str, Any], why: str) -> None:
    """Raises ValueError for a setting that is not at its default, but would change nothing."""
    for key, default in defaults.items():
        if settings[key] != default:
            raise ValueError(f"{key}={settings[key]}: {why}")


def _range(low: float, high: float) -> str:
    if math.isinf(high):
        return "of any finite size" if math.isinf(low) else f"of at least {low:g}"
    return f"from {low:g} to {high:g}"
