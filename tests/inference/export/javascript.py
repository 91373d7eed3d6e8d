"""The page's JavaScript in Node.js: a test hands over data, and gets back what a piece of code makes of them."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from inference.export.page import FOLDER

WITHOUT_A_PAGE = """
const fs = require("fs");
const read = (name) => fs.readFileSync(name, "utf8");
const given = JSON.parse(read(0));
"""


def run(files: list[str], code: str, data: Any, folder: Path) -> Any:
    """What `code`, the body of an async function of `given`, returns, with these files of the page loaded before."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed")
    sources = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in files)
    ending = f"(async () => {{ {code} }})().then((made) => console.log(JSON.stringify(made)));"
    script = folder / "script.js"
    script.write_text(f"{sources}\n{WITHOUT_A_PAGE}\n{ending}", encoding="utf-8")
    done = subprocess.run([node, script], input=json.dumps(data), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
