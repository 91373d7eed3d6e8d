"""Which measures are made for weights and pictures, and what is said of the others."""

from pathlib import Path

import pytest

from data import PixelFaces
from evaluation.measures import MEASURES, applicable
from evaluation.settings import EvaluateSettings
from tests.evaluation.stubs import bench_of


def test_what_a_small_set_does_not_allow_is_left_out_unless_it_was_asked_for():
    """A person with sixty pictures types evaluate.py, and gets what can be had."""
    bench, told, settings = bench_of(PixelFaces(count=60).load()), [], EvaluateSettings()

    def made(wanted, settings=settings):
        return applicable(bench, wanted, settings.of, Path("a.safetensors"), told.append)

    assert "adherence" in made(list(MEASURES)) and "distribution" not in made(list(MEASURES))
    assert any(line.startswith("left out: distribution.n=800") for line in told)
    with pytest.raises(ValueError, match="leave distribution out of measure="):
        made(["distribution", "adherence"])
    typed = settings.replace(distribution=settings.distribution.replace(n=256))
    with pytest.raises(ValueError, match=r"distribution\.n=256"):
        made(list(MEASURES), typed)
