"""The page Data in a real browser: pictures are dropped, checked, looked at, and trained on."""

import json
import shutil

import pytest

from tests.conftest import TINY
from tests.dashboard.conftest import visit
from tests.data.folders import colours, sprites


@pytest.fixture
def zipped(tmp_path):
    sprites(tmp_path / "own", metadata=colours())
    return shutil.make_archive(str(tmp_path / "own"), "zip", tmp_path / "own")


def test_a_zip_file_is_dropped_looked_at_and_trained_on(page, zipped):
    visit(page, "data")
    page.locator("input[type=file]").set_input_files(zipped)
    page.get_by_text("24 pictures of 8 x 8 pixels, colour.").wait_for()
    images = page.locator(".values").first.locator("img")
    assert images.count() == 2 * 6 and images.first.bounding_box()["width"] == 64
    assert images.first.evaluate("image => getComputedStyle(image).imageRendering") == "pixelated"
    page.get_by_role("button", name="Train on this").click()
    page.get_by_role("heading", level=1, name="Train").wait_for()
    page.get_by_text("train.py dataset=folder dataset.path=uploads/own.zip").first.wait_for()
    page.get_by_text("Further settings").click()
    own = [setting for setting in TINY if setting.startswith(("model.", "train.preview."))]
    page.get_by_role("textbox", name="One on each line").fill("\n".join(own))
    page.keyboard.press("Control+Enter")
    for name, value in (("Batch size", "4"), ("Sample grid every", "0"), ("Training steps", "1")):
        page.get_by_role("spinbutton", name=name).fill(value)
        page.keyboard.press("Enter")
    page.get_by_text("train.steps=1").first.wait_for()
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_text("Started: runs/own/").wait_for()
    (job,) = page.folder.glob("runs/.jobs/*.json")
    overrides = json.loads(job.read_text())["overrides"]
    assert overrides[:2] == ["dataset=folder", "dataset.path=uploads/own.zip"] and "train.steps=1" in overrides


def test_what_is_wrong_is_read_on_a_telephone(page):
    page.set_viewport_size({"width": 400, "height": 800})
    folder = sprites(page.folder / "broken", metadata=colours().replace("03.png,red,no", "*ghost*.png,red,no"))
    (folder / "07.png").write_bytes(b"")
    visit(page, "data")
    page.get_by_role("textbox", name="Folder or zip file").fill("broken")
    page.keyboard.press("Enter")
    page.get_by_text("check_data.py dataset.path=broken").wait_for()
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_text("To fix: 3").wait_for()
    assert "there is no picture '*ghost*.png'" in page.locator(".lines").inner_text()  # nothing of it is Markdown
    assert page.locator(".lines div").count() == 3
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
