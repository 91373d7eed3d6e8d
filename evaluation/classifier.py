"""Training of the classifier, on real training pictures only, so that it can judge others without having seen them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR
from tqdm import tqdm

from conditions.schema import UNKNOWN, ConditionSchema
from conditions.values import slots
from data.base import InMemoryDataset, Splits
from data.loader import BatchOrder
from inference.classifier import Classifier, file_name, find, load, save
from models.classifier import ClassifierNetwork

log = logging.getLogger(__name__)

STEPS = 2250  # 17 epochs of 8,500 pictures
BATCH = 64
LR = 2e-3
WARMUP = 0.1  # share of the steps
NOISE = 0.08  # largest standard deviation of the noise in training, of a picture in [-1, 1]
JITTER = 0.02  # standard deviation of each channel's gain and of its shift


def accuracies(read: Tensor, truth: Tensor, schema: ConditionSchema) -> dict[str, float]:
    """The share of pictures whose value is read right, for each slot, of those whose value is known."""
    known = {f: truth[:, f] != UNKNOWN for f in slots(schema)}
    return {
        schema.fields[f].name: (read[rows, f] == truth[rows, f]).double().mean().item()
        for f, rows in known.items()
        if rows.any()
    }


def known_loss(scores: Tensor, values: Tensor) -> Tensor:
    """Mean cross-entropy of scores (B, K) for values (B,), of those that are known; 0 where none is."""
    total = F.cross_entropy(scores, values, ignore_index=UNKNOWN, reduction="sum")
    return total / (values != UNKNOWN).sum().clamp(min=1)


def augmented(x: Tensor, generator: torch.Generator) -> Tensor:
    """Noise and small changes of colour, so that nothing hangs on an exact level."""
    size, channels = x.shape[:2]
    jitter = JITTER * torch.randn(2, size, channels, 1, 1, generator=generator, device=x.device)
    sigma = NOISE * torch.rand(size, 1, 1, 1, generator=generator, device=x.device)
    noise = torch.randn(x.shape, generator=generator, device=x.device)
    return x * (1 + jitter[0]) + jitter[1] + sigma * noise


def warmup_and_cosine(optimizer: torch.optim.Optimizer, steps: int) -> SequentialLR:
    """A linear rise over the first steps, then half a cosine down to 0 (Loshchilov & Hutter 2017, equation 5)."""
    warmup = max(1, int(WARMUP * steps))
    rise = LinearLR(optimizer, start_factor=1 / warmup, total_iters=warmup - 1)
    return SequentialLR(optimizer, [rise, CosineAnnealingLR(optimizer, max(1, steps - warmup))], [warmup])


def fit(data: InMemoryDataset, seed: int) -> ClassifierNetwork:
    """A network trained on `data`, on its device, for STEPS steps; ready to read."""
    device, columns = data.images.device, slots(data.schema)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        network = ClassifierNetwork(data.image_shape, [data.schema.cardinalities[f] for f in columns]).to(device)
        generator = torch.Generator(device).manual_seed(seed)
        optimizer = torch.optim.AdamW(network.parameters(), LR, weight_decay=0.05)
        schedule = warmup_and_cosine(optimizer, STEPS)
        order = BatchOrder(len(data), BATCH, seed)
        for step in tqdm(range(STEPS), desc="classifier", unit="step", disable=None):
            batch = data.batch(order.indices(step))
            scores = network.scores(network(augmented(batch.x_0, generator)))
            loss = sum(known_loss(s, batch.cond[:, f]) for f, s in zip(columns, scores, strict=True))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.eval().requires_grad_(False)


def train_classifier(splits: Splits, device: torch.device, seed: int = 0) -> Classifier:
    """Train on `splits.train`, measure on `splits.validation`; for thousands of small pictures, minutes on a CPU."""
    data, held_out, schema = splits.train.to(device), splits.validation, splits.train.schema
    network = fit(data, seed)
    made = Classifier(network, schema, splits.train.hash, {}, device)
    features = made.features(data.images)
    network.centre.copy_(features.mean(0))
    network.scale.copy_(features.var(0).mean().sqrt())
    network.half().float()  # as it will be after `save`
    return replace(made, accuracy=accuracies(made.read(held_out.images), held_out.labels, schema))


def classifier_for(splits: Splits, device: torch.device, folders: Sequence[Path]) -> Classifier:
    """The classifier trained on exactly these pictures, from the first of `folders` that has it.

    Where none has, one is trained, and saved in the last.
    """
    data = splits.train
    found = find(data.name, data.hash, folders)
    if found is not None:
        return load(found, data.schema, data.image_shape, data.hash, device)
    path = folders[-1] / file_name(data.name, data.hash)
    log.warning("no classifier of this data yet: training one takes some minutes; it is kept in %s", path.as_posix())
    classifier = train_classifier(splits, device)
    path.parent.mkdir(parents=True, exist_ok=True)
    save(path, classifier)
    return classifier
