"""Every text of the dashboard has a French one, which fills in the same names."""

import ast
import string

import pytest

import conf
from conditions.fields import NONE
from dashboard import french_names, metrics, painter, ratings, translations
from dashboard.explanations import EXPLANATIONS, explained
from dashboard.pages import data, edit, generate, samples, train, upload
from dashboard.pages.diagnosis import MARKS
from data import cryptopunks, pixelfaces
from data.folder_check import CheckSettings
from diagnosis.checks import CHECKS
from inference.settings import SampleSettings
from tests.programs import ROOT
from training.monitor import GRIDS, HELD_OUT
from training.settings import TrainSettings

FILES = [ROOT / "streamlit_dashboard.py", *sorted((ROOT / "dashboard").rglob("*.py"))]
STATES = ["running", "finished", "stopped", "failed", "killed", "unknown", "broken"]
TABLES = [*ratings.CRITERIA, *painter.TOOLS, *edit.WAYS.values(), *samples.KINDS.values(), *STATES]
TABLES += ["Training", "Pictures", *train.GROUPS.values(), *train.NUMBERS.values(), *train.LIMITS.values()]
TABLES += [*upload.METHODS.values(), *data.RESIZE.values(), *data.ALPHA.values(), *data.YES_NO.values()]
TABLES += train.AUGMENTATION.values()
TABLES += [*(check.name for check in CHECKS), *MARKS]
TABLES += [generate.REPRODUCED, GRIDS, HELD_OUT, *(name for name, *_ in metrics.SUMMARY)]
WIDGETS = ("number", "slider", "switch", "one_of", "explain")  # of dashboard/controls.py


def said() -> set[str]:
    """The literal texts that are passed to `say`."""
    return literals(FILES, "say")


def literals(paths, *functions: str) -> set[str]:
    """The literal texts with which functions of these names are called in the files."""
    nodes = [node for path in paths for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    calls = [node for node in nodes if isinstance(node, ast.Call) and getattr(node.func, "id", "") in functions]
    return {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}


def settings_with_widgets() -> set[str]:
    """The settings of sample.py whose help is shown, named in calls such as number(usual, "steps", ...)."""
    calls = [
        node for path in FILES for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)
    ]
    widgets = [call for call in calls if ast.unparse(call.func).rpartition(".")[2] in WIDGETS and len(call.args) > 1]
    literal = {call.args[1].value for call in widgets if isinstance(call.args[1], ast.Constant)}
    others = {"n", "device"}  # the label of the one says it, the other is of train.py
    return (literal & set(SampleSettings.model_fields)) - others


def names(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_text_has_a_french_one_and_no_other_does():
    found = literals((ROOT / "diagnosis").glob("*.py"), "sentence", "unchecked")
    assert set(translations.FRENCH) == said() | found | set(TABLES)


@pytest.mark.parametrize("text", translations.FRENCH)
def test_both_texts_have_the_same_gaps(text):
    assert names(text) == names(translations.FRENCH[text])


def test_a_text_that_is_not_in_the_table_stays_as_it_is():
    assert translations.translated("Runs", "Français") == "Suivi"
    assert translations.translated("Runs", "English") == "Runs"
    assert translations.translated("never said", "Français") == "never said"


def test_every_setting_that_has_a_widget_is_explained_in_french_and_no_other_is():
    assert set(EXPLANATIONS["sample"]) == settings_with_widgets()
    assert set(EXPLANATIONS["train"]) == {*train.NUMBERS, *train.AUGMENTATION, "device"}
    assert set(EXPLANATIONS["train"]) <= conf.names(TrainSettings)
    assert set(EXPLANATIONS["check_data"]) == {f"dataset.{name}" for name in ("size", "resize", "alpha", "pixel_art")}
    assert set(EXPLANATIONS["check_data"]) <= conf.names(CheckSettings)


@pytest.mark.parametrize("schema", [cryptopunks.SCHEMA, pixelfaces.SCHEMA], ids=["cryptopunks", "pixelfaces"])
def test_every_slot_and_value_has_a_french_name_and_within_a_slot_no_other_the_same(schema):
    for field in schema.fields:
        values = [value for value in field.values if value != NONE]
        assert {field.name, *values} <= set(french_names.NAMES)
        assert len({french_names.NAMES[value] for value in values}) == len(values)
    assert french_names.name_in("-hat", "Français") == "-chapeau" and french_names.name_in("hat", "English") == "hat"


def test_requests_are_read_in_french_and_weights_stay_as_they_are():
    assert french_names.request_in("Male,-hat", "Français") == "Homme, -chapeau"
    assert french_names.request_in("Male,-hat", "English") == "Male, -hat"
    assert french_names.request_in("Male:5 | hat", "Français") == "Male:5 | hat"


def test_explanations_are_those_of_the_declaration_in_english():
    assert explained("sample", "w", "declared", "English") == "declared" != explained("sample", "w", "", "Français")
