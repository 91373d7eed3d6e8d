"""Checks of the settings of a training."""

from __future__ import annotations

from runtime.settings import MAX_SEED, choice, number, numbers, whole
from training.optim import OPTIMIZERS, SCHEDULES


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
