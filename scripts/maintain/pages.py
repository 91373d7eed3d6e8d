"""How fast an exported page samples in Debian's chromium, opened from the disk, and its picture for the README.

python -m scripts.maintain.pages punks.html
python -m scripts.maintain.pages punks.html docs/images/export.png

Times are of this machine as it is: leave it idle.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.maintain.browser import chromium, open_page, save_picture

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDTH, HEIGHT = 1200, 920
SETTINGS = "attrs=male,glasses&w=3&seed=0&n=16"
DONE = "#pictures button:enabled"


def seconds_until(page: Page, count: int, began: float) -> float:
    """From `began` until so many pictures are done."""
    page.locator(DONE).nth(count - 1).wait_for()
    return time.perf_counter() - began


def times(page: Page, file: Path) -> dict[str, float]:
    """In seconds: the first picture and 16 guided ones from opening the page on, and 16 more once it is open."""
    began = time.perf_counter()
    page.goto(f"{file.resolve().as_uri()}#{SETTINGS}", wait_until="commit")
    first, all_of_them = seconds_until(page, 1, began), seconds_until(page, 16, began)
    page.get_by_role("spinbutton", name="Seed").fill("100")
    began = time.perf_counter()
    page.get_by_role("button", name="Generate").click()
    page.get_by_label("Picture 16, not done yet").wait_for(state="attached")
    return {
        "first picture, from opening the file on": first,
        "16 pictures, from opening the file on": all_of_them,
        "16 more": seconds_until(page, 16, began),
    }


def main(file: Path, picture: Path | None) -> None:
    with chromium() as browser:
        page = open_page(browser, WIDTH, HEIGHT)
        for name, seconds in times(page, file).items():
            print(f"{name}: {seconds:.2f} s")
        if picture is not None:
            save_picture(page, picture)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
