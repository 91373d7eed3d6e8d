"""What is checked, in the order of the report. A new check is a function of a case, and a line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from diagnosis import curves, losses, pictures
from diagnosis.case import Case
from diagnosis.findings import UNCHECKED, Finding, Outcome, Sentence


class Check(NamedTuple):
    """section : the anchor in docs/troubleshooting.md that says more"""

    name: str
    section: str
    examine: Callable[[Case], Outcome]


NOISE, LABEL, LOSS = "my-samples-are-noise", "the-label-is-ignored", "loss-is-flat"
CHECKS = (
    Check("samples", NOISE, pictures.samples),
    Check("length", NOISE, curves.length),
    Check("EMA weights", NOISE, losses.averaged),
    Check("learning rate", LOSS, curves.learning_rate),
    Check("noise levels", LOSS, losses.noise_levels),
    Check("other runs", LOSS, curves.other_runs),
    Check("label", LABEL, losses.label),
    Check("memorisation", "samples-are-copies", losses.memorisation),
    Check("data", NOISE, pictures.data),
)


def examine(case: Case) -> list[Finding]:
    """The findings of all checks. What a check cannot do is one of them, and stops no other."""
    return [Finding(check.name, check.section, _outcome(check, case)) for check in CHECKS]


def _outcome(check: Check, case: Case) -> Outcome:
    try:
        return check.examine(case)
    except ValueError as error:  # such as samples that are not finite
        return Outcome(UNCHECKED, Sentence("{reason}", {"reason": str(error)}))
