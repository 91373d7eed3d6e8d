"""What the tests of all networks need."""

import torch
from torch import nn


def awake(model: nn.Module) -> nn.Module:
    """Random values in all that starts at zero, so that the output depends on everything inside."""
    for parameter in model.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.1)
    return model


def fitted(model: nn.Module, x_t, t, cond, target, steps: int, lr: float = 2e-3) -> list[float]:
    """Fit one batch; the losses before each step."""
    optimiser, losses = torch.optim.Adam(model.parameters(), lr=lr), []
    for _ in range(steps):
        optimiser.zero_grad()
        loss = (model(x_t, t, cond) - target).square().mean()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


def unused_parameters(model: nn.Module, x_t, t, cond) -> list[str]:
    """Names of the parameters on which the output does not depend."""
    model.zero_grad()
    model(x_t, t, cond).square().sum().backward()
    return [name for name, p in model.named_parameters() if p.grad is None or p.grad.abs().max() < 1e-5]
