"""Detail: real pictures have it all, enlarged ones have none, and means, copies and mistakes are told apart."""

import math
from types import SimpleNamespace

import pytest
import torch

from data import PixelFaces
from data.bigfaces import DETAILS, BigFaces, random_detail, read_detail, render
from data.images import enlarge, reduced
from evaluation import detail
from evaluation.detail import SEED, Detail, DetailSettings, variety
from evaluation.edits import Edits
from evaluation.exact import ExactMatch
from evaluation.validity import Validity
from tests.evaluation.stubs import bench_of

N = 30


@pytest.fixture(scope="module")
def splits():
    return BigFaces(count=300).load()


def bench(splits, upsample=None, **settings):
    made = bench_of(splits, **settings)
    made.pipe.recipe = SimpleNamespace(**vars(made.pipe.recipe) | {"dataset": BigFaces(), "upsample": upsample})
    return made


def measured(bench, pictures, **settings):
    """A measure with its figures; `pictures` (set) -> (N, C, H, W) stands for the model."""
    measure = Detail(bench, DetailSettings(n=N, **settings))
    return measure, measure.measure(pictures)


def real(samples):
    """Pictures of the labels, each with details of its seed."""
    detail = torch.stack([random_detail(1, seed)[0] for seed in samples.seeds])
    return render(samples.labels, detail)


def flat(samples):
    """Without any detail."""
    return enlarge(reduced(real(samples), 4), 4)


def test_real_pictures_are_the_ceiling_and_enlarged_ones_the_floor(splits):
    _, figures = measured(bench(splits), real)
    for row in (figures["real"], figures["sampled"][0]):
        assert row["valid"].value == row["whole"].value == row["labelled"].value == 1 and row["wrong_mean"].value == 0
        assert row["variety"].value > 0.9 and row["variety"].low < 1
    assert figures["floor"]["valid"].value == figures["floor"]["variety"].value == 0
    assert figures["floor"]["labelled"].value == 1 and figures["floor"]["wrong_mean"].value > 100
    assert figures["sampled"][0]["kept"].n == 0  # nothing was enlarged


def test_the_same_detail_twice_comes_as_often_as_chance_has_it_and_always_of_a_model_that_does_not_choose(splits):
    def settled(samples):
        """By the label, as varied as real ones over all labels."""
        return render(samples.labels, samples.labels[:, :4] % torch.tensor(list(DETAILS.values())))

    chance, always = (measured(bench(splits), model, tries=2)[1]["sampled"][0]["alike"] for model in (real, settled))
    assert chance.low < (1 / 2 + 1 / 2 + 1 / 4 + 1 / 8) / 4 < chance.high + 0.1
    assert always.value == 1
    _, once = measured(bench(splits), lambda samples: real(samples) if samples.seeds[0] == SEED else flat(samples))
    assert once["sampled"][0]["alike"].n == 0
    assert measured(bench(splits), real, tries=1)[1]["sampled"][0]["alike"].n == 0


def test_a_mean_of_all_answers_is_none_of_them(splits):
    """What a regression tends to; corners, which the small picture decides, it has right."""

    def mean(samples):
        every = [render(samples.labels, torch.tensor([[k % n for n in DETAILS.values()]] * N)) for k in range(8)]
        return torch.stack(every).float().mean(0).round().to(torch.uint8)

    _, figures = measured(bench(splits, quantise="none"), mean)
    row = figures["sampled"][0]
    assert row["valid"].value == row["whole"].value == 0
    assert row["parts"]["rest"].value == 1 and row["labelled"].value == 1


def test_a_model_that_always_answers_the_same_has_no_variety(splits):
    _, figures = measured(bench(splits), lambda samples: render(samples.labels, torch.zeros(N, 4, dtype=torch.int64)))
    assert figures["sampled"][0]["valid"].value == 1 and figures["sampled"][0]["variety"].value == 0


def test_variety_is_the_entropy_of_what_counts():
    uniform = torch.tensor([[k % n for n in DETAILS.values()] for k in range(8)])
    assert variety(uniform) == pytest.approx(1)
    assert variety(torch.where(uniform == uniform, -1, 0)) == 0
    uneven = torch.tensor([[0, -1, -1, -1], [0, -1, -1, -1], [0, -1, -1, -1], [1, -1, -1, -1]])
    assert variety(uneven) == pytest.approx((2 - 0.75 * math.log2(3)) / 4)
    half = torch.where(uniform < 2, uniform, -1)  # two values of each, which is a share of 1, 1, 1/2 and 1/3
    assert variety(half) == pytest.approx((1 + 1 + 1 / 2 + 1 / 3) / 4)


