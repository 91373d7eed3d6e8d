"""Edit: start from a picture and change an attribute, draw a part of it anew, or all of it from a noise level."""

from __future__ import annotations

import hashlib
from typing import Any

import streamlit as st
from torch import Tensor

from conditions.schema import ConditionSchema
from dashboard import asking, controls, pictures, view
from dashboard.asking import Drawn
from dashboard.pages import generate
from dashboard.painter import painted
from dashboard.state import KEPT, choose_weights, say, told
from data.pictures import FORMATS
from runtime.checkpoint import WeightsInfo

WAYS = {"attribute": "Attributes", "part": "A part", "noise": "From noise"}


def page() -> None:
    st.title(say("Edit"))
    left, right = st.columns([5, 8], gap="large")
    with left:
        weights = choose_weights("edit.weights")
        if weights is None:
            return
        with told():
            st.session_state["edit.image"] = None
            st.session_state["edit.image"] = picture(weights[1])
    image: Tensor | None = st.session_state["edit.image"]
    if image is None:
        right.info(say("Upload a picture, or take one that you have drawn."), icon=":material/add_photo_alternate:")
        return
    with left:
        choices = ways(image, weights[1])
    with right:
        results(image, weights, choices)


def picture(info: WeightsInfo) -> Tensor | None:
    """The picture to start from. Raises ValueError for an upload that is none."""
    drawn = [item.images[row] for item in st.session_state.get("history", []) for row in range(len(item.images))]
    given: Tensor | None = st.session_state.get("edit.picture")
    fits = [image for image in ([given] if given is not None else []) + drawn[::-1]]
    fits = [image for image in fits if list(image.shape) == info.image_shape]
    upload = st.file_uploader(
        say("A picture of {width} x {height} pixels, or a whole multiple", width=info.image_shape[2],
            height=info.image_shape[1]),
        type=[kind.lower() for kind in FORMATS] + ["jpg"], key="edit.upload",
    )  # fmt: skip
    if upload is not None:
        return pictures.uploaded(upload.name, upload.getvalue(), info)
    if not fits:
        return None
    names = [say("chosen last") if i == 0 and given is not None else str(i + 1) for i in range(min(len(fits), 12))]
    with st.expander(say("or one that you have drawn"), expanded=True):
        view.gallery(fits[: len(names)], 2, names)
        at = st.pills(
            say("Picture"), range(len(names)), default=0, required=True, format_func=lambda i: names[i],
            key=f"edit.which.{len(fits)}.{info.dataset}", label_visibility="collapsed",
        )  # fmt: skip
    return fits[at or 0]


def ways(image: Tensor, info: WeightsInfo) -> dict[str, Any]:
    """What is to become of the picture: settings of sample.py."""
    labelled = bool(len(ConditionSchema.from_json(info.schema)))
    way = st.segmented_control(
        say("What"), [w for w in WAYS if labelled or w != "attribute"], default="attribute" if labelled else "part",
        required=True, format_func=lambda w: say(WAYS[w]), key=f"edit.way.{labelled}", label_visibility="collapsed",
        **KEPT,
    )  # fmt: skip
    key = hashlib.sha256(view.png(image)).hexdigest()[:12]
    if way == "attribute":
        st.caption(say("A classifier reads what the picture shows; what is not changed here stays."))
        schema = ConditionSchema.from_json(info.schema)
        return {"edit": controls.slots(schema, f"edit.change.{info.dataset}", say("as it is")) or None}
    choices: dict[str, Any] = {}
    if way == "noise":
        st.caption(say("The whole picture is noised and drawn anew from there."))
    if way == "part":
        st.caption(say("Paint over what is to be drawn anew."))
        mask = painted(image, f"edit.mask.{key}")
        choices["mask"] = pictures.kept_mask(mask) if mask.any() else None
        left, right = st.columns(2)
        feather = left.number_input(say("Soft edge, in pixels"), 0, 8, 0, key="edit.feather", **KEPT)
        repeats = right.number_input(
            say("Repeats"), 1, 10, 1, key="edit.repeats", help=say("More make both parts fit better, and take longer"),
            **KEPT,
        )  # fmt: skip
        choices |= {"feather": feather or None, "repeats": repeats if repeats > 1 else None}
    else:
        strength = st.slider(
            "strength", 0.0, 1.0, 0.5, 0.05, key="edit.strength", help=say("0 leaves the picture, 1 ignores it"), **KEPT
        )
        choices["strength"] = strength
    return choices | controls.request(info, "edit")


def results(image: Tensor, weights: tuple[str, WeightsInfo], choices: dict[str, Any]) -> None:
    """A button, and what came of it beside the picture."""
    choices = choices | controls.drawing(weights[1], "edit", most=16)
    missing = missing_of(choices)
    pressed = st.button(
        say("Draw"), type="primary", icon=":material/brush:", width="stretch", disabled=bool(missing), key="edit.draw"
    )
    drawn: Drawn | None = st.session_state.get("edit.drawn")
    overrides = asking.overrides_of(weights[0], {"init": pictures.kept(image), **choices})
    if missing:
        st.caption(missing)
    if pressed:
        with told():
            drawn = st.session_state["edit.drawn"] = generate.draw(overrides)
            st.session_state.setdefault("history", []).append(drawn)
    if drawn is not None and drawn.drawing.init is not None:
        before, beside = drawn.drawing.init, [say("seed {seed}", seed=seed) for seed in drawn.seeds]
        view.gallery([before, *drawn.images], view.fitting(drawn.images), [say("before"), *beside])
        for note in drawn.notes:
            st.caption(note.strip())
        generate.downloads(drawn)
    else:
        view.gallery([image], 8, [say("before")])
    st.caption(say("The same in a terminal"))
    st.code(asking.command(overrides), language="bash", wrap_lines=True)


def missing_of(choices: dict[str, Any]) -> str:
    """What a person has yet to do before anything can be drawn."""
    if "edit" in choices and not choices["edit"]:
        return say("Choose an attribute to change.")
    if "mask" in choices and not choices["mask"]:
        return say("Paint something first.")
    return ""
