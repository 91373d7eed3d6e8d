"""One process or many: devices, precision, and the little that processes must tell each other."""

from __future__ import annotations

import logging
import os
import platform
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from training.settings import choice

log = logging.getLogger(__name__)

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "fp32", "bf16")


@dataclass(frozen=True)
class Processes:
    """This process among those of one training, as torchrun started them; (0, 1) when there is only one."""

    rank: int
    world_size: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    def wrap(self, model: nn.Module) -> nn.Module:
        """The module whose backward pass averages gradients over all processes."""
        if self.world_size == 1:
            return model
        ids = [self.device.index] if self.device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(model, device_ids=ids)

    def on_main(self, work: Callable[[], Any]) -> Any:
        """Do `work` in the main process alone; what it returns or raises, every process returns or raises."""
        if self.world_size == 1:
            return work()
        box: list[Any] = [None, None]
        if self.is_main:
            try:
                box[0] = work()
            except (ValueError, OSError) as error:
                box[1] = error
        dist.broadcast_object_list(box, src=0, device=self.device)
        if box[1] is not None:
            raise box[1]
        return box[0]

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in at least one process: a decision that all must take alike."""
        if self.world_size == 1:
            return flag
        flags = torch.tensor([float(flag)], device=self.device)
        dist.all_reduce(flags, dist.ReduceOp.MAX)
        return bool(flags.item())

    def wait(self) -> None:
        """Go on when every process has come this far."""
        if self.world_size > 1:
            dist.barrier()

    def sum(self, values: Tensor) -> Tensor:
        """The sum over processes."""
        if self.world_size > 1:
            values = values.clone()
            dist.all_reduce(values)
        return values


@contextmanager
def processes(device_name: str) -> Iterator[Processes]:
    """Join the process group that torchrun announces in the environment; without torchrun, join none."""
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    rank, local_rank = int(os.environ.get("RANK", "0")), int(os.environ.get("LOCAL_RANK", "0"))
    device = pick_device(device_name, local_rank)
    if world_size > 1 and device.type == "mps":
        raise ValueError(f"device={device_name}: MPS cannot add up gradients between processes; use device=cpu")
    if world_size == 1:
        yield Processes(0, 1, device)
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Processes(rank, world_size, device)
    finally:
        dist.destroy_process_group()


def pick_device(name: str, index: int = 0) -> torch.device:
    """auto takes CUDA, else MPS, else the CPU. Raises ValueError for one that is unknown or not there."""
    choice("device", name, DEVICES)
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
    """The name of a device's make, for the record."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    info = Path("/proc/cpuinfo")  # platform.processor() knows no more than the architecture on Linux
    names = re.findall(r"^model name\s*:\s*(.+)$", info.read_text(), re.MULTILINE) if info.exists() else []
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores"


def pick_precision(name: str, device: torch.device) -> str:
    """auto takes bf16 on devices that compute in it, else fp32."""
    choice("precision", name, PRECISIONS)
    if name == "auto":
        return "bf16" if computes_bf16(device) else "fp32"
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

    def forward(x_t: Tensor, t: Tensor, cond: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            return denoiser(x_t, t, cond).float()

    return forward
