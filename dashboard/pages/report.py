"""The tables of docs/REPORT.md, one question at a time, with their intervals, figures and commands."""

from __future__ import annotations

import re
from collections.abc import Sequence

import streamlit as st

from dashboard import reports, view
from dashboard.jobs import ROOT
from dashboard.reports import Details, Figure, Part, Table, Text
from dashboard.state import errors_shown, say
from dashboard.visits import persistent

PROSE_PX = 820  # width of lines that are read with ease
PATH = ROOT / "docs" / "REPORT.md"


def tables() -> None:
    """A list of all questions that were measured, and what was found of the one that is chosen."""
    with errors_shown():
        sections = reports.read(PATH)
        titles = reports.tabulated(sections)
        if not titles:
            st.info(say("No report yet: {command} writes it.", command="`python scripts/report.py`"))
            return
        title = st.selectbox(say("Question"), titles, **persistent("report.title"))
        st.caption(say("Of docs/REPORT.md, which python scripts/report.py writes from the metrics in docs/study."))
        with st.expander(say("What the columns mean")):
            shown(sections[""])
        shown(sections[title])


def unbroken(cell: str) -> str:
    """A figure and its interval, which may stand on two lines, but are each kept whole."""
    return re.sub(r" (?=%)|(?<=[\d.]) to (?=[-+\d.])", lambda gap: gap[0].replace(" ", "\N{NO-BREAK SPACE}"), cell)


def shown(parts: Sequence[Part]) -> None:
    for part in parts:
        match part:
            case Text(markdown):
                st.markdown(markdown, width=PROSE_PX)
            case Table(heads, rows):
                view.summary(heads, [(name, [unbroken(cell) for cell in cells]) for name, cells in rows])
            case Figure(path, caption):
                view.figure(path.read_bytes(), caption)
            case Details(summary, folded):
                with st.expander(view.plain(summary)):
                    shown(folded)
