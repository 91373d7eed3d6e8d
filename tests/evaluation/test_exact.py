"""Exact match against pictures whose mistakes are known."""

import pytest
import torch

from data import PixelFaces
from data.palette import Palette
from evaluation.baselines import Analogy
from evaluation.exact import ExactMatch, ExactMatchSettings, exact_match, wrong_pixels
from tests.evaluation.stubs import bench_of


@pytest.fixture(scope="module")
def data():
    return PixelFaces(count=200).load().validation


def test_the_truth_itself_is_exact(data):
    figures, wrong = exact_match(data.images[None], data.images, data.palette)
    assert (figures["exact_one_seed"].value, figures["exact_best"].value, figures["wrong_mean"].value) == (1, 1, 0)
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
    tries[1, [i for i in range(len(data)) if i != 1], :, 0, 0] += 1  # so small that quantising undoes it
    figures, wrong = exact_match(tries, data.images, Palette(data.palette.colours))
    assert wrong[0].tolist() == list(range(len(data)))
    assert wrong[1].tolist() == [0] * len(data)
    n = len(data)
    assert figures["exact_one_seed"].value == pytest.approx((1 + n) / (2 * n))
    assert figures["exact_best"].value == 1.0
    assert figures["wrong_mean"].value == pytest.approx(sum(range(n)) / (2 * n))
    assert figures["palette_error"] == pytest.approx(3 * (n - 1) / (2 * n * 3 * 576))


def test_quantising_per_pixel_and_to_the_whole_palette_are_counted_apart(data):
    """A colour that stands somewhere, but never at the corner, is a mistake which quantising per pixel undoes."""
    away = (~data.palette.at_pixel[:, 0, 0]).nonzero()[0, 0]
    tries = data.images[None].clone()
    tries[0, :, :, 0, 0] = data.palette.colours[away]
    plain = exact_match(tries, data.images, data.palette)[0]["palette"]
    assert (plain["exact_one_seed"].value, plain["wrong_mean"].value, plain["wrong_median"]) == (0.0, 1.0, 1.0)
    figures, _ = exact_match(data.images[None], data.images, data.palette.per_pixel(data.images[1:]))
    unreachable = (data.images[:1] != data.palette.per_pixel(data.images[1:]).quantise(data.images[:1])).any().item()
    assert figures["reachable"] == pytest.approx(1 - unreachable / len(data))
    assert figures["exact_one_seed"].value == figures["reachable"]


def test_a_pixel_counts_once_however_many_channels_are_wrong():
    truth = torch.zeros(1, 3, 2, 2, dtype=torch.uint8)
    samples = truth[None].clone()
    samples[0, 0, :, 0, 0] = 9
    samples[0, 0, 1, 1, 1] = 9
    assert wrong_pixels(samples, truth).tolist() == [[2]]


def test_every_try_has_its_own_seeds_and_all_labels_of_the_split(data):
    bench = bench_of(PixelFaces(count=200).load(), w=1.0)
    assert ExactMatch.applies(bench)
    sets = ExactMatch(bench, ExactMatchSettings(n=10_000, tries=3)).sets
    assert all(torch.equal(samples.labels, data.labels) for samples in sets)
    assert sorted(seed for samples in sets for seed in samples.seeds) == list(range(3 * len(data)))


def test_samples_are_compared_with_the_held_out_pictures_of_their_labels(tmp_path):
    """The first try is right in two pictures of four, the second in a third one."""
    splits = PixelFaces(count=200).load()
    bench = bench_of(splits, split="test", w=2.0, steps=10)
    measure = ExactMatch(bench, ExactMatchSettings(n=4, tries=2))
    truth, away = splits.test.images[:4], splits.test.images[4:8]
    tries = {
        samples.name: torch.cat([truth[:k], away[k : k + 1], truth[k + 1 : 3], away[3:]])
        for k, samples in enumerate(measure.sets)
    }
    figures = measure.measure(lambda samples: tries[samples.name])
    assert figures["exact_one_seed"].value == 0.5 and figures["exact_best"].value == 0.75
    assert (figures["w"], figures["nfe"]) == (2.0, 20)
    report = measure.report(figures, tmp_path)
    assert "colours of each pixel | 20 | 50.0 % (" in report and "of the test split" in report


def test_the_interval_is_over_pictures_and_not_over_tries(data):
    """Four tries of one picture are no four pictures: with all tries alike, the interval is that of a single one."""
    one = data.images.clone()
    one[::2, :, 0, 0] = 255 - one[::2, :, 0, 0]
    alone = exact_match(one[None], data.images, Palette(data.palette.colours))[0]["exact_one_seed"]
    several = exact_match(one.repeat(4, 1, 1, 1, 1), data.images, Palette(data.palette.colours))[0]["exact_one_seed"]
    assert several.value == alone.value == 0.5 and several.n == alone.n == len(data)
    assert several.high - several.low == pytest.approx(alone.high - alone.low, rel=0.25)


def test_baselines_are_made_of_training_pictures_for_the_same_labels():
    """Beside samples that are all wrong, what analogy reaches; that it is high says that samples must be higher."""
    splits = PixelFaces(count=2000).load()
    measure = ExactMatch(bench_of(splits), ExactMatchSettings(n=50, tries=1))
    figures = measure.measure(lambda samples: torch.zeros(50, 3, 24, 24, dtype=torch.uint8))
    analogy, near = figures["baselines"]["analogy"], figures["baselines"]["nearest"]
    assert figures["exact_one_seed"].value == 0.0 and near["exact_one_seed"].value == 0.0
    made = Analogy(splits.train)(splits.validation.labels[:50])
    right = (made == splits.validation.images[:50]).flatten(1).all(dim=1)
    assert analogy["exact_one_seed"].value == pytest.approx(right.double().mean().item()) and right.any()
