"""Blind rating: a person rates pictures of two settings without seeing which setting made what."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import controls, following, ratings, sampling, view
from dashboard.background import Show
from dashboard.overrides import command, overrides_of
from dashboard.ratings import CRITERIA, Mean, Rating
from dashboard.state import EVALUATIONS, choose_weights, errors_shown, load, say
from dashboard.visits import persistent
from runtime.checkpoint import WeightsInfo
from runtime.plots import percent

FOLDER = EVALUATIONS / "ratings"


def blind() -> None:
    begun = following.outcome("rating")
    if begun is not None:
        st.session_state["rating"] = begun
    rating: Rating | None = st.session_state.get("rating")
    if rating is None:
        prepare()
    elif not rating.done:
        ask(rating)
    else:
        summary(rating)


def prepare() -> None:
    """Choose two settings, and sample the same seeds with both."""
    st.caption(
        say("Pictures of two settings come in random order, without a word about which is which; you rate them.")
    )
    chosen = []
    for place, name in zip(st.columns(2, gap="large"), "AB", strict=True):
        with place:
            st.markdown(f"**{say('Setting')} {name}**")
            weights = choose_weights(f"rate.weights.{name}")
            if weights is None:
                return
            key = f"rate.attrs.{name}.{weights[1].dataset}"
            names = st.text_input(say("Request"), controls.example(weights[1]), **persistent(key))
            chosen.append({"checkpoint": weights[0], "attrs": names.strip() or None, **how(name, weights[1])})
    left, middle, right = st.columns(3)
    way = left.selectbox(
        say("Way"), ratings.WAYS, **persistent("rate.way"),
        format_func=lambda w: say("one picture, scores") if w == "scores" else say("two pictures, which is better"),
    )  # fmt: skip
    n = middle.number_input(say("Pictures each"), 1, 100, 8, **persistent("rate.n"))
    first = controls.number(controls.defaults(), "seed", say("First seed"), "rate.seed", right)
    both = tuple(overrides_of({**choices, "seed": first, "n": n}) for choices in chosen)
    following.button(
        "rating", lambda: sampled(way, both, range(first, first + n)), ":material/visibility_off:", label=say("Begin")
    )
    following.failed("rating")


def sampled(way: str, both: tuple[tuple[str, ...], tuple[str, ...]], seeds: Sequence[int]) -> following.Task:
    """What samples both settings, without a preview: that would show which is which. Raises ValueError."""
    jobs = [sampling.prepared(overrides, load)[0] for overrides in both]

    def sample(show: Show) -> Rating:
        def half(at: int) -> Show:
            return lambda share, images, nfe: show((at + share) / 2, None, 0)

        images = tuple(job.sample(seeds, sampling.progress(job, half(at))) for at, job in enumerate(jobs))
        return ratings.begin(way, both, images, seeds, random.Random())

    return sample


def how(name: str, info: WeightsInfo) -> dict[str, Any]:
    """w, sampler and steps of one setting."""
    left, middle, right = st.columns(3)
    usual = controls.defaults()
    value = 1.0 if name == "A" else controls.usual_w(info)
    w = controls.number(usual, "w", say("Guidance w"), f"rate.w.{name}.{value:g}", left, value=value, step=0.5)
    return {"w": w, **controls.sampler_and_steps((middle, right), f"rate.{name}", info)}


def ask(rating: Rating) -> None:
    """The next picture, or pair, and what is to be said of it."""
    at = len(rating.answers)
    st.progress(at / len(rating.items), say("{at} of {all}", at=at + 1, all=len(rating.items)))
    shown = [rating.images[setting][row] for setting, row in rating.items[at].shown]
    request = common_request(rating)
    if request:
        st.markdown(f"**{view.plain(request)}**")
    view.gallery(shown, 8, [say("left"), say("right")] if rating.way == "pairs" else [])
    if rating.way == "pairs":
        with st.container(horizontal=True):
            (left, _), (right, _) = rating.items[at].shown
            for title, answer in ((say("left"), left), (say("neither"), None), (say("right"), right)):
                st.button(title, key=f"rate.{title}.{at}", on_click=rating.answers.append, args=(answer,))
    else:
        scores(rating, at)
    with st.container(horizontal=True):
        st.button(
            say("Back"), type="tertiary", icon=":material/undo:", disabled=not at, key=f"rate.back.{at}",
            on_click=rating.answers.pop if at else None,
        )  # fmt: skip
        st.button(say("Stop"), type="tertiary", key=f"rate.stop.{at}", on_click=stop, args=(rating,))


def stop(rating: Rating) -> None:
    """End a sitting early; what was rated so far counts."""
    if rating.answers:
        del rating.items[len(rating.answers) :]
    else:
        st.session_state.pop("rating")


def common_request(rating: Rating) -> str:
    """What was asked for, where both settings were asked for the same; else it would tell them apart."""
    attrs = {o.partition("=")[2] for overrides in rating.settings for o in overrides if o.startswith("attrs=")}
    return attrs.pop() if len(attrs) == 1 else ""


def scores(rating: Rating, at: int) -> None:
    help_of = {
        "adherence": say("Does it show what was asked for?"),
        "realism": say("Could it belong to the collection?"),
        "artefacts": say("2 for none, 0 for many"),
    }
    given = [
        st.segmented_control(say(name), (0, 1, 2), key=f"rate.{name}.{at}", help=help_of[name]) for name in CRITERIA
    ]
    complete = all(score is not None for score in given)
    if st.button(say("Next"), type="primary", disabled=not complete):
        rating.answers.append(tuple(given))
        st.rerun()


def summary(rating: Rating) -> None:
    """What came out, and which setting was which."""
    if "rating.saved" not in st.session_state:
        with errors_shown():
            st.session_state["rating.saved"] = ratings.save(rating, FOLDER).as_posix()
    for name, overrides in zip("AB", rating.settings, strict=True):
        st.markdown(f"**{name}**")
        st.code(command("sample", overrides), language="bash", wrap_lines=True)
    if rating.way == "scores":
        rows = [
            {
                say("criterion"): say(name),
                **{setting: score(mean) for setting, mean in zip("AB", pair, strict=True)},
            }
            for name, pair in ratings.means(rating).items()
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True)
    else:
        outcome = ratings.preference(rating)
        st.markdown(
            say(
                "A {first}, B {second}, neither {neither}: A is preferred in {share} of the decided pairs "
                "(95 % interval {low} to {high}).",
                first=outcome.first, second=outcome.second, neither=outcome.neither, low=percent(outcome.low),
                high=percent(outcome.high), share="–" if math.isnan(outcome.share) else percent(outcome.share),
            )
        )  # fmt: skip
    st.caption(view.plain(say("Saved in {path}", path=st.session_state.get("rating.saved", ""))))
    if st.button(say("Another rating")):
        for key in ("rating", "rating.saved"):
            st.session_state.pop(key, None)
        st.rerun()


def score(mean: Mean) -> str:
    """A mean with its standard error, which is not known for a single score."""
    if mean.n == 0:
        return "–"
    return f"{mean.mean:.2f} ± " + (f"{mean.error:.2f}" if mean.n > 1 else "–")
