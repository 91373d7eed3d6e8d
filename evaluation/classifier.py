"""A classifier that reads attributes off pictures, and whose last hidden layer is the space of FID and its kin.

It is trained on real training pictures only, so it can say what others show without having seen them.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import safetensors
import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from data.base import InMemoryDataset, Splits
from data.conditions import ConditionSchema
from data.images import to_float
from training.checkpoint import write_atomically

log = logging.getLogger(__name__)

FORMAT = "ddpm-cfg classifier 1"
FEATURES = 128
EPOCHS = 16
BATCH = 64
LR = 2e-3
NOISE = 0.08  # largest standard deviation of the noise in training, of a picture in [-1, 1]
JITTER = 0.02  # standard deviation of each channel's gain and of its shift


class Network(nn.Module):
    """(B, C, H, W) in [-1, 1] -> features (B, 128); `heads` turn them into scores of each slot's values."""

    def __init__(self, image_shape: tuple[int, int, int], cardinalities: list[int]):
        super().__init__()
        channels, height, width = image_shape
        self.body = nn.Sequential(
            *conv(channels, 32), *conv(32, 32), *conv(32, 64, stride=2), *conv(64, 64), *conv(64, 128, stride=2),
            *conv(128, 128), nn.Flatten(), nn.Dropout(0.2),
            nn.Linear(128 * math.ceil(height / 4) * math.ceil(width / 4), FEATURES),
        )  # fmt: skip
        self.heads = nn.ModuleList(nn.Linear(FEATURES, count) for count in cardinalities)
        self.register_buffer("centre", torch.zeros(FEATURES))
        self.register_buffer("scale", torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)

    def standardised(self, features: Tensor) -> Tensor:
        """Moved and scaled as a whole, so that those of real training pictures have mean 0 and mean variance 1."""
        return (features - self.centre) / self.scale

    def scores(self, features: Tensor) -> list[Tensor]:
        return [head(F.relu(features)) for head in self.heads]


def conv(in_channels: int, out_channels: int, stride: int = 1) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )


@dataclass(frozen=True)
class Classifier:
    """Reads labels off pictures.

    network   : its weights, in evaluation mode, on `device`
    schema    : what the labels mean
    data_hash : of the training pictures
    accuracy  : of each slot, by name, on the validation split
    """

    network: Network
    schema: ConditionSchema
    data_hash: str
    accuracy: dict[str, float]
    device: torch.device

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """(N, C, H, W) uint8 -> (N, 128) float64 on the CPU, standardised."""
        return torch.cat([self.network.standardised(h).cpu() for h in self._raw(images)]).double()

    def _raw(self, images: Tensor) -> Iterator[Tensor]:
        return (self.network(to_float(part.to(self.device))) for part in images.split(512))

    @torch.no_grad()
    def read(self, images: Tensor) -> Tensor:
        """(N, C, H, W) uint8 -> (N, F) int64: the likeliest value of each slot, and the coarse fields that follow."""
        labels = self.schema.unknown(len(images))
        scores = zip(*(self.network.scores(h) for h in self._raw(images)), strict=True)
        for f, parts in zip(slots(self.schema), scores, strict=True):
            labels[:, f] = torch.cat(parts).argmax(dim=1).cpu()
        return coarse_filled(self.schema, labels)

    @property
    def mean_accuracy(self) -> float:
        return sum(self.accuracy.values()) / len(self.accuracy)


def slots(schema: ConditionSchema) -> list[int]:
    """The columns of the fields that are read directly; a coarse field follows from its slot."""
    return [f for f, field in enumerate(schema.fields) if not field.slot]


def coarse_filled(schema: ConditionSchema, labels: Tensor) -> Tensor:
    """`labels` (N, F) with each coarse field set to what the value of its slot says."""
    labels = labels.clone()
    for f, field in enumerate(schema.fields):
        if field.slot:
            column = schema.column[field.slot]
            member = torch.tensor([value in field.members for value in schema.fields[column].values])
            labels[:, f] = member[labels[:, column]].long()
    return labels


def accuracies(read: Tensor, truth: Tensor, schema: ConditionSchema) -> dict[str, float]:
    """The share of pictures whose value is read right, for each slot."""
    return {schema.fields[f].name: (read[:, f] == truth[:, f]).double().mean().item() for f in slots(schema)}


