"""What can be had without learning: pictures by analogy, the nearest picture, and labels of independent slots."""

from __future__ import annotations

from collections import Counter

import torch
from torch import Tensor

from conditions.schema import ConditionSchema
from conditions.values import coarse_filled, slots
from data.base import InMemoryDataset
from evaluation.hidden import differing_in_one_slot

NEAREST, PAIRS = 30, 10  # pictures to start from, and pairs for each value to change


def nearest(train: InMemoryDataset, labels: Tensor) -> Tensor:
    """(N, C, H, W) uint8: for each complete label (N, F), the first of the training pictures with most of its slots."""
    columns = slots(train.schema)
    rows = [(train.labels[:, columns] != label).sum(dim=1).argmin() for label in labels[:, columns]]
    return train.images[torch.stack(rows)]


class Analogy:
    """For a complete label, the nearest training pictures, changed as pairs of training pictures show.

    Two training pictures that differ in one slot show which pixels another value there changes, and to what. A picture
    that lacks one value of the label gets those pixels. There are several nearest pictures and several such pairs,
    those with most of the label first; the picture that most of them lead to is taken.
    """

    def __init__(self, train: InMemoryDataset):
        self.train, self.columns = train, slots(train.schema)
        self.rows = train.labels[:, self.columns]
        pairs = differing_in_one_slot(train.schema, train.labels)
        pairs = torch.cat([pairs, pairs.flip(1)])
        before, after = self.rows[pairs[:, 0]], self.rows[pairs[:, 1]]
        slot = (before != after).int().argmax(dim=1, keepdim=True)
        keys = torch.cat([slot, before.gather(1, slot), after.gather(1, slot)], dim=1)
        kinds, kind = keys.unique(dim=0, return_inverse=True)
        self.pairs = {tuple(key.tolist()): pairs[kind == k] for k, key in enumerate(kinds)}

    def __call__(self, labels: Tensor) -> Tensor:
        """Complete labels (N, F) -> (N, C, H, W) uint8."""
        return torch.stack([self._picture(label) for label in labels[:, self.columns]])

    def _picture(self, label: Tensor) -> Tensor:
        distance = (self.rows != label).sum(dim=1)
        closest = (distance == distance.min()).nonzero()[:NEAREST, 0]
        candidates = [picture for row in closest for picture in self._changed(row, label)]
        if not candidates:  # no two training pictures show the change
            return self.train.images[closest[0]]
        votes = Counter(picture.numpy().tobytes() for picture in candidates)
        winner = bytearray(votes.most_common(1)[0][0])
        return torch.frombuffer(winner, dtype=torch.uint8).view(self.train.image_shape)

    def _changed(self, row: Tensor, label: Tensor) -> list[Tensor]:
        """The training picture `row` with all values of `label`; none where no pair shows one of the changes."""
        images, pictures = self.train.images, [self.train.images[row]]
        for slot in (self.rows[row] != label).nonzero()[:, 0].tolist():
            pairs = self.pairs.get((slot, int(self.rows[row, slot]), int(label[slot])))
            if pairs is None:
                return []
            distance = (self.rows[pairs[:, 1]] != label).sum(dim=1)
            chosen = pairs[(distance == distance.min()).nonzero()[:PAIRS, 0]]
            pictures = [
                torch.where((images[a] != images[b]).any(dim=0), images[b], picture)
                for a, b in chosen.tolist()
                for picture in pictures
            ][:PAIRS]
        return pictures


def independent_labels(data: InMemoryDataset, n: int, generator: torch.Generator) -> Tensor:
    """(n, F) complete labels, each slot that can be absent sampled by itself, as often as in `data`.

    Slots that every picture has, such as the type of a punk, are drawn together, and the others among the pictures that
    agree in these.
    """
    schema: ConditionSchema = data.schema
    columns = slots(schema)
    always = [f for f in columns if not schema.fields[f].optional]
    kind = torch.zeros(len(data), dtype=torch.int64)
    if always:
        _, kind = data.labels[:, always].unique(dim=0, return_inverse=True)
    base = torch.randint(len(data), (n,), generator=generator)
    labels = data.labels[base].clone()
    for f in columns:
        if schema.fields[f].optional:
            for k in kind[base].unique():
                chosen, members = (kind[base] == k).nonzero()[:, 0], (kind == k).nonzero()[:, 0]
                drawn = members[torch.randint(len(members), (len(chosen),), generator=generator)]
                labels[chosen, f] = data.labels[drawn, f]
    return coarse_filled(schema, labels)
