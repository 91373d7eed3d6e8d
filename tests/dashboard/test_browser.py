"""The dashboard in a real browser, as a person uses it."""

import os
import re
import time
import zipfile
from pathlib import Path

import pytest

from data.images import read_png, read_settings
from scripts.maintain.screenshots import choose
from tests.conftest import TINY
from tests.dashboard.conftest import WAIT_MS, visit

PAGES = ["", "data", "runs", "samples", "train", "generate", "edit", "compare", "evaluate"]


def pictures(page) -> list[str]:
    """Read at one moment: a page that is drawn again has fewer of them than were counted."""
    return page.locator(".gallery img").evaluate_all("images => images.map(image => image.getAttribute('src'))")


def test_every_page_opens_and_speaks_french(page):
    elsewhere = []
    page.on("request", lambda request: elsewhere.append(request.url) if page.address not in request.url else None)
    for name in PAGES:
        visit(page, name)
        page.locator('[data-testid="stException"]').wait_for(state="detached")
        assert page.get_by_role("dialog").count() == 0  # which says that there is no such page
    page.get_by_text("Français").click()
    page.get_by_role("heading", level=1, name="Évaluer").wait_for()
    page.get_by_role("link", name="Générer").click()
    page.get_by_role("heading", level=1, name="Générer").wait_for()
    assert [url for url in elsewhere if url.startswith("http")] == []  # nothing is told to, or fetched from, others


def test_a_picture_is_generated_as_chosen_and_changes_with_what_is_chosen(page):
    visit(page, "generate")
    page.get_by_role("heading", name="Picture with seed 0").wait_for()  # one is there before anything is asked for
    choose(page, "Type", "Male")
    choose(page, "Eyes", "Classic Shades")
    page.get_by_text("attrs=Male,Classic Shades").first.wait_for()
    page.get_by_role("button", name="Generate", exact=True).click()
    page.get_by_role("button", name="Download 4 PNGs").wait_for()
    first = pictures(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download 4 PNGs").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        archive.extract("seed-000000.png", page.folder)
    assert read_settings(page.folder / "seed-000000.png")["request"] == "Male,Classic Shades"
    assert read_png(page.folder / "seed-000000.png").shape == (3, 192, 192)
    page.locator(".gallery button").nth(2).click()
    page.get_by_role("heading", name="Picture with seed 2").wait_for()
    rows = page.locator(".attributes tr")
    assert [rows.nth(i).locator("td").nth(1).inner_text() for i in range(2)] == ["Male", "Classic Shades"]
    assert page.locator(".attributes .met").count() >= 1
    box = page.locator(".gallery button img").first.bounding_box()
    assert box["width"] == box["height"] == 24 * 5
    tops = {page.locator(".gallery button").nth(i).bounding_box()["y"] for i in range(4)}
    assert len(tops) == 1  # four stand side by side
    choose(page, "Eyes", "3D Glasses")
    page.get_by_text("attrs=Male,3D Glasses").first.wait_for()
    page.get_by_role("button", name="Generate", exact=True).click()
    page.get_by_text("Male, 3D Glasses", exact=True).first.wait_for()
    assert pictures(page)[:4] != first[:4]
    page.get_by_role("link", name="Runs").click()
    page.get_by_role("heading", level=1, name="Runs").wait_for()
    page.get_by_role("link", name="Generate").click()
    page.get_by_text("attrs=Male,3D Glasses").first.wait_for()  # what was chosen is still chosen
    page.reload()
    page.get_by_text("attrs=Male,3D Glasses").first.wait_for()
    page.get_by_text("Male, 3D Glasses", exact=True).first.wait_for()  # and so are the pictures
    page.get_by_text("Français").click()
    page.get_by_text("Homme", exact=True).first.wait_for()  # a choice is read in the other language
    page.get_by_text("attrs=Male,3D Glasses").first.wait_for()  # and stays what it is
    page.get_by_text("English").click()
    page.get_by_text("By names", exact=True).click()
    page.get_by_role("textbox", name="Names").fill("$x_0$ *bold*")
    page.keyboard.press("Enter")
    page.get_by_text("attrs=$x_0$").first.wait_for()
    page.get_by_role("button", name="Generate", exact=True).click()
    page.get_by_role("alert").get_by_text("$x_0$ *bold*").wait_for()  # as it was typed, no formula and nothing bold
    assert page.locator(".gallery button").count() == 0


def test_on_a_telephone_the_button_is_at_hand(page):
    page.set_viewport_size({"width": 400, "height": 800})
    visit(page, "generate")
    page.get_by_role("heading", name="Picture with seed 0").wait_for()
    button = page.get_by_role("button", name="Generate", exact=True)
    assert 0 < button.bounding_box()["y"] < 800 - button.bounding_box()["height"]
    lists = [page.get_by_role("combobox", name=name, exact=True).bounding_box() for name in ("Type", "Skin")]
    assert lists[0]["y"] == lists[1]["y"] and lists[1]["x"] + lists[1]["width"] <= 400
    button.click()
    page.get_by_role("button", name="Download 4 PNGs").wait_for()
    gallery = page.locator(".gallery:has(button)").first
    deadline = time.monotonic() + 60
    while not 0 <= gallery.bounding_box()["y"] < 400:  # what was sampled comes into view
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.slow
def test_weights_are_shared_as_a_page_that_samples(page, web_runtime):
    page.set_default_timeout(4 * WAIT_MS)
    visit(page, "generate")
    page.get_by_role("button", name="Share as one file").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("^Download the page, .* MB$")).click()
    file = page.folder / download.value.suggested_filename
    download.value.save_as(file)
    page.goto(f"{file.as_uri()}#attrs=zombie&n=1")
    page.get_by_role("button", name=re.compile("^Seed 0: Zombie")).wait_for()


