"""What the pages share: language, persistent choices, weights that stay loaded, and errors of one line."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import streamlit as st
from torch import Tensor

from dashboard import view
from dashboard.french_messages import error_in
from dashboard.translations import translated
from dashboard.visits import persistent
from data.base import Dataset
from inference.pipeline import Pipeline
from inference.weights import available
from runtime.checkpoint import WeightsInfo
from runtime.factory import Recipe, build_splits
from training.scalars import Scalars
from training.settings import TrainSettings

RUNS, EVALUATIONS = Path("runs"), Path("evaluations")
EXPECTED = (ValueError, OSError, FloatingPointError)


def language() -> str:
    return st.session_state.get("language", "English")


def say(text: str, **values: Any) -> str:
    """`text` in the visitor's language, its {names} filled in."""
    return translated(text, language()).format(**values)


def tell(message: str) -> None:
    """Show what a person can fix, in one line and in the visitor's language."""
    view.error(error_in(message, language()))


@contextlib.contextmanager
def errors_shown() -> Iterator[None]:
    """What a person can fix is shown in one line."""
    try:
        yield
    except EXPECTED as error:
        tell(str(error))


@st.cache_resource(max_entries=3, show_spinner=False)
def _pipeline(path: Path, modified: int, *how: Any) -> Pipeline:
    return Pipeline.load(path, *how)


def load(path: Path, *how: Any) -> Pipeline:
    """As Pipeline.load, but kept. Sampling changes nothing in a pipeline, so that visitors can share it."""
    modified = Path(path).stat().st_mtime_ns if Path(path).is_file() else 0
    return _pipeline(Path(path), modified, *how)


@st.cache_resource(max_entries=64, show_spinner=False)
def scalars(folder: str) -> Scalars:
    """The curves of a run; what was read stays read."""
    return Scalars(Path(folder))


@st.cache_data(ttl=5, show_spinner=False)
def _weights() -> dict[str, WeightsInfo]:
    """All weights that this code can generate pictures with, by their path as a command names it."""
    here, usable = Path.cwd(), {}
    for path, info in available(RUNS).items():
        with contextlib.suppress(ValueError):
            if not Recipe.of(info.config).model.generates:
                continue
            usable[(path.relative_to(here) if path.is_relative_to(here) else path).as_posix()] = info
    return usable


def choose_weights(key: str, upsamplers: bool = False) -> tuple[str, WeightsInfo] | None:
    """A list of all weights to choose from, the pretrained ones first; None where there are none.

    upsamplers : whether to list those too, which generate nothing without small pictures
    """
    weights = {path: info for path, info in _weights().items() if upsamplers or info.config.get("upsample") is None}
    if not weights:
        st.info(say("No weights yet: train some on the page Train."))
        return None
    if st.session_state.get(key) not in weights:  # a file that has gone since it was chosen
        st.session_state.pop(key, None)
    paths = sorted(weights, key=lambda path: path.startswith(RUNS.as_posix()))
    name = st.selectbox(
        say("Weights"), paths, format_func=lambda path: weights_label(path, weights[path]),
        **persistent(key),
    )  # fmt: skip
    return name, weights[name]


def weights_label(path: str, info: WeightsInfo) -> str:
    """Weights in a list: where they come from, data set and step."""
    parts = Path(path).parts
    pretrained = parts[0] != RUNS.as_posix()
    name = Path(path).stem if pretrained else "/".join(parts[1:-2])
    kind = say("pretrained") if pretrained else info.dataset
    return f"{name} · {kind} · {say('step')} {info.step:,}"


@st.cache_resource(max_entries=2, show_spinner=False)
def _training(settings: str, _dataset: Dataset, root: str) -> tuple[Tensor, str]:
    train = build_splits(_dataset, root).train
    return train.images, train.hash


def training_pictures(dataset: Dataset, data_hash: str) -> tuple[Tensor | None, str]:
    """(N, C, H, W) uint8, what weights were trained on; or None, and why. Nothing is fetched for it."""
    root = TrainSettings().data_root
    if not dataset.is_there(root):
        return None, say("The data set is not on this machine; a training on {name} fetches it.", name=dataset.name)
    images, digest = _training(json.dumps(dataset.plain(), sort_keys=True), dataset, root)
    if digest != data_hash:
        return None, say("The data set here is another than these weights were trained on.")
    return images, ""
