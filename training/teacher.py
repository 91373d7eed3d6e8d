"""The network that another is distilled from: the weights of init_from, which do not change."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from conditions.dropout import LabelDropout
from conditions.schema import ConditionSchema
from data.base import InMemoryDataset
from runtime.checkpoint import CheckpointError, WeightsInfo, file_hash
from runtime.factory import Recipe, build_model
from training.init_from import NOISE, read
from training.settings import TrainSettings


def teacher(settings: TrainSettings, data: InMemoryDataset) -> tuple[nn.Module, str]:
    """The network, and the hash of its file. Raises CheckpointError for weights that cannot be distilled."""
    path = Path(settings.init_from)
    info, tensors = read(path)
    was = Recipe.of(info.config)
    if reason := _unfit(info, was, settings, data):
        raise CheckpointError(f"init_from={path}: {reason}")
    model = build_model(was, data.image_shape, data.schema, data.palette)
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise CheckpointError(
            f"init_from={path}: its weights do not fit the network it describes; it was written by another version of "
            "this code, or changed since"
        ) from error
    return model.eval().requires_grad_(False), file_hash(path)


def _unfit(info: WeightsInfo, was: Recipe, settings: TrainSettings, data: InMemoryDataset) -> str:
    """Why the weights cannot be the teacher; empty where they can."""
    if not was.is_diffusion:
        return f"model={was.model.name} generates in one step already; distill a diffusion model"
    if was.upsample is not None:
        return "an upsampler, which needs a small picture; distil weights that generate from noise alone"
    if was.autoencoder is not None:
        return "trained in latents; distil weights of pixels"
    if was.distill.on or was.diffusion.times is not None:
        return "trained at few times already; distill the weights that these came from"
    if was.diffusion.prediction == "palette":
        return (
            "predicts colours of a palette, and is nearly at the picture after one evaluation; sample it with steps=1, "
            "or distill weights of diffusion.prediction=v"
        )
    if was.diffusion.prediction == "eps":
        return (
            "predicts eps, from which almost nothing follows where a picture is nearly noise, where few steps begin; "
            "train a teacher with diffusion.prediction=v"
        )
    if not len(data.schema):
        return "distilled with its guidance, of which there is none without labels; leave cfg=off out"
    if not (isinstance(was.cfg, LabelDropout) and was.cfg.drop_prob):
        return "trained without dropped labels, so that it has no guidance to distil; take weights of cfg.drop_prob=0.1"
    schema = ConditionSchema.from_json(info.schema)
    if schema.fields != data.schema.fields or tuple(info.image_shape) != data.image_shape:
        return f"trained on other pictures, {info.dataset}; choose their dataset= too"
    kept = ("prediction", *NOISE)
    if any(getattr(was.diffusion, name) != getattr(settings.diffusion, name) for name in kept):
        return f"trained with another {' or '.join(f'diffusion.{name}' for name in kept)}; leave these out"
    return ""
