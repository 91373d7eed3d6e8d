"""docs/tutorial.ipynb: its code runs from top to bottom, what it shows was made by that code, and its prose holds."""

import base64
import copy
import io
import json
import re

import nbformat
import pytest
import torch
from nbformat import NotebookNode
from PIL import Image

from scripts.maintain.tutorial import TUTORIAL, code_cells, executed, fingerprint, for_storage

LIMIT = 400_000  # bytes, so that the page opens quickly
ABSOLUTE = re.compile(r"(?<![\w.:/])/(?:home|root|tmp|work|usr|opt|mnt|var|Users|content)/|\b[A-Z]:\\|site-packages")
ANSWER = re.compile(r"<details><summary>Answer</summary>\n\n(.*?)\n\n</details>", re.DOTALL)
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
FOR_THE_TEST = {"tags": ["test"]}
SHORTER = {
    "STEPS, BATCH = 500, 32": "STEPS, BATCH = 3, 4",
    "slice(0, 96), slice(96, None)": "slice(0, 12), slice(12, None)",
}

# Added as a last cell: what the prose speaks of, each slot in the order backdrop, skin, head, eyes.
FIGURES = """
import json
of = lambda pictures: followed(pictures).mean(dim=0).tolist()
print(json.dumps({
    "rendered": of(faces[held_out]), "plain": of(plain), "undropped": of(undropped[3.0]),
    "guided": {f"{w:g}": of(made) for w, made in zip(ws, by_weight)}, "coloured": [of(made) for made in by_colour],
    "chance": [1 / len(field.values) for field in schema.fields], "losses": [last(losses), last(labelled_losses)],
    "distance": {f"{w:g}": distance(made) for w, made in zip(ws, by_weight)}, "burnt": distance(undropped[3.0]),
}))
"""


@pytest.fixture(scope="module")
def notebook() -> NotebookNode:
    return nbformat.read(TUTORIAL, as_version=4)


