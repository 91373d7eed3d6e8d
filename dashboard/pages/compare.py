"""Compare: the same seeds with one setting changed at a time, or with two crossed in a grid."""

from __future__ import annotations

import html

import pandas as pd
import streamlit as st

from dashboard import asking, controls, view
from dashboard.state import KEPT, choose_weights, load, say, told
from inference import comparison
from inference.comparison import Result, Row
from runtime.factory import SAMPLERS
from runtime.settings import MAX_SEED

MOST = 400  # pictures of one comparison
WIDTH = 860  # of the pictures of a row on the screen, if that is possible
AXES = {
    "w": ("0, 1, 3, 7", float),
    "steps": ("5, 15, 30", int),
    "sampler": ("dpmpp_2m, ddim, ddpm", str),
    "guidance": ("fade, cfg, rescale", str),
}
VARIED = (*AXES, "attrs", "negative", "snap", "spacing", "refine")  # and nothing that names files


def page() -> None:
    st.title(say("Compare"))
    left, right = st.columns([5, 8], gap="large")
    with left:
        weights = choose_weights("compare.weights")
        if weights is None:
            return
        asked = controls.request(weights[1], "compare")
    with right:
        rows, seeds = [], []
        with told():
            base = asking.overrides_of(weights[0], asked)
            way = st.segmented_control(
                say("How"), ("grid", "one"), default="grid", required=True, key="compare.how", **KEPT,
                format_func=lambda w: say("Two settings in a grid") if w == "grid" else say("One setting at a time"),
                label_visibility="collapsed",
            )  # fmt: skip
            rows = grid_rows(base) if way == "grid" else single_rows(base)
            seeds = chosen_seeds()
        count = len(rows) * len(seeds)
        caption = say("{rows} settings, {n} pictures", rows=len(rows), n=count)
        if count > MOST:
            caption += " · " + say("at most {most} are drawn", most=MOST)
        st.caption(caption)
        if st.button(
            say("Draw"), type="primary", icon=":material/compare:", width="stretch", disabled=not 0 < count <= MOST
        ):
            with told():
                st.session_state["compare.results"] = (way, draw(rows, seeds), seeds)
    if "compare.results" in st.session_state:
        show(*st.session_state["compare.results"])


def values(name: str, text: str) -> list:
    """The values of a setting that a person wrote between commas. Raises ValueError."""
    kind, parts = AXES[name][1], [part.strip() for part in text.split(",") if part.strip()]
    try:
        found = [kind(part) for part in parts]
    except ValueError:
        raise ValueError(f"{name}={text}: must be numbers between commas, such as {AXES[name][0]}") from None
    if not found:
        raise ValueError(f"{name}: no value; write some between commas, such as {AXES[name][0]}")
    return [f"{value:g}" if kind is float else value for value in found]


def grid_rows(base: tuple[str, ...]) -> list[Row]:
    """Rows of a comparison that crosses w with another setting."""
    left, right = st.columns(2)
    with left:
        across = values("w", st.text_input(say("w, across"), AXES["w"][0], key="compare.across", **KEPT))
    with right:
        left, right = st.columns([2, 3])
        name = left.selectbox(say("Down"), ("steps", "sampler", "guidance"), key="compare.down", **KEPT)
        if name == "sampler":
            down = right.multiselect(
                say("Values"), list(SAMPLERS), AXES[name][0].split(", "), key="compare.samplers", **KEPT
            )
        else:
            down = values(name, right.text_input(say("Values"), AXES[name][0], key=f"compare.down.{name}", **KEPT))
    return comparison.crossed(base, (name, down), ("w", across))


def single_rows(base: tuple[str, ...]) -> list[Row]:
    """Rows of a comparison in which each differs from the baseline in one setting."""
    text = st.text_area(
        say("What varies, one setting on each line"), "steps:5,30\nw:1,7\nsampler:ddpm,unipc", key="compare.vary",
        help=say("As vary= of scripts/compare.py; values that hold commas are separated by semicolons"), **KEPT,
    )  # fmt: skip
    varied = [line.strip() for line in text.splitlines() if line.strip()]
    for line in varied:
        if line.partition(":")[0].strip() not in VARIED:
            raise ValueError(f"{line!r}: what can vary here is {', '.join(VARIED)}; write it as w:1,3")
    return comparison.plan(base, varied)


def chosen_seeds() -> list[int]:
    left, right = st.columns(2)
    first = left.number_input(say("First seed"), 0, min(MAX_SEED, 2**53 - 1), 0, key="compare.seed", **KEPT)
    return list(range(first, first + right.number_input(say("Pictures each"), 1, 16, 3, key="compare.n", **KEPT)))


def draw(rows: list[Row], seeds: list[int]) -> list[Result]:
    """Draw all, and show how far it is."""
    bar, done = st.progress(0.0, say("Drawing")), 0

    def step(row: Row) -> None:
        nonlocal done
        done += 1
        bar.progress(done / len(rows), f"{row.setting} = {row.value}" if row.value else say("baseline"))

    for row in rows:
        asking.refuse(row.overrides)
    results = comparison.run(rows, seeds, step, load, on_note=st.caption)
    bar.empty()
    return results


def show(way: str, results: list[Result], seeds: list[int]) -> None:
    """The pictures, what a classifier finds in them, and the command of each cell."""
    across = len({result.row.value.split(" x ")[-1] for result in results}) if way == "grid" else 1
    scale = min(max(1, WIDTH // (across * len(seeds) * results[0].images.shape[-1])), 3)
    if way == "grid":
        cells = {tuple(result.row.value.split(" x ")): cell(result, scale) for result in results}
        downs, acrosses = (list(dict.fromkeys(pair[i] for pair in cells)) for i in range(2))
        name = results[0].row.setting.split(" x ")[0]
        lines = [(f"{name} = {down}", [cells[down, across] for across in acrosses]) for down in downs]
        view.matrix([f"w = {across}" for across in acrosses], lines)
    else:
        lines = [(say("baseline") if not r.row.value else r.row.label, [cell(r, scale)]) for r in results]
        view.matrix([say("seeds {first} to {last}", first=seeds[0], last=seeds[-1])], lines)
    st.caption(say("Beneath: mean adherence, and seconds for the cell."))
    with st.expander(say("Table and commands")):
        st.dataframe(table(results, seeds), hide_index=True)


def cell(result: Result, scale: int) -> str:
    told = "" if result.adherence is None else f"{100 * result.adherence.mean().item():.0f} % · "
    return f"{view.figures(result.images, scale)}<small>{html.escape(told)}{result.seconds:.1f} s</small>"


def table(results: list[Result], seeds: list[int]) -> pd.DataFrame:
    """One line for each picture."""
    return pd.DataFrame(
        [
            {
                say("setting"): result.row.setting,
                say("value"): result.row.value,
                say("seed"): seed,
                say("seconds"): result.seconds / len(seeds),
                say("adherence"): None if result.adherence is None else result.adherence[i].item(),
                say("distance"): result.distance[i].item(),
                say("command"): result.row.command(seed),
            }
            for result in results
            for i, seed in enumerate(seeds)
        ]
    )
