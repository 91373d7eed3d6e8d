"""The logic of each page, without a browser."""

import json
import random
import shutil
import tomllib
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from dashboard import ratings, view
from dashboard.choices import slot_choices
from data.images import read_png
from data.pictures import MAX_BYTES
from data.pixelfaces import SCHEMA
from tests.programs import ROOT

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


def test_the_settings_of_streamlit_keep_the_dashboard_to_this_machine():
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


def test_samples_can_be_chosen_by_step_and_animated(in_tmp, train_tiny):
    train_tiny("train.steps=2", "train.preview_every=1", "run=runs/faces/one")
    app = open_page("samples")
    slider = app.select_slider[0]
    assert slider.options == ["1", "2"] and slider.value == 2
    slider.set_value(1).run()
    assert "step 1" in [caption.value for caption in app.caption]
    labelled(app.toggle, "Animation over the training").set_value(True).run()
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


def test_what_is_chosen_is_generated_and_shown_as_a_command(tiny):
    app = generate(tiny)
    labelled(app.selectbox, "Head").set_value(choice("head", "Crown")).run()
    steps = labelled(app.number_input, "Steps")
    steps.set_value(3).run()
    assert "attrs=Crown" in app.code[-1].value and "steps=3" in app.code[-1].value
    labelled(app.button, "Generate").click().run()
    assert not app.exception and not app.error
    (generation,) = app.session_state["history"]
    assert generation.images.shape == (2, 3, 24, 24) and generation.request == "Crown"
    app.number_input(key="generate.seed").set_value(9).run()
    labelled(app.button, "Generate").click().run()
    first, second = app.session_state["history"]
    assert second.seeds == [9, 10] and not torch.equal(first.images, second.images)
    labelled(app.button, "Favourite").click().run()
    assert len(app.session_state["favourites"]) == 1 and not app.exception


def test_a_phrase_is_understood_and_what_is_not_is_said(tiny):
    app = generate(tiny, **{"generate.way": "phrase", "generate.phrase": "a face with a crown and a zeppelin"})
    labelled(app.button, "Generate").click().run()
    captions = " ".join(caption.value for caption in app.caption)
    assert "ignored" in captions and "zeppelin" in captions
    assert app.session_state["history"][0].request == "Crown"


@pytest.mark.parametrize("names", ["crwn", "crown,top hat", "crown * much", "${oc.env:HOME}", "crown:'"])
def test_what_cannot_be_generated_is_said_in_one_line(tiny, names):
    app = generate(tiny, **{"generate.way": "names", "generate.names": names})
    labelled(app.button, "Generate").click().run()
    assert not app.exception and len(app.error) == 1 and "\n" not in app.error[0].value
    assert app.session_state["history"] == []


def test_weights_without_labels_generate_without_a_request(in_tmp, train_tiny):
    run = train_tiny("train.steps=1", "cfg=off", "run=runs/faces/off")
    app = open_page("generate", **{"generate.weights": run.weights.as_posix()})
    labelled(app.number_input, "Steps").set_value(2).run()
    labelled(app.button, "Generate").click().run()
    assert not app.exception and not app.error and len(app.session_state["history"]) == 1


def test_pngs_are_encoded_when_they_are_downloaded_and_not_at_every_rerun(tiny, monkeypatch):
    encoded, png = [], view.png
    monkeypatch.setattr(view, "png", lambda image, scale=1, *args: encoded.append(scale) or png(image, scale, *args))
    app = generate(tiny)
    labelled(app.number_input, "Steps").set_value(2).run()
    labelled(app.button, "Generate").click().run()
    app.number_input(key="generate.seed").set_value(9).run()
    assert set(encoded) == {1}  # those shown on the page, in their own size
    app.session_state["history"][0].archive()
    assert encoded.count(8) == 2


def test_two_visitors_do_not_see_each_other(tiny):
    one, other = generate(tiny), generate(tiny)
    labelled(one.button, "Generate").click().run()
    other.run()
    assert len(one.session_state["history"]) == 1 and other.session_state["history"] == []


def test_a_picture_is_edited_from_a_noise_level(tiny):
    image = torch.zeros(3, 24, 24, dtype=torch.uint8)
    app = open_page("edit", **{"edit.weights": tiny, "edit.picture": image, "edit.way.True": "noise"})
    app.number_input(key="edit.n").set_value(1)
    labelled(app.number_input, "Steps").set_value(4).run()
    app.slider(key="edit.strength").set_value(0.0).run()
    assert not Path("samples").exists()  # nothing was asked for yet
    app.button(key="edit.generate").click().run()
    assert not app.error and not app.exception
    generation = app.session_state["edit.generation"]
    assert generation.record["strength"] == 0 and torch.equal(generation.init, image)
    (saved,) = Path("samples/edits").iterdir()
    assert torch.equal(read_png(saved), image)
    assert f"init={saved}" in app.code[-1].value and "strength=0" in app.code[-1].value
    assert app.session_state["history"] == [generation]


