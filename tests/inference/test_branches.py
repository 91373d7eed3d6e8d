"""Conditions of pictures, and what the label prior makes of what they leave open."""

from dataclasses import replace

import pytest
import torch

from conditions.schema import UNKNOWN
from diffusion.guidance import CFG
from diffusion.samplers import DDIM
from diffusion.sampling import Between, SamplingOptions
from diffusion.spacing import Trailing

QUICK = SamplingOptions(w=2.0, steps=2, refine=0, quantise="none", sampler=DDIM(), spacing=Trailing(), guidance=CFG())
SEEDS = list(range(12))


def labels(pipe, cond, seeds=SEEDS, options=QUICK, **more) -> torch.Tensor:
    (found,) = pipe.branches(cond, seeds, options, **more).labels
    return found


def test_what_a_request_leaves_open_is_decided_for_each_picture_by_its_own_seed(pipe):
    found = labels(pipe, "crown")
    asked = pipe.schema.encode("crown")
    known = asked != UNKNOWN
    assert (found != UNKNOWN).all() and (found[:, known] == asked[known]).all()
    assert len(found.unique(dim=0)) > 6
    assert torch.equal(labels(pipe, "crown", [7])[0], found[7])


def test_the_picture_is_that_of_the_completed_label(pipe):
    found = labels(pipe, "crown", [3, 4])
    assert torch.equal(pipe("crown", [3, 4], QUICK), pipe(found, [3, 4], QUICK, complete=False))
    assert not torch.equal(pipe("crown", [3, 4], QUICK), pipe("crown", [3, 4], QUICK, complete=False))


def test_nothing_asked_for_is_completed_and_guided_like_any_other_request(pipe):
    """A picture must not depend on the others in its batch, some of which may be asked for something."""
    found = pipe.branches("any", SEEDS, QUICK)
    assert (found.labels[0] != UNKNOWN).all() and found.weights == [2.0]
    both = torch.stack([pipe.schema.encode("any"), pipe.schema.encode("crown")])
    assert torch.equal(pipe(both, [3, 4], QUICK)[0], pipe("any", [3], QUICK)[0])
    still_open = QUICK.replace(complete=False)
    assert (pipe.evaluations("any", still_open), pipe.evaluations("any", QUICK)) == (2, 4)


@pytest.mark.parametrize(
    ("cond", "more", "w"), [("crown", {}, 0.0), ("crown * 0", {}, 2.0), ("crown * -1", {}, 2.0),
    ("any", {"negative": "any"}, 2.0), ("crown", {"negative": "crown"}, 2.0)],
    ids=["w = 0", "weight 0", "away from it", "no request", "itself"],
)  # fmt: skip
def test_what_guidance_does_not_move_towards_is_left_open(pipe, cond, more, w):
    """And sampled with the steps that an open label needs: w = 0 is the unconditional model."""
    found = pipe.branches(cond, [1], SamplingOptions(w=w), **more)
    assert all((label == UNKNOWN).any() for label in found.labels)
    options = pipe.resolved(SamplingOptions(w=w), cond, more.get("negative"))
    assert (options.complete, options.sampler.name, options.steps) == (False, "dpmpp_2m", 10)


def test_a_label_that_guidance_moves_away_from_is_not_sampled(pipe):
    smiling = pipe.schema.column["mouth"]
    smile = pipe.schema.fields[smiling].values.index("Smile")
    seeds = list(range(60))
    assert (labels(pipe, "crown", seeds)[:, smiling] == smile).any()
    assert not (labels(pipe, "crown", seeds, negative="smile")[:, smiling] == smile).any()
    assert (labels(pipe, "smile", seeds, negative="smile")[:, smiling] == smile).all()  # where it was asked for


@pytest.mark.parametrize("cond", ["crown | pipe", "crown,pipe:5"])
def test_several_conditions_stay_as_they_are(pipe, cond):
    found = pipe.branches(cond, SEEDS, QUICK).labels
    assert len(found) > 1 and all((label == UNKNOWN).any() for label in found)


def test_a_picture_that_is_edited_decides_what_the_request_leaves_open(pipe):
    init = pipe.edit(torch.full((3, 24, 24), 90, dtype=torch.uint8), strength=0.5)
    edited = pipe("crown", [1], QUICK, edit=init)
    assert torch.equal(edited, pipe("crown", [1], QUICK, edit=init, complete=False))


def test_autoguidance_compares_two_networks_at_the_same_completed_label(pipe):
    found = pipe.branches("crown", SEEDS, QUICK, guide=pipe)
    assert torch.equal(found.labels[0], found.reference) and (found.reference != UNKNOWN).all()


def test_a_point_between_two_seeds_has_the_label_of_the_nearer_one(pipe):
    ends = labels(pipe, "crown", [4, 9])
    between = labels(pipe, "crown", [Between(4, 9, share) for share in (0.0, 0.4, 0.6, 1.0)])
    assert torch.equal(between, ends[[0, 0, 1, 1]])


def test_weights_without_a_prior_leave_labels_open_and_refuse_to_complete_them(pipe):
    older = replace(pipe, prior=None)
    assert (labels(older, "crown") == UNKNOWN).any() and not older.resolved(QUICK).complete
    with pytest.raises(ValueError, match=r"complete=true: these weights have no label prior; leave it out"):
        older("crown", [1], QUICK, complete=True)


def test_labels_are_left_open_where_that_is_asked_for(pipe):
    assert torch.equal(labels(pipe, "crown", [1], QUICK.replace(complete=False))[0], pipe.schema.encode("crown"))
