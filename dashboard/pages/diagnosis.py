"""Diagnosis of a run, beside its curves: a button that examines it, and what was found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard import diagnosing, view
from dashboard.diagnosing import Diagnosis
from dashboard.state import RUNS, errors_shown, say, tell
from dashboard.visits import persistent
from diagnosis.findings import FAULT, LOOK, OK, UNCHECKED
from training.run import Run

EVERY_S = 1
MARKS = {
    OK: ":green[:material/check_circle:]",
    LOOK: ":orange[:material/visibility:]",
    FAULT: ":red[:material/error:]",
    UNCHECKED: ":gray[:material/do_not_disturb_on:]",
}


def panel(names: Sequence[str]) -> None:
    """Choose one of the runs, examine it, and read what was found last."""
    with st.expander(say("Diagnosis: why are my samples noise?")):
        left, right = st.columns([3, 2], vertical_alignment="bottom")
        name = left.selectbox(say("Run"), names, **persistent("diagnosis.run"))
        run = Run(RUNS / name)
        busy = diagnosing.running(RUNS) is not None
        if right.button(say("Examine"), icon=":material/stethoscope:", disabled=busy):
            with errors_shown():
                diagnosing.start(run, RUNS)
                st.rerun()
        if busy:
            waiting()
        if message := diagnosing.failure(run, RUNS):
            tell(message)
        if found := diagnosing.latest(run):
            findings(found)
        elif not busy:
            st.caption(say("Not examined yet. It takes about a minute, and changes nothing of the run."))


@st.fragment(run_every=EVERY_S)
def waiting() -> None:
    """What is being examined; the page is made anew when that ends."""
    job = diagnosing.running(RUNS)
    if job is None:
        st.rerun()
    text = say("{run} is being examined", run=Path(job.run).parent.parent.as_posix())
    st.caption(f":material/hourglass_top: {view.plain(text)}")


def findings(found: Diagnosis) -> None:
    """A line for each check, the remedy below it, and the samples."""
    st.markdown(f"**{say('Step')} {found.step:,}**")
    for finding in found.findings:
        mark, figure = MARKS.get(finding["verdict"], ""), in_words(finding["figure"])
        head = f"**{view.plain(say(finding['check']))}** · {say(finding['verdict'])}"
        remedy = f"  \n→ {view.plain(in_words(finding['remedy']))}" if finding["remedy"] else ""
        st.markdown(f"{mark} {head}  \n{view.plain(figure)}{remedy}")
    if found.picture.is_file():
        st.image(found.picture.read_bytes())


def in_words(sentence: dict[str, Any]) -> str:
    """A sentence of diagnosis/findings.py in the visitor's language."""
    return say(sentence["text"], **sentence["values"])