def augmented(x: Tensor, generator: torch.Generator) -> Tensor:
    """Noise and small changes of colour, so that nothing hangs on an exact level."""
    size, channels = x.shape[:2]
    drawn = torch.randn(2, size, channels, 1, 1, generator=generator, device=x.device)
    sigma = NOISE * torch.rand(size, 1, 1, 1, generator=generator, device=x.device)
    noise = torch.randn(x.shape, generator=generator, device=x.device)
    return x * (1 + JITTER * drawn[0]) + JITTER * drawn[1] + sigma * noise


def train_classifier(splits: Splits, device: torch.device, seed: int = 0) -> Classifier:
    """Train on `splits.train`, measure on `splits.validation`. About two minutes for 9,000 small pictures on a CPU."""
    data, schema = splits.train.to(device), splits.train.schema
    columns = slots(schema)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        network = Network(data.image_shape, [schema.cardinalities[f] for f in columns]).to(device)
        generator = torch.Generator(device).manual_seed(seed)
        steps = EPOCHS * (len(data) // BATCH)
        optimizer = torch.optim.AdamW(network.parameters(), LR, weight_decay=0.05)
        falling = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, steps, pct_start=0.1)
        for epoch in range(EPOCHS):
            order = torch.randperm(len(data), generator=generator, device=device)
            for rows in order.split(BATCH)[: len(data) // BATCH]:
                batch = data.batch(rows)
                scores = network.scores(network(augmented(batch.x_0, generator)))
                loss = sum(F.cross_entropy(s, batch.cond[:, f]) for f, s in zip(columns, scores, strict=True))
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                falling.step()
            log.info("classifier: epoch %d/%d, loss %.4f", epoch + 1, EPOCHS, loss.item())
    network.eval().requires_grad_(False)
    unmeasured = Classifier(network, schema, splits.train.hash, {}, device)
    features = unmeasured.features(data.images)
    network.centre.copy_(features.mean(0))
    network.scale.copy_(features.var(0).mean().sqrt())
    network.half().float()  # as it will be after `save`
    held_out = splits.validation
    return replace(unmeasured, accuracy=accuracies(unmeasured.read(held_out.images), held_out.labels, schema))


def classifier_for(splits: Splits, device: torch.device, folders: Sequence[Path]) -> Classifier:
    """The classifier trained on these very pictures, from the first folder that has it; else a new one, saved there.

    It is looked for in all of `folders` and saved in the last.
    """
    data = splits.train
    name = f"{data.name}-classifier-{data.hash[:8]}.safetensors"
    for path in (folder / name for folder in folders):
        if path.exists():
            return load(path, data, device)
    log.warning("no classifier of this data yet; training one, saved as %s", path.as_posix())
    classifier = train_classifier(splits, device)
    path.parent.mkdir(parents=True, exist_ok=True)
    save(path, classifier)
    return classifier


def save(path: Path, classifier: Classifier) -> None:
    """Half precision, with accuracies and the hash of the data in the header."""
    state = classifier.network.state_dict()
    tensors = {name: t.cpu().half() if t.is_floating_point() else t.cpu() for name, t in state.items()}
    info = {"data_hash": classifier.data_hash, "accuracy": classifier.accuracy}
    content = safetensors.torch.save(tensors, {"format": FORMAT, "info": json.dumps(info)})
    write_atomically(path, lambda file: file.write(content))


def load(path: Path, data: InMemoryDataset, device: torch.device) -> Classifier:
    """The classifier at `path`, made for `data`. Raises ValueError for a file that is anything else."""
    network = Network(data.image_shape, [data.schema.cardinalities[f] for f in slots(data.schema)])
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        info = json.loads(metadata["info"])
        if metadata["format"] != FORMAT or info["data_hash"] != data.hash:
            raise ValueError("made for other data")
        network.load_state_dict(safetensors.torch.load_file(path))
    except (safetensors.SafetensorError, RuntimeError, KeyError, ValueError, OSError) as error:
        reason = str(error).splitlines()[0][:120]
        raise ValueError(f"{path}: no classifier of this data ({reason}); remove it, and one is trained") from error
    network.to(device).eval().requires_grad_(False)
    return Classifier(network, data.schema, data.hash, info["accuracy"], device)
