"""What reports say of figures: each under its heading, of the right pictures, with what a reader needs to judge it.

The figures themselves are tested with their measures. A right figure in the wrong column, or beside the name of another
set, is as wrong as a wrong one.
"""

import pytest
import torch

from data import PixelFaces
from data.base import Splits
from data.images import read_png
from data.pixelfaces import SCHEMA, render
from evaluation import intervals
from evaluation.distribution import FLOOR, Distribution, DistributionSettings
from evaluation.edits import METHODS, STRENGTH, Edits, EditsSettings
from evaluation.exact import ExactMatch, ExactMatchSettings
from evaluation.memorisation import ASKED, INDEPENDENT, UNASKED, Memorisation, MemorisationSettings
from evaluation.validity import Validity, ValiditySettings
from tests.evaluation.reports import drawn_by, rows, tables
from tests.evaluation.stubs import bench_of


@pytest.fixture(scope="module")
def splits() -> Splits:
    return PixelFaces(count=1200).load()


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    """No test here is about the width of an interval."""
    monkeypatch.setattr(intervals, "RESAMPLES", 20)


@pytest.fixture
def drawn(monkeypatch) -> dict[str, tuple]:
    return drawn_by(monkeypatch, *(f"{name}.save_rows" for name in ("edits", "exact", "memorisation", "validity")))


# -- exact match -----------------------------------------------------------------------------------------------


def test_exact_match_stands_beside_its_ceiling_and_baselines_and_shows_the_worst(splits, drawn, tmp_path):
    bench = bench_of(splits, split="test", w=2.0, steps=10)
    measure = ExactMatch(bench, ExactMatchSettings(n=3, tries=2, pictures=True))
    data = splits.test.select(torch.arange(3))
    tries = [data.images.clone(), data.images.clone()]
    tries[0][1:, :, 0, 0] = tries[0][1:, :, 5, 5]  # one or no wrong pixel
    tries[0][2] = splits.test.images[7]  # many
    figures = measure.measure(lambda samples: tries[measure.sets.index(samples)])
    report = measure.report(figures, tmp_path)
    cells = lambda part: [part["exact_one_seed"].percent, part["wrong_mean"].number, f"{part['wrong_median']:g}"]  # noqa: E731
    one, other, near = figures, figures["palette"], figures["baselines"]
    expected = []
    for name, nfe, part in (
        ("sampled, quantised to the colours of each pixel", 20, one),
        ("sampled, quantised to any colour of the palette", 20, other),
        ("baseline: by analogy with training pictures", 0, near["analogy"]),
        ("baseline: the training picture with the nearest label", 0, near["nearest"]),
    ):
        exact, *wrong = cells(part)
        expected.append([name, nfe, exact, part["exact_best"].percent if part["tries"] == 2 else "", *wrong])
    ceiling = [
        "ceiling: pictures that quantising leaves as they are",
        "",
        f"{100 * one['reachable']:.1f} %",
        "",
        "",
        "",
    ]
    header = ["pictures", "NFE", "exact, one seed", "exact, best of 2", "wrong pixels, mean", "median"]
    assert tables(report) == [rows(header, ceiling, *expected)]
    assert "3 pictures of the test split, each sampled from its complete label at w = 2." in report
    assert f"a colour is {one['palette_error']:.2f} of 255 levels off the palette" in report
    (sampled, true), labels, scale, caption, settings = drawn["worst.png"]
    order = measure.wrong[0].argsort(descending=True)
    assert order[0] == 2 and torch.equal(true, data.images[order])
    assert torch.equal(sampled, bench.quantised(tries[0][order])) and labels == ["sampled", "true"]
    assert caption == f"The worst of 3 held-out pictures. {bench.caption(measure.sets[:1])}"
    assert settings == bench.provenance() and scale > 0
    kept = {path.name: read_png(path) for path in (tmp_path / "pictures").iterdir()}  # the first try, for score.py
    assert kept.keys() == {f"{number}.png" for number in data.ids.tolist()}
    assert all(torch.equal(kept[f"{n}.png"], bench.quantised(tries[0])[i]) for i, n in enumerate(data.ids.tolist()))


def test_a_single_try_has_no_best(splits, drawn, tmp_path):
    measure = ExactMatch(bench_of(splits), ExactMatchSettings(n=3, tries=1))
    report = measure.report(measure.measure(lambda samples: measure.data.images), tmp_path)
    assert [row["exact, best of 1"] for row in tables(report)[0]] == 5 * [""]
    assert not (tmp_path / "pictures").exists()


