"""Evaluate: metrics of checkpoints side by side, and ratings by a person who cannot see which setting made what."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import controls, evaluating, jobs, metrics, view
from dashboard.overrides import command, overrides_of
from dashboard.pages import rating
from dashboard.pages.runs import EVERY_S
from dashboard.state import EVALUATIONS, choose_weights, errors_shown, say, tell
from dashboard.visits import persistent
from evaluation.measures import MEASURES

USUAL = 4  # evaluations that are shown first
FIGURES_PX = 480  # the height of the table of all figures


def page() -> None:
    st.title(say("Evaluate"))
    table, blind = st.tabs([say("Metrics"), say("Blind rating")])
    with table:
        side_by_side()
    with blind:
        rating.blind()


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
        weights = choose_weights("evaluating.weights", upsamplers=True)
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
        if last is not None and last.exit_status not in evaluating.FINE:
            tell(f"{last.run}: {(last.printed().strip().splitlines() or [''])[-1]}")


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
    chosen = [known[name] for name in names]
    for evaluation in chosen:
        if evaluation.problem:
            st.warning(view.plain(f"{evaluation.name}: {evaluation.problem}"))
    chosen = [evaluation for evaluation in chosen if not evaluation.problem]
    if not chosen:
        return
    summaries = {evaluation.name: metrics.summary(evaluation) for evaluation in chosen}
    names = [name for name, *_ in metrics.SUMMARY if any(name in lines for lines in summaries.values())]
    view.summary(list(summaries), [(say(n), [lines.get(n, "") for lines in summaries.values()]) for n in names])
    with st.expander(say("All figures")):
        part = st.text_input(say("Only rows with"), placeholder="exact", **persistent("evaluations.rows")).strip()
        about = list(dict.fromkeys(key for evaluation in chosen for key in evaluation.provenance if part in key))
        rows = list(dict.fromkeys(key for evaluation in chosen for key in evaluation.figures if part in key))
        cells = {
            e.name: [
                *(str(e.provenance.get(key, "")) for key in about),
                *(metrics.shown(e.figures.get(row)) for row in rows),
            ]
            for e in chosen
        }
        st.dataframe(pd.DataFrame({say("metric"): about + rows, **cells}), hide_index=True, height=FIGURES_PX)
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
        view.figure(figure.read_bytes(), figure.stem)
