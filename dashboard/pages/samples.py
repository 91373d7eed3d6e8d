"""Samples: the grids that a training makes on its way, step by step, animated, and beside those of another run."""

from __future__ import annotations

import streamlit as st
import torch

from dashboard import view
from dashboard.overview import Overview, SampleGrid, overviews, preview_requests, sample_grids
from dashboard.pages.runs import EVERY_S, refreshed
from dashboard.state import RUNS, errors_shown, say
from dashboard.visits import persistent
from data.images import read_rgb

KINDS = {"ema": "EMA weights", "raw": "raw weights"}
ONE, TWO = 2, 1  # how much a grid is enlarged, alone and beside another


def page() -> None:
    st.title(say("Samples"))
    runs = sampled_runs()
    refreshed(lambda: list(sampled_runs()), list(runs))
    if not runs:
        st.info(say("No samples yet. A training makes its first after {every} steps.", every="train.preview_every"))
        return
    left, right = st.columns(2)
    first = left.selectbox(say("Run"), list(runs), **persistent("samples.first"))
    others = ["", *(name for name in runs if name != first)]
    second = right.selectbox(
        say("Beside it"), others, format_func=lambda name: name or say("nothing"),
        **persistent(f"samples.second.{first}"),
    )  # fmt: skip
    by_now([runs[name] for name in (first, second) if name])


def sampled_runs() -> dict[str, Overview]:
    return {run.name: run for run in overviews(RUNS) if sample_grids(run.run)}


@st.fragment(run_every=EVERY_S)
def by_now(chosen: list[Overview]) -> None:
    """The grids that are there by now; what a training adds appears by itself."""
    grids_of = {run.name: sample_grids(run.run) for run in chosen}
    kind, w = how(grids_of)
    grids_of = {name: [g for g in grids if (g.kind, g.w) == (kind, w)] for name, grids in grids_of.items()}
    there = [{grid.step for grid in grids} for grids in grids_of.values()]
    steps = sorted(set.intersection(*there) or set.union(*there))
    animated = st.toggle(say("Animation over the training"), **persistent("samples.animated"))
    step = steps[-1] if animated else step_of(steps, f"samples.step.{'.'.join(grids_of)}.{kind}.{w}")
    places = st.columns(len(chosen))
    for place, run in zip(places, chosen, strict=True):
        with place, errors_shown():
            show(run, grids_of[run.name], None if animated else step, ONE if len(chosen) == 1 else TWO)


def step_of(steps: list[int], key: str) -> int:
    """A slider over the steps; it goes along with the newest until it is put elsewhere."""
    if len(steps) == 1:
        return steps[0]
    state, newest = st.session_state, f"{key}.newest"
    before = state.get(key)
    state[key] = before if before in steps and before != state.get(newest) else steps[-1]
    state[newest] = steps[-1]
    return st.select_slider(say("Step"), steps, format_func=lambda s: f"{s:,}", **persistent(key))


def how(grids_of: dict[str, list[SampleGrid]]) -> tuple[str, str]:
    """Which weights sampled, and with how much guidance: one of the kinds that are there."""
    kinds = sorted({f"{grid.kind} {grid.w}" for grids in grids_of.values() for grid in grids})
    chosen = st.segmented_control(
        say("Sampled with"), kinds, default=kinds[len([k for k in kinds if k.startswith("ema")]) - 1], required=True,
        format_func=lambda k: f"{say(KINDS[k.split()[0]])}, w = {k.split()[1]}",
        **persistent(f"samples.kind.{kinds}"),
    )  # fmt: skip
    kind, w = chosen.split()
    return kind, w


def show(run: Overview, grids: list[SampleGrid], step: int | None, scale: int) -> None:
    """The newest grid of a run up to `step`, or all as an animation."""
    st.markdown(f"**{view.plain(run.name)}**")
    if step is None:
        animation(grids, preview_requests(run.run), scale)
        return
    known = [grid for grid in grids if grid.step <= step]
    if not known:
        st.caption(say("no samples by step {step}", step=f"{step:,}"))
        return
    picture = read_rgb(known[-1].path)
    view.sheet(known[-1].path.read_bytes(), (picture.shape[2], picture.shape[1]), preview_requests(run.run), scale)
    st.caption(f"{say('step')} {known[-1].step:,}")


def animation(grids: list[SampleGrid], rows: list[str], scale: int) -> None:
    """One frame for each grid, all of the size of the last."""
    pictures = [read_rgb(grid.path) for grid in grids]
    alike = [picture for picture in pictures if picture.shape == pictures[-1].shape]
    if not alike:
        st.caption(say("no samples yet"))
        return
    content = view.gif(torch.stack(alike), rate=2)
    view.sheet(content, (alike[0].shape[2], alike[0].shape[1]), rows, scale)
    st.caption(say("{n} grids, up to step {step}", n=len(alike), step=f"{grids[-1].step:,}"))
