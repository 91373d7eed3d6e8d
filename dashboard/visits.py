"""What a visit holds outlives a reload: it is kept by the server, under a name that stands in the address.

Streamlit forgets everything with the page. The name is random, and the server is reached from this machine alone.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from typing import Any

import streamlit as st

KEPT = 50  # visits, those that were used last; each reload is one
# What a visit holds beside the values of its widgets.
HELD = (
    "history", "favourites", "shown", "shown_runs", "known_runs", "edit.picture", "edit.masks", "edit.generation",
    "compare.results", "rating", "rating.saved", "data.checked", "data.forecast", "train.pictures",
    *(f"{name}.{what}" for name in ("generate", "edit", "compare", "rating", "data", "forecast")
      for what in ("work", "failure")),
)  # fmt: skip


@st.cache_resource(show_spinner=False)
def _visits() -> OrderedDict[str, dict[str, Any]]:
    return OrderedDict()


def persistent(key: str) -> dict[str, Any]:
    """For a widget whose value outlives a visit to another page, and a reload: its key and how long it lasts."""
    st.session_state.setdefault("persistent", set()).add(key)
    return {"key": key, "persist_state": "session"}


def renew() -> None:
    """Have the browser show every choice anew, in another language: it keeps the words, not what they stand for."""
    state = st.session_state
    for key in state.get("persistent", ()):
        if key in state:
            state[key] = state[key]


def resume() -> None:
    """Take up the visit that the address names, where this is the first run after a reload; before any widget."""
    state, visits = st.session_state, _visits()
    named = st.query_params.get("visit", "")
    if "visit" not in state:
        state["visit"] = secrets.token_hex(6)  # a new one, for another tab may have the same address still
        for key, value in visits.get(named, {}).items():
            state[key] = value.copy() if hasattr(value, "copy") else value
    if named != state["visit"]:
        st.query_params["visit"] = state["visit"]


def keep() -> None:
    """Remember what this visit holds, and forget the visits that were not used for longest; after all widgets."""
    state, visits = st.session_state, _visits()
    if "visit" not in state:
        return
    keys = ["persistent", *HELD, *state.get("persistent", ())]
    visits[state["visit"]] = {key: state[key] for key in keys if key in state}
    visits.move_to_end(state["visit"])
    while len(visits) > KEPT:
        visits.popitem(last=False)
