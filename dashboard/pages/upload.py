"""A picture of one's own to edit: it is taken as it is where it fits, else cropped and scaled as a person says."""

from __future__ import annotations

import streamlit as st

from dashboard import edit_files, view
from dashboard.edit_files import Crop
from dashboard.french_messages import error_in
from dashboard.state import EXPECTED, errors_shown, language, say, tell
from data.pictures import FORMATS
from runtime.checkpoint import WeightsInfo

METHODS = {"nearest": "for pixel art", "average": "for photographs"}


def uploaded(info: WeightsInfo) -> None:
    """The box for an upload; a picture that fits becomes the one to edit."""
    _, height, width = info.image_shape
    upload = st.file_uploader(
        say("A picture of {width} x {height} pixels, or a whole multiple; others are cropped and scaled",
            width=width, height=height),
        type=[kind.lower() for kind in FORMATS] + ["jpg"], key="edit.upload", on_change=taken, args=(info,),
    )  # fmt: skip
    refused: str | None = st.session_state.get("edit.refused")
    if upload is None or refused is None:
        return
    try:
        size = edit_files.size_of(upload.name, upload.getvalue())
    except EXPECTED as error:
        tell(str(error))
        return
    st.warning(view.plain(error_in(refused, language())), icon=":material/warning:")
    crop(upload.name, upload.getvalue(), size, info)


def taken(info: WeightsInfo) -> None:
    """Take a picture that has just been uploaded, or remember why it cannot be taken as it is."""
    state = st.session_state
    upload = state.get("edit.upload")
    state["edit.refused"] = None
    if upload is None:
        return
    try:
        state["edit.picture"] = edit_files.uploaded(upload.name, upload.getvalue(), info)
    except EXPECTED as error:
        state["edit.refused"] = str(error)


def crop(name: str, content: bytes, size: tuple[int, int], info: WeightsInfo) -> None:
    """Which square of the picture to take, and how it becomes small; nothing is guessed, and the result is shown."""
    _, height, width = info.image_shape
    most = min(size[0] / width, size[1] / height)  # pixels of the upload for each pixel of the model
    left, right = st.columns(2)
    share = left.slider(say("Size of the crop"), 0.05, 1.0, 1.0, 0.01, key="edit.crop.size")
    method = right.selectbox(
        say("Scaling"), list(METHODS), format_func=lambda m: say(METHODS[m]), key="edit.crop.method"
    )
    across = left.slider(say("From left to right"), 0.0, 1.0, 0.5, 0.01, key="edit.crop.x")
    down = right.slider(say("From top to bottom"), 0.0, 1.0, 0.5, 0.01, key="edit.crop.y")
    quantised = info.palette is not None and st.toggle(say("Colours of the collection"), True, key="edit.crop.palette")
    with errors_shown():
        image = edit_files.cropped(name, content, info, Crop(most * share, across, down, method, quantised))
        view.gallery([image], 6)
        if st.button(say("Edit this"), icon=":material/crop:", key="edit.crop.take"):
            st.session_state["edit.picture"], st.session_state["edit.refused"] = image, None
            st.rerun()
