"""Guided distillation, against Gaussian data whose perfect denoiser is known."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
import torch
from torch import nn

from conf import MAX_WEIGHT
from diffusion.distillation import ENTRIES, Distilling, GuidedDistillation, embedded, with_guidance
from diffusion.gaussian import GaussianDiffusion, Objective
from diffusion.guidance import Fade, guided
from diffusion.samplers import DDIM
from diffusion.schedule import NoiseSchedule
from tests.diffusion.oracle import GaussianData, solve

SCHEDULE = NoiseSchedule.named("linear", 200)
TIMES = [50, 100, 150, 200]
NARROW = GaussianData(mean=0.2, std=0.1)  # of a label; WIDE of all pictures. Narrow enough to be clipped nowhere
WIDE = GaussianData(mean=0.0, std=0.2)


def diffusion(prediction: str = "v", times: list[int] | None = TIMES) -> GaussianDiffusion:
    return GaussianDiffusion(SCHEDULE, Objective(prediction=prediction, times=times))


def raw(kind: GaussianDiffusion, prediction, x_t, t):
    return kind.target(prediction.x_0, t, prediction.eps)


def perfect(kind: GaussianDiffusion):
    """The raw output of a perfect teacher of NARROW, and of WIDE where nothing is asked for."""

    def teacher(x_t, t, cond):
        rows = []
        for x, time, label in zip(x_t, t.tolist(), cond[:, 0].tolist(), strict=True):
            data = NARROW if label >= 0 else WIDE
            rows.append(raw(kind, data.denoise(SCHEDULE)(x[None], time), x[None], torch.tensor([time]))[0])
        return torch.stack(rows)

    return teacher


def pictures(n: int, seed: int = 0):
    """x_t, t, cond and w of n pictures at all times, some of which share time and weight, and some the time alone."""
    generator = torch.Generator().manual_seed(seed)
    x_t = torch.randn(n, 1, 2, 2, generator=generator, dtype=torch.float64)
    t = torch.tensor(TIMES)[torch.arange(n) % 4]
    w = torch.tensor([1.0, 2.0, 1.5, 3.0, 1.0, 4.0, 1.5, 3.0])[torch.arange(n) % 8]
    return x_t, t, torch.zeros(n, 1, dtype=torch.int64), w


@pytest.mark.parametrize("substeps", [1, 3, 25])
def test_one_step_leads_where_the_guided_steps_of_the_teacher_lead(substeps):
    kind = diffusion()
    objective = Distilling(kind, GuidedDistillation(substeps=substeps), perfect(kind))
    x_t, t, cond, w = pictures(8)
    x_0 = objective.taught(x_t, t, cond, w)
    for row in range(8):
        time, lower = t[row].item(), max([0, *(s for s in TIMES if s < t[row])])
        alone, label = x_t[row : row + 1], cond[row : row + 1]
        denoise = guided(kind, perfect(kind), label, ref_cond=-1 - label, w=w[row].item(), guidance=Fade())
        grid = torch.linspace(time, lower, substeps + 1).round().int().tolist()
        expected = solve(DDIM(), SCHEDULE, denoise, grid, alone)
        eps = kind.with_x_0(x_0[row : row + 1], alone, time).eps
        found = SCHEDULE.signal(lower, alone) * x_0[row : row + 1] + SCHEDULE.noise(lower, alone) * eps
        assert torch.allclose(found, expected, atol=1e-9)


def test_many_steps_of_a_perfect_teacher_follow_the_flow_of_the_data():
    kind = diffusion()
    x_t, t, cond, _ = pictures(4)
    errors = {}
    for substeps in (2, 50):
        objective = Distilling(kind, GuidedDistillation(substeps=substeps), perfect(kind))
        x_0 = objective.taught(x_t, t, cond, torch.ones(4))
        eps = kind.with_x_0(x_0, x_t, t).eps
        lower = torch.tensor([0, 50, 100, 150])
        x_s = SCHEDULE.signal(lower, x_t) * x_0 + SCHEDULE.noise(lower, x_t) * eps
        exact = [NARROW.flow(SCHEDULE, x_t[i], TIMES[i], s) for i, s in enumerate(lower.tolist())]
        errors[substeps] = (x_s - torch.stack(exact)).abs().max()
    assert errors[50] < errors[2] / 10  # of first order


def test_a_picture_that_is_taught_is_where_the_whole_trajectory_ends():
    """From each time, by the flow that a perfect teacher follows; from the lowest one, that is the next state too."""
    kind = diffusion()
    x_t, t, cond, w = pictures(4)
    whole, legs = (
        Distilling(kind, GuidedDistillation(substeps=50, target=target), perfect(kind)).taught
        for target in ("picture", "state")
    )
    exact = torch.stack([NARROW.flow(SCHEDULE, x_t[i], TIMES[i], 0) for i in range(4)])
    assert (whole(x_t, t, cond, torch.ones(4)) - exact).abs().max() < 0.03  # of DDIM, 50 steps and more
    taught, next_state = whole(x_t, t, cond, w), legs(x_t, t, cond, w)
    assert torch.equal(taught[0], next_state[0]) and (taught - next_state).abs().flatten(1).amax(dim=1)[1:].min() > 0.01


@pytest.mark.parametrize("steps", [1, 3, 4])
def test_a_route_to_the_picture_is_that_of_the_steps_one_after_another(steps):
    settings = GuidedDistillation(steps=steps, substeps=3)
    times = settings.times(200)
    legs = settings.routes(times)
    whole = settings.model_copy(update={"target": "picture"}).routes(times)
    assert list(whole) == list(legs) == times
    routes = {"state": legs, "picture": whole}
    for target, found in routes.items():
        mean = sum(len(route) - 1 for route in found.values()) / steps
        assert settings.model_copy(update={"target": target}).steps_of_teacher == mean
    for k, t in enumerate(times):
        visited = [t]
        for time in times[k::-1]:
            visited += legs[time][1:]
        assert whole[t] == visited and visited[-1] == 0 and len(visited) == 3 * (k + 1) + 1


@pytest.mark.parametrize("prediction", ["v", "x_0"])
def test_the_loss_is_zero_for_the_network_that_steps_as_the_teacher_does(prediction):
    """With one step each and no guidance, that is the teacher itself."""
    kind = diffusion(prediction)
    objective = Distilling(kind, GuidedDistillation(substeps=1, w=[1.0, 1.0]), perfect(kind))
    x_0 = NARROW.samples((8, 1, 2, 2), seed=1)
    draws = objective.held_out_draws(x_0)
    cond = torch.zeros(8, 1, dtype=torch.int64)
    own = objective.losses("model", lambda x_t, t, c, w: perfect(kind)(x_t, t, c), x_0, cond, *draws)
    other = objective.losses("model", lambda x_t, t, c, w: perfect(kind)(x_t, t, -1 - c), x_0, cond, *draws)
    assert own["loss/train"].max() < 1e-20 < 1e-7 < other["loss/train"].min()


def test_a_network_that_learns_it_samples_in_four_steps_as_the_teacher_in_many():
    """Of Gaussian data what is taught is affine in x_t, so that a slope and an offset for each time learn it all."""
    kind, everywhere = diffusion(), diffusion(times=None)
    objective = Distilling(kind, GuidedDistillation(substeps=25, w=[2.0, 2.0]), perfect(kind))
    slope, offset = (nn.Parameter(torch.zeros(201, dtype=torch.float64)) for _ in range(2))

    def network(x_t, t, cond, w=None):
        return slope[t, None, None, None] * x_t + offset[t, None, None, None]

    x_0, cond = NARROW.samples((64, 1, 2, 2), seed=2), torch.zeros(64, 1, dtype=torch.int64)
    draws, optimizer = objective.held_out_draws(x_0), torch.optim.LBFGS([slope, offset], max_iter=50)

    def loss():
        optimizer.zero_grad()
        value = objective.losses("model", network, x_0, cond, *draws)["loss/train"].mean()
        value.backward()
        return value

    optimizer.step(loss)
    x_T = torch.randn(16, 1, 2, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    label = cond[:16]

    def teacher(steps):
        denoise = guided(everywhere, perfect(everywhere), label, ref_cond=-1 - label, w=2.0, guidance=Fade())
        return solve(DDIM(), SCHEDULE, denoise, list(range(200, -1, -200 // steps)), x_T)

    with torch.no_grad():
        student = solve(DDIM(), SCHEDULE, guided(kind, with_guidance(network, 2.0), label), [*TIMES[::-1], 0], x_T)
    many, few = teacher(100), teacher(4)
    assert (student - many).abs().max() < 0.1 * (few - many).abs().max()


def test_pictures_at_one_time_have_one_weight_and_all_lie_where_they_should():
    objective = Distilling(diffusion(), GuidedDistillation(w=[2.0, 5.0]), perfect(diffusion()))
    x_0 = torch.zeros(256, 1, 2, 2)
    t, eps, w = objective.draws(x_0, torch.Generator().manual_seed(0))
    assert sorted(set(t.tolist())) == TIMES and eps.shape == x_0.shape
    assert len(set(zip(t.tolist(), w.tolist(), strict=True))) == 4 == len(set(w.tolist()))
    assert 2 <= w.min() < w.max() <= 5
    assert not torch.equal(w, objective.draws(x_0, torch.Generator().manual_seed(1))[2])


def test_held_out_losses_are_of_all_times_alike_and_of_all_weights():
    objective = Distilling(diffusion(), GuidedDistillation(w=[2.0, 5.0]), perfect(diffusion()))
    t, eps, w = objective.held_out_draws(torch.zeros(32, 1, 2, 2))
    assert {(a, b): 2 for a in TIMES for b in (2.0, 3.0, 4.0, 5.0)} == Counter(zip(t.tolist(), w.tolist(), strict=True))
    assert torch.equal(eps, objective.held_out_draws(torch.zeros(32, 1, 2, 2))[1])


def test_an_embedding_tells_weights_apart_and_near_ones_less():
    w = torch.linspace(0, MAX_WEIGHT, 201)
    vectors = embedded(w)
    assert vectors.shape == (201, ENTRIES) and vectors.abs().max() <= 1
    gaps = torch.cdist(vectors, vectors)
    assert gaps[~torch.eye(201, dtype=bool)].min() > 0.1
    assert all(gaps[0, i] < gaps[0, j] for i, j in pairwise(range(0, 20)))  # the farther, up to a w of 2


def test_every_picture_is_given_the_weight():
    seen = []
    with_guidance(lambda x_t, t, cond, w: seen.append(w), 2.5)(
        torch.zeros(3, 1, 2, 2), torch.ones(3), torch.zeros(3, 1)
    )
    assert torch.equal(seen[0], embedded(torch.full((3,), 2.5)))


@pytest.mark.parametrize(
    ("settings", "T"), [({"steps": 3}, 1000), ({"steps": 4, "substeps": 5}, 20), ({"steps": 1}, 7)]
)
def test_times_are_even_and_end_in_noise(settings, T):
    distillation = GuidedDistillation(**settings)
    times = distillation.times(T)
    assert len(times) == distillation.steps and times[-1] == T
    gaps = [b - a for a, b in pairwise([0, *times])]
    assert min(gaps) >= distillation.substeps and max(gaps) - min(gaps) <= 1


def test_more_steps_than_times_are_refused():
    with pytest.raises(ValueError, match=r"distill.steps=4, distill.substeps=5: 20 steps of the teacher, more than"):
        GuidedDistillation(steps=4, substeps=5).times(19)


@pytest.mark.parametrize("w", [[3.0, 1.0], [-1.0, 2.0], [1.0, MAX_WEIGHT + 1]])
def test_weights_that_are_no_range_are_refused(w):
    with pytest.raises(ValueError, match="lowest <= highest"):
        GuidedDistillation(w=w)