# -- validity --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rendered", "how"), [(True, "rendered from"), (False, "sampled, at w = 1, from")])
def test_validity_stands_by_things_named_and_guidance_and_shows_the_worst(
    splits, drawn, tmp_path, monkeypatch, rendered, how
):
    bench, faces = bench_of(splits, steps=10, quantise="none"), splits.train.images[:5]
    if not rendered:
        monkeypatch.setattr(type(bench.pipe.recipe.dataset), "render", lambda self, labels: None)
    measure = Validity(bench, ValiditySettings(n=5, named=[0, 2], w=[3.0]))
    blended = faces.clone()
    blended[3, :, :, 12:] = faces[0, :, :, 12:]  # a blend of two, the only one that is not valid
    pictures = {measure.sets[0].name: faces, measure.sets[1].name: blended}
    read = lambda samples: pictures[samples.name] if samples.name in pictures else render(samples.labels)  # noqa: E731
    assert len(measure.further(read)) == (0 if rendered else 3)
    figures = measure.measure(read)
    report = measure.report(figures, tmp_path)
    cells = lambda part: [part["valid"].percent, part["wrong_mean"].number]  # noqa: E731
    none, two = figures["sampled"]
    assert [none["valid"].value, two["valid"].value] == [1.0, 0.8]
    header = ["things named", "w", "NFE", "valid", "wrong pixels, mean"]
    assert tables(report) == [rows(
        header, ["ceiling: real pictures", "", "", *cells(figures["real"])],
        ["none", "1", 10, *cells(none)], ["2", "3", 20, *cells(two)],
    )]  # fmt: skip
    assert report.startswith("## Validity\n\n5 pictures in each row. ")
    assert f"to the picture {how} the complete label that the classifier reads off it" in report
    assert "of pictures of the validation split.\n" in report
    (sampled, right, differing), labels, scale, caption, settings = drawn["validity.png"]
    assert torch.equal(sampled[0], blended[3]) and len(sampled) == 10 and scale > 0
    wrong = (sampled != right).any(dim=1)
    assert wrong[0].any() and not wrong[1:].any()
    assert (differing == 255).all(dim=1)[~wrong].all() and torch.equal(
        differing[0][:, wrong[0]], blended[3][:, wrong[0]]
    )
    assert labels == ["sampled", "label read", "differing"] and settings == bench.provenance()
    assert caption == f"The worst of 10 pictures. {bench.caption(measure.sets)}"


# -- memorisation ----------------------------------------------------------------------------------------------


def test_memorisation_stands_by_set_and_shows_what_is_closest_without_being_a_copy(splits, drawn, tmp_path):
    bench = bench_of(splits, steps=10, w=2.0, quantise="none")
    measure = Memorisation(bench, MemorisationSettings(n=5))
    train, held_out = splits.train.images, splits.validation.images
    changed = train[:5].clone()
    changed[2:, 0, 0, :3] ^= 1  # the first two are copies
    changed[4, 0, 1, :] ^= 1  # the last one is further away
    samples = {UNASKED: changed, ASKED: held_out[:5]}
    figures = measure.measure(lambda wanted: samples[wanted.name])
    report = measure.report(figures, tmp_path)
    header = [
        "samples", "NFE", "number", "equal to a training picture", "to a held-out one", "ratio per picture",
        "ratio of nearest", "novel label", "of these, right",
    ]  # fmt: skip
    sets = figures["sets"]

    def cells(part):
        shares = [part[key].percent for key in ("training", "held_out")]
        return [
            *shares,
            *(part[key].number for key in ("ratio", "nearest")),
            *(part[key].percent for key in ("novel", "right")),
        ]

    drawn_labels = sets[INDEPENDENT]
    assert tables(report) == [rows(
        header, ["no request", 10, 5, *cells(sets[UNASKED])], ["requests, w = 2", 20, 5, *cells(sets[ASKED])],
        ["independent slots", "", 50, drawn_labels["training"].percent, drawn_labels["held_out"].percent,
         drawn_labels["ratio"].number, "", "", ""],
    )]  # fmt: skip
    assert sets[UNASKED]["training"].value == 0.4 and sets[ASKED]["training"].value == 0.0
    assert f"Of {len(train)} training pictures and {len(held_out)} held-out ones of the validation split. " in report
    assert (
        "no model. Ratio of nearest: the same for being the nearest picture to a sample. Novel: no training" in report
    )
    (first, nearest, closest, real), labels, scale, caption, settings = drawn["neighbours.png"]
    assert torch.equal(first, changed) and torch.equal(nearest, train[:5])
    assert torch.equal(closest[:3], changed[[2, 3, 4]]) and torch.equal(real[:3], train[[2, 3, 4]])
    assert labels == ["sampled", "nearest real", "closest sample", "nearest real"] and scale > 0
    assert caption == f"Above the first 5, below the closest that are no copies. {bench.caption(measure.sets)}"
    assert settings == bench.provenance()


