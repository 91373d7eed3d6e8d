"""One process or many, and the little that they must agree on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from runtime.device import pick_device

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Processes:
    """This process among those of one training, as torchrun started them; rank 0 of 1 without torchrun.

    What the processes agree on is exchanged between CPUs, so that nothing waits for a GPU.
    """

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

    def gradients(self, model: nn.Module, last: bool) -> AbstractContextManager:
        """Around a backward pass of a wrapped module; processes exchange gradients in the `last` of several alone."""
        return nullcontext() if last or self.world_size == 1 else model.no_sync()

    def on_main(self, work: Callable[[], Any]) -> Any:
        """Do `work` in the main process alone; every process returns what it returns, or raises what it raises."""
        if self.world_size == 1:
            return work()
        box: list[Any] = [None, None]
        if self.is_main:
            try:
                box[0] = work()
            except (ValueError, OSError) as error:
                box[1] = error
        dist.broadcast_object_list(box, src=0, device=CPU)
        if box[1] is not None:
            raise box[1]
        return box[0]

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in at least one process: a decision that all must take alike."""
        if self.world_size == 1:
            return flag
        flags = torch.tensor([float(flag)])
        dist.all_reduce(flags, dist.ReduceOp.MAX)
        return bool(flags.item())

    def shared(self, items: Sequence[Any], work: Callable[[Sequence[Any]], Tensor]) -> Tensor | None:
        """`work` on all items, which returns a row (N, ...) for each; every process does each world_size-th of them.

        The main process returns the rows in the order of the items, the others None.
        """
        if self.world_size == 1:
            return work(items)
        mine = items[self.rank :: self.world_size]
        rows = work(mine).cpu() if len(mine) else None
        parts: list[Any] | None = [None] * self.world_size if self.is_main else None
        dist.gather_object(rows, parts)
        if parts is None:
            return None
        found = torch.empty(len(items), *parts[0].shape[1:], dtype=parts[0].dtype)
        for rank, part in enumerate(parts[: len(items)]):
            found[rank :: self.world_size] = part
        return found

    def sum(self, values: Tensor) -> Tensor:
        """The sum over processes."""
        if self.world_size > 1:
            values = values.clone()
            dist.all_reduce(values)
        return values


TIMEOUT = timedelta(hours=6)  # while the first process alone validates, samples grids or trains a classifier


def rank() -> int:
    """The number of this process among those that torchrun started; 0 without torchrun."""
    return int(os.environ.get("RANK", "0"))


@contextmanager
def processes(device_name: str) -> Iterator[Processes]:
    """Join the process group that torchrun describes in the environment; without torchrun, join none."""
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    device = pick_device(device_name, int(os.environ.get("LOCAL_RANK", "0")))
    if world_size > 1 and device.type == "mps":
        raise ValueError(f"device={device_name}: MPS cannot add up gradients between processes; use device=cpu")
    if world_size == 1:
        yield Processes(0, 1, device)
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, timeout=TIMEOUT)
    try:
        yield Processes(rank(), world_size, device)
    finally:
        dist.destroy_process_group()
