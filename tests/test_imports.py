"""The direction of imports between the packages, and the size of files and functions, read from the source."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = {"data", "models", "diffusion"}
# What each package may import of this code base beside itself. Modules at the top (entry points and what they
# share), scripts and tests may import anything.
ALLOWED = {
    "data": set(),
    "models": set(),
    "diffusion": set(),
    "training": LIBRARIES | {"version"},
    "evaluation": LIBRARIES | {"pipeline", "training", "version"},
    # It may call everything, and nothing calls it but streamlit_dashboard.py.
    "dashboard": LIBRARIES
    | {"comparison", "evaluation", "explain", "films", "pipeline", "ranking", "steering", "training", "weights"},
}
FREE = {"scripts", "tests"}
PACKAGES = sorted({path.parent.name for path in ROOT.glob("*/__init__.py")} - FREE)
LOCAL = {path.stem for path in ROOT.glob("*.py")} | set(PACKAGES) | FREE
FILES = sorted(path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
MAX_FILE, MAX_FUNCTION = 320, 50


def imported(source: str, package: str) -> set[str]:
    """Top-level names of all modules that a source file of `package` imports, at any depth of the code."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(package if node.level else node.module.split(".")[0])
    return names


def long_functions(source: str) -> list[str]:
    functions = (n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    return [f.name for f in functions if f.end_lineno - f.lineno + 1 > MAX_FUNCTION]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import data", {"data"}),
        ("import data.base as b, torch", {"data", "torch"}),
        ("from models.unet import UNet", {"models"}),
        ("def f():\n    if True:\n        from diffusion import schedule", {"diffusion"}),
        ("from . import loop\nfrom .loop import train", {"training"}),
        ("text = 'import data'", set()),
    ],
)
def test_imports_are_found_wherever_they_stand(source, names):
    assert imported(source, "training") == names


def test_every_package_is_known_and_holds_files():
    assert set(PACKAGES) >= LIBRARIES | {"training"}
    assert set(PACKAGES) <= set(ALLOWED), "say in ALLOWED what the new package may import"
    assert {path.parts[0] for path in FILES} == set(PACKAGES)


@pytest.mark.parametrize("path", FILES, ids=str)
def test_package_imports_only_what_its_place_allows(path):
    package = path.parts[0]
    used = imported((ROOT / path).read_text(encoding="utf-8"), package) & LOCAL - set(sys.stdlib_module_names)
    assert used <= ALLOWED[package] | {package}


@pytest.mark.parametrize("path", sorted(ROOT.glob("*.py")), ids=lambda path: path.name)
def test_only_the_dashboard_imports_the_dashboard(path):
    assert path.stem == "streamlit_dashboard" or "dashboard" not in imported(path.read_text(encoding="utf-8"), "")


@pytest.mark.parametrize("path", FILES, ids=str)
def test_files_and_functions_stay_short_enough_to_read(path):
    source = (ROOT / path).read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MAX_FILE
    assert not long_functions(source)


def test_a_long_function_is_noticed():
    body = "\n".join("    x = 1" for _ in range(MAX_FUNCTION))
    assert long_functions(f"class A:\n  def short(self): pass\n\ndef long():\n{body}") == ["long"]
