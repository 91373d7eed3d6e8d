"""The logic of each page, without a browser."""

import csv
import io
import json
import random
import shutil
import tomllib
import zipfile
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from dashboard import jobs, ratings
from dashboard.pages import compare, runs
from data.pictures import MAX_BYTES
from tests.dashboard.apps import PAGES, finished, labelled, open_page, sampled
from tests.programs import ROOT
from training.monitor import GRIDS
from training.run import Run


def test_the_settings_of_streamlit_keep_the_dashboard_to_this_machine():
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["server"]["address"] == "localhost" and config["server"]["fileWatcherType"] == "none"
    assert config["browser"]["gatherUsageStats"] is False
    assert config["server"]["maxUploadSize"] * 1_000_000 <= MAX_BYTES


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
    assert not app.exception and app.title[0].value == "Generate"


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
    train_tiny("train.steps=1", "run=runs/faces/three")
    assert app.run().session_state["shown_runs"] == ["faces/three", "faces/one"]  # a new one is shown by itself


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


def test_two_settings_are_crossed_and_downloaded_as_the_script_writes_them(tiny):
    app = open_page("compare", **{"compare.weights": tiny})
    app.text_input(key="compare.across").set_value("0, 2")
    app.text_input(key="compare.down.steps").set_value("2, 3")
    app.number_input(key="compare.n").set_value(1).run()
    sampled(app, "compare")
    assert not app.exception and not app.error
    compared, values = app.session_state["compare.results"], ["2 x 0", "2 x 2", "3 x 0", "3 x 2"]
    assert [result.row.value for result in compared.results] == values
    with zipfile.ZipFile(io.BytesIO(compare.archive(compared.results, compared.seeds))) as archive:
        assert archive.namelist() == ["cells.csv", "contact.png"]
        rows = list(csv.DictReader(archive.read("cells.csv").decode().splitlines()))
    assert [row["value"] for row in rows] == values and "attrs=top hat,shades" in rows[0]["command"]
    app.text_input(key="compare.across").set_value("many").run()
    assert "must be numbers" in app.error[0].value


@pytest.mark.parametrize(
    "line", ["checkpoint=[a]", "init=[/etc/passwd]", "w", "attrs=[${oc.env:HOME}]", "w=3", "sampler=[../../x]"]
)
def test_what_cannot_vary_is_said_in_one_line(tiny, line):
    app = open_page("compare", **{"compare.weights": tiny, "compare.how": "one"})
    app.text_area(key="compare.vary").set_value(line).run()
    if not app.error:
        sampled(app, "compare")
    assert not app.exception and len(app.error) == 1 and "compare.results" not in app.session_state


def test_settings_vary_one_at_a_time(tiny):
    app = open_page("compare", **{"compare.weights": tiny, "compare.how": "one"})
    app.number_input(key="compare.n").set_value(1)
    app.text_area(key="compare.vary").set_value("steps=[2]\nvary.attrs=[crown, 'top hat,shades']").run()
    sampled(app, "compare")
    assert not app.exception and not app.error
    results = app.session_state["compare.results"].results
    varied = [(result.row.setting, result.row.value) for result in results]
    assert varied == [("baseline", ""), ("steps", "2"), ("attrs", "crown"), ("attrs", "top hat,shades")]


def test_values_that_come_twice_count_once_and_impossible_ones_are_said_at_once(tiny):
    app = open_page("compare", **{"compare.weights": tiny})
    app.text_input(key="compare.down.steps").set_value("2, 2")
    app.number_input(key="compare.n").set_value(3)
    app.text_input(key="compare.across").set_value("1,1,1.0").run()
    assert "Settings: 1 · pictures: 3" in [caption.value for caption in app.caption] and not app.error
    app.text_input(key="compare.across").set_value("1, -1").run()
    assert "w\\=\\-1" in app.error[0].value and labelled(app.button, "Generate").disabled
    app.segmented_control(key="compare.how").set_value("one").run()
    app.text_area(key="compare.vary").set_value("steps=[2,2,3]\nattrs=[[crown],[crown]]").run()
    assert "Settings: 4 · pictures: 12" in [caption.value for caption in app.caption] and not app.error
    app.text_area(key="compare.vary").set_value("steps=[0]").run()
    assert "steps\\=0" in app.error[0].value and labelled(app.button, "Generate").disabled


def test_comparisons_and_ratings_begin_with_a_request_so_that_guidance_matters(tiny):
    app = open_page("compare", **{"compare.weights": tiny})
    assert app.text_input(key="compare.names").value == "top hat,shades"
    app = open_page("evaluate", **{"rate.weights.A": tiny, "rate.weights.B": tiny})
    assert [box.value for box in app.text_input if box.label == "Request"] == ["top hat,shades"] * 2


