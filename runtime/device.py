"""Devices, and how networks are computed on them: precision, compilation, layout in memory."""

from __future__ import annotations

import logging
import os
import platform
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from conf import Device, Precision, Settings, setting

log = logging.getLogger(__name__)


class ComputeSettings(Settings):
    """Where and how a network is computed."""

    device: Device = setting("auto", "auto takes the fastest that is there")
    precision: Precision = setting("fp32", "of matrix products; bf16 by autocast")
    compile: bool | None = setting(
        None, "torch.compile: fused operations, after a minute of compiling; null: in training on CUDA where faster"
    )
    channels_last: bool | None = setting(
        None, "tensors with channels last in memory (NHWC); null: in training on CUDA where faster"
    )

    @property
    def how(self) -> tuple[str, str, bool, bool]:
        """As Pipeline.load takes them, where nothing is timed."""
        return self.device, self.precision, bool(self.compile), bool(self.channels_last)


class Compute(NamedTuple):
    """How a network is computed: the same function, up to rounding, at another speed."""

    precision: str = "fp32"
    compile: bool = False
    channels_last: bool = False

    def __str__(self) -> str:
        return self.precision + ", compiled" * self.compile + ", channels last" * self.channels_last


class CompileError(ValueError):
    """PyTorch cannot compile here, for want of a compiler or of support for the device."""


def pick_device(name: str, index: int = 0) -> torch.device:
    """auto takes CUDA, else MPS, else the CPU. Raises ValueError for one that is not there."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind in ("cuda", "mps", "cpu") if there[kind])
    if not there[name]:
        found = ", ".join(kind for kind, usable in there.items() if usable)
        raise ValueError(f"device={name}: PyTorch finds no such device here, only {found}; use device=auto")
    if name == "cuda" and index >= torch.cuda.device_count():
        raise ValueError(f"device=cuda: {torch.cuda.device_count()} are there; start no more processes than that")
    return torch.device(name, index) if name == "cuda" else torch.device(name)


def hardware(device: torch.device) -> str:
    """The model name of a device, for the record."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    info = Path("/proc/cpuinfo")  # platform.processor() knows no more than the architecture on Linux
    names = re.findall(r"^model name\s*:\s*(.+)$", info.read_text(), re.MULTILINE) if info.exists() else []
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores"


def pick_precision(name: str, device: torch.device) -> str:
    """auto takes bf16 on devices that compute in it, else fp32. Raises ValueError for tf32 elsewhere than on CUDA.

    On CUDA, float32 convolutions round to TF32 by default; here fp32 means fp32, and tf32 has to be asked for.
    """
    if name == "auto":
        name = "bf16" if computes_bf16(device) else "fp32"
    if name == "tf32" and device.type != "cuda":
        raise ValueError(f"precision=tf32: only CUDA has it, not {device.type}; use fp32 or auto")
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = name == "tf32"
    if name == "bf16" and device.type == "cpu" and not computes_bf16(device):
        log.warning("precision=bf16: this CPU only emulates it, many times slower than fp32; auto takes what is faster")
    return name


def computes_bf16(device: torch.device) -> bool:
    """Whether a device has instructions for products in bf16. Emulated ones are slow: on a CPU, 20 times and more."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    able = getattr(torch.cpu, "get_capabilities", dict)() if device.type == "cpu" else {}  # not known to older PyTorch
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def in_precision(denoiser: Callable[..., Tensor], device: torch.device, precision: str) -> Callable[..., Tensor]:
    """The denoiser with its matrix products in `precision`; weights, and all around it, stay float32."""

    def forward(*inputs: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            return denoiser(*inputs).float()

    return forward


def lay_out(network: nn.Module, channels_last: bool) -> nn.Module:
    """The network itself, its kernels (out, in, h, w) laid out in memory as its inputs will be."""
    return network.to(memory_format=torch.channels_last if channels_last else torch.contiguous_format)


def computed(network: nn.Module, device: torch.device, how: Compute) -> Callable[..., Tensor]:
    """The denoiser (x_t, t, cond, ...) that evaluates a network as `how` says, and returns contiguous float32.

    Raises CompileError, when it is first evaluated, where PyTorch cannot compile.
    """
    denoiser = in_precision(_compiled(network) if how.compile else network, device, how.precision)
    if not how.channels_last:
        return denoiser
    return lambda x_t, *others: denoiser(x_t.contiguous(memory_format=torch.channels_last), *others).contiguous()


def _compiled(network: nn.Module) -> Callable[..., Tensor]:
    fused = torch.compile(network)

    def forward(*inputs: Tensor) -> Tensor:
        try:
            return fused(*inputs)
        except torch._dynamo.exc.TorchDynamoException as error:
            reason = str(error).strip().split("\n")[0][:200]
            raise CompileError(f"compile=true: PyTorch cannot compile here ({reason}); use compile=false") from error

    return forward
