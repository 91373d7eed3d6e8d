"""The optimiser and the learning rate, which is a function of the step and nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

import torch
from pydantic import Field
from torch import Tensor, nn

from conf import Settings, one_of, setting

# First and last layers, whose rows or columns are colours or entries of a vector: Muon is meant for hidden ones.
ENDS = ("stem", "head", "extra")
QUINTIC = (3.4445, -4.7750, 2.0315)  # of x, x^3 and x^5
RMS_OF_ADAMW = 0.2
DEFAULTS = {"lr": 1e-3, "betas": [0.9, 0.99]}
Decay = Annotated[float, Field(ge=0, lt=1)]


class AdamW(Settings):
    """AdamW (Loshchilov & Hutter 2019)"""

    moments: ClassVar[int] = 2  # numbers that the optimiser keeps for each parameter
    name: Literal["adamw"] = "adamw"
    lr: float | None = setting(None, "peak learning rate; null: 1e-3, with model=wgan_gp 5e-4", ge=0)
    betas: list[Decay] | None = setting(
        None, "decay of the first and second moments; null: 0.9 and 0.99, with model=wgan_gp 0 and 0.9",
        min_length=2, max_length=2,
    )  # fmt: skip
    weight_decay: float = setting(0.01, "of matrices and kernels", ge=0)
    schedule: Literal["constant", "cosine", "trapezoid"] = setting(
        "cosine", "cosine falls to 0 at train.steps; trapezoid stays, then falls; constant stays"
    )
    cooldown: float = setting(0.2, "last share of the steps, in which trapezoid falls to 0", ge=0, le=1)
    warmup: int = setting(500, "steps of linear rise from 0", ge=0)

    def filled(self, usual: Mapping[str, Any]) -> Self:
        """With what `usual`, or else DEFAULTS, has in the place of what was left open."""
        left_out = {name: value for name, value in {**DEFAULTS, **usual}.items() if getattr(self, name) is None}
        return self.model_copy(update=left_out) if left_out else self

    def rate(self, step: int, steps: float) -> float:
        """The learning rate at `step` of `steps`, counted from 0, after a linear warm-up.

        constant  : stays at `lr`
        cosine    : a half cosine to 0 at `steps` (Loshchilov & Hutter 2017, equation 5, without restarts)
        trapezoid : stays, then falls linearly to 0 over the last share `cooldown` of the steps (Haegele et al. 2024).
                    Before that it does not depend on `steps`, so a run given more steps there is the longer run.
        """
        ramp, lr = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0, self.filled({}).lr
        if self.schedule == "constant":
            return lr * ramp
        if self.schedule == "trapezoid":
            return lr * min(ramp, (steps - step) / max(self.cooldown * steps, 1))
        progress = min(max(step - self.warmup, 0) / max(steps - self.warmup, 1), 1.0)
        return lr * ramp * 0.5 * (1 + math.cos(math.pi * progress))

    def build(self, model: nn.Module) -> torch.optim.AdamW:
        hidden, ends, others = _parameters(model)
        return _adamw(hidden + ends, others, self.filled({}))


class MuonSettings(AdamW):
    """Muon for the hidden weights of the network, AdamW for the rest"""

    moments: ClassVar[int] = 1  # of hidden weights; the few others have two
    name: Literal["muon"] = "muon"
    momentum: Decay = setting(0.95, "of Muon")

    def build(self, model: nn.Module) -> Muon:
        return Muon(*_parameters(model), self.filled({}))


AnyOptimizer = one_of((AdamW, MuonSettings))


class Muon:
    """Muon for the hidden weights of a network, AdamW for the rest; has the interface of an optimizer.

    Muon replaces a gradient matrix by the nearest orthogonal one, so that all directions learn at the same pace
    (Jordan et al. 2024). A kernel (out, in, h, w) counts as a matrix (out, in h w). Updates are scaled to the size
    of AdamW's (Liu et al. 2025, equation 4), so that both share one learning rate and one weight decay.

    torch.optim.Muon does the same, always in bf16, which takes twenty times as long on a CPU that emulates it.
    """

    def __init__(self, hidden: list[nn.Parameter], matrices: list, others: list, optim: MuonSettings):
        self.adamw = _adamw(matrices, others, optim)
        self.hidden = {"params": hidden, "lr": optim.lr}
        self.weight_decay, self.momentum = optim.weight_decay, optim.momentum
        self.averages = [torch.zeros_like(p) for p in hidden]

    @property
    def param_groups(self) -> list[dict]:
        return [self.hidden, *self.adamw.param_groups]

    def zero_grad(self, set_to_none: bool = True) -> None:
        for p in self.hidden["params"]:
            p.grad = None
        self.adamw.zero_grad(set_to_none)

    @torch.no_grad()
    def step(self) -> None:
        lr = self.hidden["lr"]
        for places in self._by_shape():
            params = [self.hidden["params"][i] for i in places]
            averages, grads = [self.averages[i] for i in places], [p.grad for p in params]
            torch._foreach_lerp_(averages, grads, 1 - self.momentum)
            moved = torch._foreach_lerp(grads, averages, self.momentum)  # as Nesterov: the average, moved on
            updates = orthogonal(torch.stack([matrix.flatten(1) for matrix in moved]))
            torch._foreach_mul_(params, 1 - lr * self.weight_decay)
            scale = -lr * RMS_OF_ADAMW * math.sqrt(max(updates.shape[1:]))
            torch._foreach_add_(params, [u.view_as(p) for u, p in zip(updates, params, strict=True)], alpha=scale)
        self.adamw.step()

    def _by_shape(self) -> list[list[int]]:
        """Places of the weights that have a gradient. On CUDA, where starting a product takes longer than a small one
        itself, those of one shape come together; on a CPU one matrix at a time stays in its cache.
        """
        groups: dict[torch.Size | int, list[int]] = {}
        for i, p in enumerate(self.hidden["params"]):
            if p.grad is not None:
                groups.setdefault(p.shape if p.is_cuda else i, []).append(i)
        return list(groups.values())

    def state_dict(self) -> dict:
        return {"muon": self.averages, "adamw": self.adamw.state_dict()}

    def load_state_dict(self, state: dict) -> None:
        for average, saved in zip(self.averages, state["muon"], strict=True):
            average.copy_(saved)
        self.adamw.load_state_dict(state["adamw"])


def orthogonal(matrices: Tensor) -> Tensor:
    """About U V^T of the singular value decomposition U S V^T of each matrix of (N, rows, columns); the singular values
    end between 0.7 and 1.2.

    Five steps of a Newton-Schulz iteration of degree five, with the coefficients of Jordan et al. 2024: matrix products
    alone, in bf16 on CUDA.
    """
    x = matrices.bfloat16() if matrices.is_cuda else matrices
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(5):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=QUINTIC[1], alpha=QUINTIC[2]), x, beta=QUINTIC[0])
    return (x.mT if tall else x).to(matrices)


def _adamw(matrices: list, others: list, optim: AdamW) -> torch.optim.AdamW:
    """AdamW with decay of the matrices alone."""
    groups = [{"params": matrices, "weight_decay": optim.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=optim.lr, betas=tuple(optim.betas), fused=True)


def _parameters(model: nn.Module) -> tuple[list, list, list]:
    """Hidden weights, first and last ones, and those that do not decay: biases, norms and embedding tables."""
    hidden, ends, others = [], [], []
    for name, parameter in model.named_parameters():
        if parameter.ndim < 2 or "table" in name:
            others.append(parameter)
        else:
            (ends if name.startswith(ENDS) else hidden).append(parameter)
    return hidden, ends, others
