"""Generate: ask for attributes, watch the pictures come, and see what a classifier and the training set say of them."""

from __future__ import annotations

from typing import Any

import streamlit as st
from torch import Tensor

from dashboard import controls, sampling, view
from dashboard.overrides import command, overrides_of
from dashboard.sampling import Generation
from dashboard.state import PERSISTENT, choose_weights, errors_shown, load, say, training_pictures
from inference.classifier import missing

REMEMBERED = 40  # generations of a visit
ANIMATED = 5  # pixels on the screen for each pixel of an animation


def page() -> None:
    st.title(say("Generate"))
    left, right = st.columns([5, 8], gap="large")
    with left:
        weights = choose_weights("generate.weights")
        if weights is None:
            return
        choices = controls.request(weights[1], "generate") | more()
    history: list[Generation] = st.session_state.setdefault("history", [])
    with right:
        choices |= controls.sampling_options(weights[1], "generate")
        overrides = overrides_of({"checkpoint": weights[0], **choices})
        if st.button(say("Generate"), type="primary", icon=":material/brush:", width="stretch"):
            with errors_shown():
                remember(generate(overrides))
        titles = {show: say("Pictures"), past: say("History of this visit"), favourites: say("Favourites")}
        views = {view.__name__: view for view in titles}
        st.session_state.setdefault("generate.view", show.__name__)
        chosen = st.segmented_control(
            say("View"), list(views), required=True, key="generate.view", **PERSISTENT,
            format_func=lambda name: titles[views[name]], label_visibility="collapsed",
        )  # fmt: skip
        views[chosen](history)
    with left:
        st.caption(say("The same in a terminal"))
        st.code(command("sample", overrides), language="bash", wrap_lines=True)


def remember(generation: Generation) -> None:
    """Put it into the history of this visit, which is short, and show it."""
    history = st.session_state.setdefault("history", [])
    history.append(generation)
    del history[:-REMEMBERED]
    turn_to(None)


def turn_to(at: int | None) -> None:
    """Show what stands at this place of the history; None for the newest."""
    st.session_state["shown"], st.session_state["generate.view"] = at, show.__name__


def more() -> dict[str, Any]:
    """Settings that are seldom needed; those that are left as they are become None."""
    usual = controls.defaults()
    with st.expander(say("More")):
        negative = st.text_input(
            say("Move away from"), key="generate.negative", placeholder="clown eyes",
            help=controls.explain(usual, "negative"), **PERSISTENT,
        )  # fmt: skip
        quantise = controls.one_of(usual, "quantise", say("Quantise colours"), "generate.quantise")
        refine = controls.number(
            usual, "refine", say("Final re-noising"), "generate.refine", placeholder=say("depends on the weights")
        )
        scale = controls.number(usual, "scale", say("Size of a pixel in downloads"), "generate.scale")
    return {
        "negative": negative.strip() or None,
        "refine": refine,
        "quantise": quantise if quantise != usual.quantise else None,
        "scale": scale if scale != usual.scale else None,
    }


def generate(overrides: tuple[str, ...]) -> Generation:
    """Sample, and show how far it is. Raises ValueError for what cannot be sampled."""
    bar, preview = st.progress(0.0, say("Sampling")), st.empty()

    def look(share: float, images: Tensor | None, nfe: int) -> None:
        bar.progress(share, say("Sampling, NFE {nfe} per picture", nfe=nfe))
        if images is not None:
            view.gallery(images, view.fitting_scale(images), place=preview)

    try:
        return sampling.generate(overrides, load, look)
    finally:
        bar.empty()
        preview.empty()


def show(history: list[Generation]) -> None:
    """The newest pictures, or those chosen in the history, and one of them in detail."""
    if not history:
        st.info(say("Choose what the pictures are to show, then press Generate."), icon=":material/brush:")
        return
    at = st.session_state.get("shown")
    generation = history[at if at is not None and at < len(history) else -1]
    images = generation.images
    st.markdown(f"**{generation.request}**")
    account(generation)
    view.gallery(images, view.fitting_scale(images), [caption(generation, row) for row in range(len(images))])
    downloads(generation)
    one = st.pills(
        say("Details of seed"), range(len(images)), default=0, required=True,
        format_func=lambda row: str(generation.seeds[row]), key=f"details.{id(generation)}",
    )  # fmt: skip
    details(generation, one or 0)


