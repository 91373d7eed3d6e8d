"""Films: they end in the pictures that sample.py draws, and pass through others."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from data.images import to_uint8
from diffusion.sampling import ImageNoise
from inference.animation import Frame, denoising, interpolation, spread
from inference.comparison import settings_of
from inference.job import prepare
from tests.cli.test_bad_input import run_program


@pytest.fixture
def drawing(in_tmp, weights):
    return prepare(settings_of([f"checkpoint={weights}", "attrs=crown", "sampler=ddim", "steps=5", "w=2", "refine=0"]))[
        0
    ]


def test_a_film_goes_from_pure_noise_to_the_picture(drawing):
    frames = denoising(drawing, 3)
    assert [frame.t for frame in frames] == [1000, 800, 600, 400, 200, 0]
    assert torch.equal(frames[0].x_t, to_uint8(torch.randn(3, 24, 24, generator=torch.Generator().manual_seed(3))))
    picture = drawing.draw([3])[0]
    assert torch.equal(frames[-1].x_t, picture) and torch.equal(frames[-1].x_0, picture)
    assert all(frame.x_t.shape == frame.x_0.shape == (3, 24, 24) for frame in frames)


def test_rounds_of_refinement_are_frames_too(weights, in_tmp):
    drawing = prepare(settings_of([f"checkpoint={weights}", "attrs=crown", "steps=2", "refine=1"]))[0]
    frames = denoising(drawing, 3)
    assert [frame.t for frame in frames] == [1000, 500, 0, 0, 0, 0]
    assert [frame.head for frame in frames[1:]] == ["t = 500", "t = 0", "refined 1", "refined 2", "refined 3"]
    assert all(torch.equal(frame.x_t, frame.x_0) for frame in frames[2:])
    assert torch.equal(frames[-1].x_0, drawing.draw([3])[0])


def test_a_frame_shows_the_picture_predicted_from_its_own_x_t(drawing):
    """Deterministic DDIM goes from t to s along x_s = signal x_0 + noise eps, so x_t and x_s tell the x_0 between."""
    schedule, frames = drawing.pipe.diffusion.schedule, denoising(drawing, 3)
    seen = [(1000, ImageNoise([3], (3, 24, 24))())]
    drawing.draw([3], on_step=lambda done, s, x_s, x_0: seen.append((s, x_s)))
    assert len(seen) == len(frames)
    for frame, ((t, x_t), (s, x_s)) in zip(frames, pairwise(seen), strict=False):
        assert frame.t == t and torch.equal(frame.x_t, to_uint8(x_t[0]))
        ratio = schedule.noise(s, x_s) / schedule.noise(t, x_s)
        by_hand = (x_s - ratio * x_t) / (schedule.signal(s, x_s) - ratio * schedule.signal(t, x_s))
        assert (frame.x_0.short() - to_uint8(by_hand[0]).short()).abs().max() <= 1  # of 255 levels, from rounding


def test_a_film_of_a_noised_picture_begins_after_its_first_step(in_tmp, weights):
    Image.new("RGB", (24, 24), (200, 50, 50)).save("init.png")
    common = [f"checkpoint={weights}", "sampler=ddim", "steps=4", "refine=0", "init=init.png"]
    for strength, times in ((0.5, [250, 0]), (1, [1000, 750, 500, 250, 0]), (0, [0])):
        drawing = prepare(settings_of([*common, f"strength={strength}"]))[0]
        frames = denoising(drawing, 3)
        assert [frame.t for frame in frames] == times
        assert torch.equal(frames[-1].x_t, drawing.draw([3])[0])


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
        (["to=pipe:5"], "to='pipe:5': an interpolation lies between two single requests, without weights"),
        (["to=crwn"], "to='crwn': unknown attribute 'crwn'; closest: Crown"),
        (["sampler=fast"], "sampler=fast: unknown; choose one of"),
        (["sedes=3,4"], "interpolate.py: sedes: no such setting; closest: seeds, seed"),
        (["--frames", "3"], "interpolate.py: --frames 3: settings are written key=value, without dashes: frames=3"),
        (["seed=3"], "interpolate.py: seed=3: name the two seeds, as in seeds=3,8"),
        (["+n=4"], "n=4: frames=9 says how many"),
        (["rank=adherence"], "rank=adherence: frames=9 says how many"),
        (["from_image=a.png"], "from_image=a.png: settings are not taken from a picture here"),
    ],
)
def test_what_is_no_interpolation_is_refused_in_one_line(in_tmp, weights, own, told):
    with pytest.raises(SystemExit) as refused:
        run_program("scripts/interpolate.py", f"checkpoint={weights}", "attrs=crown", "steps=2", "out=strip", *own)
    assert told in str(refused.value) and "\n" not in str(refused.value)
    assert not (in_tmp / "strip").exists()


@pytest.mark.parametrize("frames", ["0", "-1", "x", "2,3"])
def test_a_film_without_frames_is_refused_in_one_line(in_tmp, weights, frames):
    with pytest.raises(SystemExit) as refused:
        run_program("scripts/film.py", f"checkpoint={weights}", "steps=1", f"frames={frames}", "out=film")
    assert str(refused.value) == f"film.py: frames={frames}: must be a whole number of at least 1, such as frames=4"
    assert not (in_tmp / "film").exists()


def test_the_scripts_leave_pictures_and_gifs(in_tmp, weights):
    common = [f"checkpoint={weights}", "attrs=crown", "steps=4", "scale=2", "refine=0"]
    run_program("scripts/interpolate.py", *common, "seeds=1,2", "frames=3", "out=strip")
    assert Image.open(in_tmp / "strip/strip.png").size == (3 * 50 + 2, 52)
    gif = Image.open(in_tmp / "strip/strip.gif")
    assert (gif.n_frames, gif.size) == (3, (48, 48))
    run_program("scripts/film.py", *common, "seed=1", "frames=2", "out=film")
    film = Image.open(in_tmp / "film/film.gif")
    assert (film.n_frames, film.size) == (5, (96, 48))
    run_program("sample.py", *common, "seed=1", "n=1", "out=plain")
    film.seek(4)
    last = np.asarray(film.convert("RGB"))
    assert np.array_equal(last[:, :48], np.asarray(Image.open(in_tmp / "plain/seed-000001.png")))


def test_columns_of_a_film_are_headed_and_as_wide_as_their_heads(in_tmp, weights, monkeypatch):
    heads = []
    monkeypatch.setattr("runtime.plots.ImageDraw.Draw", lambda canvas: Watched(canvas, heads))
    run_program("scripts/film.py", f"checkpoint={weights}", "steps=1", "refine=2", "scale=1", "out=film")
    assert [text for text, *_ in heads] == ["t = 1000", "t = 0", "refined 1", "refined 2", "refined 3"]
    for (_, _, right), (_, left, _) in pairwise(heads):
        assert left - right >= 4
    assert heads[-1][2] <= Image.open(in_tmp / "film/film.png").width


class Watched:
    """Draws, and keeps (text, left, right) of what is centred, as heads are."""

    def __init__(self, canvas, centred):
        self.drawn, self.centred = ImageDraw.ImageDraw(canvas), centred

    def text(self, xy, text, anchor="la", **how):
        if anchor == "mm":
            left, _, right, _ = self.drawn.textbbox(xy, text, font=how["font"], anchor=anchor)
            self.centred.append((text, left, right))
        self.drawn.text(xy, text, anchor=anchor, **how)


@pytest.mark.parametrize("argument", ["n=4", "rank=adherence", "keep=1", "of=2"])
def test_a_film_chooses_among_no_pictures(in_tmp, weights, argument):
    with pytest.raises(SystemExit) as refused:
        run_program("scripts/film.py", f"checkpoint={weights}", "steps=1", "out=film", argument)
    assert str(refused.value) == f"film.py: {argument}: a film shows one picture; name it with seed or from_image"


def test_a_picture_that_was_drawn_is_filmed_from_its_file(in_tmp, weights):
    run_program(
        "sample.py", f"checkpoint={weights}", "attrs=crown", "steps=3", "w=2", "scale=2", "seed=5", "n=1", "out=a"
    )
    run_program("scripts/film.py", "from_image=a/seed-000005.png", "out=film")
    film = Image.open(in_tmp / "film/film.gif")
    film.seek(film.n_frames - 1)
    last = np.asarray(film.convert("RGB"))[:, 48:]
    assert np.array_equal(last, np.asarray(Image.open(in_tmp / "a/seed-000005.png").convert("RGB")))
