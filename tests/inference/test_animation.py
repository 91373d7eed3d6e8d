"""Animations and interpolations: they end in the pictures that sample.py samples, and pass through others."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from data.images import read_settings, to_uint8
from diffusion.sampling import Between, ImageNoise
from inference.animation import Frame, denoising, interpolation, spread
from tests.inference.conftest import picture
from tests.programs import run_program

QUICK = ["attrs=crown", "complete=false", "sampler=ddim", "steps=5", "w=2", "refine=0"]


@pytest.fixture
def job(in_tmp, prepared):
    return prepared(*QUICK)[0]


# -- one picture as it comes out of the noise ----------------------------------------------------------------------


def test_an_animation_goes_from_pure_noise_to_the_picture(job):
    frames = denoising(job, 3)
    assert [frame.t for frame in frames] == [1000, 800, 600, 400, 200, 0]
    assert torch.equal(frames[0].x_t, to_uint8(torch.randn(3, 24, 24, generator=torch.Generator().manual_seed(3))))
    picture = job.sample([3])[0]
    assert torch.equal(frames[-1].x_t, picture) and torch.equal(frames[-1].x_0, picture)
    assert all(frame.x_t.shape == frame.x_0.shape == (3, 24, 24) for frame in frames)
    assert all(frame.x_t.dtype == frame.x_0.dtype == torch.uint8 for frame in frames)


def test_final_re_noising_steps_are_frames_too(prepared):
    job = prepared("attrs=crown", "steps=2", "spacing=trailing", "refine=1")[0]
    frames = denoising(job, 3)
    assert [frame.t for frame in frames] == [1000, 500, 0, 0, 0, 0]
    assert [frame.head for frame in frames[1:]] == ["t = 500", "t = 0", "re-noised 1", "re-noised 2", "re-noised 3"]
    assert all(torch.equal(frame.x_t, frame.x_0) for frame in frames[2:])
    assert not torch.equal(frames[2].x_0, frames[3].x_0)
    assert torch.equal(frames[-1].x_0, job.sample([3])[0])


def test_a_frame_shows_the_picture_predicted_from_its_own_x_t(job):
    """Deterministic DDIM goes from t to s along x_s = signal x_0 + noise eps, so x_t and x_s tell the x_0 between."""
    schedule, frames = job.pipe.diffusion.schedule, denoising(job, 3)
    seen = [(1000, ImageNoise([3], (3, 24, 24))())]
    job.sample([3], on_step=lambda done, s, x_s, x_0: seen.append((s, x_s)))
    assert len(seen) == len(frames)
    for frame, ((t, x_t), (s, x_s)) in zip(frames, pairwise(seen), strict=False):
        assert frame.t == t and torch.equal(frame.x_t, to_uint8(x_t[0]))
        ratio = schedule.noise(s, x_s) / schedule.noise(t, x_s)
        by_hand = (x_s - ratio * x_t) / (schedule.signal(s, x_s) - ratio * schedule.signal(t, x_s))
        assert (frame.x_0.short() - to_uint8(by_hand[0]).short()).abs().max() <= 1  # of 255 levels, from rounding


def test_the_last_time_above_0_has_a_prediction_of_its_own(prepared):
    job = prepared("attrs=crown", "steps=2", "refine=0", "spacing=linspace", "sampler=ddim", "quantise=none")[0]
    frames = denoising(job, 3)
    assert [frame.t for frame in frames] == [1000, 1, 0]
    assert torch.equal(frames[1].x_0, frames[2].x_0) and not torch.equal(frames[1].x_0, frames[1].x_t)


@pytest.mark.parametrize(("strength", "times"), [(0.5, [250, 0]), (1, [1000, 750, 500, 250, 0]), (0, [0])])
def test_an_animation_of_a_noised_picture_begins_after_its_first_step(in_tmp, prepared, strength, times):
    Image.new("RGB", (24, 24), (200, 50, 50)).save("init.png")
    job = prepared("sampler=ddim", "steps=4", "refine=0", "init=init.png", f"strength={strength}")[0]
    frames = denoising(job, 3)
    assert [frame.t for frame in frames] == times
    assert torch.equal(frames[-1].x_t, job.sample([3])[0])


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, [0]), (2, [0, 9]), (4, [0, 3, 6, 9]), (5, [0, 2, 4, 7, 9]), (10, range(10)), (99, range(10))],
)
def test_frames_are_spread_evenly(count, expected):
    frames = [Frame(t, torch.empty(0), torch.empty(0)) for t in range(10)]
    assert [frame.t for frame in spread(frames, count)] == list(expected)
    assert [frame.head for frame in spread(frames, count)] == [f"t = {t}" for t in expected]


# -- pictures between two others -----------------------------------------------------------------------------------


def test_between_seeds_lie_other_pictures_and_at_the_ends_their_own(job):
    pictures = interpolation(job, (4, 9), None, 5)
    assert torch.equal(pictures[[0, 4]], job.sample([4, 9]))
    assert len(torch.unique(pictures, dim=0)) == 5
    assert torch.equal(pictures[1:2], job.sample([Between(4, 9, 0.25)]))


def test_between_requests_the_ends_are_those_of_the_requests(job, prepared):
    pictures = interpolation(job, (4, 4), "pipe,mohawk", 5)
    same = ["complete=false", "sampler=ddim", "steps=5", "refine=0", "w=2"]
    assert torch.equal(pictures[0], job.sample([4])[0])
    assert torch.equal(pictures[4], prepared(*same, "attrs=pipe,mohawk")[0].sample([4])[0])
    quarter = prepared(*same, "attrs=crown * 1.5 | pipe,mohawk * 0.5")[0]
    assert torch.equal(pictures[1], quarter.sample([4])[0])
    assert len(torch.unique(pictures, dim=0)) == 5


def test_seeds_and_requests_can_change_together(job, prepared):
    pictures = interpolation(job, (4, 9), "pipe", 3)
    half = prepared("complete=false", "sampler=ddim", "steps=5", "refine=0", "attrs=crown * 1 | pipe * 1")[0]
    assert torch.equal(pictures[1], half.sample([Between(4, 9, 0.5)])[0])
    assert torch.equal(pictures[2], prepared(*QUICK[1:], "attrs=pipe")[0].sample([9])[0])


def test_noise_between_two_seeds_stays_as_strong():
    """Along a circle, where a straight line would halve the variance in the middle."""
    noise = ImageNoise([Between(1, 2, 0.5)], (3, 64, 64))()
    assert noise.std().item() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (["seeds=[1]"], "seeds=[1]: must be a list in brackets of 2 whole numbers"),
        (["seeds=[1,2,3]"], "seeds=[1, 2, 3]: must be a list in brackets of 2"),
        (["frames=1"], "frames=1: must be a whole number from 2 to"),
        (["frames=many"], "frames='many': must be a whole number"),
        (["frames=100000000"], "frames=100000000: must be a whole number from 2 to"),
        (["to=crown | pipe"], "to='crown | pipe': an interpolation lies between two single requests"),
        (["to=pipe:5"], "to='pipe:5': an interpolation lies between two single requests, without weights"),
        (["to=pipe * 2"], "to='pipe * 2': an interpolation lies between"),
        (["to=pipe", "attrs=crown:4"], "attrs='Crown:4': an interpolation lies between"),
        (["to=crwn"], "to='crwn': unknown attribute 'crwn'; closest: Crown"),
        (["sampler=fast"], "sampler=fast: unknown; choose one of"),
        (["sedes=[3,4]"], "sedes: no such setting; closest: seeds"),
        (["--frames", "3"], "--frames 3: settings are written key=value, without dashes: frames=3"),
        (["seed=3"], "seed: no such setting; closest: "),
        (["n=4"], "n: no such setting"),
        (["rank=adherence"], "rank: no such setting"),
        (["from_image=a.png"], "from_image: no such setting"),
    ],
)
def test_what_is_no_interpolation_is_refused_in_one_line(in_tmp, weights, capsys, own, message):
    attrs = [] if any(a.startswith("attrs") for a in own) else ["attrs=crown"]
    with pytest.raises(SystemExit):
        run_program("scripts/interpolate.py", f"checkpoint={weights}", *attrs, "steps=2", "out=strip", *own)
    error = capsys.readouterr().err
    assert f"interpolate.py: {message}" in error and error.count("\n") == 1
    assert not (in_tmp / "strip").exists()


def test_an_edited_picture_has_no_other_request_to_go_to(in_tmp, prepared, face, classifier):
    job = prepared("init=face.png", "edit=+pipe", "mask=mask.png", "steps=1", "refine=0")[0]
    with pytest.raises(ValueError, match=r"^edit: changes one picture"):
        interpolation(job, (0, 1), "crown", 3)
    assert len(interpolation(job, (0, 1), None, 3)) == 3


# -- the scripts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("own", ["frames=0", "frames=-1", "frames=x", "n=4", "rank=adherence", "keep=1", "of=2"])
def test_what_is_no_animation_is_refused_in_one_line(in_tmp, weights, capsys, own):
    with pytest.raises(SystemExit):
        run_program("scripts/animate.py", f"checkpoint={weights}", "steps=1", own, "out=animation")
    error = capsys.readouterr().err
    assert error.startswith(f"animate.py: {own.partition('=')[0]}") and error.count("\n") == 1
    assert not (in_tmp / "animation").exists()


def test_the_scripts_leave_pictures_and_gifs(in_tmp, weights, capsys):
    common = [f"checkpoint={weights}", "attrs=crown", "complete=false", "steps=4", "scale=2", "refine=0"]
    run_program("scripts/interpolate.py", *common, "seeds=[1,2]", "frames=3", "out=strip")
    assert "written:  strip/strip.png and strip.gif, 3 pictures\n" in capsys.readouterr().out
    assert Image.open("strip/strip.png").size == (3 * 50 + 2, 52)
    gif = Image.open("strip/strip.gif")
    assert (gif.n_frames, gif.size) == (3, (48, 48))
    record = read_settings(in_tmp / "strip/strip.png")
    assert (record["seeds"], record["to"], record["attrs"]) == ([1, 2], None, "Crown")
    run_program("scripts/animate.py", *common, "seed=1", "frames=2", "out=animation")
    said = capsys.readouterr().out
    assert "written:  animation/animation.gif, 5 frames, and animation.png\n" in said and said.count("\n") <= 8
    animation = Image.open("animation/animation.gif")
    assert (animation.n_frames, animation.size) == (5, (96, 48))
    assert read_settings(in_tmp / "animation/animation.png")["seed"] == 1
    run_program("sample.py", *common, "seed=1", "n=1", "out=plain")
    animation.seek(4)
    last = np.asarray(animation.convert("RGB"))
    for half in (last[:, :48], last[:, 48:]):
        assert np.array_equal(half, picture("plain/seed-000001.png"))
    strip = picture("strip/strip.png")
    assert np.array_equal(strip[2:50, 2:50], picture("plain/seed-000001.png"))


def test_columns_are_headed_and_as_wide_as_their_heads(in_tmp, weights, monkeypatch):
    heads = []
    monkeypatch.setattr("runtime.plots.ImageDraw.Draw", lambda canvas: Watched(canvas, heads))
    run_program("scripts/animate.py", f"checkpoint={weights}", "steps=1", "refine=2", "scale=1", "out=animation")
    assert [text for text, *_ in heads] == ["t = 1000", "t = 0", "re-noised 1", "re-noised 2", "re-noised 3"]
    for (_, _, right), (_, left, _) in pairwise(heads):
        assert left - right >= 4
    assert heads[-1][2] <= Image.open("animation/animation.png").width


class Watched:
    """Writes, and keeps (text, left, right) of what is centred, as heads are."""

    def __init__(self, canvas, centred):
        self.pen, self.centred = ImageDraw.ImageDraw(canvas), centred

    def text(self, xy, text, anchor="la", **how):
        if anchor == "mm":
            left, _, right, _ = self.pen.textbbox(xy, text, font=how["font"], anchor=anchor)
            self.centred.append((text, left, right))
        self.pen.text(xy, text, anchor=anchor, **how)


def test_a_picture_is_animated_from_its_file(in_tmp, weights):
    options = ["attrs=crown", "steps=3", "w=2", "scale=2", "seed=5", "n=1", "refine=1", "sampler=ddim", "sampler.eta=1"]
    run_program("sample.py", f"checkpoint={weights}", *options, "out=a")
    run_program("scripts/animate.py", "from_image=a/seed-000005.png", "out=animation")
    animation = Image.open("animation/animation.gif")
    animation.seek(animation.n_frames - 1)
    assert np.array_equal(np.asarray(animation.convert("RGB"))[:, 48:], picture("a/seed-000005.png"))
