"""The optimiser and the learning rate, which is a function of the step and nothing else."""

from __future__ import annotations

import math

import torch
from torch import nn

OPTIMIZERS = ("adamw", "muon")
ENDS = ("stem", "head")  # first and last layers, whose rows and columns are colours: not what Muon is made for

SCHEDULES = ("constant", "cosine", "trapezoid")


def learning_rate(step: int, steps: int, lr: float, warmup: int, schedule: str, cooldown: float = 0.0) -> float:
    """The learning rate at `step`, counted from 0, after a linear warm-up over `warmup` steps.

    constant  : stays at `lr`
    cosine    : a half cosine to 0 at `steps` (Loshchilov & Hutter 2017, equation 5, without restarts)
    trapezoid : stays, then falls linearly to 0 over the last share `cooldown` of the steps (Haegele et al. 2024).
                Before that it does not depend on `steps`, so a run given more steps there is the longer run.
    """
    ramp = min(1.0, (step + 1) / warmup) if warmup else 1.0
    if schedule == "constant":
        return lr * ramp
    if schedule == "trapezoid":
        return lr * min(ramp, (steps - step) / max(cooldown * steps, 1))
    progress = min(max(step - warmup, 0) / max(steps - warmup, 1), 1.0)
    return lr * ramp * 0.5 * (1 + math.cos(math.pi * progress))


class Muon:
    """Muon for the hidden weights of a network, AdamW for the rest; has the interface of an optimizer.

    Muon replaces a gradient matrix by the nearest orthogonal one, so that all directions learn at the same pace
    (Jordan et al. 2024). A kernel (out, in, h, w) counts as a matrix (out, in h w). Updates are scaled to the size
    of AdamW's (Liu et al. 2025, equation 4), so that both share one learning rate and one weight decay.
    """

    def __init__(self, hidden: list[nn.Parameter], matrices: list, others: list, optim: dict):
        self.hidden = hidden
        self.flat = [p.detach().view(len(p), -1) for p in hidden]  # torch's Muon knows two dimensions; same memory
        self.muon = torch.optim.Muon(
            self.flat, optim["lr"], optim["weight_decay"], optim["momentum"], adjust_lr_fn="match_rms_adamw"
        )
        self.adamw = adamw(matrices, others, optim)

    @property
    def param_groups(self) -> list[dict]:
        return self.muon.param_groups + self.adamw.param_groups

    def zero_grad(self, set_to_none: bool = True) -> None:
        for p in self.hidden:
            p.grad = None
        self.adamw.zero_grad(set_to_none)

    def step(self) -> None:
        for flat, p in zip(self.flat, self.hidden, strict=True):
            flat.grad = None if p.grad is None else p.grad.flatten(1)
        self.muon.step()
        self.adamw.step()

    def state_dict(self) -> dict:
        return {"muon": self.muon.state_dict(), "adamw": self.adamw.state_dict()}

    def load_state_dict(self, state: dict) -> None:
        self.muon.load_state_dict(state["muon"])
        self.adamw.load_state_dict(state["adamw"])


def adamw(matrices: list, others: list, optim: dict) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter 2019), with decay of the matrices alone."""
    groups = [
        {"params": matrices, "weight_decay": optim["weight_decay"]},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=optim["lr"], betas=tuple(optim["betas"]), fused=True)


def build_optimizer(model: nn.Module, optim: dict) -> torch.optim.AdamW | Muon:
    """The optimiser that `optim` names; biases, norms and embedding tables do not decay."""
    hidden, ends, others = [], [], []
    for name, parameter in model.named_parameters():
        if parameter.ndim < 2 or "table" in name:
            others.append(parameter)
        else:
            (ends if name.startswith(ENDS) else hidden).append(parameter)
    if optim["name"] == "muon":
        return Muon(hidden, ends, others, optim)
    return adamw(hidden + ends, others, optim)
