"""From a configuration to objects. All wiring between data, models and diffusion is here.

Names stand for classes in the tables below and nowhere else: a configuration read from a checkpoint can
choose among them, but cannot name code to run.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from torch import nn

from conditions.schema import ConditionSchema
from data import cryptopunks, mnist, pixelfaces
from data.base import Splits
from diffusion.gaussian import GaussianDiffusion
from diffusion.guidance import Guidance
from diffusion.multistep import DPMSolverPP2M, UniPC
from diffusion.samplers import DDIM, DDPM, Euler, EulerAncestral, Heun, Sampler
from diffusion.schedule import NoiseSchedule
from models.unet import UNet
from runtime.settings import choice, number, numbers

DATASETS = {"cryptopunks": cryptopunks.load, "mnist": mnist.load, "pixelfaces": pixelfaces.load}
FILES = {"cryptopunks": cryptopunks.FILES, "mnist": mnist.FILES, "pixelfaces": ()}  # that they read
MODELS = {"unet": UNet}
SAMPLERS = {
    "ddpm": DDPM,
    "ddim": DDIM,
    "euler": Euler,
    "euler_ancestral": EulerAncestral,
    "heun": Heun,
    "dpmpp_2m": DPMSolverPP2M,
    "unipc": UniPC,
}


def _settings(group: dict, *without: str) -> dict[str, Any]:
    return {key: value for key, value in group.items() if key not in ("name", *without)}


def build_splits(cfg: dict) -> Splits:
    """The data set that `cfg` names; without labels if it is trained with cfg=off."""
    load = DATASETS[choice("dataset.name", cfg["dataset"]["name"], tuple(DATASETS))]
    splits = load(cfg["data_root"], **_settings(cfg["dataset"], "preview"))
    return splits if cfg["cfg"]["conditional"] else splits.unconditional()


def data_is_there(dataset: str, data_root: str) -> bool:
    """Whether `build_splits` would find all its files, without fetching any."""
    return all((Path(data_root) / file.path).exists() for file in FILES[choice("dataset.name", dataset, tuple(FILES))])


def build_model(cfg: dict, image_shape: tuple[int, ...], schema: ConditionSchema) -> nn.Module:
    """The network, with random weights that depend on the seed alone."""
    model = MODELS[choice("model.name", cfg["model"]["name"], tuple(MODELS))]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(cfg["seed"])
        try:
            return model(image_shape, schema.cardinalities, **_settings(cfg["model"]))
        except TypeError as error:
            raise ValueError(f"model: {cfg['model']['name']} cannot be built so ({error}); see --help") from error


def build_diffusion(cfg: dict) -> GaussianDiffusion:
    group = cfg["diffusion"]
    schedule = NoiseSchedule.named(group["schedule"], group["T"])
    power = group.get("time_power", 1.0)  # older weights know no other
    return GaussianDiffusion(schedule, group["prediction"], group["weighting"], group["gamma"], power)


def build_guidance(group: dict) -> Guidance:
    """What `group` says beside the weights to move away from. Raises ValueError for what it does not know."""
    allowed = {field.name for field in fields(Guidance)}
    given = _settings(group, "checkpoint")
    unknown = sorted(set(given) - allowed)
    if unknown:
        raise ValueError(f"guidance.{unknown[0]}: no such setting; there are {', '.join(sorted(allowed))}, checkpoint")
    for key in given.keys() - {"interval", "renoise"}:
        number(f"guidance.{key}", given[key])
    numbers("guidance.interval", given["interval"], 0, 1, length=2)
    return Guidance(**{**given, "interval": tuple(given["interval"])})


def build_sampler(group: dict) -> Sampler:
    """`group` names the sampler and holds its settings. Raises ValueError for what it does not know."""
    sampler = SAMPLERS[choice("sampler.name", group["name"], tuple(SAMPLERS))]
    allowed = {field.name for field in fields(sampler)}
    for key in _settings(group):
        if key not in allowed:
            known = ", ".join(sorted(allowed)) or "none"
            raise ValueError(f"sampler.{key}: {group['name']} has no such setting; it has {known}")
    return sampler(**_settings(group))
