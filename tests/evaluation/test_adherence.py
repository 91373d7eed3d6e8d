"""Counts of requests that are met, on labels whose truth is known, and the ceiling that they are compared with."""

import math
from dataclasses import replace

import pytest
import torch

from conditions.fields import Field, slot
from conditions.schema import UNKNOWN, ConditionSchema
from conditions.values import absences, one_hot, value_names
from data import PixelFaces, pixelfaces
from data.base import Splits
from evaluation import intervals
from evaluation.adherence import LOWEST, Adherence, AdherenceSettings, figures_of, met, wholly_met
from evaluation.intervals import mean_of_shares, wilson
from evaluation.requests import Requests, make_requests
from tests.evaluation.stubs import Oracle, bench_of

SCHEMA = ConditionSchema(
    (Field("type", ("cat", "dog")), *slot("head", ("cap", "bow"), hat=("cap",)), *slot("ear", ("ring",)))
)
NAMES = value_names(SCHEMA)
HIDES = torch.zeros(9, 9, dtype=torch.bool)
HIDES[NAMES.index("ring"), NAMES.index("cap")] = True  # a ring cannot be seen beside a cap
NONE_HIDDEN = torch.zeros_like(HIDES)


def asking(*requests: str) -> Requests:
    """Each for the first thing that it names."""
    labels = torch.stack([SCHEMA.encode(names) for names in requests])
    named = [names.split(",") for names in requests]
    values = [NAMES.index(parts[0]) for parts in named]
    return Requests(labels, torch.tensor([len(p) for p in named]), torch.tensor(values), torch.arange(len(named)))


def showing(*pictures: str) -> torch.Tensor:
    """The labels of pictures that show "type, head, ear", "" for none."""
    parts = [picture.split(",") for picture in pictures]
    return torch.tensor([
        SCHEMA.complete({name: value for name, value in zip(("type", "head", "ear"), part, strict=True) if value})
        for part in parts
    ])  # fmt: skip


def outcomes(values: torch.Tensor) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values.tolist()]


# -- counting --------------------------------------------------------------------------------------------------


def test_value_names_are_what_a_person_types():
    assert NAMES == ["cat", "dog", "-head", "cap", "bow", "-hat", "hat", "-ear", "ring"]
    assert absences(SCHEMA).tolist() == [False, False, True, False, False, True, False, True, False]


def test_a_request_is_met_by_the_value_that_it_is_for():
    """Whatever else it names is judged by whole requests; catches one mistaken for the other."""
    requests = asking("cat", "cat,cap", "cap,cat", "bow,ring", "-hat,dog", "-hat,dog")
    shown = showing("cat,,", "dog,cap,", "dog,cap,", "cat,cap,ring", "dog,bow,", "cat,bow,")
    assert outcomes(met(requests, shown, SCHEMA, NONE_HIDDEN)) == [1, 0, 1, 0, 1, 1]
    assert outcomes(wholly_met(requests, shown, SCHEMA, NONE_HIDDEN)) == [1, 0, 0, 0, 1, 0]


def test_hidden_requests_are_dropped_whether_met_or_not():
    """A ring read beside a cap is a guess: keeping the hits alone would flatter, keeping the misses alone would hurt.

    It counts beside a bow, and so does "-ear" beside a cap. "ring" and all else of a request is not judged as a whole.
    """
    requests = asking("ring", "ring", "ring", "ring", "-ear", "cat,ring", "cap,cat")
    shown = showing("cat,cap,ring", "cat,cap,", "cat,bow,ring", "cat,bow,", "cat,cap,", "dog,cap,", "cat,cap,ring")
    assert outcomes(met(requests, shown, SCHEMA, HIDES)) == [None, None, 1, 0, 1, 0, 1]
    assert outcomes(wholly_met(requests, shown, SCHEMA, HIDES)) == [None, None, 1, 0, 1, None, 1]


def test_what_hides_is_read_off_the_picture_not_off_the_request():
    """A cap that was asked for and not sampled hides nothing; catches hiding by what is wanted."""
    requests, shown = asking("ring,cap", "ring,bow"), showing("cat,bow,ring", "cat,cap,ring")
    assert outcomes(met(requests, shown, SCHEMA, HIDES)) == [1, None]


