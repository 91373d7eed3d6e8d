"""What the report says of adherence: each figure under its heading, beside its ceiling, and in its curve."""

import pytest
import torch

from data import PixelFaces
from evaluation import intervals
from evaluation.adherence import Adherence, AdherenceSettings
from tests.evaluation.reports import drawn_by, rows, tables
from tests.evaluation.stubs import bench_of


@pytest.fixture(scope="module")
def splits():
    return PixelFaces(count=400).load()


@pytest.fixture(scope="module")
def adherence(splits, tmp_path_factory):
    """At w = 1 the very pictures that requests are made of, at w = 3 the next ones; not asked for, black at w = 0.

    Figures, report, what is drawn, and the measure. The widths of intervals do not matter here.
    """
    bench = bench_of(splits, w=3.0, steps=10)
    measure = Adherence(bench, AdherenceSettings(n=1, w=[0.0, 1.0]))
    faces, own = bench.held_out.images, measure.requests.row
    pictures = {0.0: torch.zeros_like(faces[own]), 1.0: faces[own], 3.0: faces[(own + 1) % len(faces)]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intervals, "RESAMPLES", 20)
        drawn = drawn_by(patch, "adherence.curves")
        figures = measure.measure(lambda samples: pictures[samples.w])
        return figures, measure.report(figures, tmp_path_factory.mktemp("report")), drawn["adherence.png"], measure


def test_adherence_stands_under_its_headings(adherence):
    figures, report, _, _ = adherence
    means = lambda part: [part[key].percent for key in ("present", "absent", "whole")]  # noqa: E731
    header = ["pictures", "NFE", "present", "absent", "whole requests", "precision", "palette error"]
    by_w = figures["by_w"]
    assert tables(report)[0] == rows(
        header,
        ["ceiling: real pictures", "", *means(figures["real"]), "", ""],
        *(
            [f"w = {w}", f["nfe"], *means(f), f"{f['precision']:.3f}", f"{f['palette_error']:.2f}"]
            for w, f in by_w.items()
        ),
    )
    assert [by_w[w]["nfe"] for w in ("0", "1", "3")] == [10, 10, 20]
    assert f"{figures['requests']} requests, as many for each of {figures['values']} values, that name 1 to 5" in report


def test_adherence_by_size_is_that_of_the_guidance_all_measures_share(adherence):
    figures, report, _, _ = adherence
    parts = {"ceiling: real pictures": figures["real"], "w = 3": figures["by_w"]["3"]}
    keys = {"present": "present_by_size", "whole requests": "whole_by_size"}
    assert tables(report)[1] == rows(
        ["pictures", "", *"12345"],
        *(
            [name, what, *(part[keys[what]][size].percent for size in "12345")]
            for what in keys
            for name, part in parts.items()
        ),
    )


def test_values_met_least_often_stand_beside_what_real_pictures_and_training_have(adherence):
    figures, report, _, _ = adherence
    found, values, real = tables(report)[2], figures["by_w"]["3"]["values"], figures["real"]["values"]
    header = ["value", "met", "requests", "real pictures", "of", "training pictures"]
    listed = [row["value"] for row in found]
    assert found == rows(
        header,
        *([name, values[name]["met"].percent, values[name]["met"].n, real[name]["met"].percent, real[name]["met"].n,
           values[name]["training_pictures"]] for name in listed),
    )  # fmt: skip
    left = [values[name]["met"].value for name in values if name not in listed and values[name]["met"].n]
    assert len(listed) == 10 and max(values[name]["met"].value for name in listed) <= min(left)
    assert "\nAt w = 3, the values that are met least often:\n\n" in report
    nothing = "nothing, for every value of the training pictures changes some pixel beside every other"
    assert f"in all training pictures: {nothing}.\n" in report


def test_curves_of_adherence_are_drawn_over_w_and_against_precision_without_w_0(adherence):
    """At w = 0 nothing is asked for; its point lies so far off that the others would be one."""
    figures, _, (panels, caption), measure = adherence
    by_w, ws = figures["by_w"], [0.0, 1.0, 3.0]
    met, by_size, fidelity = panels
    means = {key: (ws, [f[key].value for f in by_w.values()]) for key in ("present", "absent", "whole")}
    real = {"real pictures": (ws, 3 * [figures["real"]["present"].value])}
    assert (met.title, met.xlabel, met.lines) == ("requests met", "guidance w", means | real)
    sizes = {f"{n} named": (ws, [f["present_by_size"][n].value for f in by_w.values()]) for n in "12345"}
    assert (by_size.title, by_size.xlabel, by_size.lines) == ("met, by number of things named", "guidance w", sizes)
    guided = [by_w["1"], by_w["3"]]
    points = [f["precision"] for f in guided], [f["present"].value for f in guided]
    assert fidelity.lines == {"present": points} and list(fidelity.points) == ["w = 1", "w = 3"]
    assert (fidelity.title, fidelity.xlabel) == ("met, against fidelity", "precision (k-NN, classifier features)")
    assert caption == measure.bench.caption(measure.sets)


@pytest.mark.parametrize("sizes", [("1",), ("1", "2"), ("1", "2", "5")])
def test_requests_of_one_size_have_no_table_by_size(sizes):
    shares = {size: intervals.share(torch.tensor([True, False])) for size in sizes}
    part = {"present_by_size": shares, "whole_by_size": shares}
    text = Adherence._by_size(None, {"real": part, "by_w": {"3": part}}, "3")
    assert bool(text) == (len(sizes) > 1)
    if text:
        assert f"| {' | '.join(sizes)} |" in text and text.count("50.0 %") == 4 * len(sizes)


def test_every_sampled_picture_counts_and_a_real_one_once(splits, monkeypatch):
    """Of a rare value all requests may be of one real picture, which says one thing; each sample says its own."""
    monkeypatch.setattr(intervals, "RESAMPLES", 20)
    bench = bench_of(splits, w=1.0, steps=10)
    measure = Adherence(bench, AdherenceSettings(n=10, w=[1.0]))
    requests = measure.requests
    figures = measure.measure(lambda samples: bench.held_out.images[requests.row])
    sampled, real = (
        {name: value["met"].n + value["hidden"] for name, value in part["values"].items()}
        for part in (figures["by_w"]["1"], figures["real"])
    )
    assert set(sampled.values()) == {10}
    assert max(real.values()) <= 10 and min(real.values()) < 10
