"""A real browser for tests, driven by playwright."""

import importlib.util
import os
import shutil
import subprocess

import pytest

from data.download import DataFileError
from scripts.maintain import browser
from tests.programs import ROOT, data_root


def unavailable(reason: str):
    """No browser is a reason to skip, but for CI, which can have one."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no browser: {reason}")


@pytest.fixture(scope="module")
def chromium():
    """Debian's chromium, installed if it is not there."""
    if importlib.util.find_spec("playwright") is None:
        unavailable("playwright is not installed; python -m pip install -r requirements-dev.txt")
    if not shutil.which("chromium") and shutil.which("apt-get") and shutil.which("bash"):
        subprocess.run([shutil.which("bash"), ROOT / "scripts" / "browser.sh"], capture_output=True)
    if not shutil.which("chromium"):
        unavailable("scripts/browser.sh could not install chromium, which takes Debian's apt-get and root or sudo")
    with browser.chromium() as opened:
        yield opened


@pytest.fixture(scope="session")
def web_runtime() -> tuple[bytes, bytes]:
    """The script and the binary of onnxruntime-web, fetched below data_root if they are not there."""
    from inference.export.web_runtime import BINARY, ONNXRUNTIME_WEB, SCRIPT

    try:
        return tuple(ONNXRUNTIME_WEB.read(data_root(), (SCRIPT, BINARY)))
    except DataFileError as missing:
        pytest.skip(str(missing))