def test_figures_are_those_counted_by_hand():
    """Means over values, not over requests; NaN and the other kind of value are in none of them."""
    requests = asking("cat", "cat", "cat", "ring,cap", "ring,dog", "ring,bow", "-hat,ring", "-ear", "-ear,dog")
    shown = showing(
        "cat,,",  # cat: met
        "cat,cap,",  # cat: met
        "dog,,",  # cat: not
        "cat,cap,ring",  # ring, cap: the ring cannot be seen
        "dog,,ring",  # ring, dog: met, wholly
        "cat,bow,",  # ring, bow: not
        "cat,bow,",  # -hat, ring: met, not wholly
        "dog,,",  # -ear: met
        "cat,,ring",  # -ear, dog: not
    )
    real = torch.arange(100, 109)
    figures = figures_of(requests, shown, SCHEMA, HIDES, real)
    assert figures["present"].value == pytest.approx((2 / 3 + 1 / 2) / 2) and figures["present"].n == 5
    assert figures["absent"].value == pytest.approx((1 + 1 / 2) / 2) and figures["absent"].n == 3
    assert figures["whole"] == wilson(4, 8)
    assert {size: (e.value, e.n) for size, e in figures["present_by_size"].items()} == {
        "1": (pytest.approx(2 / 3), 3), "2": (0.5, 2)
    }  # fmt: skip
    assert {size: (e.value, e.n) for size, e in figures["absent_by_size"].items()} == {"1": (1, 1), "2": (0.5, 2)}
    assert figures["whole_by_size"] == {"1": wilson(3, 4), "2": wilson(1, 4)}
    assert figures["values"] == {
        "cat": {"met": wilson(2, 3), "hidden": 0, "training_pictures": 100},
        "-hat": {"met": wilson(1, 1), "hidden": 0, "training_pictures": 105},
        "-ear": {"met": wilson(1, 2), "hidden": 0, "training_pictures": 107},
        "ring": {"met": wilson(1, 2), "hidden": 1, "training_pictures": 108},
    }
    groups = [torch.tensor([1.0, 1, 0]), torch.tensor([1.0, 0])]
    assert figures["present"] == mean_of_shares(groups)  # its interval, too, resamples values


def test_pictures_of_the_labels_meet_every_request_and_those_of_all_other_values_none():
    """Over a whole data set with coarse fields; catches columns that slip."""
    data = PixelFaces(count=400).load().train
    requests = make_requests(data, 5, seed=0)
    size = sum(data.schema.cardinalities)
    hides, real = torch.zeros(size, size, dtype=torch.bool), one_hot(data.labels, data.schema).sum(0)
    own = data.labels[requests.row]
    figures = figures_of(requests, own, data.schema, hides, real)
    every = [figures["present"], figures["absent"], figures["whole"], *figures["present_by_size"].values()]
    assert {estimate.value for estimate in every} == {1.0}
    wrong = figures_of(requests, (own + 1) % torch.tensor(data.schema.cardinalities), data.schema, hides, real)
    assert wrong["present"].value == wrong["absent"].value == wrong["whole"].value == 0.0


# -- the measure -----------------------------------------------------------------------------------------------


class MouthBlind(Oracle):
    """Reads every mouth as none."""

    def read(self, images: torch.Tensor) -> torch.Tensor:
        labels = super().read(images)
        labels[:, pixelfaces.SCHEMA.column["mouth"]] = 0
        return labels


@pytest.fixture(scope="module")
def splits() -> Splits:
    return PixelFaces(count=400).load()


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    """No test here is about the width of an interval."""
    monkeypatch.setattr(intervals, "RESAMPLES", 20)


def measured(splits: Splits, images=None, w=(1.0,), classifier=Oracle, n=5, **settings):
    """A measure and its figures, of `images` of its sets; by default the pictures that its requests are parts of."""
    bench = bench_of(splits, w=1.0, **settings)
    bench.__dict__["classifier"] = classifier(splits)
    measure = Adherence(bench, AdherenceSettings(n=n, w=list(w)))
    own = bench.held_out.images[measure.requests.row]
    return measure, measure.measure(images or (lambda samples: own))


