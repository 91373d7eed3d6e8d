"""Data: check a folder or zip file of one's own pictures, see what is in it, and train on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from dashboard import controls, following, uploads, view
from dashboard.checking import Checked, check, settings_of, timed
from dashboard.choices import folders_below
from dashboard.french_messages import error_in, note_in
from dashboard.overrides import command, overrides_of
from dashboard.pages import train
from dashboard.state import EXPECTED, language, say, tell
from dashboard.visits import persistent
from data.folder_check import NO_EQUAL, NO_LABELS, RARE, CheckSettings, Count
from data.folder_settings import LARGEST, SMALLEST

FOUND = 8  # folders that a click chooses
PROBLEMS, VALUES = 100, 200  # of which more are counted, not shown
RESIZE = {"area": "area", "lanczos": "lanczos", "nearest": "nearest"}
ALPHA = {"keep": "kept", "background": "laid on the background"}
YES_NO = {True: "yes", False: "no"}
EXAMPLE = """my_sprites/metadata.csv    file_name,weapon,helmet
                           knight.png,sword,yes
my_sprites/knight.png

my_digits/seven/001.png
my_digits/eight/001.png"""


def page() -> None:
    st.title(say("Data"))
    left, right = st.columns([5, 8], gap="large")
    with left:
        path = chosen_path()
        overrides = overrides_of({"dataset.path": path or None, **settings()}) if path else ()
        if path:
            st.code(command("scripts/check_data", overrides), language="bash", wrap_lines=True)
        collected()
        if st.session_state.pop("data.dropped", False):
            following.start("data", lambda: begin(overrides))
        following.button(
            "data", lambda: begin(overrides), ":material/fact_check:", disabled=not path, label=say("Check"),
            doing=say("Reading the pictures"),
        )  # fmt: skip
    with right:
        if following.running("data") or following.failed("data"):
            return
        checked: Checked | None = st.session_state.get("data.checked")
        if checked is None:
            how_to_lay_out()
        else:
            show(checked, overrides)


# -- which pictures --------------------------------------------------------------------------------------------------


def chosen_path() -> str:
    """A path that is typed, or clicked, or that of a zip file that was dropped; empty where there is none yet."""
    state = st.session_state
    typed = st.text_input(
        say("Folder or zip file on this machine"), placeholder="my_sprites", max_chars=1000, **persistent("data.path")
    )
    found = [*folders_below(Path(CheckSettings().data_root)), *folders_below(uploads.FOLDER)]
    if found:
        with st.container(horizontal=True, gap="small"):
            for path in found[:FOUND]:
                st.button(path.name, key=f"data.found.{path}", on_click=take, args=(path,), icon=":material/folder:")
    st.file_uploader(
        say("or a zip file of at most {most} MB", most=uploads.MAX_MB), type=["zip"], on_change=dropped,
        max_upload_size=uploads.MAX_MB, key=f"data.upload.{state.get('data.uploads', 0)}",
    )  # fmt: skip
    st.caption(say(
        "It is kept in {folder}/ and read without being unpacked. Folders and larger zip files are read where they "
        "are, and nothing is written there.", folder=uploads.FOLDER,
    ))  # fmt: skip
    if refused := state.get("data.refused"):
        tell(refused)
    path = typed.strip().strip("'\"")
    return Path(path).expanduser().as_posix() if path else ""


def take(path: Path) -> None:
    st.session_state["data.path"] = path.as_posix()


def dropped() -> None:
    """Keep a zip file that has just come, and have it checked; the box is then empty again, and so is the memory."""
    state = st.session_state
    upload = state.get(f"data.upload.{state.get('data.uploads', 0)}")
    state["data.refused"] = None
    if upload is None:
        return
    try:
        take(uploads.keep(upload.name, upload.getvalue()))
        state["data.dropped"] = True
    except EXPECTED as error:
        state["data.refused"] = str(error)
    state["data.uploads"] = state.get("data.uploads", 0) + 1


def settings() -> dict[str, Any]:
    """What the pictures are to become, as settings of check_data.py and train.py; None where the folder decides."""
    with st.expander(say("Size and colours")):
        places = controls.two_abreast("data.settings")
        size = [
            place.number_input(
                label, SMALLEST, LARGEST, None, placeholder=say("automatic"),
                help=controls.explain(CheckSettings(), "dataset.size"), **persistent(f"data.{key}"),
            )
            for place, label, key in ((places[0], say("Height"), "height"), (places[1], say("Width"), "width"))
        ]  # fmt: skip
        rest = {
            "dataset.resize": one_of(places[0], "resize", say("Scale down"), RESIZE),
            "dataset.alpha": one_of(places[1], "alpha", say("Transparency"), ALPHA),
            "dataset.pixel_art": one_of(places[0], "pixel_art", say("Pixel art"), YES_NO),
        }
    known = [side for side in size if side is not None]
    return {"dataset.size": [side or known[0] for side in size] if known else None, **rest}


def one_of(place, name: str, label: str, words: dict[Any, str]) -> Any:
    """A setting of the folder that can be left to it."""
    return place.selectbox(
        label, [None, *words], format_func=lambda word: say("automatic") if word is None else say(words[word]),
        help=controls.explain(CheckSettings(), f"dataset.{name}"), **persistent(f"data.{name}"),
    )  # fmt: skip


# -- the check -------------------------------------------------------------------------------------------------------


def begin(overrides: tuple[str, ...]) -> following.Task:
    """What checks the folder. Raises ValueError for settings that cannot be."""
    settings = settings_of(overrides)
    return lambda report: check(overrides, settings, report)


def collected() -> None:
    """Keep a check that has just ended, and then time a training; keep that time too."""
    state = st.session_state
    if (found := following.outcome("data")) is not None:
        state["data.checked"], contents = found
        if following.running("forecast"):  # for what was checked before
            state["forecast.work"].cancel()
        for what in ("data.forecast", "forecast.work", "forecast.failure"):
            state.pop(what, None)
        if contents is not None:
            settings = settings_of(state["data.checked"].overrides)
            following.start("forecast", lambda: lambda report: timed(settings, contents, report))
    if (lines := following.outcome("forecast")) is not None:
        state["data.forecast"] = lines


def show(checked: Checked, overrides: tuple[str, ...]) -> None:
    st.subheader(view.plain(checked.name))
    if overrides and overrides != checked.overrides:
        st.caption(say("Something else is chosen since; check again."))
    if checked.report is None:
        wrong(checked)
        return
    view.lines([note_in(line, language()) for line in checked.report.about])
    with st.container(horizontal=True):
        if st.button(say("Train on this"), type="primary", icon=":material/model_training:", key="data.train"):
            train.offer(checked.overrides)
            if "pages" in st.session_state:
                st.switch_page(st.session_state.pages["train"])
        download(checked)
    takes()
    values(checked)
    equal = checked.report.equal or [NO_EQUAL]
    notes = [(say("Equal pictures"), equal), (say("Notes"), checked.report.notes)]
    for title, lines in [(title, lines) for title, lines in notes if lines]:
        st.markdown(f"#### {title}")
        view.lines([note_in(line, language()) for line in lines])


def download(checked: Checked) -> None:
    st.download_button(
        say("Download the report"), checked.to_markdown, "report.md", icon=":material/download:", on_click="ignore"
    )


def wrong(checked: Checked) -> None:
    """All that has to be fixed, at once."""
    count, shown = len(checked.problems), checked.problems[:PROBLEMS]
    st.error(say("To fix: {n}", n=count), icon=":material/error:")
    rest = [say("and {n} more", n=count - len(shown))] if count > len(shown) else []
    view.lines([*(error_in(line, language()) for line in shown), *rest])
    download(checked)


def takes() -> None:
    """What a training takes, as soon as a few steps of it are timed."""
    st.markdown(f"#### {say('Training')}")
    if following.running("forecast"):
        following.follow("forecast", say("Timing a few steps of a training"))
    elif not following.failed("forecast"):
        view.lines([note_in(line, language()) for line in st.session_state.get("data.forecast", [])])


def values(checked: Checked) -> None:
    """Pictures of each value of a column, and of all values that are rare."""
    counts = checked.report.counts
    st.markdown(f"#### {say('Pictures') if not counts else say('Values')}")
    if not counts:
        st.caption(view.plain(note_in(NO_LABELS, language())))
        images = list(checked.pictures["", None])
        view.gallery(images, scale(images[0].shape[-1]))
        return
    columns, rare = list(dict.fromkeys(count.column for count in counts)), [count for count in counts if count.rare]
    column = st.selectbox(say("Column"), columns, key=f"data.column.{checked.name}") if len(columns) > 1 else columns[0]
    value_rows(checked, [count for count in counts if count.column == column])
    if rare:
        st.caption(say("Rare: of fewer than {n} pictures to train on, expect copies of them, or nothing.", n=RARE))
    if rare and len(columns) > 1:
        st.markdown(f"#### {say('Rare values')}")
        value_rows(checked, rare, named=True)


def value_rows(checked: Checked, counts: list[Count], named: bool = False) -> None:
    """A row for each value: how often it is there, and what it looks like.

    named : whether the column is named too
    """
    rows = []
    for count in counts[:VALUES]:
        images = list(checked.pictures.get((count.column, count.value), ()))
        name = say("not known") if count.value is None else count.value
        note = say("{n} pictures, {training} to train on", n=f"{count.pictures:,}", training=f"{count.training:,}")
        cells = view.figures(images, scale(images[0].shape[-1])) if images else ""
        rows.append((f"{count.column}: {name}" if named else name, note, say("rare") if count.rare else "", cells))
    view.rows(rows)
    if len(counts) > VALUES:
        st.caption(say("and {n} more", n=len(counts) - VALUES))


def scale(width: int) -> int:
    """How much pictures of a value are enlarged."""
    return max(1, 64 // width)


def how_to_lay_out() -> None:
    st.markdown(say(
        "Pictures with their labels in a table, or in a folder for each class; without labels, a model trains "
        "unconditionally. PNG, JPEG, WebP, GIF or BMP, of one size from {least} to {most} pixels.",
        least=SMALLEST, most=LARGEST,
    ))  # fmt: skip
    st.code(EXAMPLE, language=None)
