"""Pictures of the dashboard's pages for the README, from a dashboard that is running.

python scripts/maintain/screenshots.py http://localhost:8501 docs/images
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:  # the tests take `choose` from here, also where playwright cannot be had
    from playwright.sync_api import Page

WIDTH, HEIGHT, TALLEST = 1280, 800, 1240
COLOURS = 96  # of a file, which keeps it small
WAIT_MS = 120_000


def press(page: Page) -> None:
    page.get_by_role("button", name="Generate", exact=True).click()


def choose(page: Page, slot: str, value: str) -> None:
    """Search the list of a slot and take what is found."""
    box = page.get_by_role("combobox", name=slot, exact=True)
    box.scroll_into_view_if_needed()  # scrolling closes a list that is open
    box.click()
    box.fill(value)
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("Enter")


def runs(page: Page) -> None:
    page.get_by_text("Loss by noise level").wait_for()
    page.wait_for_timeout(2000)


def generate(page: Page) -> None:
    for slot, value in (("Type", "Male"), ("Eyes", "Classic Shades"), ("Head", "any hat")):
        choose(page, slot, value)
    page.get_by_text("attrs=Male,hat,Classic Shades").first.wait_for()
    press(page)
    page.get_by_role("button", name="Download 4 PNGs").wait_for()
    page.get_by_text("Nearest training picture").wait_for()
    page.get_by_text("Animation of the denoising").click()
    page.get_by_text("Left the noised picture").wait_for()


def edit(page: Page) -> None:
    page.get_by_role("link", name="Generate").click()
    choose(page, "Type", "Female")
    page.get_by_text("attrs=Female").first.wait_for()
    press(page)
    page.get_by_role("button", name="Download 4 PNGs").wait_for()
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_text("A part", exact=True).click()
    canvas = page.locator("canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 95, box["y"] + 140)
    page.mouse.down()
    page.mouse.move(box["x"] + 245, box["y"] + 155, steps=40)
    page.mouse.up()
    choose(page, "Eyes", "3D Glasses")
    page.get_by_text("attrs=3D Glasses").first.wait_for()
    press(page)
    page.get_by_role("button", name="Download 4 PNGs").wait_for()
    page.get_by_role("heading", level=1).scroll_into_view_if_needed()


def compare(page: Page) -> None:
    page.get_by_text("Settings: 12").wait_for()
    press(page)
    page.get_by_text("Beneath").wait_for()


def rate(page: Page) -> None:
    page.get_by_role("tab", name="Blind rating").click()
    page.get_by_role("spinbutton", name="Pictures each").fill("4")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Begin").click()
    page.get_by_text("1 of 8").wait_for()


SHOTS = {
    "runs": ("runs", runs),
    "samples": ("samples", None),
    "train": ("train", None),
    "generate": ("generate", generate),
    "edit": ("edit", edit),
    "compare": ("compare", compare),
    "evaluate": ("evaluate", None),
    "rating": ("evaluate", rate),
}


def main(address: str, folder: Path) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, (path, act) in SHOTS.items():
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            page.set_default_timeout(WAIT_MS)
            page.goto(f"{address}/{path}")
            page.get_by_role("heading", level=1).wait_for()
            if act is not None:
                act(page)
            page.locator('[data-test-script-state="notRunning"]').wait_for()
            content = page.locator('[data-testid="stMainBlockContainer"]').bounding_box()
            page.set_viewport_size({"width": WIDTH, "height": min(max(HEIGHT, int(content["height"])), TALLEST)})
            page.locator('[data-testid="stMain"]').evaluate("main => main.scrollTo(0, 0)")
            page.wait_for_timeout(4000)  # for curves and pictures to stand still
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            picture.quantize(COLOURS, dither=Image.Dither.NONE).save(folder / f"dashboard-{name}.png", optimize=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), Path(sys.argv[2]))