def test_each_w_has_the_same_requests_and_seeds(splits):
    """So that only guidance differs; the w common to all measures is there once, and seed= moves all."""
    measure = Adherence(bench_of(splits, w=2.0), AdherenceSettings(n=1, w=[3.0, 0.0, 2.0, 3.0]))
    assert [samples.w for samples in measure.sets] == [0.0, 2.0, 3.0]
    assert [samples.name for samples in measure.sets] == [f"adherence, w = {w}" for w in (0, 2, 3)]
    assert all(torch.equal(samples.labels, measure.requests.labels) for samples in measure.sets)
    assert len({tuple(samples.seeds) for samples in measure.sets}) == 1
    assert len(set(measure.sets[0].seeds)) == len(measure.requests.labels)
    other = Adherence(bench_of(splits, w=2.0, seed=1), AdherenceSettings(n=1))
    assert not torch.equal(other.requests.labels, measure.requests.labels)
    assert set(other.sets[0].seeds).isdisjoint(measure.sets[0].seeds)


def test_the_samples_of_each_w_are_read_and_reported_with_their_cost(splits, tmp_path):
    """At w = 1 all requests are met, by real faces; at w = 3 few are, by black pictures that resemble no face."""
    black = torch.zeros(3, 24, 24, dtype=torch.uint8)
    rows = Adherence(bench_of(splits), AdherenceSettings(n=5)).requests.row
    faces = splits.validation.images[rows]
    measure, figures = measured(
        splits, lambda s: faces if s.w == 1 else black.expand_as(faces), w=[3.0], steps=10, quantise="none"
    )
    good, bad = figures["by_w"]["1"], figures["by_w"]["3"]
    assert good["present"].value == good["absent"].value == good["whole"].value == 1.0
    assert good["palette_error"] == 0.0 < bad["palette_error"]
    assert bad["present"].value < 0.5 and bad["whole"].value < 0.5
    assert good["precision"] == 1.0 and bad["precision"] == 0.0
    assert (good["nfe"], bad["nfe"]) == (10, 20)
    assert figures["requests"] == len(rows) and figures["values"] == len(good["values"])
    report = measure.report(figures, tmp_path)
    assert "| w = 1 | 10 | 100.0 % (" in report and "| w = 3 | 20 | " in report
    assert (tmp_path / "adherence.png").exists()


def test_the_ceiling_is_what_the_classifier_reads_off_real_pictures(splits, tmp_path):
    """One that sees no mouths puts the ceiling of "Smile" at 0, whatever was sampled; others stay at 1.

    Catches a ceiling taken from labels, from the samples, or from pictures other than those of the requests.
    """
    for classifier, missed in ((MouthBlind, {"Smile", "Frown", "Lipstick"}), (Oracle, set())):
        measure, figures = measured(splits, lambda s: torch.zeros(len(s.labels), 3, 24, 24).byte(), (1.0,), classifier)
        shares = {name: value["met"].value for name, value in figures["real"]["values"].items()}
        assert shares == {name: float(name not in missed) for name in shares} and missed <= shares.keys()
        ceiling = figures["real"]["present"].percent
        assert f"| ceiling: real pictures |  | {ceiling} |" in measure.report(figures, tmp_path)


def test_the_split_decides_which_pictures_requests_are_made_of(splits):
    """Catches requests or ceilings of training pictures, which the classifier has seen."""
    for split in ("validation", "test"):
        measure, figures = measured(splits, split=split)
        held_out = getattr(splits, split)
        named = measure.requests.labels != UNKNOWN
        assert torch.equal(measure.requests.labels[named], held_out.labels[measure.requests.row][named])
        assert figures["by_w"]["1"]["precision"] == 1.0 and figures["real"]["whole"].value == 1.0