def test_two_settings_are_crossed(tiny):
    app = open_page("compare", **{"compare.weights": tiny})
    app.text_input(key="compare.across").set_value("0, 2")
    app.text_input(key="compare.down.steps").set_value("2, 3")
    app.number_input(key="compare.n").set_value(1).run()
    labelled(app.button, "Generate").click().run()
    assert not app.exception and not app.error
    _, results, _ = app.session_state["compare.results"]
    assert [result.row.value for result in results] == ["2 x 0", "2 x 2", "3 x 0", "3 x 2"]
    app.text_input(key="compare.across").set_value("many").run()
    assert "must be numbers" in app.error[0].value


@pytest.mark.parametrize(
    "line", ["checkpoint=[a]", "init=[/etc/passwd]", "w", "attrs=[${oc.env:HOME}]", "w=3", "sampler=[../../x]"]
)
def test_what_cannot_vary_is_said_in_one_line(tiny, line):
    app = open_page("compare", **{"compare.weights": tiny, "compare.how": "one"})
    app.text_area(key="compare.vary").set_value(line).run()
    if not app.error:
        labelled(app.button, "Generate").click().run()
    assert not app.exception and len(app.error) == 1 and "compare.results" not in app.session_state


def test_settings_vary_one_at_a_time(tiny):
    app = open_page("compare", **{"compare.weights": tiny, "compare.how": "one"})
    app.number_input(key="compare.n").set_value(1)
    app.text_area(key="compare.vary").set_value("steps=[2]\nvary.attrs=[crown, 'top hat,shades']").run()
    labelled(app.button, "Generate").click().run()
    assert not app.exception and not app.error
    _, results, _ = app.session_state["compare.results"]
    varied = [(result.row.setting, result.row.value) for result in results]
    assert varied == [("baseline", ""), ("steps", "2"), ("attrs", "crown"), ("attrs", "top hat,shades")]


def test_a_training_is_told_what_differs_from_its_recipe(in_tmp):
    app = open_page("train")
    assert app.code[0].value == "python train.py"
    app.selectbox(key="train.recipe").set_value("mnist").run()
    labelled(app.number_input, "train.steps").set_value(7)
    labelled(app.number_input, "optim.lr").set_value(0.002).run()
    assert app.code[0].value == "python train.py experiment=mnist train.steps=7 optim.lr=0.002"
    labelled(app.selectbox, "cfg").set_value("off").run()
    assert not app.exception and "cfg=off" in app.code[0].value
    assert "cfg.drop_prob" not in [widget.label for widget in app.number_input]  # which that option does not have


def test_figures_of_evaluations_stand_side_by_side(in_tmp):
    for name, value in (("a", 0.25), ("b", 0.5)):
        folder = Path("evaluations/faces") / name
        folder.mkdir(parents=True)
        (folder / "metrics.json").write_text(json.dumps({"step": 7, "exact": {"best": value}}))
    table = open_page("evaluate").dataframe[0].value
    assert table.loc[table["metric"] == "exact.best"].iloc[0].tolist() == ["exact.best", "0.5", "0.25"]


def test_figures_that_are_not_a_number_break_no_page(in_tmp):
    """Python writes NaN and Infinity into JSON, and no whole number is made of them."""
    Path("evaluations/a").mkdir(parents=True)
    Path("evaluations/a/metrics.json").write_text('{"fid": NaN, "kid": -Infinity, "exact": {"n": 100}}')
    table = open_page("evaluate").dataframe[0].value
    assert dict(zip(table["metric"], table["a"], strict=True)) == {"fid": "nan", "kid": "-inf", "exact.n": "100"}


def test_a_rating_of_one_picture_knows_no_spread(in_tmp):
    images = (torch.zeros(1, 3, 4, 4, dtype=torch.uint8),) * 2
    rating = ratings.begin("scores", (("w=1",), ("w=3",)), images, [0], random.Random(0))
    rating.answers = [(2, 1, 0)] * 2
    table = open_page("evaluate", rating=rating).dataframe[0].value
    assert table["A"].tolist() == ["2.00 ± –", "1.00 ± –", "0.00 ± –"]


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
