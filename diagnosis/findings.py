"""What a check finds: a verdict, the figures that were measured, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

OK, LOOK, FAULT, UNCHECKED = "ok", "look at this", "fault", "not checked"


class Sentence(NamedTuple):
    """A text with gaps, apart from what fills them, so that it can be translated."""

    text: str
    values: dict[str, Any]

    def __str__(self) -> str:
        return self.text.format(**self.values)


def sentence(text: str, **values: float | str) -> Sentence:
    """`values` by the names of the gaps, as in "{loss:.4f}"."""
    return Sentence(text, values)


class Outcome(NamedTuple):
    """What one check found; the remedy stands where something is to be done."""

    verdict: str
    figure: Sentence
    remedy: Sentence | None = None


def unchecked(text: str, **values: float | str) -> Outcome:
    """`text` says why. Called with a literal, like `sentence`."""
    return Outcome(UNCHECKED, Sentence(text, values))


@dataclass(frozen=True)
class Finding:
    """The outcome of a check, by its name and the section of docs/troubleshooting.md that says more."""

    check: str
    section: str
    outcome: Outcome

    def plain(self) -> dict[str, Any]:
        """As JSON knows it."""
        verdict, figure, remedy = self.outcome
        return {
            "check": self.check,
            "verdict": verdict,
            "figure": figure._asdict(),
            "remedy": remedy and remedy._asdict(),
            "section": self.section,
        }
