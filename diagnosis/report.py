"""A diagnosis for people, on the screen and in report.md, for programs in findings.json, and as a picture."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Sequence
from pathlib import Path

from diagnosis.case import Case
from diagnosis.findings import FAULT, LOOK, Finding
from evaluation.memorisation import nearest
from runtime.plots import save_rows
from runtime.settings import command_line

FOLDER, FINDINGS, PICTURE, REPORT = "doctor", "findings.json", "samples.png", "report.md"
GUIDE = "docs/troubleshooting.md"
NARROWEST = 40  # columns of text
WIDE = 72  # pixels that a picture is shown wide


def heading(case: Case) -> str:
    """Which state of which run this is."""
    note = "; it goes on, and this is of its last save" if case.run.held else ""
    return f"{case.run}: step {case.step:,} of {case.planned:,}, {case.state}{note}"


def conclusion(findings: Sequence[Finding]) -> str:
    """In one line."""
    faults, looks = ([f.check for f in findings if f.outcome.verdict == verdict] for verdict in (FAULT, LOOK))
    if not faults and not looks:
        return "Nothing is wrong with it, as far as it was checked."
    parts = [f"{len(faults)} at fault ({', '.join(faults)})"] * bool(faults)
    parts += [f"{len(looks)} to look at ({', '.join(looks)})"] * bool(looks)
    return "; ".join(parts) + "."


def lines(findings: Sequence[Finding]) -> list[str]:
    """A line for each check, and below it the remedy."""
    verdicts = max(len(finding.outcome.verdict) for finding in findings)
    names = max(len(finding.check) for finding in findings)
    found = []
    for finding in findings:
        verdict, figure, remedy = finding.outcome
        found += _hanging(f"{verdict:{verdicts}}  {finding.check:{names}}  ", str(figure))
        if remedy is not None:
            found += _hanging(" " * (verdicts + names + 4) + "-> ", f"{remedy} ({GUIDE}#{finding.section})")
    return found


def _hanging(before: str, text: str) -> list[str]:
    """Lines no wider than the screen, the second and later ones indented as far as the first one's text."""
    width = max(shutil.get_terminal_size((120, 24)).columns, len(before) + NARROWEST)
    how = {"break_long_words": False, "break_on_hyphens": False}
    return textwrap.wrap(text, width, initial_indent=before, subsequent_indent=" " * len(before), **how)


def write(folder: Path, case: Case, findings: Sequence[Finding], overrides: Sequence[str]) -> None:
    """report.md, findings.json and, where there are weights, samples.png."""
    command = command_line("scripts/doctor.py", overrides)
    pictured = case.weights is not None and _picture(folder / PICTURE, case)
    text = [f"# {heading(case)}\n\n{conclusion(findings)}\n"]
    text += [f"    {command}\n", "| | check | what was measured | what to do |\n| --- | --- | --- | --- |"]
    for finding in findings:
        verdict, figure, remedy = finding.outcome
        text.append(f"| {verdict} | {finding.check} | {figure} | {remedy or ''} |")
    text.append(f"\n{GUIDE} says more." + (f"\n\n![Samples]({PICTURE})" if pictured else "") + "\n")
    (folder / REPORT).write_text("\n".join(text), encoding="utf-8")
    plain = {"run": str(case.run), "step": case.step, "findings": [finding.plain() for finding in findings]}
    (folder / FINDINGS).write_text(json.dumps(plain, indent=2) + "\n", encoding="utf-8")


def _picture(path: Path, case: Case) -> bool:
    """Samples with averaged and with raw weights, real pictures of the same labels, and the nearest training ones."""
    try:
        averaged, raw = case.samples
    except ValueError:  # which the findings say
        return False
    closest = case.pictures[nearest(averaged, case.pictures)[1]]
    rows = [case.asked.images.cpu(), averaged, raw, closest]
    names = [
        "real, same label" if len(case.splits.train.schema) else "real",
        "EMA weights",
        "raw weights",
        "nearest to EMA",
    ]
    caption = (
        f"{case.run}, step {case.step}; sampled with w = 1. The nearest of {len(case.pictures)} training pictures."
    )
    scale = max(1, WIDE // rows[0].shape[-1])
    save_rows(path, rows, names, scale, caption, {"run": str(case.run), "step": case.step})
    return True
