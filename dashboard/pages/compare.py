"""Compare: the same seeds with one setting changed at a time, or with two crossed in a grid; or what was measured."""

from __future__ import annotations

import html
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from conf import groups
from dashboard import controls, following, view
from dashboard.background import Show
from dashboard.overrides import overrides_of, refuse
from dashboard.pages import generate, report
from dashboard.sampling import prepared
from dashboard.state import choose_weights, errors_shown, load, say
from dashboard.visits import persistent
from inference import comparison
from inference.comparison import Result, Row
from inference.settings import CompareSettings, SampleSettings
from runtime.settings import compose, options

MOST = 400  # pictures of one comparison
WIDTH, LARGEST = 800, 5  # of the pictures of a row on the screen, and how much they are enlarged at most
AXES = {
    "w": ("0, 1, 3, 7", float),
    "steps": ("5, 15, 30", int),
    "sampler": ("dpmpp_2m, ddim, ddpm", str),
    "guidance": ("fade, cfg, rescale", str),
}
VARIED = (*AXES, "attrs", "negative", "quantise", "spacing", "refine")  # and nothing that names files


def page() -> None:
    st.title(say("Compare"))
    settings, measured = st.tabs([say("Settings"), say("Tables of the report")])
    with settings:
        compared_settings()
    with measured:
        report.tables()


def compared_settings() -> None:
    """What is compared, and beneath it the pictures."""
    left, right = st.columns([5, 8], gap="large")
    with left:
        weights = choose_weights("compare.weights")
        if weights is None:
            return
        request = controls.request(weights[1], "compare", names=controls.example(weights[1]))
    with right:
        rows, seeds = [], []
        with errors_shown():
            base = overrides_of({"checkpoint": weights[0], **request})
            way = st.segmented_control(
                say("How"), ("grid", "one"), default="grid", required=True, **persistent("compare.how"),
                format_func=lambda w: say("Two settings in a grid") if w == "grid" else say("One setting at a time"),
                label_visibility="collapsed",
            )  # fmt: skip
            rows = grid_rows(base) if way == "grid" else single_rows(base)
            seeds = chosen_seeds()
        count = len(rows) * len(seeds)
        caption = say("Settings: {rows} · pictures: {n}", rows=len(rows), n=count)
        st.caption(caption + (" · " + say("at most {most} at once", most=MOST) if count > MOST else ""))
        compared = following.outcome("compare")
        if compared is not None:
            st.session_state["compare.results"] = compared
        following.button(
            "compare", lambda: begin(way, rows, seeds), ":material/compare:", disabled=not 0 < count <= MOST
        )
    if following.running("compare") or following.failed("compare"):
        return
    if "compare.results" in st.session_state:
        show(st.session_state["compare.results"])


def values(name: str, text: str) -> list:
    """The values of a setting that a person wrote between commas. Raises ValueError."""
    example, kind = AXES[name]
    parts = [part.strip() for part in text.split(",") if part.strip()]
    try:
        typed = [kind(part) for part in parts]
    except ValueError:
        raise ValueError(f"{name}={text}: must be numbers between commas, such as {example}") from None
    if not typed:
        raise ValueError(f"{name}: no value; write some between commas, such as {example}")
    whole = [int(value) if kind is float and value.is_integer() else value for value in typed]
    refuse_impossible({name: whole})
    return distinct(whole)


def distinct(values: Sequence[Any]) -> list[Any]:
    """The values without those that come twice."""
    return [value for i, value in enumerate(values) if value not in values[:i]]


def refuse_impossible(vary: Mapping[str, Sequence[Any]]) -> None:
    """Raises ValueError, as sample.py would, for a value that a setting cannot have."""
    single = {name for name in vary if name not in groups(SampleSettings)}
    for name in single:
        for value in vary[name]:
            SampleSettings(**{name: value})


def grid_rows(base: tuple[str, ...]) -> list[Row]:
    """Rows of a comparison that crosses w with another setting."""
    left, right = st.columns(2)
    with left:
        across = values("w", st.text_input(say("w, across"), AXES["w"][0], **persistent("compare.across")))
    with right:
        left, right = st.columns([2, 3])
        name = left.selectbox(say("Down"), ("steps", "sampler", "guidance"), **persistent("compare.down"))
        usual, kind = AXES[name]
        if kind is str:
            down = right.multiselect(
                say("Values"), options(SampleSettings, name), usual.split(", "),
                **persistent(f"compare.down.{name}"),
            )  # fmt: skip
        else:
            down = values(name, right.text_input(say("Values"), usual, **persistent(f"compare.down.{name}")))
    return comparison.crossed(base, (name, down), ("w", across))


