"""Evaluate: metrics of checkpoints side by side, and ratings by a person who cannot see which setting made what."""

from __future__ import annotations

import math
import random
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import controls, evaluating, jobs, metrics, ratings, sampling, view
from dashboard.overrides import command, overrides_of
from dashboard.pages.runs import EVERY_S
from dashboard.ratings import CRITERIA, Mean, Rating
from dashboard.state import EVALUATIONS, choose_weights, errors_shown, load, say
from dashboard.visits import persistent
from evaluation.measures import MEASURES
from runtime.checkpoint import WeightsInfo
from runtime.plots import percent

FOLDER = EVALUATIONS / "ratings"
USUAL = 4  # evaluations that are shown first


def page() -> None:
    st.title(say("Evaluate"))
    table, rating = st.tabs([say("Metrics"), say("Blind rating")])
    with table:
        side_by_side()
    with rating:
        blind()


# -- metrics ---------------------------------------------------------------------------------------------------


@st.fragment(run_every=EVERY_S)
def running_evaluation() -> None:
    """How far the evaluation is that was started here; the page is made anew when it ends."""
    job = evaluating.running(EVALUATIONS)
    before = st.session_state.get("evaluating")
    st.session_state["evaluating"] = job and job.run
    if job is None:
        if before is not None:
            st.rerun()
        return
    with st.container(border=True):
        share = evaluating.share(job)
        st.progress(share or 0.0, view.plain(f"{job.run} · " + (say("sampling") if share else say("getting ready"))))
        if st.button(say("Stop"), icon=":material/stop_circle:", key="evaluating.stop"):
            evaluating.stop(job)
        with st.expander(say("Log")):
            st.code(job.printed() or say("nothing yet"), language=None, wrap_lines=True)


def new_evaluation() -> None:
    """A form that starts an evaluation, on pictures for choosing: the final test is for a person in a terminal."""
    with st.expander(say("A new evaluation")):
        weights = choose_weights("evaluating.weights")
        if weights is None:
            return
        names = st.multiselect(say("Measures"), list(MEASURES), ["exact", "adherence"], **persistent("evaluating.what"))
        usual = controls.usual_w(weights[1])
        w = controls.number(
            controls.defaults(), "w", say("Guidance w"), f"evaluating.w.{usual:g}", value=usual, step=0.5
        )
        overrides = overrides_of({"checkpoint": weights[0], "measure": names or None, "w": w})
        st.code(command("evaluate", overrides), language="bash", wrap_lines=True)
        if st.button(say("Start"), type="primary", icon=":material/play_arrow:", disabled=not names):
            with errors_shown():
                evaluating.start(overrides, EVALUATIONS, weights[1].dataset)
                st.rerun()
        last = next(iter(jobs.jobs(EVALUATIONS)), None)
        if last is not None and last.exit_status not in (None, 0):
            view.error(f"{last.run}: {(last.printed().strip().splitlines() or [''])[-1]}")


def side_by_side() -> None:
    new_evaluation()
    running_evaluation()
    known = {evaluation.name: evaluation for evaluation in metrics.evaluations(EVALUATIONS)}
    if not known:
        st.info(say("No evaluation yet."))
        return
    names = st.multiselect(
        say("Evaluations"), list(known), list(known)[:USUAL], **persistent(f"evaluations.{len(known)}")
    )
    part = st.text_input(say("Only rows with"), placeholder="exact", **persistent("evaluations.rows"))
    chosen = [known[name] for name in names]
    for evaluation in chosen:
        if evaluation.problem:
            st.warning(view.plain(f"{evaluation.name}: {evaluation.problem}"))
    chosen = [evaluation for evaluation in chosen if not evaluation.problem]
    rows = list(dict.fromkeys(key for evaluation in chosen for key in evaluation.figures if part.strip() in key))
    about = list(dict.fromkeys(key for evaluation in chosen for key in evaluation.provenance))
    if not chosen:
        return
    cells = {
        e.name: [str(e.provenance.get(key, "")) for key in about] + [metrics.shown(e.figures.get(row)) for row in rows]
        for e in chosen
    }
    st.dataframe(pd.DataFrame({say("metric"): about + rows, **cells}), hide_index=True, height="content")
    for evaluation in chosen:
        with st.expander(view.plain(evaluation.name)):
            report(evaluation)


def report(evaluation: metrics.Evaluation) -> None:
    """What the evaluation says of itself, and its figures."""
    path = evaluation.folder / "report.md"
    if path.is_file():
        lines = path.read_text(encoding="utf-8").splitlines()
        st.markdown("\n".join(line.replace("# ", "#### ", 1) for line in lines if not line.startswith("![")))
    for figure in sorted(evaluation.folder.glob("*.png")):
        st.image(figure.read_bytes(), caption=figure.stem)


# -- blind rating ----------------------------------------------------------------------------------------------


def blind() -> None:
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
    if st.button(say("Begin"), type="primary", icon=":material/visibility_off:"):
        with errors_shown(), st.spinner(say("Sampling")):
            both = [overrides_of({**choices, "seed": first, "n": n}) for choices in chosen]
            jobs, seeds = [sampling.prepared(overrides, load)[0] for overrides in both], range(first, first + n)
            images = tuple(job.sample(seeds) for job in jobs)
            st.session_state.rating = ratings.begin(way, tuple(both), images, seeds, random.Random())
            st.rerun()


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
    if st.button(say("Stop"), type="tertiary"):
        st.session_state.pop("rating")
        st.rerun()


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
