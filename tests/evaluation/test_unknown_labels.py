"""Labels that people left blank: they count for nothing, and never as a value."""

import math
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F

from conditions.schema import UNKNOWN
from conditions.values import coarse_filled
from data.pixelfaces import SCHEMA, PixelFaces
from evaluation.classifier import accuracies, known_loss
from evaluation.requests import part_of


def test_the_loss_of_the_classifier_is_that_of_the_known_rows():
    scores = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    values = torch.tensor([0, UNKNOWN, 2, 1, UNKNOWN, 1])
    known = values != UNKNOWN
    torch.testing.assert_close(known_loss(scores, values), F.cross_entropy(scores[known], values[known]))
    assert known_loss(scores, torch.full((6,), UNKNOWN)) == 0


def test_accuracy_is_of_what_is_known():
    truth = PixelFaces(count=20).load().train.labels.clone()
    read, slot = truth.clone(), SCHEMA.column["skin"]
    read[:4, slot] = (read[:4, slot] + 1) % 5
    truth[:3, slot] = UNKNOWN
    truth[:, SCHEMA.column["ear"]] = UNKNOWN
    found = accuracies(read, truth, SCHEMA)
    assert math.isclose(found["skin"], 1 - 1 / (len(truth) - 3)) and "ear" not in found and found["head"] == 1


def test_an_unknown_slot_has_unknown_groups_and_is_never_requested():
    label = PixelFaces(count=20).load().train.labels[0].clone()
    label[SCHEMA.column["head"]] = UNKNOWN
    filled = coarse_filled(SCHEMA, label[None])[0]
    assert filled[SCHEMA.column["hat"]] == filled[SCHEMA.column["hair"]] == UNKNOWN
    for seed in range(20):
        part = part_of(SCHEMA, filled, 3, np.random.default_rng(seed))
        assert int((part != UNKNOWN).sum()) == 3 and part[SCHEMA.column["head"]] == UNKNOWN


def test_unknown_values_were_never_seen_together():
    data = PixelFaces(count=20).load().train
    labels = data.labels.clone()
    labels[:, SCHEMA.column["ear"]] = UNKNOWN
    seen = SCHEMA.with_seen(labels).seen
    start = SCHEMA.offsets[SCHEMA.column["ear"]]
    assert not seen[start : start + 2].any() and not seen[:, start : start + 2].any()
    whole = SCHEMA.with_seen(data.labels).seen
    others = np.delete(np.arange(len(seen)), [start, start + 1])
    assert np.array_equal(seen[np.ix_(others, others)], whole[np.ix_(others, others)])


def test_complete_rows():
    data = PixelFaces(count=20).load().train
    assert data.complete is data
    labels = data.labels.clone()
    labels[[1, 4], 0] = UNKNOWN
    kept = replace(data, labels=labels).complete
    assert kept.ids.tolist() == [number for i, number in enumerate(data.ids.tolist()) if i not in (1, 4)]
