"""Runs: what every training is doing, and its curves while they grow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from dashboard import bin, view
from dashboard.curves import smoothed, thinned
from dashboard.overview import Overview, duration, overviews
from dashboard.pages import diagnosis
from dashboard.state import RUNS, errors_shown, say, scalars
from dashboard.visits import persistent
from runtime.plots import COLOURS

EVERY_S = 2
MARKS = {
    "running": ":material/play_circle:", "finished": ":material/check_circle:", "stopped": ":material/pause_circle:",
    "failed": ":material/error:", "killed": ":material/error:", "broken": ":material/broken_image:",
    "unknown": ":material/help:",
}  # fmt: skip
LOSS, HELD_OUT, NORM, SPEED, BUCKET = (
    "loss/train", "loss/held_out", "optim/grad_norm", "speed/images_per_second", "loss_by_t/",
)  # fmt: skip


@st.fragment(run_every=EVERY_S)
def refreshed(find: Callable[[], list[str]], known: list[str]) -> None:
    """Make the page anew once there are other runs than these: a new one appears without a click."""
    if sorted(find()) != sorted(known):
        st.rerun()


def all_runs() -> list[str]:
    return [run.name for run in overviews(RUNS)]


def page() -> None:
    st.title(say("Runs"))
    refreshed(all_runs, all_runs())
    if not overviews(RUNS):
        st.info(say("No runs yet below {folder}/. Start one on the page Train.", folder=RUNS))
        managed()
        return
    table()
    managed()
    diagnosis.panel([run.name for run in overviews(RUNS)])
    st.subheader(say("Curves"))
    known, state = all_runs(), st.session_state
    new = [name for name in known if name not in state.setdefault("known_runs", known)]
    names = [*new, *state.setdefault("shown_runs", known[:2])]  # one that begins while the page is open is shown
    state.known_runs, state.shown_runs = known, [name for name in dict.fromkeys(names) if name in known]
    left, middle, right = st.columns([4, 2, 1], vertical_alignment="bottom")
    left.multiselect(say("Runs to show"), known, **persistent("shown_runs"))
    middle.slider(say("Smoothing"), 0.0, 0.99, 0.6, 0.01, **persistent("smoothing"))
    right.toggle(say("Log scale"), True, **persistent("log_scale"))
    curves()


@st.fragment(run_every=EVERY_S)
def table() -> None:
    """All runs, as they stand now."""
    runs = overviews(RUNS)
    rows = [
        {
            say("run"): run.name,
            say("state"): say(run.state),
            say("progress"): round(run.step / run.steps, 2) if run.steps else None,
            say("step"): run.step,
            say("images/s"): run.images_per_second,
            say("time left"): duration(run.seconds_left) if run.state == "running" else "",
            say("held-out loss"): run.held_out_loss,
            say("data set"): run.dataset,
            say("device"): run.device,
        }
        for run in runs
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        placeholder="",
        height="content" if len(rows) <= 8 else 318,
        column_config={
            say("run"): st.column_config.TextColumn(pinned=True),
            say("progress"): st.column_config.ProgressColumn(format="percent", width="small"),
            say("step"): st.column_config.NumberColumn(format="localized"),
            say("images/s"): st.column_config.NumberColumn(format="%.0f"),
            say("held-out loss"): st.column_config.NumberColumn(format="%.5f"),
        },
    )
    for run in runs:
        if run.message:
            about = view.plain(f"{say(run.state)}. {run.message}")
            st.caption(f"{MARKS.get(run.state, '')} **{view.plain(run.name)}**: {about}")


def managed() -> None:
    """Rename a run, put it into the bin, and take one out of there."""
    names, thrown = [run.name for run in overviews(RUNS)], bin.discarded(RUNS)
    if not names and not thrown:
        return
    with st.expander(say("Rename or delete")):
        if names:
            left, right = st.columns([3, 2], vertical_alignment="bottom")
            name = left.selectbox(say("Run"), names, key="managed.run")
            new = left.text_input(say("New name"), Path(name).name, max_chars=80, key=f"managed.name.{name}").strip()
            with right, st.container(horizontal=True):
                act(say("Rename"), ":material/edit:", lambda: bin.rename(name, new, RUNS))
                act(say("Put into the bin"), ":material/delete:", lambda: bin.discard(name, RUNS))
        if thrown:
            left, right = st.columns([3, 2], vertical_alignment="bottom")
            title = say("In the bin, the folder {folder}/", folder=bin.FOLDER)
            which = left.selectbox(title, thrown, key="managed.bin")
            with right:
                act(say("Put back"), ":material/restore_from_trash:", lambda: bin.put_back(which, RUNS))


def act(label: str, icon: str, change: Callable[[], str]) -> None:
    """A button that changes a run; what cannot be is said."""
    if st.button(label, icon=icon):
        with errors_shown():
            change()
            st.rerun()


@st.fragment(run_every=EVERY_S)
def curves() -> None:
    """The chosen runs, read on from where the last reading ended."""
    chosen = [run for run in overviews(RUNS) if run.name in st.session_state.get("shown_runs", [])]
    if not chosen:
        st.info(say("Choose a run to see its curves."))
        return
    read = {run.name: scalars(str(run.run)).read() for run in chosen}
    for run in chosen:
        if damaged := scalars(str(run.run)).damaged:
            st.warning(view.plain(say("{run}: left out, damaged: {files}", run=run.name, files=", ".join(damaged))))
    if not any(read.values()):
        st.info(say("Nothing logged yet; curves begin after the first {every} steps.", every="train.log_every"))
        return
    view.legend([run.name for run in chosen], COLOURS)
    left, right = st.columns(2)
    with left:
        panel(say("Loss"), read, LOSS)
        panel(say("Gradient norm"), read, NORM)
    with right:
        panel(say("Held-out loss"), read, HELD_OUT, smooth=False)
        panel(say("Images per second"), read, SPEED, log=False)
    st.markdown(f"**{say('Loss by noise level')}**  \n{say('t = 1 is the picture, the last t is noise')}")
    for place, run in zip(st.columns(2) * len(chosen), chosen, strict=False):
        with place:
            by_level(run, read[run.name])


def follow(run: Overview) -> None:
    """The loss of one run by itself."""
    tags = scalars(str(run.run)).read()
    if LOSS in tags:
        plot({say("loss"): tags[LOSS]}, say("run"), [say("loss")], smooth=True, log=True)


Curve = tuple[np.ndarray, np.ndarray]


def panel(title: str, read: dict[str, dict[str, Curve]], tag: str, smooth: bool = True, log: bool = True) -> None:
    """One figure: the curve `tag` of each run."""
    lines = {name: tags[tag] for name, tags in read.items() if tag in tags}
    st.markdown(f"**{title}**")
    if lines:
        plot(lines, say("run"), list(read), smooth, log)
    else:
        st.caption(say("not logged yet"))


def by_level(run: Overview, tags: dict[str, Curve]) -> None:
    """Loss of each range of noise levels of one run."""
    lines = {levels(tag): curve for tag, curve in sorted(tags.items()) if tag.startswith(BUCKET)}
    st.caption(view.plain(run.name))
    if lines:
        plot(lines, "t", list(lines), smooth=True, log=True, scheme="viridis")


def levels(tag: str) -> str:
    """Which noise levels a curve is of: "1–125" of "loss_by_t/0001-0125"."""
    return "–".join(str(int(t)) for t in tag.removeprefix(BUCKET).split("-"))


def plot(lines: dict[str, Curve], legend: str, order: Sequence[str], smooth: bool, log: bool, scheme: str = "") -> None:
    """Curves over steps; `order` fixes which colour belongs to which name, whatever is there already."""
    share = st.session_state.get("smoothing", 0.0) if smooth else 0.0
    parts = []
    for name, (steps, values) in lines.items():
        rows = thinned(len(steps))
        parts.append(pd.DataFrame({"step": steps[rows], "value": smoothed(values, share)[rows], "name": name}))
    data = pd.concat(parts)
    log = log and st.session_state.get("log_scale", False) and bool((data["value"] > 0).all())
    middle = {"name": scheme, "extent": [0.25, 0.85]}  # its ends cannot be seen on dark, or on light
    named = {"scheme": middle} if scheme else {"range": [COLOURS[i % len(COLOURS)] for i in range(len(order))]}
    colours = {"domain": list(order), **named}
    below = {"orient": "bottom", "title": None, "columns": 4} if scheme else None
    # Vega-Lite as it is: altair would check it anew for every curve, every few seconds.
    spec = {
        "height": 260 if scheme else 220,
        "mark": {"type": "line", "strokeWidth": 1.6, "point": len(data) <= 40},
        "encoding": {
            "x": {
                "field": "step",
                "type": "quantitative",
                "title": None,
                "axis": {"format": ",d", "tickMinStep": 1, "labelFlush": True},  # steps are whole
            },
            "y": {
                "field": "value",
                "type": "quantitative",
                "title": None,
                "axis": {"format": ",.3~r", "tickCount": 5},
                "scale": {"type": "log", "nice": False} if log else {"zero": False},
            },
            "color": {"field": "name", "type": "nominal", "sort": list(order), "scale": colours, "legend": below},
            "tooltip": [
                {"field": "step", "type": "quantitative", "format": ",", "title": say("step")},
                {"field": "value", "type": "quantitative", "format": ",.4~r", "title": say("value")},
                {"field": "name", "type": "nominal", "title": legend},
            ],
        },
    }
    st.vega_lite_chart(data, spec)
