"""The logic of each page, without a browser."""

import json
import shutil
import tomllib
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from dashboard.asking import slot_choices
from data.pictures import MAX_BYTES
from data.pixelfaces import SCHEMA
from tests.conftest import ROOT

PAGES = ["runs", "samples", "train", "generate", "edit", "compare", "evaluate"]


def show(name):
    """What AppTest runs; it is copied as text, so it stands alone."""
    import importlib

    from dashboard import view

    view.style()
    importlib.import_module(f"dashboard.pages.{name}").page()


def open_page(name, **state) -> AppTest:
    app = AppTest.from_function(show, kwargs={"name": name}, default_timeout=60)
    for key, value in state.items():
        app.session_state[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


def test_the_shipped_settings_keep_the_dashboard_to_this_machine():
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["server"]["address"] == "localhost" and config["server"]["fileWatcherType"] == "none"
    assert config["browser"]["gatherUsageStats"] is False
    assert config["server"]["maxUploadSize"] * 1_000_000 <= MAX_BYTES


def labelled(widgets, label):
    return next(widget for widget in widgets if widget.label == label)


@pytest.fixture
def tiny(in_tmp, weights) -> str:
    """Weights of a tiny network, as those of a run; chosen on every page."""
    place = Path("runs/faces/tiny/checkpoints/ema.safetensors")
    place.parent.mkdir(parents=True)
    shutil.copy(weights, place)
    import dashboard.state

    dashboard.state._weights.clear()
    return place.as_posix()


@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_where_there_is_nothing_yet(in_tmp, name):
    app = open_page(name)
    assert app.title[0].value == name.capitalize()
    assert open_page(name, language="Français").title[0].value != app.title[0].value


@pytest.mark.parametrize("name", PAGES)
def test_broken_runs_and_evaluations_break_no_page(in_tmp, name):
    for folder, file, content in (
        ("runs/a", "status.json", b"{"), ("runs/b", "config.yaml", b"\xff: ["), ("runs/c", "status.json", b"[1]"),
        ("runs/c/samples", "step-00000001-ema-w3.png", b"no picture"), ("runs/d", "events.out.tfevents.1", b"x" * 99),
        ("runs/d", "train.log", b""), ("runs/e/checkpoints", "ema.safetensors", b"no weights"),
        ("evaluations/x", "metrics.json", b"{"), ("runs/.jobs", "x.json", b"{"),
    ):  # fmt: skip
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / file).write_bytes(content)
    open_page(name)


def test_the_whole_dashboard_opens_on_its_first_page(in_tmp, monkeypatch):
    monkeypatch.setattr("gc.freeze", lambda: None)  # it is for a process of its own
    app = AppTest.from_file(str(ROOT / "streamlit_dashboard.py"), default_timeout=60).run()
    assert not app.exception and app.title[0].value == "Runs"


def test_runs_show_their_state_and_curves_and_keep_choices(in_tmp, train_tiny):
    for name in ("one", "two"):
        train_tiny("train.steps=3", "train.log_every=1", f"run=runs/faces/{name}")
    Path("runs/faces/two/status.json").write_text('{"state": "running"}')
    app = open_page("runs")
    table = app.dataframe[0].value
    assert set(table["state"]) == {"finished", "broken"} and set(table["run"]) == {"faces/one", "faces/two"}
    assert len(app.get("vega_lite_chart")) >= 3
    app.multiselect(key="shown_runs").set_value(["faces/one"]).run()
    app.toggle(key="log_scale").set_value(False).run()
    assert app.session_state["shown_runs"] == ["faces/one"] and not app.exception


def test_samples_can_be_chosen_by_step_and_shown_as_a_film(in_tmp, train_tiny):
    train_tiny("train.steps=2", "train.preview_every=1", "run=runs/faces/one")
    app = open_page("samples")
    slider = app.select_slider[0]
    assert slider.options == ["1", "2"] and slider.value == 2
    slider.set_value(1).run()
    assert "step 1" in [caption.value for caption in app.caption]
    labelled(app.toggle, "Film over the training").set_value(True).run()
    assert "2 grids, up to step 2" in [caption.value for caption in app.caption]
    assert "data:image/gif" in "".join(block.proto.body for block in app.get("html"))


def test_samples_follow_a_training_until_a_step_is_chosen(in_tmp, train_tiny):
    run = train_tiny("train.steps=2", "train.preview_every=1", "run=runs/faces/one")

    def add(step):  # as the training goes on
        for grid in run.samples.glob("step-00000002-*.png"):
            shutil.copy(grid, grid.with_name(grid.name.replace("00000002", f"{step:08d}")))

    app = open_page("samples")
    add(3)
    assert app.run().select_slider[0].value == 3
    app.select_slider[0].set_value(1).run()
    add(4)
    app.run()
    assert app.select_slider[0].options == ["1", "2", "3", "4"] and app.select_slider[0].value == 1


def choice(slot, name):
    """The entry of a slot's list that has this name."""
    return next(choice for choice in slot_choices(SCHEMA)[slot] if choice.name == name)


