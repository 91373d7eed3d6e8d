"""Widgets have the defaults, ranges and explanations of the settings that they set: none is written down twice."""

import pytest
from streamlit.testing.v1 import AppTest

import conf
from conf import MAX_SEED
from dashboard import controls
from inference.settings import SampleSettings
from training.settings import TrainSettings

SETTINGS = {"sample": SampleSettings(), "train": TrainSettings()}


def show(program, name):
    """What AppTest runs; it is copied as text, so it stands alone."""
    from dashboard import controls
    from inference.settings import SampleSettings
    from training.settings import TrainSettings

    settings = {"sample": SampleSettings, "train": TrainSettings}[program]()
    controls.number(settings, name, "label", "key")


@pytest.mark.parametrize(
    ("program", "name"),
    [("sample", "w"), ("sample", "steps"), ("sample", "scale"), ("sample", "resample"), ("sample", "refine"),
     ("train", "train.batch_size"), ("train", "optim.lr"), ("train", "cfg.drop_prob"), ("train", "train.grad_clip")],
)  # fmt: skip
def test_a_number_takes_what_its_setting_takes(program, name):
    field, default = controls.declared(SETTINGS[program], name)
    ends = conf.bounds(field.metadata)
    app = AppTest.from_function(show, kwargs={"program": program, "name": name}).run()
    assert not app.exception
    (widget,) = app.number_input
    assert widget.value == default
    assert widget.min == ends.get("ge", ends.get("gt"))
    assert (widget.max if "le" in ends else None) == ends.get("le")
    assert name in widget.help and field.description in widget.help


def test_a_seed_is_not_larger_than_a_browser_keeps_exact():
    app = AppTest.from_function(show, kwargs={"program": "sample", "name": "seed"}).run()
    assert app.number_input[0].max == 2**53 - 1 < MAX_SEED


def test_explanations_are_read_in_french_too():
    app = AppTest.from_function(show, kwargs={"program": "sample", "name": "w"})
    app.session_state["language"] = "Français"
    assert "guidage" in app.run().number_input[0].help
