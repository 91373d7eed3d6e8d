"""Every text of the dashboard has a French one, which fills in the same names."""

import ast
import string

import pytest

from dashboard import overview, painter, ratings
from dashboard import translations as words
from dashboard.pages import edit, samples
from tests.conftest import ROOT

FILES = [ROOT / "streamlit_dashboard.py", *sorted((ROOT / "dashboard").rglob("*.py"))]
STATES = ["running", "finished", "stopped", "failed", "killed", "unknown", "broken"]
TABLES = [*ratings.CRITERIA, *painter.TOOLS, *edit.WAYS.values(), *samples.KINDS.values(), *STATES]
TABLES += ["Training", "Pictures"]


def said() -> set[str]:
    """The literal texts that are passed to `say`."""
    calls = [node for path in FILES for node in ast.walk(ast.parse(path.read_text("utf-8"))) if is_say(node)]
    return {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}


def is_say(node) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say"


def names(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_text_has_a_french_one_and_no_other_does():
    assert overview.Overview.__doc__ and set(words.FRENCH) == said() | set(TABLES)


@pytest.mark.parametrize("text", words.FRENCH)
def test_both_texts_have_the_same_gaps(text):
    assert names(text) == names(words.FRENCH[text])


def test_a_text_that_is_not_in_the_table_stays_as_it_is():
    assert words.translated("Runs", "Français") == "Suivi"
    assert words.translated("Runs", "English") == "Runs"
    assert words.translated("never said", "Français") == "never said"
