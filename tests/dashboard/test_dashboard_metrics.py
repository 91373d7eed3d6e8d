"""Evaluations are found, flattened, and told apart from broken ones."""

import json
import math

import pytest

from dashboard.metrics import evaluations, flat, shown, summary
from evaluation.intervals import Estimate


def test_figures_and_where_they_come_from(tmp_path):
    record = {
        "checkpoint": "abc", "step": 10, "sampler": {"name": "ddim", "eta": 0.0}, "w": 1.5,
        "classifier": {"mean_accuracy": 0.9, "accuracy": {"type": 1.0}},
        "exact": {"exact_best": 0.5, "by_seed": [1, 2], "quantised": True},
    }  # fmt: skip
    for name in ("a/2026-01-01", "a/2026-02-01"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "metrics.json").write_text(json.dumps(record))
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "metrics.json").write_text("{")
    found = {e.name: e for e in evaluations(tmp_path)}
    assert list(found) == ["b", "a/2026-02-01", "a/2026-01-01"]
    assert found["a/2026-01-01"].figures == {"classifier.mean_accuracy": 0.9, "exact.exact_best": 0.5}
    assert found["a/2026-01-01"].provenance == {"checkpoint": "abc", "step": 10, "sampler.name": "ddim", "w": 1.5}
    assert "cannot be read" in found["b"].problem


def test_what_is_read_first_is_that_of_the_guidance_of_the_evaluation(tmp_path):
    met = {f"{w}": {"present": Estimate(share, 0.1, 1.0, 20)._asdict()} for w, share in ((1, 0.5), (3, 0.955))}
    record = {"step": 3378, "w": 3.0, "split": "test", "adherence": {"by_w": met}, "exact": {"exact_best": math.nan}}
    (tmp_path / "metrics.json").write_text(json.dumps(record))
    assert summary(evaluations(tmp_path)[0]) == {
        "weights at step": "3,378", "held-out pictures of": "test", "guidance w": "3",
        "attributes found, of those requested": "95.5 %",
    }  # fmt: skip


def test_a_list_in_place_of_figures_is_a_problem_and_no_crash(tmp_path):
    (tmp_path / "metrics.json").write_text("[1]")
    assert evaluations(tmp_path)[0].problem
    assert flat({"a": {"b": {"c": 1}}, "d": 2}) == {"a.b.c": 1, "d": 2}


@pytest.mark.parametrize(
    ("figure", "text"),
    [(None, ""), (0.123456, "0.1235"), (12345.0, "12,345"), (3.0, "3"), (math.nan, "nan"), (-math.inf, "-inf")],
)
def test_figures_are_shown_whatever_they_are(figure, text):
    assert shown(figure) == text


@pytest.mark.parametrize("content", ['{"a": 1' + "0" * 400 + "}", '{"a":' * 100_000, "[" * 100_000])
def test_figures_that_python_cannot_hold_are_a_problem_and_no_crash(tmp_path, content):
    (tmp_path / "metrics.json").write_text(content)
    assert "cannot be read" in evaluations(tmp_path)[0].problem


def test_of_an_estimate_its_value_counts():
    estimate = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 100}
    record = {"exact": {"n": 5, "one": estimate, "inner": {"value": 1, "low": 0}}}
    assert flat(record) == {"exact.n": 5, "exact.one": 0.5, "exact.inner.value": 1, "exact.inner.low": 0}
