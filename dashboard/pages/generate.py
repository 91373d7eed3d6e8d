"""Generate: ask for attributes, watch the pictures come, and see what a classifier and the training set say of them."""

from __future__ import annotations

from typing import Any

import streamlit as st
from torch import Tensor

from dashboard import controls, following, sampling, view
from dashboard.french_messages import error_in, note_in
from dashboard.french_names import name_in, request_in
from dashboard.gallery import Caption, chosen
from dashboard.overrides import command, overrides_of
from dashboard.sampling import Generation
from dashboard.sharing import share
from dashboard.state import choose_weights, errors_shown, language, load, say, training_pictures
from dashboard.visits import persistent
from inference.classifier import missing
from runtime.checkpoint import WeightsInfo

REMEMBERED = 40  # generations of a visit
ANIMATED = 5  # pixels on the screen for each pixel of an animation
REPRODUCED = "Each carries its settings; sample.py from_image=FILE reproduces it"
SHOWN = 0.5  # how likely the classifier must hold an attribute, so that the picture counts as showing it


def page() -> None:
    st.title(say("Generate"))
    left, right = st.columns([4, 7], gap="large")
    with left:
        weights = choose_weights("generate.weights")
        if weights is None:
            return
        choices = controls.request(weights[1], "generate") | more(weights[1])
    with right:
        choices |= controls.sampling_options(weights[1], "generate")
        overrides = overrides_of({"checkpoint": weights[0], **choices})
        history = collected()
        if st.session_state.get("welcome") and not history and not following.running("generate"):
            first = overrides_of({"checkpoint": weights[0], **choices, "n": 1})
            following.start("generate", lambda: sampling.begin(first, load))
        st.session_state["welcome"] = False
        following.button("generate", lambda: sampling.begin(overrides, load), ":material/brush:")
        if not following.running("generate"):
            results(history)
    with left:
        share(*weights)
        st.caption(say("The same in a terminal"))
        st.code(command("sample", overrides), language="bash", wrap_lines=True)


def collected() -> list[Generation]:
    """The history of this visit, with what has just been sampled."""
    generation = following.outcome("generate")
    if generation is not None:
        if st.session_state.get("history"):  # the first picture comes unasked
            st.session_state["fresh"] = generation.number
        remember(generation)
    return st.session_state.setdefault("history", [])


def remember(generation: Generation) -> None:
    """Put it into the history of this visit, which is short, and show it."""
    history = st.session_state.setdefault("history", [])
    history.append(generation)
    del history[:-REMEMBERED]
    turn_to(None)


def turn_to(at: int | None) -> None:
    """Show what stands at this place of the history; None for the newest."""
    st.session_state["shown"], st.session_state["generate.view"] = at, show.__name__


def more(info: WeightsInfo) -> dict[str, Any]:
    """Settings that are seldom needed; those that are left as they are become None."""
    usual = controls.defaults()
    with st.expander(say("More")):
        how = controls.sampler_and_steps(st.columns(2), "generate", info)
        negative = st.text_input(
            say("Move away from"), placeholder="clown eyes", help=controls.explain(usual, "negative"),
            **persistent("generate.negative"),
        )  # fmt: skip
        quantise = controls.one_of(usual, "quantise", say("Quantise colours"), "generate.quantise")
        refine = controls.number(
            usual, "refine", say("Final re-noising"), "generate.refine", placeholder=say("depends on the weights")
        )
        scale = controls.number(usual, "scale", say("Size of a pixel in downloads"), "generate.scale")
    return {
        **how,
        "negative": negative.strip() or None,
        "refine": refine,
        "quantise": quantise if quantise != usual.quantise else None,
        "scale": scale if scale != usual.scale else None,
    }


def results(history: list[Generation]) -> None:
    """The newest pictures, or those before them, or the favourites."""
    starred = len(st.session_state.setdefault("favourites", {}))
    titles = {
        show: say("Pictures"),
        past: say("History of this visit"),
        favourites: say("Favourites") + (f" ({starred})" if starred else ""),
    }
    views = {view.__name__: view for view in titles}
    st.session_state.setdefault("generate.view", show.__name__)
    name = st.segmented_control(
        say("View"), list(views), required=True, format_func=lambda name: titles[views[name]],
        label_visibility="collapsed", **persistent("generate.view"),
    )  # fmt: skip
    views[name](history)


def show(history: list[Generation]) -> None:
    """The newest pictures, or those chosen in the history, and one of them in detail."""
    if following.failed("generate"):
        if history:
            st.caption(say("What was generated before is in the history of this visit."))
        return
    if not history:
        st.info(say("Choose what the pictures are to show, then press Generate."), icon=":material/brush:")
        return
    at = st.session_state.get("shown")
    generation = history[at if at is not None and at < len(history) else -1]
    asked = say("no request") if generation.request == "any" else request_in(generation.request, language())
    st.markdown(f"**{view.plain(asked)}**")
    account(generation)
    row = chosen(
        generation.images, f"gallery.{generation.number}", say("Pictures"),
        [caption(generation, row) for row in range(len(generation.images))], view.fitting_scale(generation.images),
        fresh=st.session_state.pop("fresh", None) == generation.number,
    )  # fmt: skip
    downloads(generation)
    details(generation, row)


def account(generation: Generation) -> None:
    """How the pictures were sampled, at which cost, and what a person should know of them."""
    record = generation.record
    st.caption(
        view.plain(
            say(
                "{n} in {seconds} s · w = {w} · {sampler}, {steps} steps, NFE {nfe} · {dataset}, step {step}",
                n=len(generation.images), seconds=f"{generation.seconds:.1f}", w=f"{record['w']:g}",
                sampler=record["sampler"]["name"], steps=record["steps"], nfe=record["nfe"],
                dataset=record["dataset"], step=f"{record['step']:,}",
            )
        )
    )  # fmt: skip
    notes(generation.notes)


