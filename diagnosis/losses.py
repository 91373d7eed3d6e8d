"""Checks by losses that differ in one thing: raw or averaged weights, labels, training or held-out pictures."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from conditions.dropout import LabelDropout
from data.images import to_float
from diagnosis.case import Case
from diagnosis.findings import FAULT, LOOK, OK, Outcome, sentence, unchecked
from diagnosis.probe import CHOICE
from evaluation.intervals import Estimate
from evaluation.memorisation import nearest
from training.ema import decay_at

RANGES = 8  # of noise levels
LOW_NOISE = 3  # of these, in which pixels tell of their neighbours
SHORT = 4  # a half-life is proposed that fits in so often
BEHIND, FAR_BEHIND = 0.02, 0.1  # by which the loss of averaged weights is higher
NO_NETWORK, HARDLY_BETTER = 1.25, 0.6  # of the error of a guess from each pixel by itself
IGNORED = 1.02  # times the loss with true labels
RISEN = 1.1  # times the lowest held-out loss
COPIES = 0.5  # of the distance of held-out pictures to the nearest training picture


def _shares(estimate: Estimate, of: float) -> dict[str, float]:
    return {"value": estimate.value / of, "low": estimate.low / of, "high": estimate.high / of}


def averaged(case: Case) -> Outcome:
    """Whether the EMA weights lag behind the raw ones."""
    if not case.denoises:
        return unchecked("needs weights of a diffusion that generates pixels, not distilled, which this run has not")
    probe = case.held_out or case.seen
    raw = probe.losses(case.weights.raw.denoiser)
    average = probe.losses(case.weights.averaged.denoiser)
    asked = case.settings.train.ema_decay
    now, full = half_life(decay_at(case.step - 1, asked)), half_life(asked)
    gap = _shares(probe.mean(average - raw), of=raw.mean().item())
    figure = sentence(
        "their loss is {average:.4g}, that of the raw weights {raw:.4g}: {value:+.0%} ({low:+.0%} to {high:+.0%}); "
        "they average with a half-life of {now:,.0f} of {end:,} steps; train.ema_decay={asked:g} asks for {full:,.0f}",
        average=average.mean().item(), raw=raw.mean().item(), now=now, end=case.step, asked=asked, full=full, **gap,
    )  # fmt: skip
    behind = gap["low"] > 0 and gap["value"] > BEHIND
    if not behind and full < case.step:
        return Outcome(OK, figure)
    shorter = (now if behind else case.step) / SHORT
    lower = 0.5 ** (1 / max(shorter, 1))
    remedy = sentence("train longer, or lower train.ema_decay to {lower:.3g}", lower=lower)
    return Outcome(FAULT if behind and gap["value"] > FAR_BEHIND else LOOK, figure, remedy)


def half_life(decay: float) -> float:
    """Steps after which weights count half as much in an average of this decay; infinite for 1."""
    return math.log(0.5) / math.log(decay) if 0 < decay < 1 else math.inf if decay else 0.0


def noise_levels(case: Case) -> Outcome:
    """The picture that is predicted at each range of noise levels, beside a guess from each pixel by itself."""
    if not case.denoises:
        return unchecked("needs weights of a diffusion that generates pixels, not distilled, which this run has not")
    probe, pictures = case.held_out or case.seen, to_float(case.pictures)
    mean, variance = (x.to(probe.x_0.device) for x in (pictures.mean(dim=0), pictures.var(dim=0, unbiased=False)))
    ours = probe.errors(case.weights.averaged.denoiser)
    without = probe.errors_by_pixel(mean, variance)
    T = case.diffusion.schedule.T
    ranges = ((probe.t.cpu() - 1) * RANGES // T).clamp(max=RANGES - 1)
    ratios = {
        int(r): (ours[ranges == r].mean() / without[ranges == r].mean().clamp(min=1e-12)).item()
        for r in ranges.unique()
    }
    worst = max(ratios, key=ratios.get)
    low = [ratio for r, ratio in ratios.items() if r < LOW_NOISE] or [ratios[worst]]
    figure = sentence(
        "the squared error of the predicted picture is {low:.1%} of that of a guess from each pixel by itself at low "
        "noise, and {worst:.1%} at worst, at t = {first} to {last}",
        low=sum(low) / len(low), worst=ratios[worst], first=worst * T // RANGES + 1, last=(worst + 1) * T // RANGES,
    )  # fmt: skip
    if ratios[worst] > NO_NETWORK:
        return Outcome(FAULT, figure, sentence("train longer; if the loss no longer falls, see the learning rate"))
    if sum(low) / len(low) > HARDLY_BETTER:
        return Outcome(LOOK, figure, sentence("train longer, or widen the network (model.channels)"))
    return Outcome(OK, figure)


def label(case: Case) -> Outcome:
    """Whether the loss is lower for the true labels of held-out pictures than for those of other pictures."""
    if not case.denoises:
        return unchecked("needs weights of a diffusion that generates pixels, not distilled, which this run has not")
    train = case.splits.train
    if not len(train.schema):
        return unchecked("trained without labels")
    if case.held_out is None:
        return unchecked("so few pictures that none is held out")
    probe, right = case.held_out, case.held_out_losses
    wrong = probe.losses(case.weights.averaged.denoiser, _others(train.labels, len(right)))
    gap = _shares(probe.mean(wrong - right), of=right.mean().item())
    times = {name: 1 + share for name, share in gap.items()}
    figure = sentence(
        "the held-out loss is {right:.4g} with the true labels, {wrong:.4g} with those of other pictures: {value:,.2f} "
        "times ({low:,.2f} to {high:,.2f})", right=right.mean().item(), wrong=wrong.mean().item(), **times,
    )  # fmt: skip
    if times["low"] > 1 and times["value"] > IGNORED:
        return Outcome(OK, figure)
    dropout, remedy = case.settings.cfg, sentence("train longer; then see whether the labels belong to the pictures")
    if isinstance(dropout, LabelDropout) and dropout.drop_prob > 0.5:
        remedy = sentence("lower cfg.drop_prob, which is {drop:g}, to 0.1", drop=dropout.drop_prob)
    return Outcome(LOOK if times["low"] > 1 else FAULT, figure, remedy)


def _others(labels: Tensor, n: int) -> Tensor:
    """n labels (n, F) of training pictures, chosen at random."""
    return labels.cpu()[torch.randint(len(labels), (n,), generator=torch.Generator().manual_seed(CHOICE))]


def memorisation(case: Case) -> Outcome:
    """Whether training pictures are denoised better than held-out ones, and samples are nearer to them."""
    if not case.denoises:
        return unchecked("needs weights of a diffusion that generates pixels, not distilled, which this run has not")
    if case.held_out is None:
        return unchecked("so few pictures that none is held out")
    held_out, seen = case.held_out_losses, case.seen.losses(case.weights.averaged.denoiser)
    unseen = case.splits.validation.images[: case.options.images]
    sampled, real = (nearest(images.cpu(), case.pictures)[0].median().item() for images in (case.samples[0], unseen))
    curve = case.curves.get("loss/held_out", (None, torch.ones(1)))[1]
    risen = float(curve[-1] / curve.min())
    figure = sentence(
        "the held-out loss is {held_out:.4g}, {risen:.2f} times its lowest, that on training pictures {seen:.4g}; "
        "the nearest training picture is {sampled:.1f} levels from a sample, {real:.1f} from a held-out picture",
        held_out=held_out.mean().item(), seen=seen.mean().item(), sampled=sampled, real=real, risen=risen,
    )  # fmt: skip
    remedy = sentence("stop earlier (train.patience=5), take more pictures, or start from weights (init_from=FILE)")
    copies = sampled < COPIES * real
    if copies and case.held_out.mean(held_out - seen).low > 0:
        return Outcome(FAULT, figure, remedy)
    return Outcome(LOOK, figure, remedy) if copies or risen > RISEN else Outcome(OK, figure)
