"""Debian's chromium for scripts and tests, driven by playwright; scripts/browser.sh installs it."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:  # the tests take `choose` from screenshots.py, also where playwright cannot be had
    from playwright.sync_api import Browser, Page

WAIT_MS = 120_000
COLOURS = 96  # of a file, which keeps it small


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window, closed at the end. FileNotFoundError where there is none."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    if path is None:
        raise FileNotFoundError("chromium is not installed; bash scripts/browser.sh installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def open_page(browser: Browser, width: int, height: int) -> Page:
    """An empty page of this size, in pixels; what does not come within two minutes is an error."""
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(WAIT_MS)
    return page


def save_picture(page: Page, file: Path) -> None:
    """What a page shows, as a PNG of few colours."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)
