"""A mask painted over a picture with the mouse or a finger; the browser's part is in painter.js."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
import torch
from torch import Tensor

from dashboard import view
from dashboard.state import say

FILES = {kind: (Path(__file__).parent / f"painter.{kind}").read_text("utf-8") for kind in ("html", "css", "js")}
TOOLS = ("small", "medium", "large", "erase", "clear", "invert")
KEPT = 20  # masks of a visit, of the pictures painted last
SIDE = 336  # of the picture on the screen, at most


def painted(image: Tensor, key: str) -> Tensor:
    """Show a picture (C, H, W) uint8 to paint on; the mask (H, W) float32, 1 where it is inpainted."""
    _, height, width = image.shape
    kept: dict[str, str] = st.session_state.setdefault("edit.masks", {})  # also while another page is looked at
    component = st.components.v2.component("painter", **FILES)
    data = {
        "picture": view.source(view.png(image)),
        "width": width,
        "height": height,
        "scale": max(1, SIDE // max(width, height)),
        "mask": kept.get(key, ""),
        "labels": {tool: say(tool) for tool in TOOLS},
    }
    state = component(key=key, data=data, default={"mask": kept.get(key, "")}, on_mask_change=lambda: None)
    if len(kept) >= KEPT and key not in kept:
        kept.pop(next(iter(kept)))
    kept[key] = state.mask
    return read(state.mask, height, width)


def read(mask: object, height: int, width: int) -> Tensor:
    """What the browser sent as a mask; nothing painted for anything that is none of this size."""
    if not isinstance(mask, str) or len(mask) != height * width:
        return torch.zeros(height, width)
    return torch.tensor([float(pixel == "1") for pixel in mask]).view(height, width)