def test_a_generated_picture_is_edited_where_it_is_painted(page):
    visit(page, "generate")
    page.get_by_role("button", name="Generate", exact=True).click()
    page.get_by_role("button", name="Download 4 PNGs").wait_for()
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_role("heading", level=1, name="Edit").wait_for()
    page.get_by_text("A part", exact=True).click()
    canvas = page.locator("canvas")
    canvas.wait_for()
    assert page.get_by_role("button", name="Generate", exact=True).is_disabled()
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 250, box["y"] + 70)  # at once, as a quick hand does
    page.mouse.up()
    page.get_by_text("mask=samples/edits/").wait_for()
    painted = canvas.evaluate("canvas => canvas.mask.map(Number).join('')")
    columns = [any(painted[24 * y + x] == "1" for y in range(24)) for x in range(24)]
    first, last = columns.index(True), 23 - columns[::-1].index(True)
    assert last - first >= 12 and all(columns[first : last + 1])  # a stroke without gaps
    page.get_by_role("link", name="Compare").click()
    page.get_by_role("heading", level=1, name="Compare").wait_for()
    page.get_by_role("link", name="Edit").click()
    canvas.wait_for()  # picture and mask are there still
    assert canvas.evaluate("canvas => canvas.mask.map(Number).join('')") == painted
    page.get_by_role("button", name="Generate", exact=True).click()
    page.get_by_role("button", name="Download 4 PNGs").wait_for()
    assert page.get_by_text("before").count() == 1


def test_garbage_is_refused_and_a_picture_is_taken(page):
    from PIL import Image

    visit(page, "edit")
    garbage = page.folder / "garbage.png"
    garbage.write_bytes(b"<script>alert(1)</script>" * 100)
    page.locator("input[type=file]").set_input_files(garbage)
    page.get_by_text("garbage.png: not a picture").wait_for()
    assert page.locator('[data-testid="stException"]').count() == 0
    good = page.folder / "good.png"
    Image.new("RGB", (48, 48), (90, 130, 150)).save(good)
    page.locator("input[type=file]").set_input_files(good)
    page.get_by_text("before", exact=True).wait_for()
    assert page.get_by_text("not a picture").count() == 0
    photograph = page.folder / "photograph.jpg"
    Image.linear_gradient("L").resize((90, 70)).convert("RGB").save(photograph)
    page.locator("input[type=file]").set_input_files(photograph)
    page.get_by_text("so give that size").wait_for()
    page.get_by_role("button", name="Edit this", exact=True).click()
    page.get_by_text("so give that size").wait_for(state="detached")
    page.get_by_role("link", name="Compare").click()
    page.get_by_role("heading", level=1, name="Compare").wait_for()
    page.get_by_role("link", name="Edit").click()
    page.get_by_text("before", exact=True).wait_for()  # an upload outlives a visit to another page


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="a training is stopped from the dashboard on Linux and macOS only")
def test_a_training_is_started_watched_and_stopped(page):
    visit(page, "train")
    page.get_by_text("Further settings").click()
    own = [s for s in TINY if s.partition("=")[0] not in ("train.batch_size", "train.preview_every", "device")]
    page.get_by_role("textbox", name="One on each line").fill("\n".join([*own, "train.log_every=1"]))
    page.keyboard.press("Control+Enter")
    page.get_by_text("train.log_every=1").first.wait_for()
    for name, value in (("Batch size", "4"), ("Sample grid every", "0"), ("CPU threads", "1")):
        page.get_by_role("spinbutton", name=name).fill(value)
        page.keyboard.press("Enter")
    page.get_by_text("train.preview_every=0").first.wait_for()
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_text("Started: runs/pixelfaces/").wait_for()
    shown = page.get_by_text(re.compile(r"step [\d,]+ / 20,000 · "))
    shown.wait_for()

    def step():
        return int(re.search(r"step ([\d,]+)", shown.inner_text())[1].replace(",", ""))

    chart = page.locator('[data-testid="stVegaLiteChart"] svg').first
    chart.wait_for()
    first, picture = step(), chart.inner_html()
    deadline = time.monotonic() + 60
    while step() <= first or chart.inner_html() == picture:  # the curve moves, and nobody reloads the page
        assert time.monotonic() < deadline
        time.sleep(0.5)
    page.get_by_role("button", name="Stop", exact=True).dblclick()  # the second time, it is disabled
    page.get_by_text("Nothing is being trained.").wait_for()
    page.get_by_role("combobox", name="Run", exact=True).wait_for()  # it can be continued, and nobody reloads the page
    (status,) = Path(page.folder).glob("runs/pixelfaces/*/status.json")
    assert '"stopped"' in status.read_text() and list(status.parent.glob("checkpoints/state.pt"))