def test_one_wrong_pixel_makes_a_slot_and_a_picture_invalid(splits):
    def spotted(samples):
        images = real(samples)
        images[:, :, 41, 42] = 1  # of the bare forehead, skin
        return images

    row = measured(bench(splits, quantise="none"), spotted)[1]["sampled"][0]
    assert row["parts"]["skin"].value == row["whole"].value == 0 and row["parts"]["head"].value == 1
    assert row["wrong_mean"].value == 1 and 0.5 < row["valid"].value < 1


def test_an_upsampler_is_given_the_small_pictures_of_the_split_and_shall_keep_them(splits):
    made = bench(splits, upsample=4)
    measure, figures = measured(made, lambda samples: enlarge(samples.small, 4), w=[1.0, 2.0])
    assert [samples.w for samples in measure.sets] == [1, 1, 2, 2]
    assert all(torch.equal(samples.small, reduced(splits.validation.images, 4)) for samples in measure.sets)
    first, second = measure.sets[:2]
    assert first.seeds[0] == SEED and not set(first.seeds) & set(second.seeds)
    assert figures["sampled"][0]["kept"].value == 1 and figures["sampled"][1]["nfe"] == 2 * figures["sampled"][0]["nfe"]
    _, other = measured(made, lambda samples: enlarge(samples.small, 4).roll(4, 0))
    assert other["sampled"][0]["kept"].value == 0 and other["sampled"][0]["labelled"].value == 0


def test_the_report_has_ceiling_floor_and_every_part(splits, tmp_path):
    measure, figures = measured(bench(splits, steps=10), real)
    report = measure.report(figures, tmp_path)
    assert (
        "| ceiling: real pictures |  | 100.0 % (" in report
        and "| floor: small pictures, enlarged | 0 | 0.0 %" in report
    )
    assert "| pictures | head | facial hair | eyes | skin | rest |" in report
    assert (tmp_path / "detail.png").exists()


def test_it_is_for_bigfaces_where_exact_match_and_validity_are_not(splits):
    big, small = bench(splits), bench_of(PixelFaces(count=60).load())
    assert [measure.applies(big) for measure in (Detail, ExactMatch, Validity, Edits)] == [True, False, False, False]
    assert [measure.applies(small) for measure in (Detail, ExactMatch, Validity, Edits)] == [False, True, True, True]


def test_weights_that_enlarge_nothing_take_no_small_ones(splits):
    with pytest.raises(ValueError, match=r"detail\.small=x: these weights enlarge no small pictures; leave it out"):
        Detail(bench(splits), DetailSettings(small="x"))


def test_small_pictures_of_other_weights_count_and_are_refused_by_their_name(splits, monkeypatch):
    """Where they cannot be had, before anything is sampled or written."""
    made = bench(splits, upsample=4)
    with pytest.raises(ValueError, match=r"detail\.small=nowhere: no such file"):
        Detail(made, DetailSettings(small="nowhere"))
    alone = measured(bench(splits, upsample=4), lambda samples: enlarge(samples.small, 4))[1]
    generated = reduced(splits.validation.images, 4).roll(1, dims=0)
    small = SimpleNamespace(evaluations=lambda labels, options: 7)
    monkeypatch.setattr(detail, "load_other", lambda *_: small)
    for refuse in ("refuse_alone", "refuse_upsampler", "refuse_seen"):
        monkeypatch.setattr(detail, refuse, lambda *_: None)
    monkeypatch.setattr(Detail, "small", generated[:N])
    measure, figures = measured(made, lambda samples: enlarge(samples.small, 4), small="x")
    assert figures["sampled"][0]["nfe"] == 7 + alone["sampled"][0]["nfe"]
    assert all(torch.equal(samples.small, generated[:N]) for samples in measure.sets)


def test_reading_noise_is_possible():
    noise = torch.randint(256, (2, 3, 96, 96), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    found = read_detail(noise)
    assert (found.wrong.clamp(min=0).sum(dim=1) > 9000).all()
