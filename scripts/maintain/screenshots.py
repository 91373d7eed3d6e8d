"""Pictures of the dashboard's pages for the README, from a dashboard that is running.

python -m scripts.maintain.screenshots http://localhost:8501 docs/images
python -m scripts.maintain.screenshots http://localhost:8501 docs/images --only generate edit

Runs, samples and train show the runs that the dashboard finds: the first needs one with curves. Data checks the first
folder of pictures that it offers, and evaluate shows the evaluations that are there.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.maintain.browser import chromium, open_page, save_picture

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDTH, HEIGHT, TALLEST = 1280, 800, 1240


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


def data(page: Page) -> None:
    page.locator('[class*="st-key-data-found"] button').first.click()
    page.get_by_text("check_data.py").first.wait_for()  # the command, so that the choice has arrived
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_role("button", name="Train on this").wait_for()
    page.get_by_text("on this machine (").wait_for()


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
    page.get_by_role("heading", name="Picture with seed 0").wait_for()  # the first picture, which is there unasked
    choose(page, "Type", "Female")
    page.get_by_text("attrs=Female").first.wait_for()
    press(page)
    page.get_by_role("button", name="Download 4 PNGs").wait_for()
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_text("A part", exact=True).click()
    canvas = page.locator("canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 95, box["y"] + 150)  # along the eyes
    page.mouse.down()
    page.mouse.move(box["x"] + 215, box["y"] + 156, steps=40)
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
    "data": ("data", data),
    "runs": ("runs", runs),
    "samples": ("samples", None),
    "train": ("train", None),
    "generate": ("generate", generate),
    "edit": ("edit", edit),
    "compare": ("compare", compare),
    "evaluate": ("evaluate", None),
    "rating": ("evaluate", rate),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", choices=SHOTS, default=SHOTS, help="pages; all of them unless named")
    args = parser.parse_args()
    with chromium() as browser:
        for name in args.only:
            path, act = SHOTS[name]
            page = open_page(browser, WIDTH, HEIGHT)
            page.goto(f"{args.address.rstrip('/')}/{path}")
            page.get_by_role("heading", level=1).wait_for()
            if act is not None:
                act(page)
            page.locator('[data-test-script-state="notRunning"]').wait_for()
            content = page.locator('[data-testid="stMainBlockContainer"]').bounding_box()
            page.set_viewport_size({"width": WIDTH, "height": min(max(HEIGHT, int(content["height"])), TALLEST)})
            page.locator('[data-testid="stMain"]').evaluate("main => main.scrollTo(0, 0)")
            page.mouse.move(WIDTH - 2, HEIGHT // 2)  # off everything that explains itself beneath the mouse
            page.wait_for_timeout(4000)  # for curves and pictures to stand still
            save_picture(page, args.folder / f"dashboard-{name}.png")
            page.close()


if __name__ == "__main__":
    main()
