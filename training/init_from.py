"""Start a training from the weights of another, whose pictures, labels and colours may be others.

The layers that mean the same in both are taken, and the rest begins anew: the label embedding where the labels are
others, the output where it says something else, and what has another shape.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from conditions.schema import ConditionSchema
from data.palette import Palette
from runtime.checkpoint import CheckpointError, WeightsInfo, load_tensors, read_info
from runtime.factory import Recipe, extra_entries
from runtime.latents import x_shape
from runtime.settings import key_of
from training.settings import TrainSettings

if TYPE_CHECKING:
    from training.trainer import Trainer

LABELS, OUTPUT, INPUT = ("attributes", "map"), ("head",), ("stem",)  # modules that follow from the data
NOISE = ("schedule", "T", "scale_betas")  # what decides the noise levels


def read(path: Path) -> tuple[WeightsInfo, dict[str, Tensor]]:
    """Raises CheckpointError, which names the setting."""
    try:
        return read_info(path), load_tensors(path)
    except CheckpointError as error:
        raise CheckpointError(str(error).replace("checkpoint=", "init_from=", 1)) from error


def inherited(settings: TrainSettings, overrides: list[str], palette: Palette | None) -> TrainSettings:
    """The settings with the network and the noise of the weights to start from, but for what was typed.

    palette : of the pictures to train on; without one, and in latents, colours of a palette cannot be predicted

    Raises ValueError for a typed setting that the network of the weights does not have.
    """
    typed = {key_of(override) for override in overrides}
    if settings.init_from is None or ("experiment" in typed and not settings.distill.on):
        return settings
    was = Recipe.of(read(Path(settings.init_from))[0].config)
    if "model" not in typed:
        ours = settings.model.plain()
        leaves = {name: ours[name] for name in ours if f"model.{name}" in typed}
        settings = settings.replace(model=type(was.model).parse({**was.model.plain(), **leaves}, "model"))
    if "diffusion" not in typed and settings.is_diffusion:
        in_colours = was.diffusion.prediction == "palette"
        able = not in_colours or (palette is not None and settings.autoencoder is None)  # latents have no palette
        names = [*NOISE, *(["prediction"] if able else [])]
        kept = {name: getattr(was.diffusion, name) for name in names if f"diffusion.{name}" not in typed}
        settings = settings.replace(diffusion=settings.diffusion.replace(**kept))
    return settings


def begin(trainer: Trainer, path: Path) -> str:
    """Load what fits into the network and its average; returns in words what that is.

    What those weights were trained on counts as seen, if it is the same data set. Raises CheckpointError for weights of
    another network or of other noise levels. What has no weights, such as dropout, may differ.
    """
    info, tensors = read(path)
    was, now = Recipe.of(info.config), trainer.settings
    for name, theirs, ours in (
        ("network", was.model.network, now.model.network),
        ("noise schedule", *([getattr(of.diffusion, setting) for setting in NOISE] for of in (was, now))),
    ):
        if theirs != ours:
            raise CheckpointError(
                f"init_from={path}: trained with other {name}; choose the model.* and diffusion.* that they had, or "
                "leave init_from out"
            )
    own, reasons = trainer.model.state_dict(), _differing(info, was, trainer)
    fitting = {
        name: tensor
        for name, tensor in tensors.items()
        if name in own and own[name].shape == tensor.shape and not _means_else(name, reasons)
    }
    anew = {module: reasons.get(module.rpartition(".")[2]) for module in map(_module, own.keys() - fitting.keys())}
    if not fitting or not all(anew.values()):
        raise CheckpointError(
            f"init_from={path}: its weights do not fit the network it describes; it was written by another version of "
            "this code, or changed since"
        )
    for model in (trainer.model, trainer.ema.model):
        model.load_state_dict({**own, **fitting})
    if info.dataset == trainer.data.name:
        trainer.splits = info.splits
    why = ", ".join(f"{module} ({reason})" for module, reason in sorted(anew.items()))
    return f"started from {path.as_posix()}: " + (f"all layers but {why}, which begin anew" if anew else "all layers")


def _differing(info: WeightsInfo, was: Recipe, trainer: Trainer) -> dict[str, str]:
    """The modules that cannot all be taken, each with the reason."""
    reasons, data, now = {}, trainer.data, trainer.settings.diffusion
    shape, palette = x_shape(info), data.palette and data.palette.colours.tolist()
    if ConditionSchema.from_json(info.schema).fields != trainer.schema.fields:
        reasons |= dict.fromkeys((*LABELS, *INPUT), "other labels")
    if shape[1:] != data.x_shape[1:]:
        reasons = {**dict.fromkeys(("map", *INPUT), "pictures of another size"), **reasons}
    if shape[0] != data.x_shape[0]:
        reasons |= dict.fromkeys((*INPUT, *OUTPUT), "other channels")
    if (info.latents and info.latents["hash"]) != (trainer.space and trainer.space.hash):
        reasons |= dict.fromkeys((*INPUT, *OUTPUT), "other latents")
    if was.upsample != trainer.settings.upsample:
        reasons = {**dict.fromkeys(INPUT, "another input"), **reasons}
    if extra_entries(was) != extra_entries(trainer.settings):
        reasons["extra"] = "another input" if extra_entries(was) else "trained without"
    if was.diffusion.prediction != now.prediction:
        reasons |= dict.fromkeys(OUTPUT, "another prediction")
    elif now.prediction == "palette" and info.palette != palette:
        reasons |= dict.fromkeys(OUTPUT, "other colours")
    return reasons


def _module(name: str) -> str:
    """Of the name of a tensor, the part up to the module that follows from the data: "generator.head" of
    "generator.head.2.bias"; the first part where there is none."""
    parts = name.split(".")
    return ".".join(parts[: next((i for i, part in enumerate(parts) if part in (*LABELS, *OUTPUT, *INPUT)), 0) + 1])


def _means_else(name: str, reasons: dict[str, str]) -> bool:
    """Whether a tensor says something else than it would here, though its shape may fit."""
    module = _module(name).rpartition(".")[2]
    return module in reasons and (module in OUTPUT or "table" in name)
