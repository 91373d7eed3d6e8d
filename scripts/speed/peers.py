"""Public networks to compare with, as networks of this project: the same batch, loss, optimiser and EMA."""

from __future__ import annotations

import importlib.util
from bisect import bisect_left
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import torch
from torch import Tensor, nn

from conditions.schema import UNKNOWN
from conf import setting
from models.settings import NetworkSettings
from scripts.speed.bench import ROOT, parameters

Call = Callable[[nn.Module, Tensor, Tensor, Tensor], Tensor]  # (network, x_t, t, class) -> output


class OneClass(nn.Module):
    """A denoiser (x_t, t, cond) of a network that takes one class: the first field of the label, 0 where unknown."""

    def __init__(self, network: nn.Module, call: Call):
        super().__init__()
        self.network, self.call = network, call

    def forward(self, x_t: Tensor, t: Tensor, cond: Tensor) -> Tensor:
        return self.call(self.network, x_t, t, cond[:, 0] - UNKNOWN)


class Peer(NetworkSettings):
    """A network of another project.

    package : as pip knows it
    widths  : that `width` may have, in ascending order
    """

    package: ClassVar[str]
    widths: ClassVar[range]
    width: int = setting(32, "which decides the number of parameters", ge=1)

    @classmethod
    def is_installed(cls) -> bool:
        return importlib.util.find_spec(cls.package.replace("-", "_")) is not None

    @classmethod
    def matched(cls, count: int, image_shape: Sequence[int], cardinalities: Sequence[int]) -> Peer:
        """With the width at which the number of parameters is nearest to `count`; no weights are made to find out."""

        def size(width: int) -> int:
            with torch.device("meta"):
                return parameters(cls(width=width).build(image_shape, cardinalities))

        above = bisect_left(cls.widths, count, key=size)
        return cls(width=min(cls.widths[max(above - 1, 0) : above + 1], key=lambda width: abs(size(width) - count)))

    def build(self, image_shape: Sequence[int], cardinalities: Sequence[int], outputs: int | None = None) -> nn.Module:
        """With random weights."""
        raise NotImplementedError


class DenoisingDiffusionPytorch(Peer):
    """The U-Net with classifier-free guidance of denoising-diffusion-pytorch; `width` is that of the finest level."""

    package: ClassVar[str] = "denoising-diffusion-pytorch"
    widths: ClassVar[range] = range(8, 129, 2)

    def build(self, image_shape: Sequence[int], cardinalities: Sequence[int], outputs: int | None = None) -> nn.Module:
        classes = cardinalities[0] - UNKNOWN
        network = _module(self.package, "classifier_free_guidance").Unet(
            self.width,
            classes,
            cond_drop_prob=0.0,  # labels are dropped before they come here, for all networks alike
            dim_mults=(1, 2, 4),
            channels=image_shape[0],
            out_dim=outputs,
        )
        return OneClass(network, lambda network, x_t, t, classes: network(x_t, t, classes))


class Diffusers(Peer):
    """UNet2DModel of diffusers; `width` is that of the coarsest level, those of the others are 32 and 64."""

    package: ClassVar[str] = "diffusers"
    widths: ClassVar[range] = range(64, 513, 8)

    def build(self, image_shape: Sequence[int], cardinalities: Sequence[int], outputs: int | None = None) -> nn.Module:
        from diffusers import UNet2DModel  # only a development dependency

        network = UNet2DModel(
            sample_size=image_shape[1],
            in_channels=image_shape[0],
            out_channels=outputs or image_shape[0],
            block_out_channels=(32, 64, self.width),
            down_block_types=("DownBlock2D", "DownBlock2D", "AttnDownBlock2D"),  # attention as in model=unet
            up_block_types=("AttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
            norm_num_groups=8,
            num_class_embeds=cardinalities[0] - UNKNOWN,
        )
        return OneClass(network, lambda network, x_t, t, classes: network(x_t, t, class_labels=classes).sample)


PEERS: tuple[type[Peer], ...] = (DenoisingDiffusionPytorch, Diffusers)


def _module(package: str, name: str) -> ModuleType:
    """One module of a package, without what the package itself imports: its own trainer needs many others."""
    origin = importlib.util.find_spec(package.replace("-", "_")).origin
    spec = importlib.util.spec_from_file_location(f"peer_{name}", Path(origin).parent / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def how_to_install(package: str) -> str:
    """The command, with the versions that requirements-dev.txt allows."""
    lines = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    (requirement,) = (line.partition("#")[0].strip() for line in lines if line.startswith(package))
    return f'python -m pip install "{requirement}"'
