"""The memory that a training needs, found out before any of it is taken, and the error where it runs out.

The network is built on PyTorch's device "meta", whose tensors have a shape but no content. That tells the number of its
parameters, and what its backward pass needs of each picture, for any network, and allocates nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from conditions.schema import ConditionSchema
from data.palette import Palette
from models.settings import NetworkSettings
from runtime.device import computes_bf16
from runtime.factory import build_model, input_shape

FLOAT32 = 4  # bytes
LIMITS = ("memory.max", "memory/memory.limit_in_bytes")  # of a container, below /sys/fs/cgroup
FEW = 64  # parts of a batch that are worth proposing
UNITS = ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1, "bytes"))


def refuse_impossible(
    settings: Any,
    image_shape: tuple[int, ...],
    schema: ConditionSchema,
    palette: Palette | None,
    device: torch.device,
    processes: int = 1,
) -> None:
    """Raise ValueError, in one line, for a training that exceeds all memory of the device, free or not.

    settings  : those of a training; `model`, `optim.moments`, `distill`, `upsample`, `precision`, `train.batch_size`
    processes : that share a batch

    What it reckons with is the least that is needed, so that what passes may still be too much.
    """
    have, batch_size = memory_of(device), settings.train.batch_size
    there = f"and the {'GPU' if device.type == 'cuda' else 'machine'} has {size(have)}"
    model, what = on_meta(settings, image_shape, schema, palette), network(settings.model, image_shape)
    numbers = sum(p.numel() for p in model.parameters())
    copies = 3 + settings.optim.moments + settings.distill.on  # weights, gradients, EMA weights, moments, a teacher's
    weights = FLOAT32 * numbers * copies
    if weights > have:
        raise ValueError(
            f"{what}: training {numbers:,} parameters needs {size(weights)}, {there}; choose a smaller network"
        )
    auto = settings.precision == "auto" and device.type == "cuda" and computes_bf16(device)  # a CPU tries fp32 too
    bf16 = settings.precision == "bf16" or auto
    picture = activations(model, input_shape(settings, image_shape), len(schema)) // (2 if bf16 else 1)
    shares = processes * settings.train.accumulate
    most = (have - weights) // picture * shares
    if not most:
        raise ValueError(
            f"{what}: training needs {size(weights + picture)} for one picture at a time, {there}; "
            "choose a smaller network"
        )
    if batch_size > most:
        need = weights + batch_size * picture // shares
        parts = -(-batch_size * picture // ((have - weights) * processes))
        raise ValueError(
            f"train.batch_size={batch_size}: needs {size(need)}, {size(picture)} for each picture, {there}; "
            f"choose at most {most}" + (f", or train.accumulate={parts}" if parts <= FEW else "")
        )


@contextmanager
def out_of_memory_as(message: str) -> Iterator[None]:
    """Raises ValueError with this message where a device has no memory left."""
    try:
        yield
    except RuntimeError as error:  # torch.OutOfMemoryError among them; on the CPU, there is no class for it
        if not re.search("out of memory|can't allocate memory", str(error)):
            raise
        raise ValueError(message) from error


def memory_of(device: torch.device) -> int:
    """Bytes of memory that a device has in all, or that the container may use."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[1]
    limits = [_content(Path("/sys/fs/cgroup") / path) for path in LIMITS]
    return min([psutil.virtual_memory().total, *(int(limit) for limit in limits if limit.isdigit())])


def _content(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def on_meta(settings: Any, image_shape: tuple[int, ...], schema: ConditionSchema, palette: Palette | None) -> nn.Module:
    """The network without content. Raises ValueError for sizes beyond 64 bits."""
    try:
        with torch.device("meta"):
            return build_model(settings, image_shape, schema, palette)
    except (RuntimeError, TypeError) as error:
        if "overflow" not in str(error).lower():
            raise
        raise ValueError(
            f"{network(settings.model, image_shape)}: no memory can hold its parameters; choose a smaller network"
        ) from error


def activations(model: nn.Module, image_shape: tuple[int, ...], fields: int) -> int:
    """Bytes of what a network on "meta" keeps of one picture for its backward pass, in float32."""
    kept: dict[int, Tensor] = {}  # by storage, which views share

    def keep(tensor: Tensor) -> Tensor:
        return kept.setdefault(tensor.untyped_storage()._cdata, tensor)

    with torch.device("meta"), _FusedAttention(), torch.autograd.graph.saved_tensors_hooks(keep, lambda kept: kept):
        x_t, t, cond = torch.zeros(1, *image_shape), torch.zeros(1).long(), torch.zeros(1, fields).long()
        output = model(x_t, t, cond)  # noqa: F841  its graph holds what is kept
    own = {p.untyped_storage()._cdata for p in model.parameters()}
    return sum(tensor.untyped_storage().nbytes() for storage, tensor in kept.items() if storage not in own)


class _FusedAttention(TorchFunctionMode):
    """Attention that keeps its inputs, as fused kernels do; on "meta" it would keep every pair of tokens besides."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is F.scaled_dot_product_attention:
            q, k, v = args
            return q * k * v
        return func(*args, **(kwargs or {}))


def network(model: NetworkSettings, image_shape: tuple[int, ...]) -> str:
    """What makes a network larger than the default one of its kind for such pictures, as it is typed."""
    model, default = (settings.settled(image_shape) for settings in (model, type(model)()))
    larger = [name for name in type(model).model_fields if getattr(model, name) > getattr(default, name)]
    return ", ".join(f"model.{name}={getattr(model, name)}" for name in larger) or f"model={model.name}"


def size(count: int) -> str:
    """Bytes in words, such as "3.1 GB"."""
    unit, name = next((unit, name) for unit, name in UNITS if count >= unit or unit == 1)
    return f"{count / unit:,.1f} {name}" if unit > 1 else f"{count:,} {name}"
