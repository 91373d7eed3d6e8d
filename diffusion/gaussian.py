"""Gaussian diffusion: what the network is trained to predict, and how its output becomes a clean picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Annotated, ClassVar, Literal, NamedTuple

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor

from conf import Settings, setting
from diffusion.schedule import NoiseSchedule, Table

PLAUSIBLE = 0.1  # of the probability of the likeliest colour
Denoiser = Callable[[Tensor, Tensor, Tensor], Tensor]  # (x_t, t (B,), cond (B, F)) -> raw eps, x_0, v or logits


class Prediction(NamedTuple):
    """The clean picture and the noise that one evaluation at x_t predicts, so that x_t = signal x_0 + noise eps."""

    x_0: Tensor
    eps: Tensor


Denoise = Callable[[Tensor, int], Prediction]  # (x_t, t) -> (x_0, eps), with condition and guidance inside


class Objective(Settings):
    """What the network predicts, and how its error is weighted in training."""

    prediction: Literal["eps", "x_0", "v", "palette"] = setting(
        "eps", "what the network predicts; palette: the probability of each colour of pixel art, at each pixel"
    )
    weighting: Literal["none", "min_snr"] = setting(
        "none", "of the loss: none for the plain mean squared error, min_snr for min-SNR"
    )
    time_power: float = setting(1.0, "training times are T u^time_power; above 1, more with little noise", ge=0.01)
    times: list[Annotated[int, Field(ge=1)]] | None = setting(
        None, "the only training times, all alike, for weights that are sampled at no others; null for all times",
        min_length=1,
    )  # fmt: skip
    gamma: float = setting(5.0, "cap of the signal-to-noise ratio in min-SNR weighting", ge=1e-6)

    @model_validator(mode="after")
    def _weighs_squared_errors(self) -> Objective:
        if self.prediction == "palette" and self.weighting != "none":
            raise ValueError(
                f"weighting={self.weighting}: weighs squared errors, of which prediction=palette has none; use "
                "weighting=none, or prediction=v"
            )
        return self


class DiffusionSettings(Objective):
    """linear betas and eps-prediction, as in DDPM"""

    chosen_as: ClassVar[str] = "linear"
    schedule: Literal["linear", "cosine"] = setting("linear", "of the betas")
    T: int = setting(1000, "noise steps", ge=1, le=100_000)
    scale_betas: bool = setting(
        True, "linear betas times 1000 / T, so that every T ends in noise; false leaves them as published for T = 1000"
    )

    @model_validator(mode="after")
    def _scales_linear_betas(self) -> DiffusionSettings:
        if self.schedule != "linear" and not self.scale_betas:
            raise ValueError("scale_betas=false: for the linear schedule alone; leave it out, or use schedule=linear")
        return self

    def build(self, colours: Tensor | None = None) -> GaussianDiffusion:
        """Raises ValueError for a schedule that this T or prediction does not allow, or logits without colours."""
        options = {} if self.scale_betas else {"scaled": False}
        return GaussianDiffusion(NoiseSchedule.named(self.schedule, self.T, **options), self, colours)


def loss_weights(snr: Tensor, prediction: str, weighting: str, gamma: float) -> Tensor:
    """(T + 1,) float64: the weight at each time of the prediction's squared error.

    An error e in eps is an error of e / sqrt(SNR) in x_0, and one in v an error of e / sqrt(SNR + 1); so
    min(SNR, gamma) on the error of x_0 is the weight below on that of eps, x_0 or v. Time 0 is never trained on.
    """
    if weighting == "none":
        return torch.ones_like(snr)
    capped = snr.clamp(max=gamma)
    return {"eps": capped / snr, "x_0": capped, "v": capped / (snr + 1)}[prediction]


class GaussianDiffusion:
    """The training objective of a denoiser, and the conversion of its output to x_0 and eps.

    prediction : "eps" (Ho et al. 2020), "x_0", or "v" = sqrt(alpha_bar) eps - sqrt(1 - alpha_bar) x_0
                 (Salimans & Ho 2022); or "palette", logits of the colours that a pixel may have, trained with
                 cross-entropy, whose expectation is x_0 (Dieleman et al. 2022: score interpolation)
    weighting  : "none" for the plain mean squared error of the prediction, "min_snr" for the error of x_0
                 weighted by min(SNR, gamma) (Hang et al. 2023, equations 7-9)
    time_power : times are sampled as T u^time_power with u ~ U(0, 1): 1 for all alike, as in DDPM; 2 for more of those
                 with little noise, where the last levels of a colour are decided
    times      : in their place, the few times at which a sampler will evaluate the network. Where the label determines
                 the picture, as that of a sprite, no trajectory of a teacher has to be imitated (Luhman & Luhman 2021):
                 the picture itself is where each of them ends

    colours    : (K, C) uint8, those of the palette, for "palette" alone

    Raises ValueError for eps-prediction on a schedule without signal at T, times beyond T, "palette" without colours.
    """

    def __init__(
        self,
        schedule: NoiseSchedule,
        objective: Objective = Objective(),  # noqa: B008  frozen
        colours: Tensor | None = None,
    ):
        if objective.prediction == "eps" and schedule.alpha_bar[-1] <= 0:
            raise ValueError(
                "diffusion.prediction=eps: at T this schedule has no signal left, and x_0 cannot be found from eps; "
                "use diffusion.prediction=v"
            )
        if objective.times and (max(objective.times) > schedule.T or len(set(objective.times)) < len(objective.times)):
            raise ValueError(
                f"diffusion.times={objective.times}: must be different times between 1 and diffusion.T={schedule.T}"
            )
        if objective.prediction == "palette" and colours is None:
            raise ValueError(
                "diffusion.prediction=palette: needs pixel art, whose colours are known; use diffusion.prediction=v"
            )
        self.colours = None if colours is None else Table(colours.double() / 127.5 - 1)
        self.schedule, self.prediction, self.time_power = schedule, objective.prediction, objective.time_power
        self.times = objective.times and torch.tensor(sorted(objective.times))
        self._times = None if self.times is None else Table(self.times.double())
        self._weight = Table(loss_weights(schedule.snr, objective.prediction, objective.weighting, objective.gamma))

    def sample_times_and_noise(self, x_0: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """What a training step adds to x_0 (B, ...): times t in 1..T (B,) and noise eps ~ N(0, I) (B, ...)."""
        device, T = generator.device if generator is not None else x_0.device, self.schedule.T
        u = torch.rand(len(x_0), generator=generator, device=device)
        if self._times is not None:
            t = self._times.on(u)[(len(self.times) * u).long()].long()
        else:
            t = (1 + (T * u**self.time_power).long()).clamp(max=T)  # rounding could reach T + 1
        eps = torch.randn(x_0.shape, generator=generator, device=device, dtype=x_0.dtype)
        return t.to(x_0.device), eps.to(x_0.device)

    def spread_times(self, n: int) -> Tensor:
        """(n,) int64: times that every noise level has alike, for losses that are compared."""
        rows = torch.arange(n)
        return 1 + rows * self.schedule.T // n if self.times is None else self.times[rows % len(self.times)]

    def loss(self, denoiser: Denoiser, x_0: Tensor, cond: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """(B,) training loss at a random time for each sample (Ho et al. 2020, equation 14)."""
        t, eps = self.sample_times_and_noise(x_0, generator)
        return self.loss_at(denoiser, x_0, cond, t, eps)

    def loss_at(self, denoiser: Denoiser, x_0: Tensor, cond: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """(B,) loss for given times and noise: the `error` of what the network returns."""
        output = denoiser(self.schedule.add_noise(x_0, t, eps), t, cond)
        return self.error(output, self.target(x_0, t, eps), t)

    def error(self, output: Tensor, target: Tensor, t: Tensor) -> Tensor:
        """(B,): mean over pixels of the squared error times the weight of t, or of cross-entropy."""
        if self.prediction == "palette":
            logits = output.to(torch.promote_types(output.dtype, torch.float32))
            errors = F.cross_entropy(logits, target, reduction="none")
        else:
            errors = (output - target).square()
        error = errors.flatten(1).mean(dim=1)
        return self._weight.at(t, error) * error

    def target(self, x_0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """What the network is trained to predict; of a palette, the number of each pixel's colour (B, H, W)."""
        if self.prediction == "eps":
            return eps
        if self.prediction == "x_0":
            return x_0
        if self.prediction == "palette":
            return self.nearest_colours(x_0)
        return self.schedule.signal(t, x_0) * eps - self.schedule.noise(t, x_0) * x_0

    def nearest_colours(self, x_0: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, H, W) int64: the number of each pixel's colour in the palette."""
        x_0 = x_0.double() if x_0.device.type == "cuda" else x_0  # products in TF32 would confuse similar colours
        colours = self.colours.on(x_0)  # (K, C); the nearest c has the largest 2 x c - c^2
        return (2 * x_0.movedim(1, -1) @ colours.T - colours.square().sum(dim=1)).argmax(dim=-1)

    def plausible(self, output: Tensor, outputs: Sequence[Tensor | None], weights: Sequence[float]) -> Tensor:
        """Logits guided by `outputs` without the colours that nothing guides towards; any other output as it is.

        Two conditions differ most in the logits of what is improbable under both, which were hardly trained and which
        extrapolation would amplify. So a colour must have a tenth of the probability of the likeliest one under at
        least one output of positive weight (Li et al. 2023: the plausibility constraint of contrastive decoding).
        """
        if self.prediction != "palette":
            return output
        towards = [logits for logits, v in zip(outputs, weights, strict=True) if logits is not None and v > 0]
        allowed = [logits >= logits.amax(dim=1, keepdim=True) + math.log(PLAUSIBLE) for logits in towards]
        return output.masked_fill(~torch.stack(allowed).any(dim=0), -torch.inf)

    def predict(self, output: Tensor, x_t: Tensor, t: Tensor | int, clip: bool = True) -> Prediction:
        """The clean picture and the noise that a raw network output at x_t corresponds to.

        With `clip`, x_0 is limited to [-1, 1], and eps is re-derived from the limited x_0.
        """
        signal, noise = self.schedule.signal(t, x_t), self.schedule.noise(t, x_t)
        if self.prediction == "eps":
            x_0 = (x_t - noise * output) / signal
        elif self.prediction == "x_0":
            x_0 = output
        elif self.prediction == "palette":
            x_0 = torch.einsum("bk...,kc->bc...", output.softmax(dim=1), self.colours.on(x_t))
        else:
            x_0 = signal * x_t - noise * output
        return self.with_x_0(x_0.clamp(-1.0, 1.0) if clip else x_0, x_t, t)

    def with_x_0(self, x_0: Tensor, x_t: Tensor, t: Tensor | int) -> Prediction:
        """This clean picture, and the noise that together with it gives x_t."""
        return Prediction(x_0, (x_t - self.schedule.signal(t, x_t) * x_0) / self.schedule.noise(t, x_t))
