"""What measures ask to be sampled: the same pictures each time, and noise that no other measure has."""

from dataclasses import replace
from itertools import combinations

import pytest
import torch

from conditions.fields import Field, slot
from conditions.schema import ConditionSchema
from data import PixelFaces
from data.base import InMemoryDataset, Splits
from evaluation.adherence import Adherence, AdherenceSettings
from evaluation.distribution import INDEPENDENT, UNASKED, DistributionSettings, make_sets
from evaluation.edits import find_group_edits
from evaluation.exact import ExactMatch, ExactMatchSettings
from evaluation.memorisation import Memorisation, MemorisationSettings
from evaluation.samples import SampleSet
from evaluation.validity import Validity, ValiditySettings
from tests.evaluation.stubs import bench_of


@pytest.fixture(scope="module")
def splits() -> Splits:
    return PixelFaces(count=400).load()


def distributed(splits: Splits, **settings) -> dict[str, list[SampleSet]]:
    """The sets of the distribution measure, smaller than the settings allow."""
    asked = DistributionSettings.model_construct(**DistributionSettings().model_dump() | {"n": 50} | settings)
    return make_sets(bench_of(splits), splits.train, asked)


def sets_of(splits: Splits) -> dict[str, list[SampleSet]]:
    """The sets of each measure whose labels are random."""
    bench = bench_of(splits)
    validity = Validity(bench, ValiditySettings(n=20))
    pictures = torch.zeros(20, 3, 24, 24, dtype=torch.uint8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PixelFaces, "render", lambda *_: None)  # so that the model is asked
        further = validity.further(lambda samples: pictures)
    return {
        "exact": ExactMatch(bench, ExactMatchSettings(n=20)).sets,
        "adherence": Adherence(bench, AdherenceSettings(n=1)).sets,
        "validity": validity.sets,
        "validity, second": further,
        "memorisation": Memorisation(bench, MemorisationSettings(n=50)).sets,
        "distribution": [samples for group in distributed(splits).values() for samples in group],
    }


def test_the_same_seed_asks_for_the_same_pictures_whatever_was_sampled_before(splits):
    """Else two weights would be compared on other requests, and an evaluation could not be continued."""
    torch.manual_seed(1)
    once = sets_of(splits)
    torch.manual_seed(2)
    for name, sets in sets_of(splits).items():
        for one, other in zip(once[name], sets, strict=True):
            assert (one.name, one.seeds, one.w) == (other.name, other.seeds, other.w)
            assert torch.equal(one.labels, other.labels), one.name


def test_no_two_measures_share_noise(splits):
    """Of the same noise, pictures for two requests are alike, and so would two figures be that seem to agree.

    Memorisation and distribution share theirs on purpose: without a request, they share the very pictures.
    """
    seeds = {name: {seed for samples in sets for seed in samples.seeds} for name, sets in sets_of(splits).items()}
    assert seeds["memorisation"] <= seeds["distribution"]
    del seeds["memorisation"]
    for one, other in combinations(seeds, 2):
        assert seeds[one].isdisjoint(seeds[other]), (one, other)


def test_sets_of_all_repeats_are_told_apart_and_counted_from_one(splits):
    groups = distributed(splits)
    for name, begins in ((UNASKED, UNASKED), ("w = 3", "requests, w = 3"), (INDEPENDENT, INDEPENDENT)):
        assert [samples.name for samples in groups[name]] == [f"{begins}, {k}" for k in (1, 2, 3)]
    assert [samples.w for samples in groups[UNASKED]] == [1.0, 1.0, 1.0]
    labels = [samples.labels for samples in groups["w = 1"]]
    assert not any(torch.equal(one, other) for one, other in combinations(labels, 2))


def test_without_labels_there_are_as_many_repeats(splits):
    """A deviation over a single one would be none."""
    assert [len(sets) for sets in distributed(splits.unconditional()).values()] == [3]


@pytest.mark.parametrize(("fields", "independent"), [
    ((Field("digit", tuple("0123")),), False),
    ((Field("type", ("cat", "dog")), *slot("head", ("cap",), hat=("cap",))), True),
], ids=["one slot", "two slots"])  # fmt: skip
def test_independent_slots_are_a_baseline_where_there_are_two(fields, independent):
    """The labels of a single slot are independent in any case: the baseline would be the model itself."""
    schema = ConditionSchema(fields)
    labels = torch.zeros(4, len(schema), dtype=torch.int64)
    data = InMemoryDataset("bare", torch.zeros(4, 1, 2, 2, dtype=torch.uint8), labels, schema, None, torch.arange(4))
    assert (INDEPENDENT in distributed(Splits(data, data, data))) == independent


@pytest.mark.parametrize("n", [1, 40])
def test_as_many_pictures_get_each_group_as_lose_it(splits, n):
    """n in all or a few more, of which no picture is taken twice for the same edit."""
    data, schema = splits.train, splits.train.schema
    groups = [f for f, field in enumerate(schema.fields) if field.slot]
    edits = find_group_edits(data, schema, n, seed=0)
    each = -(-n // (2 * len(groups)))
    for f in groups:
        for value in (0, 1):
            rows = edits.rows[(edits.field == f) & (edits.value == value)].tolist()
            assert len(rows) == len(set(rows)) == each, (f, value)
            assert (data.labels[rows, f] == 1 - value).all()
    assert edits.rows.dtype == edits.field.dtype == torch.int64


def test_group_edits_are_those_of_the_seed_and_none_without_groups(splits):
    data, schema = splits.train, splits.train.schema
    one, same, other = (find_group_edits(data, schema, 40, seed) for seed in (1, 1, 2))
    assert all(map(torch.equal, one, same)) and not torch.equal(one.rows, other.rows)
    bare = ConditionSchema((Field("type", ("cat", "dog")),))
    assert len(find_group_edits(replace(data, labels=data.labels[:, :1], schema=bare), bare, 40, 0).rows) == 0