def generate(tiny, **state) -> AppTest:
    app = open_page("generate", **{"generate.weights": tiny}, **state)
    app.number_input(key="generate.n").set_value(2)
    return app


def test_what_is_chosen_is_drawn_and_told_as_a_command(tiny):
    app = generate(tiny)
    labelled(app.selectbox, "Head").set_value(choice("head", "Crown")).run()
    steps = labelled(app.number_input, "Steps")
    steps.set_value(3).run()
    assert "attrs=Crown" in app.code[-1].value and "steps=3" in app.code[-1].value
    labelled(app.button, "Draw").click().run()
    assert not app.exception and not app.error
    (drawn,) = app.session_state["history"]
    assert drawn.images.shape == (2, 3, 24, 24) and drawn.drawing.attrs == "Crown"
    app.number_input(key="generate.seed").set_value(9).run()
    labelled(app.button, "Draw").click().run()
    first, second = app.session_state["history"]
    assert second.seeds == [9, 10] and not torch.equal(first.images, second.images)
    labelled(app.button, "Favourite").click().run()
    assert len(app.session_state["favourites"]) == 1 and not app.exception


def test_a_phrase_is_understood_and_what_is_not_is_said(tiny):
    app = generate(tiny, **{"generate.way": "phrase", "generate.phrase": "a face with a crown and a zeppelin"})
    labelled(app.button, "Draw").click().run()
    told = " ".join(caption.value for caption in app.caption)
    assert "understood: Crown" in told and "zeppelin" in told


@pytest.mark.parametrize("names", ["crwn", "crown,top hat", "crown * much", "${oc.env:HOME}", "crown:'"])
def test_what_cannot_be_drawn_is_said_in_one_line(tiny, names):
    app = generate(tiny, **{"generate.way": "names", "generate.names": names})
    labelled(app.button, "Draw").click().run()
    assert not app.exception and len(app.error) == 1 and "\n" not in app.error[0].value
    assert app.session_state["history"] == []


def test_weights_without_labels_are_drawn_without_a_request(in_tmp, train_tiny):
    run = train_tiny("train.steps=1", "cfg=off", "run=runs/faces/off")
    app = open_page("generate", **{"generate.weights": run.weights.as_posix()})
    labelled(app.number_input, "Steps").set_value(2).run()
    labelled(app.button, "Draw").click().run()
    assert not app.exception and not app.error and len(app.session_state["history"]) == 1


def test_two_visitors_do_not_see_each_other(tiny):
    one, other = generate(tiny), generate(tiny)
    labelled(one.button, "Draw").click().run()
    other.run()
    assert len(one.session_state["history"]) == 1 and other.session_state["history"] == []


def test_a_picture_is_edited_from_a_noise_level(tiny):
    image = torch.zeros(3, 24, 24, dtype=torch.uint8)
    app = open_page("edit", **{"edit.weights": tiny, "edit.picture": image, "edit.way.True": "noise"})
    app.number_input(key="edit.n").set_value(1)
    labelled(app.number_input, "Steps").set_value(4).run()
    app.slider(key="edit.strength").set_value(0.0).run()
    app.button(key="edit.draw").click().run()
    assert not app.error and not app.exception
    drawn = app.session_state["edit.drawn"]
    assert drawn.drawing.settings["strength"] == 0 and torch.equal(drawn.drawing.init, image)
    assert "init=samples/edits/" in app.code[-1].value and "strength=0" in app.code[-1].value


def test_two_settings_are_crossed(tiny):
    app = open_page("compare", **{"compare.weights": tiny})
    app.text_input(key="compare.across").set_value("0, 2")
    app.text_input(key="compare.down.steps").set_value("2, 3")
    app.number_input(key="compare.n").set_value(1).run()
    labelled(app.button, "Draw").click().run()
    assert not app.exception and not app.error
    _, results, _ = app.session_state["compare.results"]
    assert [result.row.value for result in results] == ["2 x 0", "2 x 2", "3 x 0", "3 x 2"]
    app.text_input(key="compare.across").set_value("many").run()
    assert "must be numbers" in app.error[0].value


def test_figures_of_evaluations_stand_side_by_side(in_tmp):
    for name, value in (("a", 0.25), ("b", 0.5)):
        folder = Path("evaluations/faces") / name
        folder.mkdir(parents=True)
        (folder / "metrics.json").write_text(json.dumps({"step": 7, "exact": {"best": value}}))
    table = open_page("evaluate").dataframe[0].value
    assert table.loc[table["figure"] == "exact.best"].iloc[0].tolist() == ["exact.best", "0.5", "0.25"]


def test_a_blind_rating_is_asked_through_and_saved(tiny):
    app = open_page("evaluate", **{"rate.weights.A": tiny, "rate.weights.B": tiny, "rate.way": "pairs"})
    app.number_input(key="rate.n").set_value(2).run()
    labelled(app.button, "Begin").click().run()
    for _ in range(2):
        html = "".join(block.proto.body for block in app.get("html"))
        assert "w=" not in html and "checkpoint" not in html
        labelled(app.button, "left").click().run()
    assert not app.exception
    assert list(Path("evaluations/ratings").glob("*-pairs.csv"))
