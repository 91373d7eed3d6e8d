"""The settings of evaluate.py: those of every measure stand under its name, and what cannot be is told in one line."""

import pytest

from conf import names
from data import MNIST
from diffusion.guidance import CFGPlusPlus
from evaluation.measures import MEASURES
from evaluation.settings import EvaluateSettings


def test_every_measure_brings_its_settings():
    settings = EvaluateSettings()
    assert settings.measure == list(MEASURES)
    for name, measure in MEASURES.items():
        assert isinstance(settings.of(name), measure.Settings)
        assert {f"{name}.{field}" for field in measure.Settings.model_fields} <= names(EvaluateSettings)


def test_the_defaults_are_those_of_the_published_figures():
    plain = EvaluateSettings().plain()
    assert set(MEASURES) <= set(plain)
    assert plain["exact"]["n"] >= 1000 and plain["adherence"]["n"] >= 20  # a whole split, and 20 requests per value
    assert (plain["w"], plain["steps"], plain["split"], plain["seed"]) == (3, None, "validation", 0)


def test_settings_are_composed_as_they_are_typed(compose, monkeypatch):
    monkeypatch.setenv("DATA_ROOT", "elsewhere")
    typed = ["dataset=mnist", "measure=[exact,edits]", "exact.n=7", "adherence.w=[0,2.5]", "distribution.unasked=false"]
    settings = compose("evaluate", typed)
    assert isinstance(settings.dataset, MNIST) and settings.measure == ["exact", "edits"]
    assert (settings.exact.n, settings.adherence.w, settings.distribution.unasked) == (7, [0.0, 2.5], False)
    assert settings.data_root == "elsewhere"
    assert compose("evaluate").dataset is None  # that of the weights


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("measure=exact", ["measure='exact'", "a list in brackets of one or more of exact, adherence, validity"]),
        ("measure=[exact,beauty]", ["measure=['exact', 'beauty']", "exact, adherence, validity"]),
        ("measure=[]", ["measure=[]", "one or more of exact"]),
        ("split=train", ["split='train'", "validation, test"]),
        ("w=-1", ["w=-1", "from 0 to 20"]),
        ("exact.tries=0", ["exact.tries=0", "whole number from 1"]),
        ("exact.n=1e3", ["exact.n=1000.0", "whole number"]),
        ("adherence.w=[1,x]", ["adherence.w=[1, 'x']", "numbers of at least 0"]),
        ("adherence.w=[]", ["adherence.w=[]", "one or more numbers"]),
        ("distribution.n=255", ["distribution.n=255", "whole number from 256"]),  # too few for covariances
        ("distribution.repeats=2", ["distribution.repeats=2", "from 3"]),
        ("distribution.unasked=maybe", ["distribution.unasked='maybe'", "true or false"]),
        ("edits.m=3", ["edits.m: no such setting", "edits.n"]),
    ],
)
def test_what_cannot_be_is_told_in_one_line(compose, typed, expected):
    with pytest.raises(ValueError) as refusal:
        compose("evaluate", [typed])
    assert all(part in str(refusal.value) for part in expected) and "\n" not in str(refusal.value)


def test_a_guidance_that_takes_no_such_w_is_refused_before_anything_is_sampled():
    """CFG++ takes w from 0 to 1; the default of adherence goes to 8, which only matters where that is measured."""
    with pytest.raises(ValueError, match=r"^w=3: with guidance=cfgpp"):
        EvaluateSettings(guidance=CFGPlusPlus(), measure=["exact"])
    with pytest.raises(ValueError, match=r"^adherence.w=2: with guidance=cfgpp"):
        EvaluateSettings(guidance=CFGPlusPlus(), w=0.8, measure=["exact", "adherence"])
    assert EvaluateSettings(guidance=CFGPlusPlus(), w=0.8, measure=["exact"]).w == 0.8
