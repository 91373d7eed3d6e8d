"""Train: start, watch, stop and continue trainings, each a process that does not need this page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from conf import option
from dashboard import controls, jobs, uploads, view
from dashboard.choices import folders_below
from dashboard.overrides import command
from dashboard.overview import Overview, duration, overviews
from dashboard.pages.runs import EVERY_S, follow
from dashboard.state import RUNS, errors_shown, say, tell
from dashboard.visits import persistent
from runtime.settings import options, override
from training.settings import TrainSettings

FINE = (None, 0, 130, 143)  # exit statuses: still running, finished, stopped
# What the settings that are changed most are called on the page; each is explained where it is declared.
GROUPS = {
    "dataset": "Data set", "model": "Network", "diffusion": "Noise schedule", "cfg": "Label dropout (CFG)",
    "optim": "Optimiser",
}  # fmt: skip
NUMBERS = {
    "train.steps": "Training steps", "train.minutes": "Minutes, at most", "train.batch_size": "Batch size",
    "optim.lr": "Learning rate", "cfg.drop_prob": "Whole labels dropped", "train.preview_every": "Sample grid every",
    "seed": "Seed",
}  # fmt: skip
AUGMENTATION = {"augment.flip": "Mirrored at random", "augment.shift": "Moved at random, pixels"}
LIMITS = {"train.steps": "Up to step", "train.minutes": "Up to minute"}  # what ends a training, the first to come


def page() -> None:
    st.title(say("Train"))
    left, right = st.columns([5, 8], gap="large")
    with left, errors_shown():
        new()
    with right:
        running()
        resuming()
        printed()


def new() -> None:
    """A form of the settings that are changed most, and room for the others."""
    st.subheader(say("A new training"))
    own = say("settings of my own")
    recipe = st.selectbox(
        say("Recipe"), ["", *options(TrainSettings, "experiment")], format_func=lambda name: name or own,
        help=say("One of conf/experiment; what is chosen below comes on top"), **persistent("train.recipe"),
    )  # fmt: skip
    overrides = [f"experiment={recipe}"] if recipe else []
    overrides += groups(composed(tuple(overrides)))
    overrides += numbers(composed(tuple(overrides)), recipe)
    with st.expander(say("Further settings")):
        overrides += augmentation(composed(tuple(overrides)), recipe)
        text = st.text_area(
            say("One on each line, as key=value"), placeholder="train.ema_decay=0.999",
            help=say("python train.py --help explains them all"), **persistent("train.extra"),
        )  # fmt: skip
        threads = st.number_input(
            say("CPU threads"), 0, os.cpu_count(), 0, help=say("0: as many as make a step fastest"),
            **persistent("train.threads"),
        )  # fmt: skip
    name = st.text_input(
        say("Name"), placeholder=say("made of the settings"), max_chars=80, **persistent("train.name")
    ).strip()
    overrides += [f"name={name}"] if name else []
    pressed = st.button(say("Start"), type="primary", icon=":material/play_arrow:", width="stretch")
    st.caption(say("At most {n} trainings started here run at once.", n=jobs.AT_ONCE))
    with errors_shown():
        overrides += jobs.extra(text)
        st.code(command("train", overrides), language="bash", wrap_lines=True)
        if pressed:
            job = jobs.start(overrides, RUNS, threads or None)
            st.success(view.plain(say("Started: {run}", run=job.run)))


@st.cache_data(ttl=60, max_entries=64, show_spinner=False)
def composed(overrides: tuple[str, ...]) -> TrainSettings:
    """The settings of train.py with these overrides; to compose them takes a while, and a page asks at every change."""
    return jobs.check(overrides)


def groups(settings: TrainSettings) -> list[str]:
    """A list for each group of settings; what differs from the recipe, as overrides."""
    overrides, places = [], controls.two_abreast("train.groups")
    for i, group in enumerate(GROUPS):
        names, default = options(TrainSettings, group), chosen_option(settings, group)
        chosen = places[i % 2].selectbox(
            say(GROUPS[group]), names, index=names.index(default), help=f"`{group}`",
            **persistent(f"train.{group}.{default}"),
        )  # fmt: skip
        overrides += [f"{group}={chosen}"] if chosen != default else []
        if group == "dataset" and chosen == "folder":
            overrides += own_pictures(settings.data_root)
    device = controls.one_of(settings, "device", say("Device"), "train.device", places[1])
    return overrides + ([f"device={device}"] if device != settings.device else [])


def own_pictures(data_root: str) -> list[str]:
    """Which pictures: those that were checked on the page Data, as they were, or others below data_root."""
    offered: dict[Path, Sequence[str]] = st.session_state.get("train.pictures", {})
    found = list(dict.fromkeys([*offered, *folders_below(Path(data_root)), *folders_below(uploads.FOLDER)]))
    if not found:
        st.caption(say("Choose a folder of pictures, or a zip file, on the page Data."))
        return []
    path = st.selectbox(say("Pictures"), found, format_func=lambda path: path.name, **persistent("train.dataset.path"))
    return list(offered.get(path, [override("dataset.path", path.as_posix())]))


def offer(overrides: Sequence[str]) -> None:
    """Have the form begin with pictures that were checked: `overrides` are their dataset.path and what else is set."""
    state, path = st.session_state, Path(jobs.check(["dataset=folder", *overrides]).dataset.path)
    state["train.pictures"] = {**state.get("train.pictures", {}), path: list(overrides)}
    state["train.recipe"], state["train.dataset.path"] = "", path
    state[f"train.dataset.{chosen_option(composed(()), 'dataset')}"] = "folder"


def chosen_option(settings: TrainSettings, group: str) -> str:
    """The option of a group that settings have; that of diffusion is a choice in conf/, named after its schedule."""
    return settings.diffusion.schedule if group == "diffusion" else option(type(getattr(settings, group)))


def numbers(settings: TrainSettings, recipe: str) -> list[str]:
    """Numbers that differ from those of the recipe, as overrides."""
    settings = settings.replace(optim=settings.optimizer)  # with the learning rate that holds where none is typed
    overrides, places = [], controls.two_abreast("train.numbers")
    for i, name in enumerate(name for name in NUMBERS if has(settings, name)):
        _, default = controls.declared(settings, name)
        how = {"placeholder": say("no limit")} if default is None else {}
        how |= {"format": "%.5g", "step": default / 10 or 0.01} if isinstance(default, float) else {}
        key = f"train.{name}.{recipe}.{default}"
        value = controls.number(settings, name, say(NUMBERS[name]), key, places[i % 2], **how)
        overrides += [override(name, value)] if value != default else []
    return overrides


def augmentation(settings: TrainSettings, recipe: str) -> list[str]:
    """How training pictures are changed at random, as far as that differs from the recipe; hues are for photographs."""
    overrides, places = [], controls.two_abreast("train.augmentation")
    for place, control, name in zip(places, (controls.switch, controls.number), AUGMENTATION, strict=True):
        _, default = controls.declared(settings, name)
        value = control(settings, name, say(AUGMENTATION[name]), f"train.{name}.{recipe}.{default}", place)
        overrides += [override(name, value)] if value != default else []
    return overrides


def has(settings: TrainSettings, name: str) -> bool:
    """Whether the options that are chosen have this setting; without labels there is no cfg.drop_prob."""
    group, _, last = name.rpartition(".")
    return hasattr(getattr(settings, group) if group else settings, last)


@st.fragment(run_every=EVERY_S)
def running() -> None:
    """What trains now, with its curve, and a button that stops it."""
    st.subheader(say("Running"))
    active = [run for run in overviews(RUNS) if run.state == "running"]
    started = jobs.jobs(RUNS)[:5]
    preparing = [job for job in started if job.preparing]
    for job in preparing:
        st.caption(f":material/hourglass_top: {view.plain(say('{run} is getting ready', run=job.run))}")
    for job in started:
        if job.exit_status not in FINE:
            tell(f"{job.run}: {(job.printed().strip().splitlines() or [''])[-1]}")
    if not active and not preparing:
        st.caption(say("Nothing is being trained."))
    for run in active:
        with st.container(border=True):
            watch(run)


def watch(run: Overview) -> None:
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.markdown(f"**{view.plain(run.name)}**")
    asked = jobs.stopping(run.run, run.pid)
    if right.button(
        say("Stopping") if asked else say("Stop"), icon=":material/stop_circle:", key=f"stop.{run.name}",
        width="stretch", disabled=asked,
    ):  # fmt: skip
        with errors_shown():
            jobs.stop(run.run)
            st.rerun()
    if asked:
        st.caption(say("Stopping after this step; it saves first."))
    if not run.steps:  # its folder is there, its first report is not
        return
    doing = f" · {say(run.doing)}" if run.doing else ""
    speed = f" · {run.images_per_second:.0f} {say('images/s')}" if run.images_per_second else ""
    rest = f" · {say('{time} left', time=duration(run.seconds_left))}" if run.seconds_left is not None else ""
    st.progress(min(run.step / run.steps, 1.0), f"{say('step')} {run.step:,} / {run.steps:,}{doing}{speed}{rest}")
    follow(run)


@st.fragment(run_every=EVERY_S)
def resuming() -> None:
    """Runs that stopped before their end, and those that are finished but could go on."""
    st.subheader(say("Continue"))
    able = {run.name: run for run in overviews(RUNS) if run.run.exists and run.state not in ("running", "broken")}
    if not able:
        st.caption(say("No run that could be continued."))
        return
    name = st.selectbox(say("Run"), list(able), **persistent("resume.run"))
    run = able[name]
    at = "" if run.step is None else f"{say('step')} {run.step:,} / {run.steps:,}"
    st.caption(view.plain(f"{say(run.state)} · {at}" + (f" · {run.message}" if run.message else "")))
    with errors_shown():
        overrides, ended_by = longer(run)
        raised = ended_by is None or any(override.startswith(f"{ended_by}=") for override in overrides)
        if not raised:
            st.caption(say("It is finished; raise {limit} to train it further.", limit=say(LIMITS[ended_by])))
        if st.button(say("Continue"), icon=":material/resume:", width="stretch", disabled=not raised):
            job = jobs.resume(run.run, RUNS, overrides)
            st.toast(view.plain(say("Started: {run}", run=job.run)), icon=":material/play_arrow:")
            st.rerun()


def longer(run: Overview) -> tuple[list[str], str | None]:
    """Widgets for what ends the run: what of it is raised, as overrides, and what has ended it already, if it has.

    Raises ValueError where the settings of the run cannot be read.
    """
    config, overrides = run.run.read_config()["train"], []
    limits = {name: config.get(name.rpartition(".")[2]) for name in LIMITS}
    limits = {name: limit for name, limit in limits.items() if limit is not None}
    for place, (name, limit) in zip(controls.two_abreast("train.longer"), limits.items(), strict=False):
        how = {"format": "%.5g", "step": 5.0} if isinstance(limit, float) else {}
        value = controls.number(
            TrainSettings(), name, say(LIMITS[name]), f"resume.{run.name}.{name}.{limit}", place, value=limit, **how
        )
        overrides += [override(name, value)] if value != limit else []
    by_minutes = "train.minutes" in limits and (run.step or 0) < limits["train.steps"]
    ended_by = "train.minutes" if by_minutes else "train.steps"
    return overrides, ended_by if run.state == "finished" else None


@st.fragment(run_every=EVERY_S)
def printed() -> None:
    """What the trainings that were started here have printed."""
    started = jobs.jobs(RUNS)
    if not started:
        return
    with st.expander(say("Log")):
        logs = {job.log: job for job in started[:20]}
        chosen = st.selectbox(
            say("Training"), list(logs), format_func=lambda log: f"{logs[log].run} · {logs[log].started}",
            key="printed.job",
        )  # fmt: skip
        st.code(logs[chosen].printed() or say("nothing yet"), language=None, wrap_lines=True, height=240)
