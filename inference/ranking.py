"""How well pictures show what is asked for, by the classifier of the data; and which are kept for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from conditions.requests import parse_requests, shown
from inference.classifier import Classifier, find, load
from inference.pipeline import Pipeline
from inference.weights import SHIPPED
from runtime.settings import choice, refuse_idle, whole

if TYPE_CHECKING:
    from inference.job import Drawing

OF_A_RANKING = {"keep": 4, "of": 32}  # settings that need rank; their defaults
WITHOUT_RANKING = {"n": 16}  # and one that makes way for them


def no_classifier(pipe: Pipeline) -> str:
    name = pipe.info.dataset
    return f"no classifier of {name} as these weights know it; one is trained by python evaluate.py dataset={name}"


def classifier_of(pipe: Pipeline) -> Classifier | None:
    """The classifier of the data that the weights were trained on; None where none was trained yet."""
    info = pipe.info
    path = find(info.dataset, info.data_hash, (SHIPPED, Path("evaluations/classifiers")))
    return path and load(path, pipe.schema, info.image_shape, info.data_hash, torch.device("cpu"))


def adherence(drawing: Drawing, images: Tensor) -> Tensor | None:
    """(N,) float32 in [0, 1]: how well each picture shows what is asked for; None where nothing can tell."""
    classifier = classifier_of(drawing.pipe)
    parts = shown(parse_requests(drawing.pipe.schema, drawing.attrs))
    if classifier is None or not parts:
        return None
    scores = [(classifier.agreement(images, label), wanted) for label, wanted in parts]
    return torch.stack([score if wanted else 1 - score for score, wanted in scores]).mean(dim=0)


def check_rank(drawing: Drawing) -> None:
    """Raises ValueError, before anything is drawn, for a ranking that is not possible."""
    settings = drawing.settings
    if settings["rank"] is None:
        refuse_idle(settings, OF_A_RANKING, "belongs to a ranking; give rank=adherence too")
        return
    refuse_idle(settings, WITHOUT_RANKING, "a ranking draws `of` pictures and keeps `keep`; give those instead")
    choice("rank", settings["rank"], ("adherence",))
    whole("of", settings["of"], 1)
    whole("keep", settings["keep"], 1, settings["of"])
    if not shown(parse_requests(drawing.pipe.schema, drawing.attrs)):
        raise ValueError("rank=adherence: nothing is asked for that pictures could be ranked by; give attrs")
    if classifier_of(drawing.pipe) is None:
        raise ValueError(f"rank=adherence: {no_classifier(drawing.pipe)} checkpoint={drawing.weights.as_posix()}")
