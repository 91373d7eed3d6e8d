"""The page Data without a browser: a folder or a zip file is checked, looked at, and trained on."""

import io
import re
import zipfile
from pathlib import Path

import pytest

from dashboard import jobs
from tests.dashboard.apps import finished, labelled, open_page
from tests.data.folders import as_csv, colours, sprites

OFFERED = ("train.recipe", "train.dataset.pixelfaces", "train.dataset.path", "train.pictures")  # to the page Train
SAID = "Fewer than 1,000 pictures: expect copies of them."


@pytest.fixture
def quick(in_tmp, monkeypatch):
    """No training is timed, and no data set lies about."""
    monkeypatch.setenv("DATA_ROOT", "data_root")
    monkeypatch.setattr("dashboard.pages.data.timed", lambda *which: [SAID])
    return in_tmp


def checked(path: str, **state):
    app = open_page("data", **state)
    app.text_input(key="data.path").set_value(path).run()
    labelled(app.button, "Check" if "language" not in state else "Vérifier").click().run()
    return done(app)


def done(app):
    app = finished(finished(app, "data"), "forecast")
    assert not app.exception, app.exception
    return app


def shown(app) -> str:
    return "".join(block.proto.body for block in app.get("html"))


def test_a_folder_is_shown_by_its_values_and_says_which_are_rare(quick):
    rows = {f"{i:02d}.png": ("gold" if i < 4 else "red", "yes" if i % 3 else "no") for i in range(60)}
    sprites(quick / "own", 60, as_csv(rows, ["colour", "helmet"]))
    app = checked("own")
    html = shown(app)
    assert "60 pictures of 8 x 8 pixels" in html and SAID in html and "No two pictures are equal." in html
    column = labelled(app.selectbox, "Column")
    assert column.options == ["colour", "helmet"]
    by_value = re.split('<div class="name">', html)[1:]
    assert [part.count("<img") for part in by_value[:2]] == [4, 6]
    assert by_value[0].startswith('gold<span class="mark">rare</span><small>4 pictures, ') and "red<small>56" in html
    assert by_value[2].startswith("colour: gold") and "Rare values" in "".join(text.value for text in app.markdown)
    column.set_value("helmet").run()
    assert "helmet<small>40 pictures" in shown(app) and "red<small>" not in shown(app)
    assert not (quick / "data_root").exists() and {path.name for path in quick.iterdir()} == {"own"}


def test_pictures_without_labels_are_shown_too(quick):
    sprites(quick / "own")
    html = shown(checked("own"))
    assert html.count("<img") == 24 and 'width="64"' in html


@pytest.mark.parametrize("language", ["English", "Français"])
def test_all_that_is_wrong_is_said_at_once(quick, language):
    folder = sprites(quick / "own", metadata=colours().replace("03.png,red,no", "ghost.png,red,no"))
    (folder / "07.png").write_bytes(b"no picture")
    app = checked("own", **({} if language == "English" else {"language": language}))
    assert "3" in app.error[0].value and len(app.error) == 1
    html = shown(app)
    for english, french in (
        ("line 5: there is no picture", "ligne 5: il n'y a pas d'image"),
        ("03.png: has no line in", "03.png: n'a pas de ligne dans"),
        ("07.png: not a picture", "07.png: ce n'est pas une image"),
    ):
        said = english if language == "English" else french
        assert said.replace("'", "&#x27;") in html, html
    assert not {"Train on this", "Entraîner là-dessus"} & {button.label for button in app.button}


def test_a_path_that_leads_nowhere_and_a_name_that_is_taken_are_refused(quick):
    assert "no such folder or zip file" in shown(checked("nowhere"))
    (quick / "mnist").mkdir()
    assert "data set of its own" in checked("mnist").error[0].value
    assert "refer to others" in checked("${oc.env:HOME}").error[0].value


def test_a_zip_file_is_dropped_kept_and_checked(quick):
    folder, file = sprites(quick / "own", metadata=colours()), io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for path in folder.iterdir():
            archive.write(path, f"own/{path.name}")
    app = open_page("data")
    app.file_uploader[0].set_value(("my sprites.zip", file.getvalue(), "application/zip")).run()
    app = done(app)
    assert app.text_input(key="data.path").value == "uploads/my_sprites.zip" and app.subheader[0].value
    assert "24 pictures of 8 x 8 pixels" in shown(app)
    assert [path.name for path in Path("uploads").iterdir()] == ["my_sprites.zip"]
    assert "my_sprites.zip" in [button.label for button in app.button]  # a click chooses it again
    app.file_uploader[0].set_value(("x.zip", b"<script>", "application/zip")).run()
    assert "no zip file" in app.error[0].value and not app.exception


def test_training_starts_on_what_was_checked_with_its_settings(quick, monkeypatch):
    started = []
    monkeypatch.setattr(jobs, "launch", lambda *which: started.append(which) or jobs.Job(str(which[2]), 1, [], "", ""))
    sprites(quick / "own", metadata=colours(), side=16)
    app = open_page("data")
    app.text_input(key="data.path").set_value(" 'own' ").run()
    app.selectbox(key="data.pixel_art").set_value(False)
    app.number_input(key="data.height").set_value(16).run()
    settings = ["dataset.path=own", "dataset.size=[16,16]", "dataset.pixel_art=false"]
    assert app.code[0].value == "python scripts/check_data.py " + " ".join(
        f"'{part}'" if "[" in part else part for part in settings
    )
    labelled(app.button, "Check").click().run()
    labelled(done(app).button, "Train on this").click().run()
    form = open_page("train", **{key: app.session_state[key] for key in OFFERED})
    labelled(form.number_input, "Training steps").set_value(7).run()
    labelled(form.button, "Start").click().run()
    assert not form.exception and not form.error
    ((program, _, target, overrides, *_),) = started
    assert program == "train" and target.parent == Path("runs/own")
    assert overrides == ["dataset=folder", *settings, "train.steps=7"]
