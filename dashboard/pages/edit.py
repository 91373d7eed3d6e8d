"""Edit: change an attribute of a picture, inpaint a part of it, or resample it from a noise level."""

from __future__ import annotations

import hashlib
from typing import Any

import streamlit as st
from torch import Tensor

from conditions.schema import ConditionSchema
from dashboard import controls, edit_files, view
from dashboard.edit_files import EditFile
from dashboard.overrides import command, overrides_of
from dashboard.pages import generate
from dashboard.painter import painted
from dashboard.sampling import Generation
from dashboard.state import PERSISTENT, choose_weights, errors_shown, say
from data.pictures import FORMATS
from runtime.checkpoint import WeightsInfo

WAYS = {"attribute": "Attributes", "part": "A part", "noise": "From noise"}
OFFERED = 12  # generated pictures to choose from


def page() -> None:
    st.title(say("Edit"))
    left, right = st.columns([5, 8], gap="large")
    with left:
        weights = choose_weights("edit.weights")
        if weights is None:
            return
        with errors_shown():
            st.session_state["edit.image"] = None
            st.session_state["edit.image"] = picture(weights[1])
    image: Tensor | None = st.session_state["edit.image"]
    if image is None:
        right.info(say("Upload a picture, or take one that you have generated."), icon=":material/add_photo_alternate:")
        return
    with left:
        choices, mask = change(image, weights[1])
    with right:
        results(image, mask, weights, choices)


def picture(info: WeightsInfo) -> Tensor | None:
    """The picture to start from. Raises ValueError for an upload that is none."""
    history: list[Generation] = st.session_state.get("history", [])
    given: Tensor | None = st.session_state.get("edit.picture")
    fits = [given] if given is not None else []
    fits += [image for generation in history for image in generation.images][::-1]
    fits = [image for image in fits if list(image.shape) == info.image_shape]
    upload = st.file_uploader(
        say("A picture of {width} x {height} pixels, or a whole multiple", width=info.image_shape[2],
            height=info.image_shape[1]),
        type=[kind.lower() for kind in FORMATS] + ["jpg"], key="edit.upload",
    )  # fmt: skip
    if upload is not None:
        return edit_files.uploaded(upload.name, upload.getvalue(), info)
    if not fits:
        return None
    names = [say("chosen last") if i == 0 and given is not None else str(i + 1) for i in range(min(len(fits), OFFERED))]
    with st.expander(say("or one that you have generated"), expanded=True):
        view.gallery(fits[: len(names)], 2, names)
        at = st.pills(
            say("Picture"), range(len(names)), default=0, required=True, format_func=lambda i: names[i],
            key=f"edit.which.{len(fits)}.{info.dataset}", label_visibility="collapsed",
        )  # fmt: skip
    return fits[at or 0]


def change(image: Tensor, info: WeightsInfo) -> tuple[dict[str, Any], EditFile | None]:
    """What is to become of the picture: settings of sample.py, and the mask that they name."""
    schema = ConditionSchema.from_json(info.schema)
    labelled = bool(len(schema))
    way = st.segmented_control(
        say("What"), [w for w in WAYS if labelled or w != "attribute"], default="attribute" if labelled else "part",
        required=True, format_func=lambda w: say(WAYS[w]), key=f"edit.way.{labelled}", label_visibility="collapsed",
        **PERSISTENT,
    )  # fmt: skip
    if way == "attribute":
        st.caption(say("A classifier reads what the picture shows; what is not changed here stays."))
        return {"edit": controls.slots(schema, f"edit.change.{info.dataset}", say("as it is")) or None}, None
    if way == "part":
        choices, mask = part(image)
    else:
        st.caption(say("The whole picture is noised to this level, and sampled from there."))
        choices, mask = {"strength": controls.slider(controls.defaults(), "strength", "edit.strength", value=0.5)}, None
    return choices | controls.request(info, "edit"), mask


def part(image: Tensor) -> tuple[dict[str, Any], EditFile | None]:
    """A mask that is painted, and how its edge is treated."""
    usual, key = controls.defaults(), hashlib.sha256(view.png(image)).hexdigest()[:12]
    st.caption(say("Paint over what is to be inpainted."))
    mask = painted(image, f"edit.mask.{key}")
    left, right = st.columns(2)
    feather = controls.number(
        usual, "feather", say("Soft edge, in pixels"), "edit.feather", left, most=max(image.shape[1:]) // 2
    )
    resample = controls.number(usual, "resample", say("Resampling steps"), "edit.resample", right, most=10)
    file = edit_files.mask_file(mask) if mask.any() else None
    return {
        "mask": file and file.path.as_posix(),
        "feather": feather if feather != usual.feather else None,
        "resample": resample if resample != usual.resample else None,
    }, file


def results(image: Tensor, mask: EditFile | None, weights: tuple[str, WeightsInfo], choices: dict[str, Any]) -> None:
    """A button, and what came of it beside the picture. Files are written when it is pressed, and not before."""
    choices = choices | controls.sampling_options(weights[1], "edit", most=16)
    init, missing = edit_files.edit_file(image), missing_of(choices)
    overrides = overrides_of({"checkpoint": weights[0], "init": init.path.as_posix(), **choices})
    pressed = st.button(
        say("Generate"), type="primary", icon=":material/brush:", width="stretch", disabled=bool(missing),
        key="edit.generate",
    )  # fmt: skip
    if missing:
        st.caption(missing)
    if pressed:
        with errors_shown():
            edit_files.save([init, *([mask] if mask else [])])
            st.session_state["edit.generation"] = generate.generate(overrides)
            generate.remember(st.session_state["edit.generation"])
    generation: Generation | None = st.session_state.get("edit.generation")
    if generation is not None and generation.init is not None:
        beside = [say("seed {seed}", seed=seed) for seed in generation.seeds]
        scale = view.fitting_scale(generation.images)
        view.gallery([generation.init, *generation.images], scale, [say("before"), *beside])
        generate.account(generation)
        generate.downloads(generation)
    else:
        view.gallery([image], 8, [say("before")])
    st.caption(say("The same in a terminal; Generate writes the files that it names"))
    st.code(command("sample", overrides), language="bash", wrap_lines=True)


def missing_of(choices: dict[str, Any]) -> str:
    """What a person has yet to do before anything can be sampled."""
    if "edit" in choices and not choices["edit"]:
        return say("Choose an attribute to change.")
    if "mask" in choices and not choices["mask"]:
        return say("Paint something first.")
    return ""
