"""Edit: change an attribute of a picture, inpaint a part of it, or resample it from a noise level."""

from __future__ import annotations

import hashlib
from typing import Any

import streamlit as st
import torch
from torch import Tensor

from conditions.schema import ConditionSchema
from dashboard import controls, edit_files, following, sampling, view
from dashboard.edit_files import EditFile
from dashboard.gallery import Caption, chosen
from dashboard.overrides import command, overrides_of
from dashboard.pages import generate
from dashboard.pages.upload import uploaded
from dashboard.painter import painted
from dashboard.sampling import Generation
from dashboard.state import choose_weights, load, say
from dashboard.visits import persistent
from runtime.checkpoint import WeightsInfo

WAYS = {"attribute": "Attributes", "part": "A part", "noise": "From noise"}
OFFERED = 12  # pictures to choose from


def page() -> None:
    st.title(say("Edit"))
    left, right = st.columns([4, 7], gap="large")
    with left:
        weights = choose_weights("edit.weights")
        if weights is None:
            return
        collected()
        image = picture(weights[1])
    if image is None:
        with right:
            st.info(say("Upload a picture, or generate one to edit."), icon=":material/add_photo_alternate:")
            some = overrides_of({"checkpoint": weights[0], "n": OFFERED})
            following.button("generate", lambda: sampling.begin(some, load), ":material/brush:")
            following.failed("generate")
        return
    with left:
        choices, mask = change(image, weights[1])
    with right:
        results(image, mask, weights, choices)


def collected() -> None:
    """Keep what has just been sampled here or on the page Generate, also among the pictures of this visit."""
    generate.collected()
    generation = following.outcome("edit")
    if generation is not None:
        st.session_state["edit.generation"] = generation
        generate.remember(generation)
        st.session_state["fresh"] = generation.number


def picture(info: WeightsInfo) -> Tensor | None:
    """The picture to start from: an upload, or one that was generated. It stays until another one is chosen."""
    state = st.session_state
    uploaded(info)
    history: list[Generation] = state.get("history", [])
    given: Tensor | None = state.get("edit.picture")
    made = [image for generation in history for image in generation.images][::-1]
    fits = [image for image in ([given] if given is not None else []) + made if list(image.shape) == info.image_shape]
    fits = distinct(fits)[:OFFERED]
    if not fits:
        return None
    if given is None or list(given.shape) != info.image_shape:
        state["edit.picture"] = fits[0]
    if len(fits) == 1:
        return fits[0]
    with st.expander(say("or one that you have generated"), expanded=True):
        key = f"edit.which.{digest(torch.stack(fits))}"
        chosen(
            fits, key, say("Picture"), [Caption()] * len(fits), 2, lambda at: state.update({"edit.picture": fits[at]})
        )
    return fits[0]


def distinct(images: list[Tensor]) -> list[Tensor]:
    """The pictures in their order, each where it comes first."""
    return list({digest(image): image for image in images}.values())


def digest(images: Tensor) -> str:
    """A short name for pictures, which follows from their pixels."""
    return hashlib.sha256(images.contiguous().numpy().tobytes()).hexdigest()[:12]


def change(image: Tensor, info: WeightsInfo) -> tuple[dict[str, Any], EditFile | None]:
    """What is to become of the picture: settings of sample.py, and the mask that they name."""
    schema = ConditionSchema.from_json(info.schema)
    labelled = bool(len(schema))
    way = st.segmented_control(
        say("What"), [w for w in WAYS if labelled or w != "attribute"], default="attribute" if labelled else "part",
        required=True, format_func=lambda w: say(WAYS[w]), label_visibility="collapsed",
        **persistent(f"edit.way.{labelled}"),
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
    usual = controls.defaults()
    st.caption(say("Paint over what is to be inpainted."))
    mask = painted(image, f"edit.mask.{digest(image)}")
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
    with st.expander(say("More")):
        choices |= controls.sampler_and_steps(st.columns(2), "edit", weights[1])
    init, missing = edit_files.edit_file(image), missing_of(choices)
    overrides = overrides_of({"checkpoint": weights[0], "init": init.path.as_posix(), **choices})

    def begin() -> following.Task:
        edit_files.save([init, *([mask] if mask else [])])
        return sampling.begin(overrides, load)

    following.button("edit", begin, ":material/brush:", disabled=bool(missing))
    if missing:
        st.caption(missing)
    if not following.running("edit"):
        generation: Generation | None = st.session_state.get("edit.generation")
        known = generation is not None and torch.equal(generation.init, image)
        if following.failed("edit") or not known:
            view.gallery([image], 8, [say("before")])
        else:
            compared(generation)
    st.caption(say("The same in a terminal; Generate writes the files that it names"))
    st.code(command("sample", overrides), language="bash", wrap_lines=True)


def compared(generation: Generation) -> None:
    """The picture before, and what came of it, one of them in detail."""
    rows, scale = range(len(generation.images)), view.fitting_scale(generation.images)
    before, after = st.container(key="before"), st.container()
    with before:
        view.gallery([generation.init], scale, [say("before")])
    with after:
        captions = [generate.caption(generation, row) for row in rows]
        fresh = st.session_state.pop("fresh", None) == generation.number
        row = chosen(generation.images, f"edited.{generation.number}", say("Pictures"), captions, scale, fresh=fresh)
    generate.account(generation)
    generate.downloads(generation)
    st.markdown(f"#### {say('Picture with seed {seed}', seed=generation.seeds[row])}")
    if generation.attributes is not None and generation.record["edit"] is not None:
        generate.found(generation, row)
    generate.actions(generation, row, "edited", say("Edit this further"))


def missing_of(choices: dict[str, Any]) -> str:
    """What a person has yet to do before anything can be sampled."""
    if "edit" in choices and not choices["edit"]:
        return say("Choose an attribute to change.")
    if "mask" in choices and not choices["mask"]:
        return say("Paint something first.")
    return ""
