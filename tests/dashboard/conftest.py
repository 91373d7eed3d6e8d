"""Fixtures of the tests of pages."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from functools import cache
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner

from dashboard.jobs import jobs, stop
from tests.programs import ROOT, data_root
from training.run import Run

WAIT_MS = 60_000


@pytest.fixture(scope="session", autouse=True)
def one_scan():
    """Each page opened by AppTest looks through all that is installed for components, a tenth of a second each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture
def tiny(in_tmp, weights) -> str:
    """Weights of a tiny network, as those of a run; chosen on every page."""
    place = Path("runs/faces/tiny/checkpoints/ema.safetensors")
    place.parent.mkdir(parents=True)
    shutil.copy(weights, place)
    import dashboard.state

    dashboard.state._weights.clear()
    return place.as_posix()


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory):
    """(address, folder) of a dashboard in a folder with the settings of Streamlit and no runs."""
    folder = tmp_path_factory.mktemp("dashboard")
    shutil.copytree(ROOT / ".streamlit", folder / ".streamlit")
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = ["-m", "streamlit", "run", str(ROOT / "streamlit_dashboard.py"), "--server.port", str(port)]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "DATA_ROOT": str(data_root())}
    with (folder / "printed.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, *command], cwd=folder, env=env, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, (folder / "printed.log").read_text()
                time.sleep(0.2)
        yield f"http://localhost:{port}", folder
        assert "Traceback" not in (folder / "printed.log").read_text()
    finally:
        process.terminate()
        process.wait(30)
        for job in jobs(folder / "runs"):  # of a test that failed half-way
            with contextlib.suppress(ValueError):
                stop(Run(folder / job.run))


@pytest.fixture
def page(chromium, dashboard):
    """A new visit."""
    context = chromium.new_context(viewport={"width": 1400, "height": 1000})
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    page.address, page.folder = dashboard
    yield page
    context.close()


def visit(page, name, title=None) -> None:
    page.goto(f"{page.address}/{name}")
    page.get_by_role("heading", level=1, name=title or (name or "generate").capitalize()).wait_for()
