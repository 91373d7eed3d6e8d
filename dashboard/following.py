"""A button that starts work beside the page, and what stands in its place until that is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import streamlit as st

from dashboard import view
from dashboard.background import Show, Work
from dashboard.state import EXPECTED, say, tell

POLL_S = 0.2
QUICK_S = 0.5  # work that takes no longer is waited for, which is sooner than to show how far it is
Task = Callable[[Show], Any]


class Failure(NamedTuple):
    """Why there are no pictures, in one line."""

    message: str


def button(
    name: str, begin: Callable[[], Task], icon: str, disabled: bool = False, label: str = "", doing: str = ""
) -> None:
    """A button that starts what `begin` returns; while it runs, how far it is and a button that cancels it.

    label : of the button, "Generate" if empty
    doing : what is being done meanwhile, "Sampling" if empty

    `begin` raises ValueError for what cannot be. What comes of it is for `outcome` to fetch.
    """
    state = st.session_state
    work: Work | None = state.get(f"{name}.work")
    busy = work is not None and not work.done
    with st.container(key=f"action-{name}"):  # at the foot of narrow windows, see view.py
        if busy:
            st.button(
                say("Cancel"), icon=":material/close:", width="stretch", key=f"{name}.cancel", on_click=work.cancel,
                disabled=work.cancelled,
            )  # fmt: skip
        elif st.button(
            label or say("Generate"), type="primary", icon=icon, width="stretch", key=f"{name}.generate",
            disabled=disabled,
        ):  # fmt: skip
            start(name, begin)
            if running(name):
                state[f"{name}.work"].wait(QUICK_S)
            st.rerun()
    if busy:
        with st.empty().container():
            follow(name, doing)
    else:
        st.empty()  # in the place of the preview, which would else stay until the whole page is there


def start(name: str, begin: Callable[[], Task]) -> None:
    """Start what `begin` returns, as a press of the button does."""
    state = st.session_state
    state.pop(f"{name}.failure", None)
    try:
        state[f"{name}.work"] = Work(begin(), EXPECTED)
    except EXPECTED as error:
        state[f"{name}.failure"] = Failure(str(error))


def outcome(name: str) -> Any:
    """What the work returned that has just ended, once; None otherwise, and where it was cancelled or failed."""
    state = st.session_state
    work: Work | None = state.get(f"{name}.work")
    if work is None or not work.done:
        return None
    del state[f"{name}.work"]
    if work.error is not None:
        state[f"{name}.failure"] = Failure(work.error)
    return work.result


def running(name: str) -> bool:
    return f"{name}.work" in st.session_state


def failed(name: str) -> bool:
    """Show why the last attempt failed, if it did: no other pictures are then to be taken for its result."""
    failure: Failure | None = st.session_state.get(f"{name}.failure")
    if failure is not None:
        tell(failure.message)
    return failure is not None


@st.fragment(run_every=POLL_S)
def follow(name: str, doing: str = "") -> None:
    """How far the work is, and how the pictures look by now; the page is made anew once it is done."""
    work: Work | None = st.session_state.get(f"{name}.work")
    if work is None:
        return
    if work.done:
        st.rerun()
    text = say("Sampling, NFE {nfe} per picture", nfe=work.nfe) if work.nfe else doing or say("Sampling")
    st.progress(work.share, say("Cancelling after this step") if work.cancelled else text)
    if work.images is not None:
        view.gallery(work.images, view.fitting_scale(work.images))