def test_values_that_no_picture_of_the_split_has_are_named(splits, tmp_path):
    """Not silently left out; nor listed where training has none either, for nothing could be learned then."""

    def without(data, *values):
        columns = [value_names(data.schema).index(value) for value in values]
        return data.select((one_hot(data.labels, data.schema)[:, columns].sum(1) == 0).nonzero()[:, 0])

    few = Splits(without(splits.train, "Visor"), without(splits.train, "Visor", "Crown"), splits.test)
    measure, figures = measured(few)
    assert figures["not_in_split"] == ["Crown"]
    assert not {"Crown", "Visor"} & figures["real"]["values"].keys()
    assert "no picture of the split has it: Crown.\n" in measure.report(figures, tmp_path)
    measure, figures = measured(replace(few, validation=few.train))
    assert figures["not_in_split"] == [] and "Not asked for" not in measure.report(figures, tmp_path)


def test_training_pictures_are_counted_in_training(splits):
    """Beside a value that is met seldom stands how often it was seen; catches counts of the split."""
    _, figures = measured(splits)
    caps = (splits.train.labels[:, splits.train.schema.column["hat"]] == 1).sum().item()
    assert figures["by_w"]["1"]["values"]["hat"]["training_pictures"] == caps


def test_precision_is_that_and_not_recall(splits):
    """Copies of one picture of the split are all among the real ones, and show nearly none of them."""
    copy = splits.validation.images[3]
    _, figures = measured(splits, lambda samples: copy.repeat(len(samples.labels), 1, 1, 1))
    assert figures["by_w"]["1"]["precision"] == 1.0


def test_a_palette_error_is_that_before_quantising(splits):
    """Each level one off; catches the error of what has been put into the palette, which is always 0."""
    _, figures = measured(splits, lambda s: splits.validation.images[[0] * len(s.labels)] ^ 1, quantise="palette")
    assert figures["by_w"]["1"]["palette_error"] == pytest.approx(1.0)
    assert figures["by_w"]["1"]["precision"] == 1.0


def test_without_a_palette_nothing_is_quantised(splits, tmp_path):
    plain = Splits(*(replace(part, palette=None) for part in (splits.train, splits.validation, splits.test)))
    measure, figures = measured(plain)
    assert figures["by_w"]["1"]["palette_error"] is None
    assert "| 1.000 |  |\n" in measure.report(figures, tmp_path)


def listed(measure: Adherence, figures: dict, out) -> list[str]:
    """The values in the report's table of those met least often."""
    table = measure.report(figures, out).split("met least often:\n\n")[1].split("\n\n")[0]
    return [line.split("|")[1].strip() for line in table.splitlines()[2:]]


def test_the_values_met_least_often_are_listed_from_the_lowest(splits, tmp_path):
    """Catches an order that NaN disturbs: values of which all pictures were hidden are not among them."""
    measure, figures = measured(splits)
    values = figures["by_w"]["1"]["values"]
    names = list(values)
    for k, name in enumerate(names):
        values[name]["met"] = wilson(0, 0) if k % 3 == 0 else wilson(k * 37 % len(names), len(names))
    seen = sorted((values[name]["met"].value, name) for k, name in enumerate(names) if k % 3)
    found = listed(measure, figures, tmp_path)
    assert len(found) == LOWEST
    assert [values[name]["met"].value for name in found] == [value for value, _ in seen[:LOWEST]]


def test_what_is_hidden_is_said(splits, tmp_path):
    """Training pictures whose ears are painted over say that an earring cannot be seen, beside anything."""
    labels = splits.train.labels[:1].repeat(2, 1)
    labels[:, splits.train.schema.column["ear"]] = torch.tensor([0, 1])
    images = splits.train.images[:1].repeat(2, 1, 1, 1)
    train = replace(splits.train, images=images, labels=labels, ids=torch.arange(2))
    measure, figures = measured(replace(splits, train=train))
    assert figures["hidden"] and all(text.startswith("Earring beside ") for text in figures["hidden"])
    assert f"in all training pictures: {figures['hidden'][0]}; " in measure.report(figures, tmp_path)
    earring = figures["real"]["values"]["Earring"]
    assert earring["hidden"] > 0
    measure, figures = measured(splits)
    assert figures["hidden"] == [] and "beside every other.\n" in measure.report(figures, tmp_path)


def test_it_applies_to_weights_that_take_labels(splits):
    assert Adherence.applies(bench_of(splits))
    assert not Adherence.applies(bench_of(splits.unconditional()))
