"""The sets of pictures that are compared."""

import pytest
import torch

from conditions.schema import UNKNOWN
from data import PixelFaces
from evaluation.distribution import (
    FLOOR,
    INDEPENDENT,
    UNASKED,
    Distribution,
    DistributionSettings,
    halves,
    make_sets,
    source,
)
from tests.evaluation.stubs import bench_of


@pytest.fixture(scope="module")
def splits():
    return PixelFaces(count=300).load()


@pytest.fixture(scope="module")
def data(splits):
    return splits.train


def sets_of(splits, **settings):
    asked = DistributionSettings.model_construct(**DistributionSettings().model_dump() | {"n": 50} | settings)
    return make_sets(bench_of(splits), splits.train, asked)


def test_no_real_picture_is_in_two_sets_of_any_repeat(data):
    """Repeats that share pictures would agree more than other pictures would let them."""
    numbered = torch.arange(len(data), dtype=torch.int64)
    marked = torch.stack([numbered // 256, numbered % 256], 1)[:, :, None, None].to(torch.uint8)
    marked = type(data)(data.name, marked, data.labels, data.schema, None, data.ids)
    parts = [half for pair in halves(marked, 40, 3, seed=0) for half in pair]
    assert len(parts) == 6 and all(len(part) == 40 for part in parts)
    assert len(torch.cat(parts).flatten(1).unique(dim=0)) == 240
    other = halves(marked, 40, 3, seed=1)
    assert not torch.equal(other[0][0], parts[0])


def test_real_pictures_come_from_the_split_named_if_it_has_enough_of_them(splits):
    assert (len(splits.validation), len(splits.train)) == (30, 255)
    assert source(splits, "validation", 5, 3) == "validation"
    assert source(splits, "validation", 6, 3) == source(splits, "validation", 42, 3) == "train"
    with pytest.raises(ValueError, match=r"distribution.n=43: .* 3 repeats are 258, and there are 255; leave distrib"):
        source(splits, "validation", 43, 3)


def test_requests_keep_one_to_five_fields_of_real_labels_and_are_the_same_for_each_w(splits, data):
    groups = sets_of(splits)
    assert set(groups) == {UNASKED, "w = 1", "w = 3", INDEPENDENT}
    assert all((samples.labels == UNKNOWN).all() for samples in groups[UNASKED])
    for one, three in zip(groups["w = 1"], groups["w = 3"], strict=True):
        assert torch.equal(one.labels, three.labels) and one.seeds == three.seeds
        known = (one.labels != UNKNOWN).sum(1)
        assert known.min() >= 1 and known.max() <= 5 and known.unique().numel() > 2
        for label in one.labels:
            known = label != UNKNOWN
            assert (data.labels[:, known] == label[known]).all(dim=1).any()
    seeds = [seed for samples in groups[UNASKED] for seed in samples.seeds]
    assert len(set(seeds)) == 150


def test_independent_slots_are_complete_labels_sampled_without_guidance(splits):
    for samples in sets_of(splits)[INDEPENDENT]:
        assert (samples.labels != UNKNOWN).all() and samples.w == 1.0


def test_another_seed_asks_for_other_pictures_with_other_seeds(splits):
    settings = DistributionSettings(n=256)
    one, other = (make_sets(bench_of(splits, seed=seed), splits.train, settings) for seed in (0, 1))
    for name in one:
        assert set(one[name][0].seeds).isdisjoint(other[name][0].seeds)
        assert name == UNASKED or not torch.equal(one[name][0].labels, other[name][0].labels)


def test_a_model_without_labels_is_asked_nothing(splits):
    assert list(make_sets(bench_of(splits.unconditional()), splits.train, DistributionSettings())) == [UNASKED]


def test_sets_can_be_left_out(splits):
    asked = sets_of(splits, unasked=False, independent=False, w=[3.0])
    assert asked.keys() == {"w = 3"}
    both = sets_of(splits, w=[3.0])
    assert all(torch.equal(a.labels, b.labels) for a, b in zip(asked["w = 3"], both["w = 3"], strict=True))


# -- the measure, with pictures whose figures are known ----------------------------------------------------------


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Black pictures without a request, five real ones again and again at w = 1, and other real ones at w = 3."""
    splits = PixelFaces(count=1900).load()
    settings = DistributionSettings(n=256, independent=False)
    measure = Distribution(bench_of(splits, steps=10, quantise="none"), settings)
    pictures = {}
    for k, (one, other) in enumerate(measure.real):
        for name, group in measure.groups.items():
            made = {UNASKED: torch.zeros_like(one), "w = 1": one[:5].repeat(52, 1, 1, 1)[:256], "w = 3": other}
            pictures[group[k].name] = made[name]
    figures = measure.measure(lambda samples: pictures[samples.name])
    return figures, measure.report(figures, tmp_path_factory.mktemp("report"))


def test_samples_are_what_is_measured_and_not_the_real_pictures_beside_them(measured):
    """Black pictures resemble nothing: whoever measures the real ones in their place reports the floor."""
    sets = measured[0]["sets"]
    assert sets[UNASKED]["fid"]["mean"] > 100 * sets[FLOOR]["fid"]["mean"]
    assert sets[UNASKED]["kid"]["mean"] > 100 * abs(sets[FLOOR]["kid"]["mean"])
    assert sets[UNASKED]["precision"]["mean"] == sets[UNASKED]["recall"]["mean"] == 0.0


def test_other_real_pictures_measure_as_the_floor(measured):
    sets = measured[0]["sets"]
    assert all(sets["w = 3"][metric] == pytest.approx(sets[FLOOR][metric]) for metric in sets[FLOOR])
    assert sets[FLOOR]["precision"]["mean"] > 0.7 and sets[FLOOR]["recall"]["mean"] > 0.7
    assert sets[FLOOR]["fid"]["std"] > 0  # each repeat has other pictures


def test_a_few_pictures_again_and_again_are_precise_and_lack_recall(measured):
    """A mode collapse. With the two swapped, a model that samples five faces would seem varied and unreal."""
    collapsed = measured[0]["sets"]["w = 1"]
    assert collapsed["precision"]["mean"] == 1.0 and collapsed["recall"]["mean"] < 0.05


def test_the_report_has_each_figure_in_its_column_and_the_nfe_of_each_set(measured):
    figures, report = measured
    assert figures["sets"]["w = 3"]["nfe"] == 20 and figures["sets"][UNASKED]["nfe"] == 10
    header, _, *rows = [line.strip("| ").split(" | ") for line in report.splitlines() if line.startswith("|")]
    collapsed = dict(zip(header, next(row for row in rows if row[0] == "w = 1"), strict=True))
    assert collapsed["NFE"] == "10" and collapsed["precision"].startswith("1 ")
    assert float(collapsed["recall"].split()[0]) < 0.05


def test_weights_without_labels_need_a_set_without_a_request():
    splits = PixelFaces(count=1900).load().unconditional()
    with pytest.raises(ValueError, match=r"distribution.unasked=false: these weights know no labels"):
        Distribution(bench_of(splits), DistributionSettings(n=256, unasked=False))
