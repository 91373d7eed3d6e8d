"""How long a press of the dashboard's button takes, until its pictures stand in the browser.

python -m scripts.maintain.latency http://localhost:8501 --repeats 5

Measures a dashboard that is running, on its first page with the choices that it begins with: four pictures of the
default weights. Each press has other seeds. Beside a training, start that first.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import TYPE_CHECKING

from scripts.maintain.browser import chromium, open_page

if TYPE_CHECKING:
    from playwright.sync_api import Page


def seconds(page: Page, seed: int, n: int) -> float:
    """From a press of the button to `n` finished pictures, the first of this seed and the last of seed + n - 1."""
    box = page.get_by_role("spinbutton", name="First seed")
    box.fill(str(seed))
    page.keyboard.press("Enter")
    page.get_by_text(f"seed={seed} ").first.wait_for()  # of the command, so that the choice has arrived
    button = page.get_by_role("button", name="Generate", exact=True)
    began = time.perf_counter()
    button.click()
    page.locator(".gallery button").filter(has_text=f"seed {seed + n - 1}").wait_for()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--pictures", type=int, default=4)
    args = parser.parse_args()
    with chromium() as browser:
        page = open_page(browser, 1400, 900)
        page.goto(args.address)
        page.get_by_role("heading", name="Picture with seed 0").wait_for()  # the first picture, which is there unasked
        page.get_by_role("spinbutton", name="Pictures").fill(str(args.pictures))
        page.keyboard.press("Enter")
        took = [seconds(page, 1000 * (i + 1), args.pictures) for i in range(args.repeats)]
    each = ", ".join(f"{s:.2f}" for s in took)
    print(f"{args.pictures} pictures: {statistics.median(took):.2f} s from click to finished, the median of {each}")


if __name__ == "__main__":
    main()