def notes(said: list[str]) -> None:
    """What a person should know: what was ignored, and what makes a picture unlikely to fit, as a warning."""
    for note in said:
        text = view.plain(note_in(note.strip(), language()))
        if note.startswith(("warning:", "ignored:")):
            st.warning(text, icon=":material/warning:")
        else:
            st.caption(text)


def caption(generation: Generation, row: int) -> Caption:
    """Seed, and how much of what was asked for is there."""
    lines = [(say("seed {seed}", seed=generation.seeds[row]), "")]
    if generation.attributes is None:
        return Caption(lines)
    missed = [name_in(name, language()) for name, share in generation.attributes[row] if share < SHOWN]
    all_of = len(generation.attributes[row])
    if missed:
        lines.append((say("✗ {met} of {all}", met=all_of - len(missed), all=all_of), "bad"))
    else:
        lines.append((say("✓ as asked"), "good"))
    return Caption(lines, say("not seen by the classifier: {names}", names=", ".join(missed)) if missed else "")


def downloads(generation: Generation) -> None:
    """A button for all PNGs, which are encoded when it is pressed."""
    if len(generation.seeds) > 1:  # a single one has its own button
        st.download_button(
            say("Download {n} PNGs", n=len(generation.seeds)), generation.archive, "pictures.zip",
            icon=":material/download:", help=say(REPRODUCED), on_click="ignore",
        )  # fmt: skip


def details(generation: Generation, row: int) -> None:
    """One picture: is it what was asked for, is it new, and how did it come about?"""
    image, key = generation.images[row], f"{generation.number}.{row}"
    st.markdown(f"#### {say('Picture with seed {seed}', seed=generation.seeds[row])}")
    actions(generation, row, "details", say("Edit"))
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"**{say('What the classifier finds')}**")
        if generation.attributes is not None:
            found(generation, row)
        elif generation.request == "any":
            st.caption(say("Nothing was asked for."))
        else:
            st.caption(view.plain(error_in(missing(generation.record["dataset"]), language())))
    with right:
        st.markdown(f"**{say('Nearest training picture')}**")
        near(generation, image)
    if st.toggle(say("Animation of the denoising"), key=f"animation.{key}"):
        with errors_shown():
            view.animation(sampling.animation(generation, row, load), 2 * ANIMATED * image.shape[-1])
            st.caption(say("Left the noised picture x_t, right the picture x_0 predicted from it."))


def found(generation: Generation, row: int) -> None:
    """What was asked for, and how likely the classifier holds it that a picture shows it."""
    view.attribute_bars([(name_in(name, language()), share) for name, share in generation.attributes[row]])


def actions(generation: Generation, row: int, where: str, edit: str) -> None:
    """What can be done with one picture: keep it, edit it (the words on that button), download it."""
    starred: dict[str, tuple[Generation, int]] = st.session_state.setdefault("favourites", {})
    name, key = f"{generation.command} {row}", f"{where}.{generation.number}.{row}"

    def toggle() -> None:
        if starred.pop(name, None) is None:
            starred[name] = (generation, row)

    kept = name in starred
    with st.container(horizontal=True):
        st.button(
            say("A favourite") if kept else say("Favourite"), icon=":material/star:", key=f"star.{key}",
            type="primary" if kept else "secondary", on_click=toggle,
            help=say("Press again to remove it") if kept else say("Keeps it among the favourites of this visit"),
        )  # fmt: skip
        if st.button(edit, icon=":material/edit:", key=f"edit.{key}"):
            st.session_state["edit.picture"] = generation.images[row]
            if "pages" in st.session_state:
                st.switch_page(st.session_state.pages["edit"])
            st.rerun()
        st.download_button(
            say("Download the PNG"), lambda: generation.png(row), f"seed-{generation.seeds[row]:06d}.png",
            icon=":material/download:", key=f"png.{key}", help=say(REPRODUCED), on_click="ignore",
        )  # fmt: skip


def near(generation: Generation, image: Tensor) -> None:
    with errors_shown():
        training, why = training_pictures(generation.dataset, generation.data_hash)
        if training is None:
            st.caption(view.plain(why))
            return
        neighbour, pixels = sampling.nearest_training_picture(image, training)
        if image.shape[0] == 1:  # grey levels, of which hardly one is equal to another
            text = say("{levels} of 255 grey levels apart on average",
                       levels=f"{sampling.levels_apart(image, neighbour):.0f}")  # fmt: skip
        else:
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
        right.button(say("Show"), key=f"past.{at}.{generation.number}", on_click=turn_to, args=(at,))


def favourites(history: list[Generation]) -> None:
    """The pictures that got a star."""
    starred: dict[str, tuple[Generation, int]] = st.session_state["favourites"]
    if not starred:
        st.caption(say("No favourites yet: the star beside a picture keeps it for this visit."))
    for generation, row in list(starred.values()):
        left, right = st.columns([1, 4])
        with left:
            view.gallery([generation.images[row]], 4, [say("seed {seed}", seed=generation.seeds[row])])
        with right:
            rest = [o for o in generation.overrides if o.partition("=")[0] not in ("seed", "n")]
            alone = [*rest, f"seed={generation.seeds[row]}", "n=1"]
            st.code(command("sample", alone), language="bash", wrap_lines=True)
            actions(generation, row, "favourite", say("Edit"))
