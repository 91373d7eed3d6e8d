"""Every command in the README and the docs is one that the programs take, and every link leads somewhere."""

import re
import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest

from cli.app import check
from runtime.settings import compose
from tests.cli.test_settings import PROGRAMS
from tests.programs import ROOT

SETTINGS = {cls.program: cls for cls in PROGRAMS}
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "checkpoints/README.md"]
COMMAND = re.compile(r"(?:python|torchrun [^`\n]*?) (?:scripts/)?(\w+)\.py\b([^`\n]*)")
PLACEHOLDER = re.compile(r"\b[A-Z][A-Z_]{2,}\b|\.\.\.|…")  # SETTINGS, FILE, NAME: for a person to fill in


def commands(page: Path) -> list[tuple[str, list[str]]]:
    """(program, arguments) of every command of ours, lines that end in a backslash joined."""
    text = re.sub(r"\s*\\\n\s*", " ", page.read_text(encoding="utf-8"))
    found = []
    for match in COMMAND.finditer(text):
        program, typed = match[1], re.sub(r"\s{2,}#.*$", "", match[2])
        if program in SETTINGS:
            found.append((program, [part for part in shlex.split(typed) if not PLACEHOLDER.search(part)]))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_is_taken(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    folders = ("my_sprites", "shapes", "few_punks")  # whose weights the command before leaves
    trained = {Path(f"{name}.safetensors"): SimpleNamespace(dataset=name) for name in folders}
    monkeypatch.setattr("inference.weights.available", lambda runs: trained)
    for program, typed in commands(page):
        try:
            arguments = check(typed, SETTINGS[program])
            plain = [part for part in arguments if not part.startswith("-")]
            if not {"--multirun", "-m"} & set(arguments):
                compose(SETTINGS[program], plain)
        except ValueError as error:
            pytest.fail(f"{page.name}: {program} {shlex.join(typed)}: {error}")


def test_the_readme_has_commands_of_every_kind():
    assert {program for program, _ in commands(ROOT / "README.md")} >= {"train", "sample", "evaluate", "compare"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page):
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 180
