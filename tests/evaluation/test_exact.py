"""Exact match against pictures whose mistakes are known."""

from types import SimpleNamespace

import pytest
import torch

from data import pixelfaces
from data.palette import Palette
from evaluation.exact import ExactMatch, exact_match, wrong_pixels


@pytest.fixture(scope="module")
def data():
    return pixelfaces.load(count=200).validation


def test_the_truth_itself_is_exact(data):
    figures, wrong = exact_match(data.images[None], data.images, data.palette)
    assert (figures["exact_one_seed"], figures["exact_best"], figures["wrong_mean"]) == (1.0, 1.0, 0.0)
    assert figures["palette_error"] == 0.0
    assert wrong.shape == (1, len(data))


def test_known_mistakes_are_counted(data):
    """Try 0 has k wrong pixels in picture k; try 1 is perfect in picture 1 alone."""
    tries = data.images.repeat(2, 1, 1, 1, 1)
    colour = data.palette.colours[0]
    for i in range(len(data)):
        for k in range(i):
            position = (0, i, slice(None), k // 24, k % 24)
            tries[position] = colour if not torch.equal(tries[position], colour) else data.palette.colours[1]
    tries[1, [i for i in range(len(data)) if i != 1], :, 0, 0] += 1  # so small that snapping undoes it
    figures, wrong = exact_match(tries, data.images, Palette(data.palette.colours))
    assert wrong[0].tolist() == list(range(len(data)))
    assert wrong[1].tolist() == [0] * len(data)
    n = len(data)
    assert figures["exact_one_seed"] == pytest.approx((1 + n) / (2 * n))
    assert figures["exact_best"] == 1.0
    assert figures["wrong_mean"] == pytest.approx(sum(range(n)) / (2 * n))
    assert figures["palette_error"] == pytest.approx(3 * (n - 1) / (2 * n * 3 * 576))


def test_snapping_by_place_and_by_palette_are_counted_apart(data):
    """A colour that stands somewhere, but never at the corner, is a mistake which snapping by place undoes."""
    away = (~data.palette.places[:, 0, 0]).nonzero()[0, 0]
    tries = data.images[None].clone()
    tries[0, :, :, 0, 0] = data.palette.colours[away]
    plain = exact_match(tries, data.images, data.palette)[0]["palette"]
    assert (plain["exact_one_seed"], plain["wrong_mean"], plain["wrong_median"]) == (0.0, 1.0, 1.0)
    figures, _ = exact_match(data.images[None], data.images, data.palette.placed(data.images[1:]))
    unreachable = (data.images[:1] != data.palette.placed(data.images[1:]).snap(data.images[:1])).any().item()
    assert figures["reachable"] == pytest.approx(1 - unreachable / len(data))
    assert figures["exact_one_seed"] == figures["reachable"]


def test_a_pixel_counts_once_however_many_channels_are_wrong():
    truth = torch.zeros(1, 3, 2, 2, dtype=torch.uint8)
    drawn = truth[None].clone()
    drawn[0, 0, :, 0, 0] = 9
    drawn[0, 0, 1, 1, 1] = 9
    assert wrong_pixels(drawn, truth).tolist() == [[2]]


def test_every_try_has_its_own_seeds(data):
    pipe = SimpleNamespace(palette=data.palette, schema=data.schema)
    settings = {"w": 1.0, "exact": {"n": 10_000, "tries": 3}}
    bench = SimpleNamespace(pipe=pipe, held_out=data, settings=settings)
    assert ExactMatch.applies(bench)
    jobs = ExactMatch(bench).jobs
    assert all(torch.equal(job.labels, data.labels) for job in jobs)
    assert sorted(seed for job in jobs for seed in job.seeds) == list(range(3 * len(data)))