def account(generation: Generation) -> None:
    """How the pictures were sampled, at which cost, and what a person should know of them."""
    record = generation.record
    st.caption(
        say(
            "{n} in {seconds} s · w = {w} · {sampler}, {steps} steps, NFE {nfe} · {dataset}, step {step}",
            n=len(generation.images), seconds=f"{generation.seconds:.1f}", w=f"{record['w']:g}",
            sampler=record["sampler"]["name"], steps=record["steps"], nfe=record["nfe"], dataset=record["dataset"],
            step=f"{record['step']:,}",
        )
    )  # fmt: skip
    for note in generation.notes:
        st.caption(note.strip())


def caption(generation: Generation, row: int) -> str:
    """Seed, and how much of what was asked for is there."""
    if generation.attributes is None:
        return str(generation.seeds[row])
    shares = [share for _, share in generation.attributes[row]]
    return f"{generation.seeds[row]} · {sum(share >= 0.5 for share in shares)}/{len(shares)} ✓"


def downloads(generation: Generation) -> None:
    """A button for the PNGs, which are encoded when it is pressed."""
    n, help = len(generation.seeds), say("Each carries its settings; sample.py from_image=FILE reproduces it")
    if n == 1:
        label, name, content = say("Download the PNG"), f"seed-{generation.seeds[0]:06d}.png", lambda: generation.png(0)
    else:
        label, name, content = say("Download {n} PNGs", n=n), "pictures.zip", generation.archive
    st.download_button(label, content, name, icon=":material/download:", help=help, on_click="ignore")


def details(generation: Generation, row: int) -> None:
    """One picture: is it what was asked for, is it new, and how did it come about?"""
    image, key = generation.images[row], f"{id(generation)}.{row}"
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"**{say('What the classifier finds')}**")
        if generation.attributes is not None:
            view.attribute_bars(generation.attributes[row])
        elif generation.request == "any":
            st.caption(say("Nothing was asked for."))
        else:
            st.caption(missing(generation.record["dataset"]))
        with st.container(horizontal=True):
            if st.button(say("Favourite"), icon=":material/star:", key=f"star.{key}"):
                st.session_state.setdefault("favourites", {})[f"{generation.command} {row}"] = (generation, row)
            if st.button(say("Edit"), icon=":material/edit:", key=f"edit.{key}"):
                st.session_state["edit.picture"] = image
                if "pages" in st.session_state:
                    st.switch_page(st.session_state.pages["edit"])
    with right:
        st.markdown(f"**{say('Nearest training picture')}**")
        near(generation, image)
    if st.toggle(say("Animation of the denoising"), key=f"animation.{key}"):
        with errors_shown():
            view.animation(sampling.animation(generation, row, load), 2 * ANIMATED * image.shape[-1])
            st.caption(say("Left the noised picture x_t, right the picture x_0 predicted from it."))


def near(generation: Generation, image: Tensor) -> None:
    with errors_shown():
        training, why = training_pictures(generation.dataset, generation.data_hash)
        if training is None:
            st.caption(why)
            return
        neighbour, pixels = sampling.nearest_training_picture(image, training)
        text = say("{pixels} of {all} pixels differ", pixels=pixels, all=image[0].numel())
        view.gallery([image, neighbour], 4, [say("generated"), say("an exact copy") if pixels == 0 else text])


def past(history: list[Generation]) -> None:
    """What was generated in this visit, the newest first."""
    if not history:
        st.caption(say("Nothing generated yet."))
    for at in reversed(range(len(history))):
        generation = history[at]
        view.gallery(generation.images[:8], 2)
        left, right = st.columns([5, 1], vertical_alignment="center")
        left.code(generation.command, language="bash", wrap_lines=True)
        right.button(say("Show"), key=f"past.{at}.{id(generation)}", on_click=turn_to, args=(at,))


def favourites(history: list[Generation]) -> None:
    """The pictures that got a star."""
    starred: dict[str, tuple[Generation, int]] = st.session_state.setdefault("favourites", {})
    if not starred:
        st.caption(say("No favourites yet: the star beside a picture keeps it for this visit."))
    for name, (generation, row) in list(starred.items()):
        left, right = st.columns([1, 3])
        with left:
            view.gallery([generation.images[row]], 4, [str(generation.seeds[row])])
        with right:
            rest = [o for o in generation.overrides if o.partition("=")[0] not in ("seed", "n")]
            alone = [*rest, f"seed={generation.seeds[row]}", "n=1"]
            st.code(command("sample", alone), language="bash", wrap_lines=True)
            if st.button(say("Remove"), key=f"unstar.{name}"):
                starred.pop(name)
                st.rerun()
