"""Train: start, watch, stop and continue trainings, each a process that does not need this page."""

from __future__ import annotations

import os
import shlex

import streamlit as st

from dashboard import jobs
from dashboard.asking import options
from dashboard.overview import Overview, duration, overviews
from dashboard.pages.runs import EVERY_S, follow
from dashboard.state import KEPT, RUNS, say, told

FINE = (None, 0, 130, 143)  # exit statuses: still running, finished, stopped
GROUPS = ("dataset", "model", "diffusion", "cfg", "optim")


def page() -> None:
    st.title(say("Train"))
    left, right = st.columns([5, 8], gap="large")
    with left:
        new()
    with right:
        running()
        resuming()
        printed()


def new() -> None:
    """A form of the settings that are changed most, and room for the others."""
    st.subheader(say("A new training"))
    own = say("settings of my own")
    experiment = st.selectbox(
        say("Recipe"), ["", *options("experiment")], format_func=lambda name: name or own, key="train.recipe",
        help=say("One of conf/experiment; what is chosen below comes on top"), **KEPT,
    )  # fmt: skip
    overrides = [f"experiment={experiment}"] if experiment else []
    base = jobs.check(overrides)
    overrides += groups(base) + numbers(base, experiment)
    with st.expander(say("Further settings")):
        text = st.text_area(
            say("One on each line, as key=value"), key="train.extra", placeholder="train.ema_decay=0.999",
            help=say("python train.py --help explains them all"), **KEPT,
        )  # fmt: skip
        threads = st.number_input(
            say("CPU threads"), 0, os.cpu_count(), 0, key="train.threads", help=say("0 leaves it to PyTorch"), **KEPT
        )
    name = st.text_input(
        say("Name"), key="train.name", placeholder=say("made of the settings"), max_chars=80, **KEPT
    ).strip()
    overrides += [f"name={name}"] if name else []
    pressed = st.button(say("Start"), type="primary", icon=":material/play_arrow:", width="stretch")
    with told():
        overrides += jobs.extra(text)
        st.code(shlex.join(["python", "train.py", *overrides]), language="bash", wrap_lines=True)
        if pressed:
            job = jobs.start(overrides, RUNS, threads or None)
            st.success(say("Started: {run}", run=job.run))


def groups(base: dict) -> list[str]:
    """A list for each group of settings; what differs from the recipe, as overrides."""
    overrides = []
    places = st.columns(2)
    for i, group in enumerate(GROUPS):
        names = options(group)
        default = default_of(group, base, names)
        chosen = places[i % 2].selectbox(
            group, names, index=names.index(default), key=f"train.{group}.{default}", **KEPT
        )
        overrides += [f"{group}={chosen}"] if chosen != default else []
    with places[1]:
        device = st.selectbox("device", ("auto", "cpu", "cuda", "mps"), key="train.device", **KEPT)
    return overrides + ([f"device={device}"] if device != "auto" else [])


def default_of(group: str, base: dict, names: list[str]) -> str:
    """The option of a group that a configuration has."""
    if group == "cfg":
        return "on" if base["cfg"]["conditional"] else "off"
    key = "schedule" if group == "diffusion" else "name"
    return base[group][key] if base[group][key] in names else names[0]


def numbers(base: dict, recipe: str) -> list[str]:
    """Numbers that differ from those of the recipe, as overrides."""
    many, drop = 10_000_000, base["cfg"].get("drop_prob", 0.0)
    fields = (
        ("train.steps", base["train"]["steps"], 1, many), ("train.batch_size", base["train"]["batch_size"], 1, many),
        ("optim.lr", base["optim"]["lr"], 0.0, 1.0), ("cfg.drop_prob", drop, 0.0, 1.0),
        ("train.preview_every", base["train"]["preview_every"], 0, many), ("seed", base["seed"], 0, 2**53 - 1),
    )  # fmt: skip
    overrides, places = [], st.columns(2)
    for i, (key, default, low, high) in enumerate(fields):
        whole = isinstance(low, int)
        value = places[i % 2].number_input(
            key, low, high, default, key=f"train.{key}.{recipe}", **KEPT, **({} if whole else {"format": "%.5g"})
        )
        overrides += [f"{key}={value}" if whole else f"{key}={value:g}"] if value != default else []
    return overrides


@st.fragment(run_every=EVERY_S)
def running() -> None:
    """What trains now, with its curve, and a button that stops it."""
    st.subheader(say("Running"))
    active = [run for run in overviews(RUNS) if run.state == "running"]
    started = jobs.jobs(RUNS)[:5]
    preparing = [job for job in started if job.preparing]
    for job in preparing:
        st.caption(f":material/hourglass_top: {say('{run} is getting ready', run=job.run)}")
    for job in started:
        if job.exit_status not in FINE:
            st.error(f"{job.run}: {(job.printed().strip().splitlines() or [''])[-1]}", icon=":material/error:")
    if not active and not preparing:
        st.caption(say("Nothing is being trained."))
    for run in active:
        with st.container(border=True):
            watch(run)


def watch(run: Overview) -> None:
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.markdown(f"**{run.name}**")
    if right.button(say("Stop"), icon=":material/stop_circle:", key=f"stop.{run.name}", width="stretch"):
        with told():
            jobs.stop(run.run)
            st.toast(say("Asked to stop: it saves first."))
    if not run.steps:  # its folder is there, its first report is not
        return
    speed = f" · {run.images_per_second:.0f} {say('images/s')}" if run.images_per_second else ""
    rest = f" · {say('{time} left', time=duration(run.seconds_left))}" if run.seconds_left is not None else ""
    st.progress(min(run.step / run.steps, 1.0), f"{say('step')} {run.step:,} / {run.steps:,}{speed}{rest}")
    follow(run)


def resuming() -> None:
    """Runs that stopped before their end, and those that are finished but could go on."""
    st.subheader(say("Continue"))
    able = {run.name: run for run in overviews(RUNS) if run.run.exists and run.state not in ("running", "broken")}
    if not able:
        st.caption(say("No run that could be continued."))
        return
    name = st.selectbox(say("Run"), list(able), key="resume.run", **KEPT)
    run = able[name]
    at = "" if run.step is None else f"{say('step')} {run.step:,} / {run.steps:,}"
    st.caption(f"{say(run.state)} · {at}" + (f" · {run.message}" if run.message else ""))
    left, right = st.columns(2, vertical_alignment="bottom")
    default = run.steps or 1
    steps = left.number_input(say("Up to step"), 1, 10_000_000, default, key=f"resume.{name}.{default}")
    if right.button(say("Continue"), icon=":material/resume:", width="stretch"):
        with told():
            job = jobs.resume(run.run, RUNS, steps if steps != run.steps else None)
            st.success(say("Started: {run}", run=job.run))


@st.fragment(run_every=EVERY_S)
def printed() -> None:
    """What the trainings that were started here have printed."""
    started = jobs.jobs(RUNS)
    if not started:
        return
    with st.expander(say("What was printed")):
        logs = {job.log: job for job in started[:20]}
        chosen = st.selectbox(
            say("Training"), list(logs), format_func=lambda log: f"{logs[log].run} · {logs[log].started}",
            key="printed.job",
        )  # fmt: skip
        st.code(logs[chosen].printed() or say("nothing yet"), language=None, wrap_lines=True, height=240)