def test_a_run_goes_on_where_what_ended_it_is_raised(in_tmp, monkeypatch):
    """Steps cannot prolong a run that its minutes ended; both are offered, and what would change nothing is not."""
    run, resumed = Run("runs/faces/a"), []
    run.path.mkdir(parents=True)
    run.write_config({"train": {"steps": 900, "minutes": 2.0}})
    run.write_status(state="finished", step=50, steps=50)
    monkeypatch.setattr(
        jobs, "resume", lambda run, runs, overrides: resumed.append(overrides) or jobs.Job("a", 1, [], "", "")
    )
    app = open_page("train")
    assert labelled(app.number_input, "Up to step").value == 900
    labelled(app.number_input, "Up to step").set_value(2000).run()
    assert labelled(app.button, "Continue").disabled
    labelled(app.number_input, "Up to minute").set_value(5.0).run()
    labelled(app.button, "Continue").click().run()
    assert not app.exception and resumed == [["train.steps=2000", "train.minutes=5"]]
    run.write_config({"train": {"steps": 900}})
    run.write_status(state="stopped", step=50, steps=900)
    app = open_page("train")
    assert "Up to minute" not in [widget.label for widget in app.number_input]
    labelled(app.button, "Continue").click().run()
    assert resumed[1:] == [[]]


def test_noise_levels_are_written_as_people_do():
    assert [runs.levels(tag) for tag in ("loss_by_t/0001-0125", "loss_by_t/0876-1000")] == ["1–125", "876–1000"]


def test_a_picture_to_edit_is_generated_where_there_is_none(tiny):
    """Also one that was begun on the page Generate, which was left before it was there."""
    app = open_page("edit", **{"edit.weights": tiny})
    assert "generate one" in app.info[0].value
    sampled(app)
    assert not app.exception and not app.info and len(app.session_state["history"]) == 1
    assert "edit.picture" in app.session_state


def test_the_learning_rate_moves_by_a_tenth_of_itself(in_tmp):
    widget = labelled(open_page("train").number_input, "Learning rate")
    assert widget.step == pytest.approx(widget.value / 10)


def test_a_training_is_asked_to_stop_once(in_tmp, monkeypatch):
    run = Run("runs/faces/a")
    sent = []
    monkeypatch.setattr(jobs.os, "kill", lambda *which: sent.append(which))
    with run.locked():
        run.write_status(state="running", step=3, steps=9, doing=GRIDS, images_per_second=5.0, seconds_left=8.0)
        app = open_page("train")
        assert "sample grids" in app.get("progress")[0].proto.text
        labelled(app.button, "Stop").click().run()
        assert labelled(app.button, "Stopping").disabled and len(sent) == 1
        jobs.stop(run)
        assert len(sent) == 1


def test_a_run_is_renamed_and_put_into_the_bin(in_tmp, train_tiny):
    train_tiny("train.steps=1", "run=runs/faces/one")
    app = open_page("runs")
    app.text_input(key="managed.name.faces/one").set_value("two").run()
    labelled(app.button, "Rename").click().run()
    assert app.dataframe[0].value["run"].tolist() == ["faces/two"]
    app.text_input(key="managed.name.faces/two").set_value("../x").run()
    labelled(app.button, "Rename").click().run()
    assert "must be letters" in app.error[0].value
    labelled(app.button, "Put into the bin").click().run()
    assert not app.exception and not app.dataframe and "No runs yet" in app.info[0].value
    labelled(app.button, "Put back").click().run()
    assert app.dataframe[0].value["run"].tolist() == ["faces/two"]


def test_a_training_is_told_what_differs_from_its_recipe(in_tmp):
    app = open_page("train")
    assert app.code[0].value == "python train.py"
    app.selectbox(key="train.recipe").set_value("mnist").run()
    labelled(app.number_input, "Training steps").set_value(7)
    labelled(app.number_input, "Learning rate").set_value(0.002).run()
    assert app.code[0].value == "python train.py experiment=mnist train.steps=7 optim.lr=0.002"
    labelled(app.selectbox, "Label dropout (CFG)").set_value("off").run()
    assert not app.exception and "cfg=off" in app.code[0].value
    assert "Whole labels dropped" not in [
        widget.label for widget in app.number_input
    ]  # which that option does not have


def test_pictures_of_a_training_are_augmented_as_the_page_says(in_tmp):
    app = open_page("train")
    labelled(app.toggle, "Mirrored at random").set_value(True)
    labelled(app.number_input, "Moved at random, pixels").set_value(2).run()
    assert not app.exception and app.code[0].value == "python train.py augment.flip=true augment.shift=2"


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
    finished(app, "rating")
    for _ in range(2):
        html = "".join(block.proto.body for block in app.get("html"))
        assert "w=" not in html and "checkpoint" not in html
        labelled(app.button, "left").click().run()
    assert not app.exception
    assert list(Path("evaluations/ratings").glob("*-pairs.csv"))


def test_an_answer_can_be_taken_back_and_a_sitting_that_is_stopped_counts(in_tmp):
    images = (torch.zeros(3, 3, 4, 4, dtype=torch.uint8),) * 2
    rating = ratings.begin("pairs", (("w=1",), ("w=3",)), images, [0, 1, 2], random.Random(0))
    app = open_page("evaluate", rating=rating)
    assert labelled(app.button, "Back").disabled
    labelled(app.button, "left").click().run()
    labelled(app.button, "Back").click().run()
    assert rating.answers == []
    labelled(app.button, "neither").click().run()
    labelled(app.button, "Stop").click().run()
    assert not app.exception and rating.answers == [None] and len(rating.items) == 1
    (saved,) = Path("evaluations/ratings").glob("*-pairs.csv")
    assert len(saved.read_text().splitlines()) == 2
