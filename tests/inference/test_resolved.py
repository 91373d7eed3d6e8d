"""What nobody typed follows from the weights and the request: sampler, steps, spacing, re-noising."""

from dataclasses import replace

import pytest
import torch

from diffusion.gaussian import GaussianDiffusion, Objective
from diffusion.guidance import CFG
from diffusion.samplers import DDIM, DDPM
from diffusion.sampling import FOR_OPEN_LABELS, SamplingOptions
from diffusion.spacing import Listed

QUICK = SamplingOptions(complete=False, w=2.0, steps=4, refine=0, quantise="none", sampler=DDIM(), guidance=CFG())


def test_sampling_follows_from_the_weights_and_the_request(pipe):
    """Where the label says it all, four steps suffice; where the network decides, it needs more at high noise."""

    def usual(pipe, cond, **edited):
        found = pipe.resolved(SamplingOptions(), cond, **edited)
        return found.sampler.name, found.steps, found.spacing.name, found.refine, found.complete

    decided, left_open = ("ddim", 4, "power", 0, True), ("dpmpp_2m", 10, "trailing", 4, False)
    assert usual(pipe, "crown") == usual(pipe, None) == usual(pipe, "crown * 2") == decided
    assert usual(pipe, "crown | pipe") == usual(pipe, "crown:5,pipe") == left_open
    assert usual(pipe, "crown", edited=True) == usual(replace(pipe, prior=None), "crown") == left_open
    assert usual(replace(pipe, palette=None), "crown") == ("dpmpp_2m", 10, "trailing", 0, True)
    logits = GaussianDiffusion(pipe.diffusion.schedule, Objective(prediction="palette"), pipe.palette.colours)
    assert usual(replace(pipe, diffusion=logits), "crown") == ("ddim", 2, "power", 0, True)
    given = SamplingOptions(sampler=DDPM(), steps=7, refine=2)
    assert pipe.resolved(given, "crown") == given.replace(
        spacing=FOR_OPEN_LABELS["spacing"], complete=True
    )  # no four steps of DDPM


def test_pixel_art_has_final_re_noising_steps_and_other_pictures_have_none(pipe):
    assert [pipe.resolved(QUICK.replace(refine=given)).refine for given in (None, 0, 2)] == [4, 0, 2]
    assert replace(pipe, palette=None).resolved(QUICK.replace(refine=None)).refine == 0
    steps = []
    pipe("crown", [0], steps=3, complete=False, on_step=lambda *step: steps.append(step))
    assert len(steps) == pipe.total_steps(SamplingOptions(steps=3, complete=False)) == 6
    assert pipe.total_steps(SamplingOptions(steps=3, refine=0)) == 3


@pytest.mark.parametrize(("strength", "total_steps"), [(0, 0), (0.0001, 1), (0.5, 2 + 3), (1, 4 + 3)])
def test_steps_are_counted_also_where_sampling_starts_from_a_picture(pipe, strength, total_steps):
    """A progress bar that ends before or after its end would lie."""
    steps, options = [], QUICK.replace(refine=1)
    edit = pipe.edit(torch.zeros(3, 24, 24, dtype=torch.uint8), strength)
    pipe("crown", [0, 1], options, edit=edit, on_step=lambda *step: steps.append(step))
    refining = 3 if strength == 0.0001 else 0  # three levels are called also where they are left out
    assert len(steps) == pipe.total_steps(options, edit) == total_steps + refining


def test_weights_of_few_times_are_sampled_at_these_and_at_no_others(pipe):
    """Elsewhere they have learned nothing, and what they predict there is noise."""
    objective = Objective(prediction="v", times=[125, 1000])
    few = replace(pipe, diffusion=GaussianDiffusion(pipe.diffusion.schedule, objective))
    seen = []
    counted = replace(few, denoiser=lambda x, t, c: (seen.append(int(t[0])), pipe.denoiser(x, t, c))[1])
    counted("crown", [1])
    assert seen == [1000, 125] and few.evaluations("crown", SamplingOptions(w=1.0)) == 2
    for given in ({"steps": 4}, {"steps": 2, "spacing": "trailing"}, {"refine": 1}):
        with pytest.raises(ValueError, match=r"these weights were trained at t = 1000, 125 alone; leave steps"):
            few("crown", [1], **given)
    few("crown", [1], steps=1, spacing=Listed(times=[1000]))  # a part of them will do
    with pytest.raises(ValueError, match="guide: trained with another set of times"):
        pipe("crown", [1], guide=few)
