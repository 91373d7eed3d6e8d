"""What the pages share: language, kept choices, weights that stay loaded, and errors of one line."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import streamlit as st
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from torch import Tensor

from dashboard.events import Scalars
from dashboard.translations import translated
from inference.comparison import settings_of
from inference.pipeline import Pipeline
from inference.weights import available
from runtime.checkpoint import WeightsInfo
from runtime.factory import build_splits, data_is_there

RUNS, EVALUATIONS = Path("runs"), Path("evaluations")
EXPECTED = (ValueError, OSError, FloatingPointError, HydraException, OmegaConfBaseException)
KEPT = {"persist_state": "session"}  # for widgets whose values outlive a visit to another page


def say(text: str, **values: Any) -> str:
    """`text` in the visitor's language, its {names} filled in."""
    return translated(text, st.session_state.get("language", "English")).format(**values)


@contextlib.contextmanager
def told() -> Iterator[None]:
    """What a person can mend is shown in one line."""
    try:
        yield
    except EXPECTED as error:
        st.error(" ".join(str(error).split()), icon=":material/error:")


@st.cache_resource(max_entries=3, show_spinner=False)
def _pipeline(path: Path, modified: int, device: str, precision: str) -> Pipeline:
    return Pipeline.load(path, device, precision)


def load(path: Path, device: str, precision: str) -> Pipeline:
    """As Pipeline.load, but kept. Drawing changes nothing in a pipeline, so that visitors can share it."""
    modified = Path(path).stat().st_mtime_ns if Path(path).is_file() else 0
    return _pipeline(Path(path), modified, device, precision)


@st.cache_resource(max_entries=64, show_spinner=False)
def scalars(folder: str) -> Scalars:
    """The curves of a run; what was read stays read."""
    return Scalars(Path(folder))


@st.cache_data(ttl=5, show_spinner=False)
def _weights() -> dict[str, WeightsInfo]:
    here = Path.cwd()
    found = available(RUNS).items()
    return {(p.relative_to(here) if p.is_relative_to(here) else p).as_posix(): info for p, info in found}


def choose_weights(key: str, label: str | None = None) -> tuple[str, WeightsInfo] | None:
    """A list of all weights to choose from, those that ship first; None where there are none."""
    found = _weights()
    if not found:
        st.info(say("No weights yet: train some on the page Train."))
        return None
    paths = sorted(found, key=lambda path: path.startswith(RUNS.as_posix()))
    name = st.selectbox(
        label or say("Weights"), paths, format_func=lambda path: described(path, found), key=key, **KEPT
    )
    return name, found[name]


def described(path: str, found: dict[str, WeightsInfo]) -> str:
    """Weights in a list: where they come from, data set and step."""
    info, part = found[path], Path(path)
    shipped = part.parts[0] != RUNS.as_posix()
    name = part.stem if shipped else "/".join(part.parts[1:-2])
    kind = say("shipped") if shipped else info.dataset
    return f"{name} · {kind} · {say('step')} {info.step:,}"


@st.cache_resource(max_entries=2, show_spinner=False)
def _training(dataset: str, settings: str, root: str) -> tuple[Tensor, str]:
    train = build_splits({**json.loads(settings), "data_root": root}).train
    return train.images, train.hash


def training_pictures(info: WeightsInfo) -> tuple[Tensor | None, str]:
    """(N, C, H, W) uint8, what these weights were trained on; or None, and why. Nothing is fetched for it."""
    root = settings_of([], "train")["data_root"]
    if not data_is_there(info.dataset, root):
        return None, say("The data set is not on this machine; a training on {name} fetches it.", name=info.dataset)
    settings = {"dataset": info.config["dataset"], "cfg": {"conditional": True}}
    images, digest = _training(info.dataset, json.dumps(settings, sort_keys=True), root)
    if digest != info.data_hash:
        return None, say("The data set here is another than these weights were trained on.")
    return images, ""
