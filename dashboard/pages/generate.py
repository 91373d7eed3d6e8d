"""Generate: ask for attributes, watch the pictures come, and see what a classifier and the training set say of them."""

from __future__ import annotations

import time

import streamlit as st
import torch
from torch import Tensor

from dashboard import asking, controls, view
from dashboard.asking import Drawn
from dashboard.state import KEPT, choose_weights, load, say, told, training_pictures
from inference.animation import denoising
from inference.ranking import classifier_of, no_classifier

SCALE = 8
REMEMBERED = 40  # of a visit


def page() -> None:
    st.title(say("Generate"))
    left, right = st.columns([5, 8], gap="large")
    with left:
        weights = choose_weights("generate.weights")
        if weights is None:
            return
        choices = controls.request(weights[1], "generate") | more()
    history: list[Drawn] = st.session_state.setdefault("history", [])
    with right:
        overrides = asking.overrides_of(weights[0], choices | controls.drawing(weights[1], "generate"))
        if st.button(say("Draw"), type="primary", icon=":material/brush:", width="stretch"):
            with told():
                history.append(draw(overrides))
                del history[:-REMEMBERED]
                turn_to(None)
        titles = {show: say("Pictures"), past: say("History of this visit"), favourites: say("Favourites")}
        names = {view.__name__: view for view in titles}
        st.session_state.setdefault("generate.view", show.__name__)
        chosen = st.segmented_control(
            say("View"), list(names), required=True, key="generate.view", **KEPT,
            format_func=lambda name: titles[names[name]], label_visibility="collapsed",
        )  # fmt: skip
        names[chosen](history)
    with left:
        st.caption(say("The same in a terminal"))
        st.code(asking.command(overrides), language="bash", wrap_lines=True)


def turn_to(at: int | None) -> None:
    """Show what stands at this place of the history; None for the newest."""
    st.session_state["shown"], st.session_state["generate.view"] = at, show.__name__


def more() -> dict:
    """Settings that are seldom needed."""
    with st.expander(say("More")):
        negative = st.text_input(
            say("Move away from"), key="generate.negative", placeholder="clown eyes", help=say("Names, as in attrs"),
            **KEPT,
        )  # fmt: skip
        snap = st.selectbox(
            say("Snap colours"), ("place", "palette", "none"), key="generate.snap",
            help=say("place: the nearest colour seen at that place in training; palette: of all colours"), **KEPT,
        )  # fmt: skip
        refine = st.selectbox(
            say("Refinement"), (None, 0, 2, 4, 8), key="generate.refine", **KEPT,
            format_func=lambda tries: say("as the weights want it") if tries is None else str(tries),
            help=say("Predictions averaged in each of the last rounds; 0 is quicker"),
        )  # fmt: skip
        scale = st.number_input(say("Size of a pixel in downloads"), 1, 64, SCALE, key="generate.scale", **KEPT)
    return {
        "negative": negative.strip() or None,
        "refine": refine,
        "snap": snap if snap != "place" else None,
        "scale": scale if scale != SCALE else None,
    }


def draw(overrides: tuple[str, ...]) -> Drawn:
    """Draw, and show how far it is. Raises ValueError for what cannot be drawn."""
    began = time.perf_counter()
    bar, preview = st.progress(0.0, say("Drawing")), st.empty()
    drawing, notes = asking.ready(overrides, load)

    def look(share: float, images: Tensor | None) -> None:
        bar.progress(share, say("Drawing"))
        if images is not None:
            view.gallery(images, view.fitting(images), place=preview)

    images = drawing.draw(drawing.seeds, on_step=asking.watching(drawing, look))
    bar.empty()
    preview.empty()
    seconds = time.perf_counter() - began
    found = asking.ticks(drawing, images, classifier_of(drawing.pipe))
    return Drawn(drawing, images, list(drawing.seeds), overrides, notes, seconds, found)


def show(history: list[Drawn]) -> None:
    """The pictures drawn last, or those chosen in the history, and one of them in detail."""
    if not history:
        st.info(say("Choose what the picture is to show, then press Draw."), icon=":material/brush:")
        return
    at = st.session_state.get("shown")
    drawn = history[at if at is not None and at < len(history) else -1]
    pipe = drawn.drawing.pipe
    st.markdown(f"**{drawn.drawing.attrs}**")
    st.caption(
        say(
            "{n} in {seconds} s · w = {w} · {sampler}, {steps} steps · {dataset}, step {step}",
            n=len(drawn.images), seconds=f"{drawn.seconds:.1f}", w=f"{drawn.drawing.settings['w']:g}",
            sampler=drawn.drawing.settings["sampler"]["name"], steps=drawn.drawing.settings["steps"],
            dataset=pipe.info.dataset, step=f"{pipe.info.step:,}",
        )
    )  # fmt: skip
    for note in drawn.notes:
        st.caption(note.strip())
    view.gallery(drawn.images, view.fitting(drawn.images), [caption(drawn, i) for i in range(len(drawn.images))])
    downloads(drawn)
    one = st.pills(
        say("Look closer at seed"), range(len(drawn.seeds)), default=0, required=True,
        format_func=lambda i: str(drawn.seeds[i]), key=f"closer.{id(drawn)}",
    )  # fmt: skip
    detail(drawn, one or 0)


