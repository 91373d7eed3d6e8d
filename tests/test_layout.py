"""What the house promises: directions of imports, four files at the top, files and functions short enough to read."""

import ast
import subprocess
import sys

import pytest

from tests.programs import ROOT

ENTRY_POINTS = {"train.py", "sample.py", "evaluate.py", "streamlit_dashboard.py"}
PACKAGES = sorted(path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests")
FILES = sorted(p.relative_to(ROOT) for name in [*PACKAGES, "scripts"] for p in (ROOT / name).rglob("*.py"))
MAX_FILE, MAX_FUNCTION = 310, 50


def linted(*arguments: str) -> subprocess.CompletedProcess:
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120
    )


def test_imports_go_the_way_that_pyproject_says():
    done = linted()
    assert done.returncode == 0, done.stdout


def test_an_import_against_the_way_is_noticed(tmp_path):
    """A contract that nothing keeps: the check must be able to fail."""
    config = tmp_path / "contracts.toml"
    config.write_text("""[tool.importlinter]
root_packages = ["training", "diffusion"]
[[tool.importlinter.contracts]]
name = "the wrong way round"
type = "layers"
layers = ["diffusion", "training"]
""")
    done = linted("--config", str(config))
    assert done.returncode == 1 and "training is not allowed to import diffusion" in done.stdout


def test_every_room_is_under_the_rule():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    roots = text.partition("root_packages = [")[2].partition("]")[0]
    assert {name.strip(' ",\n') for name in roots.split(",")} - {""} == set(PACKAGES)


def test_the_top_holds_the_entry_points_alone():
    assert {path.name for path in ROOT.glob("*.py")} == ENTRY_POINTS
    for name in ENTRY_POINTS:
        assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= 90, name


def long_functions(source: str) -> list[str]:
    functions = (n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    return [f.name for f in functions if f.end_lineno - f.lineno + 1 > MAX_FUNCTION]


@pytest.mark.parametrize("path", FILES, ids=str)
def test_files_and_functions_stay_short_enough_to_read(path):
    source = (ROOT / path).read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MAX_FILE
    assert not long_functions(source)


@pytest.mark.parametrize("path", FILES, ids=str)
def test_no_file_changes_where_modules_are_found(path):
    assert "sys.path" not in (ROOT / path).read_text(encoding="utf-8")


def test_a_long_function_is_noticed():
    body = "\n".join("    x = 1" for _ in range(MAX_FUNCTION))
    assert long_functions(f"class A:\n  def short(self): pass\n\ndef long():\n{body}") == ["long"]
