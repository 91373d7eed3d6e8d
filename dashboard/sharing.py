"""Weights as a page in one file, which samples in the browser of whoever opens it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.state import errors_shown, load, say
from inference.export.settings import ExportSettings
from inference.export.write import page_of
from runtime.checkpoint import WeightsInfo


def share(weights: str, info: WeightsInfo) -> None:
    """A button that makes the page of these weights, and one that downloads it once it is made."""
    about = say("A page that samples with these weights in any browser, without an installation or a network")
    if st.button(say("Share as one file"), icon=":material/share:", help=about, key="share"):
        with errors_shown(), st.spinner(say("Making the page")):
            pipe, data_root = load(Path(weights), "cpu", "fp32"), Path(ExportSettings().data_root)
            st.session_state["shared"] = (weights, info.step), page_of(pipe, Path(weights), data_root)
    made_from, content = st.session_state.get("shared", (None, b""))
    if made_from == (weights, info.step):  # a training writes its weights to one place
        label = say("Download the page, {size} MB", size=f"{len(content) / 1e6:.1f}")
        icon = ":material/download:"
        st.download_button(label, content, f"{info.dataset}.html", "text/html", icon=icon, on_click="ignore")
