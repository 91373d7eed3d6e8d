"""Executes docs/tutorial.ipynb from top to bottom and stores what it shows.

python -m scripts.maintain.tutorial
"""

import base64
import hashlib
import io
import json
import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from PIL import Image

from scripts.maintain import in_one_line

TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorial.ipynb"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def fingerprint(notebook: NotebookNode) -> str:
    """SHA-256 of the code of all cells. Stored beside the outputs, it tells whether they are of that code."""
    return hashlib.sha256(json.dumps([cell.source for cell in code_cells(notebook)]).encode()).hexdigest()


def executed(notebook: NotebookNode) -> NotebookNode:
    """The notebook with the outputs of a run in a fresh kernel, in the folder of the tutorial.

    Raises CellExecutionError for the first cell that fails.
    """
    folder = {"metadata": {"path": str(TUTORIAL.parent)}}
    client = NotebookClient(notebook, timeout=None, kernel_name=KERNEL["name"], record_timing=False, resources=folder)
    env = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}  # the kernel's own shows figures
    return client.execute(env=env)


def for_storage(notebook: NotebookNode) -> NotebookNode:
    """What is kept of an execution: small figures, and nothing that differs from one machine or day to another."""
    language = {"name": "python"}
    metadata = {"kernelspec": KERNEL, "language_info": language, "executed_code": fingerprint(notebook)}
    notebook.metadata = nbformat.from_dict(metadata)
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = small_png(output.data["image/png"])
    return notebook


def small_png(encoded: str) -> str:
    """A PNG, in base64, with the 256 colours that come nearest to it: a third of the size where there is noise."""
    picture, buffer = Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB"), io.BytesIO()
    picture.quantize(256, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def main() -> None:
    try:
        notebook = executed(nbformat.read(TUTORIAL, as_version=4))
    except CellExecutionError as error:
        raise ValueError(f"{error.ename}: {error.evalue}") from error
    nbformat.write(for_storage(notebook), TUTORIAL)
    print(f"{TUTORIAL.name}: {TUTORIAL.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    in_one_line(main)