def caption(drawn: Drawn, row: int) -> str:
    """Seed, and how much of what was asked for is there."""
    if drawn.found is None:
        return str(drawn.seeds[row])
    shares = [share for _, share in drawn.found[row]]
    return f"{drawn.seeds[row]} · {sum(share >= 0.5 for share in shares)}/{len(shares)} ✓"


def downloads(drawn: Drawn) -> None:
    scale = drawn.drawing.settings["scale"]
    files = {
        f"seed-{seed:06d}.png": view.png(image, scale, drawn.settings(row))
        for row, (seed, image) in enumerate(zip(drawn.seeds, drawn.images, strict=True))
    }
    if len(files) == 1:
        ((name, content),) = files.items()
        st.download_button(say("Download the PNG"), content, name, "image/png", icon=":material/download:")
    else:
        st.download_button(
            say("Download {n} PNGs", n=len(files)), view.archive(files), "pictures.zip", icon=":material/download:",
            help=say("Each carries its settings; sample.py from_image=FILE draws it again"),
        )  # fmt: skip


def detail(drawn: Drawn, row: int) -> None:
    """One picture: is it what was asked for, is it new, and how did it come about?"""
    image, key = drawn.images[row], f"{id(drawn)}.{row}"
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"**{say('What the classifier sees')}**")
        if drawn.found is not None:
            view.ticks(drawn.found[row])
        elif drawn.drawing.attrs == "any":
            st.caption(say("Nothing was asked for."))
        else:
            st.caption(no_classifier(drawn.drawing.pipe))
        with st.container(horizontal=True):
            if st.button(say("Favourite"), icon=":material/star:", key=f"star.{key}"):
                st.session_state.setdefault("favourites", {})[f"{drawn.command} {row}"] = (drawn, row)
            if st.button(say("Edit"), icon=":material/edit:", key=f"edit.{key}"):
                st.session_state["edit.picture"] = image
                if "pages" in st.session_state:
                    st.switch_page(st.session_state.pages["edit"])
    with right:
        st.markdown(f"**{say('Nearest training picture')}**")
        near(drawn, image)
    if st.toggle(say("Film of the denoising"), key=f"film.{key}"):
        film(drawn, row)


def near(drawn: Drawn, image: Tensor) -> None:
    with told():
        training, why = training_pictures(drawn.drawing.pipe.info)
        if training is None:
            st.caption(why)
            return
        found, pixels = asking.neighbour(image, training)
        text = say("{pixels} of {all} pixels differ", pixels=pixels, all=image[0].numel())
        view.gallery([image, found], 4, [say("drawn"), say("an exact copy") if pixels == 0 else text])


def film(drawn: Drawn, row: int) -> None:
    """From noise to picture: what the sampler holds, and what it expects to come out."""
    frames = denoising(drawn.drawing, drawn.seeds[row])
    pair = torch.stack([torch.cat([frame.x_t, frame.x_0], dim=-1) for frame in frames])
    view.film(pair, rate=max(4.0, len(frames) / 4), scale=5)
    st.caption(say("Left the noised picture x_t, right the picture x_0 predicted from it."))


def past(history: list[Drawn]) -> None:
    """What was drawn in this visit, the newest first."""
    if not history:
        st.caption(say("Nothing drawn yet."))
    for at in reversed(range(len(history))):
        drawn = history[at]
        view.gallery(drawn.images[:8], 2)
        left, right = st.columns([5, 1], vertical_alignment="center")
        left.code(drawn.command, language="bash", wrap_lines=True)
        right.button(say("Show"), key=f"past.{at}.{id(drawn)}", on_click=turn_to, args=(at,))


def favourites(history: list[Drawn]) -> None:
    """The pictures that got a star."""
    kept: dict[str, tuple[Drawn, int]] = st.session_state.setdefault("favourites", {})
    if not kept:
        st.caption(say("No favourites yet: the star beside a picture keeps it for this visit."))
    for name, (drawn, row) in list(kept.items()):
        left, right = st.columns([1, 3])
        with left:
            view.gallery([drawn.images[row]], 4, [str(drawn.seeds[row])])
        with right:
            alone = [o for o in drawn.overrides if o.partition("=")[0] not in ("seed", "n")]
            st.code(asking.command([*alone, f"seed={drawn.seeds[row]}", "n=1"]), language="bash", wrap_lines=True)
            if st.button(say("Remove"), key=f"unstar.{name}"):
                kept.pop(name)
                st.rerun()
