"""Notes and errors that a visitor can meet are read in French, whatever is filled in."""

import ast
import re

import pytest

from dashboard.following import Failure
from dashboard.french_messages import ERRORS, NOTES, error_in, note_in
from tests.dashboard.apps import open_page
from tests.programs import ROOT

# Where the pages' settings, requests and files are refused.
SOURCES = [
    "conditions/edits.py", "conditions/names.py", "conditions/phrases.py", "conditions/reading.py",
    "conditions/requests.py", "conditions/schema.py", "data/pictures.py", "inference/edits.py",
    "dashboard/bin.py", "dashboard/evaluating.py", "dashboard/jobs.py", "dashboard/overrides.py",
    "dashboard/edit_files.py", "dashboard/pages/compare.py", "dashboard/sampling.py",
    "dashboard/diagnosing.py", "diagnosis/case.py",
]  # fmt: skip
# Of schemas that cannot be, which weights do not have.
OF_SCHEMAS = ("alias ", "field ", "two values share")
REFUSALS = ("ValueError", "NameRefused")


def filled(node: ast.expr) -> str:
    """The text of a (joined) string, with a number in each gap."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    return "".join(part.value if isinstance(part, ast.Constant) else "7" for part in node.values)


def raised(source: str) -> list[str]:
    """The texts with which a file refuses, but for those whose reason comes from elsewhere; these are tested below."""
    calls = [node for node in ast.walk(ast.parse((ROOT / source).read_text("utf-8"))) if isinstance(node, ast.Call)]
    texts = [
        filled(call.args[0])
        for call in calls
        if ast.unparse(call.func) in REFUSALS and isinstance(call.args[0], ast.Constant | ast.JoinedStr)
    ]
    return [text for text in texts if not text.startswith(OF_SCHEMAS) and not re.search(r": 7( 7)?(;.*)?$", text)]


def noted() -> list[str]:
    """The notes of sampling jobs."""
    nodes = [
        node
        for source in ("inference/job.py", "inference/asked.py", "inference/edits.py", "conditions/reading.py")
        for node in ast.walk(ast.parse((ROOT / source).read_text("utf-8")))
    ]
    parts = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    texts = [filled(node) for node in nodes if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in parts]
    return [text for text in texts if re.match(r"(read as|ignored|note|warning|picture): \S", text)]


@pytest.mark.parametrize("source", SOURCES)
def test_every_refusal_has_a_french_text(source):
    assert [text for text in raised(source) if error_in(text, "Français") == text] == []


def test_every_note_has_a_french_text():
    found = noted()
    assert len(found) >= 11 and [text for text in found if note_in(text, "Français") == text] == []


@pytest.mark.parametrize("french", [*NOTES.values(), *ERRORS.values()])
def test_french_texts_have_french_spaces(french):
    """A space stands before these signs in French, but in what is typed."""
    prose = re.sub(r"hat:5|\{\w+\}", "x", french)
    assert not re.search(r"\w[;:!?]", prose)


@pytest.mark.parametrize(
    ("note", "french"),
    [
        ("ignored: 'zeppelin', no such attribute", "ignoré : 'zeppelin', attribut inconnu"),
        ("picture: shows Male, Dark", "image : montre Homme, Foncée"),
        (
            "read as: 'femme' as Female, \"l'or\" as Gold Chain",
            "compris : 'femme' comme Female, \"l'or\" comme Gold Chain",
        ),
        ("picture: 12 of 576 pixels inpainted, with seed 3", "image : 12 pixels sur 576 régénérés, avec la graine 3"),
        (
            "picture: noised to level 0.3, and 1 step from there",
            "image : bruitée au niveau 0.3, puis 1 pas à partir de là",
        ),
        ("never said", "never said"),
    ],
)
def test_notes_are_read_in_french(note, french):
    assert note_in(note, "Français") == french and note_in(note, "English") == note


@pytest.mark.parametrize(
    "reason",
    [
        "'hat' asked for twice, with different weights; give each name one",
        "'any' asks for nothing that has a weight; give each name one",
        "cannot be decoded; give a file of PNG",
        "not a picture; give a file of PNG",
        "no classifier of x as these weights know it; one is trained by python evaluate.py dataset=x",
    ],
)
def test_reasons_that_come_from_elsewhere_are_read_in_french(reason):
    assert error_in(f"attrs='a': {reason}", "Français").startswith("attrs='a': ")
    assert error_in(reason, "Français") != reason


def test_what_was_typed_stays_before_an_error():
    error = "attrs='unicorn': unknown attribute 'unicorn'; closest: Unicorn, Male"
    assert (
        error_in(error, "Français") == "attrs='unicorn': attribut inconnu 'unicorn' ; les plus proches : Unicorn, Male"
    )
    assert error_in("steps=0: must be a whole number of at least 1 or null", "Français").startswith(
        "steps=0: doit être"
    )
    assert error_in(error, "English") == error and error_in("disk full", "Français") == "disk full"


def test_a_page_refuses_in_french(tiny):
    refused = Failure("attrs='unicorn': unknown attribute 'unicorn'; closest: Crown")
    app = open_page("generate", **{"generate.weights": tiny, "generate.failure": refused, "language": "Français"})
    assert "attribut inconnu" in app.error[0].value and len(app.error) == 1