@pytest.fixture
def one_thread_in_the_kernel(monkeypatch):
    """As in this process: threads that wait for one another stall on busy cores."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def prose(notebook) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def outputs(cell) -> set[str]:
    """What a code cell shows: the names of its streams, the types of its figures and tables."""
    return {kind for output in cell.outputs for kind in output.get("data", [output.get("name", "error")])}


def with_answers(notebook) -> NotebookNode:
    """A copy with the code of each answer as a cell behind it, and FIGURES at the end."""
    cells = []
    for cell in copy.deepcopy(notebook.cells):
        answers = ANSWER.findall(cell.source) if cell.cell_type == "markdown" else []
        sources = [source for answer in answers for source in PYTHON.findall(answer)]
        cells += [cell, *(nbformat.v4.new_code_cell(source, metadata=FOR_THE_TEST) for source in sources)]
    return nbformat.v4.new_notebook(cells=[*cells, nbformat.v4.new_code_cell(FIGURES, metadata=FOR_THE_TEST)])


def shortened(notebook) -> NotebookNode:
    for before, after in SHORTER.items():
        (cell,) = (cell for cell in code_cells(notebook) if before in cell.source)
        cell.source = cell.source.replace(before, after)
    return notebook


def test_stored_outputs_are_of_the_stored_code_run_once_from_top_to_bottom(notebook):
    nbformat.validate(notebook)
    assert notebook.metadata.executed_code == fingerprint(notebook), "run python -m scripts.maintain.tutorial"
    assert [cell.execution_count for cell in code_cells(notebook)] == list(range(1, len(code_cells(notebook)) + 1))


def test_changed_code_is_noticed(notebook):
    changed = copy.deepcopy(notebook)
    code_cells(changed)[-1].source += "\n"
    assert fingerprint(changed) != notebook.metadata.executed_code


def test_storing_keeps_figures_small_and_drops_what_differs_between_machines():
    noise, buffer = Image.fromarray(torch.randint(256, (32, 32, 3), dtype=torch.uint8).numpy()), io.BytesIO()
    noise.save(buffer, "PNG")
    figure = nbformat.v4.new_output("display_data", data={"image/png": base64.b64encode(buffer.getvalue()).decode()})
    cell = nbformat.v4.new_code_cell("show(noise)", outputs=[figure])
    stored = for_storage(
        nbformat.v4.new_notebook(cells=[cell], metadata={"language_info": {"name": "python", "version": "3.11.7"}})
    )
    png = base64.b64decode(stored.cells[0].outputs[0].data["image/png"])
    assert Image.open(io.BytesIO(png)).size == noise.size and len(png) < len(buffer.getvalue()) / 1.5
    assert stored.metadata.executed_code == fingerprint(stored) and "version" not in stored.metadata.language_info


def test_stored_outputs_hold_neither_error_nor_warning_nor_path(notebook):
    for cell in code_cells(notebook):
        assert not {"error", "stderr"} & outputs(cell)
        for output in cell.outputs:
            shown = output.get("data", output)
            text = json.dumps({kind: shown[kind] for kind in shown if not kind.startswith("image/")})
            assert not ABSOLUTE.search(text)
    assert not ABSOLUTE.search(json.dumps(notebook.metadata))


@pytest.mark.parametrize("text", ["read /home/me/x.png", r"C:\\Users\\me", "lib/python3.11/site-packages/torch"])
def test_a_path_is_noticed(text):
    assert ABSOLUTE.search(text)


def test_it_opens_quickly_and_has_short_cells(notebook):
    assert TUTORIAL.stat().st_size < LIMIT
    assert max(len(cell.source.splitlines()) for cell in code_cells(notebook)) <= 40


def test_links_lead_to_files_and_every_exercise_has_a_folded_answer(notebook):
    text = prose(notebook)
    for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text):
        assert (TUTORIAL.parent / target).exists(), target
    assert text.count("**Exercise.**") == text.count("<details>") == len(ANSWER.findall(text)) > 3


def test_it_runs_with_trainings_of_a_few_steps(notebook, one_thread_in_the_kernel):
    fresh = executed(shortened(with_answers(notebook)))
    figures = json.loads(fresh.cells[-1].outputs[0].text)
    assert figures["rendered"] == [1, 1, 1, 1]  # the oracle is never wrong
    shown = [outputs(cell) for cell in code_cells(fresh) if cell.metadata != FOR_THE_TEST]
    assert shown == [outputs(cell) for cell in code_cells(notebook)]  # and so no warning


@pytest.mark.slow
def test_what_its_prose_says_holds(notebook, one_thread_in_the_kernel):
    """Within the time limit of every test, since it promises a few minutes."""
    fresh = executed(with_answers(notebook))
    refuse_unless_the_prose_holds(json.loads(fresh.cells[-1].outputs[0].text))


def refuse_unless_the_prose_holds(figures: dict) -> None:
    plain, chance, distance = figures["plain"], figures["chance"], figures["distance"]
    guided = {w: sum(slots) / 4 for w, slots in figures["guided"].items()}
    assert plain[0] > 0.85 and plain[1] > 0.7 and plain[2] < 0.55 and plain[3] < 0.45  # large slots are followed
    assert figures["losses"][0] - 0.02 < figures["losses"][1] < figures["losses"][0]  # the loss shows little of it
    assert all(abs(share - expected) < 0.15 for share, expected in zip(figures["guided"]["0"], chance, strict=True))
    assert guided["1"] + 0.1 < guided["3"] < guided["8"] + 0.05 < 0.9  # guidance helps, and not beyond all measure
    assert figures["guided"]["8"][3] < 0.6
    assert guided["1"] < sum(plain) / 4  # dropout costs something
    assert min(distance.values()) in (distance["1"], distance["2"], distance["3"])  # colours burn out,
    assert figures["burnt"] > 1.1 * distance["3"]  # more so without dropout
    assert min(min(slots) for slots in figures["coloured"]) > 0.95


def test_prose_that_does_not_hold_is_noticed():
    """Every slot followed without guidance, as in section 10, is not what sections 7 to 9 say."""
    all_followed, ws = [1.0] * 4, ("0", "1", "2", "3", "5", "8")
    figures = {"plain": all_followed, "chance": [0.25, 0.2, 0.11, 0.2], "distance": dict.fromkeys(ws, 0.1)}
    figures |= {"guided": dict.fromkeys(ws, all_followed), "losses": [0.03, 0.03], "coloured": [all_followed]}
    with pytest.raises(AssertionError):
        refuse_unless_the_prose_holds(figures | {"burnt": 0.1})