def single_rows(base: tuple[str, ...]) -> list[Row]:
    """Rows of a comparison in which each differs from the baseline in one setting."""
    text = st.text_area(
        say("What varies, one setting on each line"), "steps=[5,30]\nw=[1,7]\nsampler=[ddpm,unipc]",
        help=say("As vary.NAME=[VALUES] of scripts/compare.py"), **persistent("compare.vary"),
    )  # fmt: skip
    vary = varied(text)
    refuse_impossible(vary)
    return comparison.plan(base, {name: distinct(values) for name, values in vary.items()})


def varied(text: str) -> dict[str, Any]:
    """The settings that a person wants to vary, a list of values for each. Raises ValueError."""
    lines = [line.strip().removeprefix("vary.") for line in text.splitlines() if line.strip()]
    for line in lines:
        if line.partition("=")[0] not in VARIED:
            raise ValueError(f"{line!r}: what can vary here is {', '.join(VARIED)}; write it as w=[1,3]")
    typed = [f"vary.{line}" for line in lines]
    refuse(typed, CompareSettings)
    return compose(CompareSettings, typed).vary


def chosen_seeds() -> list[int]:
    left, right = st.columns(2)
    first = controls.number(controls.defaults(), "seed", say("First seed"), "compare.seed", left)
    return list(range(first, first + right.number_input(say("Pictures each"), 1, 16, 2, **persistent("compare.n"))))


class Compared(NamedTuple):
    """A comparison that was made: in a grid or one setting at a time, and what a person should know of it."""

    way: str
    results: list[Result]
    seeds: list[int]
    notes: list[str]


def begin(way: str, rows: list[Row], seeds: list[int]) -> following.Task:
    """What samples all. Raises ValueError for what is no business of a visitor."""
    for row in rows:
        refuse(row.overrides, SampleSettings)
    warm = prepared(rows[0].overrides, load)  # in this thread, for those that sample call nothing of Streamlit

    def compare(report: Show) -> Compared:
        done, said = 0, []

        def step(row: Row) -> None:
            nonlocal done
            done += 1
            report(done / len(rows), None, 0)

        report(0.0, None, 0)
        results = comparison.run(rows, seeds, step, lambda *which: warm[0].pipe, on_note=said.append)
        return Compared(way, results, seeds, said)

    return compare


def show(compared: Compared) -> None:
    """The pictures, what a classifier finds in them, and the command of each cell."""
    way, results, seeds, said = compared
    generate.notes(said)
    across = len({result.row.value.split(" x ")[-1] for result in results}) if way == "grid" else 1
    scale = min(max(1, WIDTH // (across * len(seeds) * results[0].images.shape[-1])), LARGEST)
    if way == "grid":
        cells = {tuple(result.row.value.split(" x ")): cell(result, scale) for result in results}
        downs, acrosses = (list(dict.fromkeys(pair[i] for pair in cells)) for i in range(2))
        name = results[0].row.setting.split(" x ")[0]
        lines = [(f"{name} = {down}", [cells[down, across] for across in acrosses]) for down in downs]
        view.matrix([f"w = {across}" for across in acrosses], lines)
    else:
        lines = [(say("baseline") if not r.row.value else r.row.label, [cell(r, scale)]) for r in results]
        view.matrix([say("seeds {first} to {last}", first=seeds[0], last=seeds[-1])], lines)
    st.caption(
        say("Beneath: mean adherence, network evaluations per picture (NFE), and seconds for all pictures of the cell.")
    )
    st.download_button(
        say("Download sheet and table"), lambda: archive(results, seeds), "comparison.zip",
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip
    with st.expander(say("Table and commands")):
        formats = {say("seconds"): "%.2f", say("adherence"): "%.2f", say("distance"): "%.1f"}
        st.dataframe(
            table(results, seeds), hide_index=True, placeholder="",
            column_config={name: st.column_config.NumberColumn(format=how) for name, how in formats.items()},
        )  # fmt: skip


def archive(results: list[Result], seeds: list[int]) -> bytes:
    """A ZIP of what scripts/compare.py writes: a labelled sheet, and a table with the command of every cell."""
    with tempfile.TemporaryDirectory() as folder:
        comparison.write(Path(folder), results, seeds, CompareSettings().scale)
        return view.archive({path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())})


def cell(result: Result, scale: int) -> str:
    adherence = "" if result.adherence is None else f"{100 * result.adherence.mean().item():.0f} % · "
    beneath = f"{adherence}NFE {result.evaluations} · {result.seconds:.1f} s"
    return f"{view.figures(result.images, scale)}<small>{html.escape(beneath)}</small>"


def table(results: list[Result], seeds: list[int]) -> pd.DataFrame:
    """One line for each picture."""
    return pd.DataFrame(
        [
            {
                say("setting"): result.row.setting,
                say("value"): result.row.value,
                say("seed"): seed,
                say("seconds"): result.seconds / len(seeds),
                "NFE": result.evaluations,
                say("adherence"): None if result.adherence is None else result.adherence[i].item(),
                say("distance"): result.distance[i].item(),
                say("command"): result.row.command(seed),
            }
            for result in results
            for i, seed in enumerate(seeds)
        ]
    )