# -- edits -----------------------------------------------------------------------------------------------------


def test_edits_stand_by_method_and_by_group_and_show_before_and_after(splits, drawn, tmp_path, monkeypatch):
    bench = bench_of(splits, steps=10, w=2.0)
    masks = torch.ones(1, 24, 24)
    monkeypatch.setattr(bench.pipe, "differing", lambda init, old, new: masks.expand(len(init), -1, -1), raising=False)
    measure = Edits(bench, EditsSettings(n=6))
    asked = measure.by_method
    assert asked["edit"].edit.keys() == {"init", "mask"} and asked["label_alone"].edit == {}
    assert asked["img2img"].edit["strength"] == STRENGTH and torch.equal(asked["img2img"].edit["init"], measure.before)
    group = measure.by_group[0]
    pictures = {
        "edits, edit": measure.after, "edits, img2img": measure.before, "edits, label_alone": measure.after.roll(1, 0),
        group.name: render(group.labels),
    }  # fmt: skip
    figures = measure.measure(lambda samples: pictures[samples.name])
    report = measure.report(figures, tmp_path)
    methods, groups = tables(report)
    header = ["method", "NFE", "exact", "wrong pixels, mean", "success", "other slots kept", "pixels kept"]
    assert methods == rows(header, *(
        [METHODS[name], 20, f["exact"].percent, f["wrong_mean"].number, f["success"].percent,
         f"{100 * f['kept']:.1f} %", f"{100 * f['pixels_kept']:.1f} %"]
        for name, f in figures["methods"].items()
    ))  # fmt: skip
    assert groups == rows(["edit", "NFE", "success", "other slots kept", "pictures"], *(
        [name, 20, f["success"].percent, f"{100 * f['kept']:.1f} %", f["pictures"]]
        for name, f in figures["groups"].items()
    ))  # fmt: skip
    coarse = [field.name for field in SCHEMA.fields if field.slot]
    assert set(figures["groups"]) <= {sign + name for name in coarse for sign in "+-"} and figures["groups"]
    assert sum(f["pictures"] for f in figures["groups"].values()) == len(group.labels)
    assert report.startswith(
        f"## Edited attributes\n\n{figures['pairs']} training pictures whose label differs in one slot"
    )
    assert f"edited to become it, at w = {figures['w']:g}. Slots are read by" in report and figures["w"] == 2.0
    assert f"more often than the new label alone by {figures['advantage'].percent} of them." in report
    (before, edited, true), labels, scale, caption, settings = drawn["edits.png"]
    assert (
        torch.equal(before, measure.before) and torch.equal(edited, measure.after) and torch.equal(true, measure.after)
    )
    assert labels == ["before", "edited", "true"] and settings == bench.provenance() and scale > 0
    assert caption == f"One slot edited, the first {figures['pairs']}. {bench.caption(measure.sets[:1])}"


# -- distribution ----------------------------------------------------------------------------------------------


def test_distribution_stands_as_mean_and_deviation_and_says_where_real_pictures_come_from(tmp_path):
    """Of figures made up, no two alike, so that none can stand in the place of another."""
    measure = Distribution(bench_of(PixelFaces(count=1900).load(), steps=10), DistributionSettings(n=256))
    metrics = ("fid", "kid", "precision", "recall")
    sets = {
        name: {metric: {"mean": 10.5 + 10 * i + j, "std": 0.1 * (i + j + 1)} for j, metric in enumerate(metrics)}
        for i, name in enumerate((FLOOR, "w = 1"))
    }
    sets["w = 1"]["nfe"] = 10
    figures = {"n": 256, "repeats": 3, "real_pictures": "train", "sets": sets}
    report = measure.report(figures, tmp_path)
    header = ["pictures", "NFE", "FID (pixelfaces features)", "KID", "precision", "recall"]
    assert tables(report) == [rows(
        header, [FLOOR, "", "10.5 ± 0.1", "11.5 ± 0.2", "12.5 ± 0.3", "13.5 ± 0.4"],
        ["w = 1", 10, "20.5 ± 0.2", "21.5 ± 0.3", "22.5 ± 0.4", "23.5 ± 0.5"],
    )]  # fmt: skip
    start = "## Distribution\n\n256 pictures against as many real ones of the "
    assert report.startswith(
        start + "training split, since the validation split has fewer than 1536; mean and standard"
    )
    assert "deviation over 3 repeats, with other seeds" in report
    assert measure.bench.caption(measure.sets) in report
    measure.source = "validation"
    assert measure.report(figures, tmp_path).startswith(start + "validation split; mean and standard")
