"""Films: they end in the pictures that sample.py draws, and pass through others."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image

from comparison import settings_of
from data.images import to_uint8
from films import Frame, denoising, interpolation, spread
from steering import prepare
from tests.test_bad_input import run_program


@pytest.fixture
def drawing(in_tmp, weights):
    return prepare(settings_of([f"checkpoint={weights}", "attrs=crown", "sampler=ddim", "steps=5", "w=2", "refine=0"]))[
        0
    ]


def test_a_film_has_a_frame_for_each_step_and_ends_in_the_picture(drawing):
    frames = denoising(drawing, 3)
    assert [frame.t for frame in frames] == [800, 600, 400, 200, 0]
    picture = drawing.draw([3])[0]
    assert torch.equal(frames[-1].x_t, picture) and torch.equal(frames[-1].x_0, picture)
    assert all(frame.x_t.shape == frame.x_0.shape == (3, 24, 24) for frame in frames)


def test_rounds_of_refinement_are_frames_too(weights, in_tmp):
    drawing = prepare(settings_of([f"checkpoint={weights}", "attrs=crown", "steps=2", "refine=1"]))[0]
    frames = denoising(drawing, 3)
    assert [frame.t for frame in frames] == [500, 0, 0, 0, 0]
    assert torch.equal(frames[-1].x_0, drawing.draw([3])[0])


def test_a_film_shows_the_predicted_picture_beside_the_noised_one(drawing):
    """Deterministic DDIM goes from t to s along x_s = signal x_0 + noise eps, so two frames tell x_0."""
    schedule = drawing.pipe.diffusion.schedule
    seen = []
    drawing.draw([3], on_step=lambda done, s, x_s, x_0: seen.append((s, x_s, x_0)))
    for (t, x_t, _), (s, x_s, x_0) in pairwise(seen[1:]):
        ratio = schedule.noise(s, x_s) / schedule.noise(t, x_s)
        by_hand = (x_s - ratio * x_t) / (schedule.signal(s, x_s) - ratio * schedule.signal(t, x_s))
        torch.testing.assert_close(x_0, by_hand, atol=1e-4, rtol=0)
    assert torch.equal(denoising(drawing, 3)[1].x_0, to_uint8(seen[1][2][0]))


@pytest.mark.parametrize(
    ("count", "expected"), [(1, [0]), (2, [0, 9]), (4, [0, 3, 6, 9]), (10, range(10)), (99, range(10))]
)
def test_frames_are_spread_evenly(count, expected):
    frames = [Frame(t, torch.empty(0), torch.empty(0)) for t in range(10)]
    assert [frame.t for frame in spread(frames, count)] == list(expected)


def test_between_seeds_lie_other_pictures_and_at_the_ends_their_own(drawing):
    pictures = interpolation(drawing, (4, 9), None, 5)
    assert torch.equal(pictures[[0, 4]], drawing.draw([4, 9]))
    assert len(torch.unique(pictures, dim=0)) == 5


def test_between_requests_the_ends_are_those_of_the_requests(drawing, weights):
    pictures = interpolation(drawing, (4, 4), "pipe,mohawk", 3)
    same = [f"checkpoint={weights}", "sampler=ddim", "steps=5", "refine=0"]
    other = prepare(settings_of([*same, "attrs=pipe,mohawk", "w=2"]))[0]
    assert torch.equal(pictures[0], drawing.draw([4])[0])
    assert torch.equal(pictures[2], other.draw([4])[0])
    half = prepare(settings_of([*same, "attrs=crown * 1 | pipe,mohawk * 1"]))[0]
    assert torch.equal(pictures[1], half.draw([4])[0])


@pytest.mark.parametrize(
    ("own", "told"),
    [
        (["seeds=1"], "seeds=1: must be 2 whole numbers with commas, such as seeds=4,5"),
        (["frames=1"], "frames=1: must be at least 2"),
        (["frames=many"], "frames=many: must be a whole number, such as frames=4"),
        (["to=crown | pipe"], "between two single requests"),
        (["to=crwn"], "to='crwn': unknown attribute 'crwn'; closest: Crown"),
        (["sampler=fast"], "sampler=fast: unknown; choose one of"),
    ],
)
def test_what_is_no_interpolation_is_refused_in_one_line(in_tmp, weights, own, told):
    with pytest.raises(SystemExit) as refused:
        run_program("scripts/interpolate.py", f"checkpoint={weights}", "attrs=crown", "steps=2", "out=strip", *own)
    assert told in str(refused.value) and "\n" not in str(refused.value)
    assert not (in_tmp / "strip").exists()


def test_the_scripts_leave_pictures_and_gifs(in_tmp, weights):
    common = [f"checkpoint={weights}", "attrs=crown", "steps=4", "scale=2", "refine=0"]
    run_program("scripts/interpolate.py", *common, "seeds=1,2", "frames=3", "out=strip")
    assert Image.open(in_tmp / "strip/strip.png").size == (3 * 50 + 2, 52)
    gif = Image.open(in_tmp / "strip/strip.gif")
    assert (gif.n_frames, gif.size) == (3, (48, 48))
    run_program("scripts/film.py", *common, "seed=1", "frames=2", "out=film")
    film = Image.open(in_tmp / "film/film.gif")
    assert (film.n_frames, film.size) == (4, (96, 48))
    run_program("sample.py", *common, "seed=1", "n=1", "out=plain")
    film.seek(3)
    last = np.asarray(film.convert("RGB"))
    assert np.array_equal(last[:, :48], np.asarray(Image.open(in_tmp / "plain/seed-000001.png")))
