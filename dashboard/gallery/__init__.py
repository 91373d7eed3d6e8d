"""Pictures of which one is chosen by a click; the browser's part is in gallery.js."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import streamlit as st
from torch import Tensor

from dashboard import view

FILES = {kind: (Path(__file__).parent / f"gallery.{kind}").read_text("utf-8") for kind in ("html", "css", "js")}


class Caption(NamedTuple):
    """What stands beneath a picture, a line each, and what is said of it where the mouse rests.

    lines : (text, kind); the kind is "", "good" or "bad" and decides the colour
    """

    lines: Sequence[tuple[str, str]] = ()
    title: str = ""


def chosen(
    pictures: Sequence[Tensor],
    key: str,
    label: str,
    captions: Sequence[Caption],
    scale: int,
    on_choice: Callable[[int], None] | None = None,
    fresh: bool = False,
) -> int:
    """Show (C, H, W) uint8 pictures, and say which one is chosen; the first one before any is.

    label     : of the whole, for those who do not see it
    fresh     : whether they have just been sampled; a narrow window then scrolls to them
    on_choice : called with the place of the picture that was clicked, before the page is made anew
    """
    component = st.components.v2.component("gallery", **FILES)
    at = place(st.session_state.get(key, {}).get("chosen"), len(pictures))
    data = {
        "pictures": [
            {"source": view.source(view.png(picture)), "lines": [list(line) for line in caption.lines],
             "title": caption.title}
            for picture, caption in zip(pictures, captions, strict=True)
        ],
        "width": pictures[0].shape[-1] * scale,
        "height": pictures[0].shape[-2] * scale,
        "chosen": at,
        "label": label,
        "fresh": fresh,
    }  # fmt: skip

    def told() -> None:
        if on_choice is not None:
            on_choice(place(st.session_state[key].get("chosen"), len(pictures)))

    state = component(key=key, data=data, default={"chosen": at}, on_chosen_change=told)
    return place(state.chosen, len(pictures))


def place(sent: object, count: int) -> int:
    """What the browser sent, as the place of one of `count` pictures; the first for anything else."""
    return sent if isinstance(sent, int) and not isinstance(sent, bool) and 0 <= sent < count else 0
