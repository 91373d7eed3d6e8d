"""Checks of what a person typed: each refusal names the setting, the value, what is allowed and the remedy."""

from __future__ import annotations

import math
from typing import Any

from training.optim import OPTIMIZERS, SCHEDULES

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


def check_training(cfg: dict) -> None:
    """Refuse numbers that training cannot work with, before anything is built or written."""
    whole("seed", cfg["seed"], 0, MAX_SEED)
    whole("diffusion.T", cfg["diffusion"]["T"], 1)
    choice("resume", cfg["resume"], ("auto", "never"))
    train, optim, model = cfg["train"], cfg["optim"], cfg["model"]
    for key in ("channels", "blocks", "head_dim"):
        whole(f"model.{key}", model[key], low=1)
    whole("model.map_channels", model["map_channels"])
    number("model.dropout", model["dropout"], 0, 0.999)
    numbers("model.channel_mults", model["channel_mults"], 1)
    number("diffusion.time_power", cfg["diffusion"]["time_power"], 0.01)
    number("diffusion.gamma", cfg["diffusion"]["gamma"], 1e-6)
    numbers("optim.betas", optim["betas"], 0, 0.9999999, length=2)
    for key in ("steps", "batch_size", "log_every", "checkpoint_every", "loss_buckets", "validation_images"):
        whole(f"train.{key}", train[key], low=1)
    for key in ("validate_every", "preview_every"):
        whole(f"train.{key}", train[key])  # 0 switches it off
    number("train.ema_decay", train["ema_decay"], 0, 1)
    number("train.grad_clip", train["grad_clip"], 1e-12)
    number("optim.lr", optim["lr"], 0)
    number("optim.weight_decay", optim["weight_decay"], 0)
    whole("optim.warmup", optim["warmup"])
    choice("optim.name", optim["name"], OPTIMIZERS)
    choice("optim.schedule", optim["schedule"], SCHEDULES)
    number("optim.cooldown", optim["cooldown"], 0, 1)
    number("optim.momentum", optim.get("momentum", 0), 0, 0.9999999)
    if cfg["cfg"]["conditional"]:
        for key in ("drop_prob", "partial_prob"):
            number(f"cfg.{key}", cfg["cfg"][key], 0, 1)
        whole("cfg.max_known", cfg["cfg"]["max_known"], low=1)
        number("cfg.present_weight", cfg["cfg"]["present_weight"], 1e-6)
    preview = train["preview"]
    number("train.preview.w", preview["w"], 0)
    whole("train.preview.steps", preview["steps"], 1, cfg["diffusion"]["T"])
    whole("train.preview.columns", preview["columns"], 1)
