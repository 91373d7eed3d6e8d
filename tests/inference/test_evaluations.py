"""NFE: the network evaluations that a picture costs, against counts by hand and against a network that counts."""

import time
from dataclasses import replace

import pytest
import torch

from diffusion.guidance import CFG, CFGPlusPlus, Fade, Interval, Rescale
from diffusion.samplers import DDIM, DDPM, DPMSolverPP2M, Heun, UniPC
from diffusion.sampling import SamplingOptions
from diffusion.spacing import Trailing

PLAIN = SamplingOptions(w=3.0, complete=False, steps=10, refine=0, sampler=DDIM(), spacing=Trailing(), guidance=CFG())
MASK = torch.cat([torch.zeros(24, 12), torch.ones(24, 12)], dim=1)

LEFT_OUT = dict.fromkeys(["complete", "sampler", "steps", "spacing"])

# (request, changes of PLAIN, other arguments, (strength, masked, resample) of an edit, evaluations)
BY_HAND = {
    "ten steps, two branches each": ("crown", {}, {}, None, 20),
    "the conditional model alone": ("crown", {"w": 1.0}, {}, None, 10),
    "the unconditional model alone": ("crown", {"w": 0.0}, {}, None, 10),
    "nothing is asked for": ("any", {}, {}, None, 10),
    "two evaluations a step but for the last": ("crown", {"w": 1.0, "sampler": Heun()}, {}, None, 19),
    "the same with guidance": ("crown", {"sampler": Heun()}, {}, None, 38),
    "one a step": ("crown", {"w": 1.0, "sampler": UniPC(order=3)}, {}, None, 10),
    "final re-noising steps": ("crown", {"refine": 4}, {}, None, 20 + 3 * 4 * 2),
    "as many as pixel art has": ("crown", {"refine": None}, {}, None, 20 + 3 * 4 * 2),
    "none where the label is completed": ("crown", {"complete": None, "refine": None}, {}, None, 20),
    "four steps for a completed label": ("crown", LEFT_OUT, {}, None, 8),
    "ten where the network decides": ("crown | pipe", {"complete": None, "steps": None}, {}, None, 30),
    "and without guidance there": ("crown", {"refine": 4, "guidance": Interval()}, {}, None, 2 * 8 + 2 + 12),
    "guidance that fades acts everywhere": ("crown", {"guidance": Fade()}, {}, None, 20),
    "guidance in half of the steps": ("crown", {"guidance": Interval(interval=[0.55, 1.0])}, {}, None, 5 * 2 + 5),
    "rescaling needs no third branch": ("crown", {"guidance": Rescale()}, {}, None, 20),
    "CFG++ with w = 1 has both branches": ("crown", {"guidance": CFGPlusPlus(), "w": 1.0}, {}, None, 20),
    "two conditions": ("crown | pipe", {}, {}, None, 30),
    "two that leave no reference": ("crown * 0.5 | pipe * 0.5", {}, {}, None, 20),
    "one without weight": ("crown | pipe * 0", {}, {}, None, 20),
    "a name with its own weight": ("crown:5,pipe", {}, {}, None, 30),
    "away from something": ("crown", {}, {"negative": "pipe"}, None, 20),
    "half of the noise": ("crown", {}, {}, (0.5, False, 1), 10),
    "no noise": ("crown", {"refine": 4}, {}, (0, False, 1), 0),
    "so little noise that re-noising steps are left out": ("crown", {"refine": 4}, {}, (0.02, False, 1), 2 + 8),
    "a mask": ("crown", {"refine": 1}, {}, (1, True, 1), 20 + 6),
    "each step twice": ("crown", {}, {}, (1, True, 2), 40),
    "each step five times": ("crown", {"refine": 1}, {}, (1, True, 5), 100 + 6),
    "two evaluations a step, five times": ("crown", {"sampler": Heun(), "w": 1.0}, {}, (0.5, True, 5), 5 * 9),
}  # fmt: skip


def edit_of(pipe, edit):
    if edit is None:
        return None
    strength, masked, resample = edit
    return pipe.edit(torch.zeros(3, 24, 24, dtype=torch.uint8), strength, MASK if masked else None, resample)


@pytest.mark.parametrize(("request_", "changes", "others", "edit", "expected"), BY_HAND.values(), ids=BY_HAND)
def test_evaluations_are_those_counted_by_hand(pipe, request_, changes, others, edit, expected):
    assert pipe.evaluations(request_, PLAIN.replace(**changes), **others, edit=edit_of(pipe, edit)) == expected


@pytest.mark.parametrize(("request_", "changes", "others", "edit", "expected"), BY_HAND.values(), ids=BY_HAND)
def test_sampling_evaluates_the_network_that_often(pipe, request_, changes, others, edit, expected):
    """For each of two pictures."""
    seen = 0

    def counting(x_t, t, cond):
        nonlocal seen
        seen += len(x_t)
        return torch.linspace(-1, 1, x_t.numel()).view_as(x_t)

    counted = replace(pipe, denoiser=counting)
    counted(request_, [0, 1], PLAIN.replace(**changes), **others, edit=edit_of(pipe, edit))
    assert seen == 2 * expected


@pytest.mark.parametrize(("w", "expected"), [(1.0, 10), (3.0, 20), (0.0, 10)])
def test_evaluations_of_a_guide_count_too(pipe, w, expected):
    guide = replace(pipe, denoiser=lambda *_: pytest.fail("evaluated"))
    assert pipe.evaluations("crown", PLAIN.replace(w=w), guide=guide) == expected


def test_a_label_counts_like_the_names_that_it_stands_for(pipe):
    label = pipe.schema.encode("crown")
    for given in (label, label[None], label.expand(3, -1)):
        assert pipe.evaluations(given, PLAIN) == 20


def test_counting_evaluates_no_network(pipe):
    counted = replace(pipe, denoiser=lambda *_: pytest.fail("evaluated"))
    assert counted.evaluations("crown", PLAIN.replace(refine=4)) == 44


@pytest.mark.parametrize("sampler", [DPMSolverPP2M(), DDPM()], ids=str)
def test_counting_is_cheap_also_for_many_steps(pipe, sampler):
    """In processor time, of a machine that others may use."""
    began = time.process_time()
    assert pipe.evaluations("crown", PLAIN.replace(steps=1000, sampler=sampler)) == 2000
    masked = edit_of(pipe, (1, True, 1000))
    assert pipe.evaluations("crown", PLAIN.replace(steps=100, sampler=sampler), edit=masked) == 200_000
    assert time.process_time() - began < 2
