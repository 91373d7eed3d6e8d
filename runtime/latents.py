"""Latent diffusion: between pictures and the latents of a trained autoencoder (Rombach et al. 2022)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from baselines.autoencoder import Autoencoder
from baselines.networks import likeliest
from conditions.schema import ConditionSchema
from data.base import InMemoryDataset, Splits
from data.images import to_float, to_uint8
from data.palette import Palette
from diffusion.gaussian import GaussianDiffusion
from runtime.checkpoint import CheckpointError, WeightsInfo, file_hash, load_tensors, read_info
from runtime.factory import Recipe, build_diffusion, build_model

PREFIX = "autoencoder."  # of its tensors in the file of the diffusion
PART = 64  # pictures at once


@dataclass(frozen=True)
class LatentSpace:
    """A trained autoencoder. Latents have 256 levels in [-1, 1], as pictures have, and are kept and noised like these.

    network   : in evaluation mode, without gradients
    diffusion : what its output means
    shape     : (c, h, w) of latents
    info      : what its weights say of themselves, as plain values, and under "hash" which they are
    """

    network: Autoencoder
    diffusion: GaussianDiffusion
    shape: tuple[int, int, int]
    info: dict[str, Any]

    @classmethod
    def load(cls, path: Path, data: InMemoryDataset) -> LatentSpace:
        """Of the weights of an autoencoder of such pictures. Raises CheckpointError, which names the setting."""
        try:
            info, tensors = read_info(path), load_tensors(path)
        except CheckpointError as error:
            raise CheckpointError(str(error).replace("checkpoint=", "autoencoder=", 1)) from error
        model = Recipe.of(info.config).model
        if model.name != "autoencoder":
            raise CheckpointError(
                f"autoencoder={path}: weights of model={model.name}; train an autoencoder with: python train.py "
                f"model=autoencoder dataset={info.dataset}"
            )
        if tuple(info.image_shape) != data.image_shape:
            raise CheckpointError(
                f"autoencoder={path}: of pictures of {tuple(info.image_shape)}, and these are of {data.image_shape}; "
                "train one on these"
            )
        colours = data.palette and data.palette.colours.tolist()
        if model.prediction == "palette" and info.palette != colours:
            raise CheckpointError(
                f"autoencoder={path}: decodes the colours of {info.dataset}, and these pictures have others; train one "
                f"on these, or with model.likelihood=gaussian"
            )
        try:
            return cls.of(asdict(info) | {"hash": file_hash(path)}, tensors)
        except (RuntimeError, KeyError, ValueError) as error:
            raise CheckpointError(
                f"autoencoder={path}: its weights do not fit the network it describes; it was written by another "
                "version of this code, or changed since; train it anew"
            ) from error

    @classmethod
    def of(cls, info: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> LatentSpace:
        """From what weights say of their autoencoder and its tensors. Raises ValueError, KeyError, RuntimeError."""
        recipe, shape = Recipe.of(info["config"]), tuple(info["image_shape"])
        palette = info["palette"] and Palette.from_plain(info["palette"], info["places"], *shape[1:])
        network = build_model(recipe, shape, ConditionSchema.from_json(info["schema"]), palette)
        network.load_state_dict(tensors)
        network.eval().requires_grad_(False)
        return cls(network, build_diffusion(recipe, palette), recipe.model.latent_shape(shape), dict(info))

    @property
    def hash(self) -> str:
        return self.info["hash"]

    def to(self, device: torch.device) -> LatentSpace:
        self.network.to(device)
        return self

    def tensors(self) -> dict[str, Tensor]:
        """As they lie in the file of the diffusion."""
        return {PREFIX + name: tensor for name, tensor in self.network.state_dict().items()}

    @torch.no_grad()
    def encode(self, images: Tensor) -> Tensor:
        """(N, C, H, W) uint8 -> (N, c, h, w) uint8, on the CPU."""
        device = next(self.network.parameters()).device
        latents = torch.empty(len(images), *self.shape, dtype=torch.uint8)
        for rows in torch.arange(len(images)).split(PART) if len(images) else ():
            latents[rows] = to_uint8(self.network.encode(to_float(images[rows].to(device)))).cpu()
        return latents

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """(N, c, h, w) in [-1, 1] -> (N, C, H, W) in [-1, 1], in the likeliest colour of each pixel."""
        return torch.cat([self._decoded(part) for part in latents.split(PART)])

    def _decoded(self, latents: Tensor) -> Tensor:
        output = self.network.decode(latents.clamp(-1.0, 1.0))
        output = likeliest(output) if self.diffusion.prediction == "palette" else output
        nothing = output.new_zeros(len(output), 1, *output.shape[2:])  # x_t, of which such an output takes nothing
        return self.diffusion.predict(output, nothing, 1).x_0

    def encoded(self, splits: Splits) -> Splits:
        """With the latents of all pictures, for a diffusion to be trained on."""
        parts = (splits.train, splits.validation, splits.test)
        return Splits(*(replace(part, latents=self.encode(part.images)) for part in parts))


def x_shape(info: WeightsInfo) -> tuple[int, int, int]:
    """(C, H, W) of what weights denoise: of pictures, or of latents."""
    shape = tuple(info.image_shape)
    return Recipe.of(info.latents["config"]).model.latent_shape(shape) if info.latents else shape


def split_tensors(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Those of a weights file: of its own network, and of the autoencoder in whose latents that works."""
    inner = {name.removeprefix(PREFIX): tensor for name, tensor in tensors.items() if name.startswith(PREFIX)}
    return {name: tensor for name, tensor in tensors.items() if not name.startswith(PREFIX)}, inner
