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
from tqdm import tqdm

from data.base import InMemoryDataset, Splits
from data.conditions import ConditionSchema
from data.images import to_float
from data.loader import BatchOrder
from evaluation.values import coarse_filled, hidden_pairs, one_hot, slots
from training.checkpoint import write_atomically
from training.optim import learning_rate

log = logging.getLogger(__name__)

FORMAT = "ddpm-cfg classifier 1"
FEATURES = 128
STEPS = 2250  # 16 epochs of 9,000 pictures
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
    hides     : (V, V) bool over all values of all fields, see `hidden_pairs`
    """

    network: Network
    schema: ConditionSchema
    data_hash: str
    accuracy: dict[str, float]
    hides: Tensor
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

    @torch.no_grad()
    def probabilities(self, images: Tensor) -> Tensor:
        """(N, C, H, W) uint8 -> (N, V) float32: how likely each value of each field is what the picture shows."""
        scores = zip(*(self.network.scores(h) for h in self._raw(images)), strict=True)
        slot = {f: torch.cat(parts).softmax(dim=1).cpu() for f, parts in zip(slots(self.schema), scores, strict=True)}
        columns = []
        for f, field in enumerate(self.schema.fields):
            if f not in slot:  # a coarse field: the sum over its members
                owner = self.schema.column[field.slot]
                member = torch.tensor([value in field.members for value in self.schema.fields[owner].values])
                present = slot[owner][:, member].sum(dim=1)
                columns.append(torch.stack([1 - present, present], dim=1))
            else:
                columns.append(slot[f])
        return torch.cat(columns, dim=1)

    def agreement(self, images: Tensor, label: Tensor) -> Tensor:
        """(N,) float32 in [0, 1]: the mean, over what `label` (F,) names, of how likely the picture shows it."""
        wanted = one_hot(label[None], self.schema)[0].bool()
        return self.probabilities(images)[:, wanted].mean(dim=1)

    @property
    def mean_accuracy(self) -> float:
        return sum(self.accuracy.values()) / len(self.accuracy)


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


def fit(data: InMemoryDataset, seed: int) -> Network:
    """A network trained on `data`, on its device, for STEPS steps; ready to read."""
    device, columns = data.images.device, slots(data.schema)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        network = Network(data.image_shape, [data.schema.cardinalities[f] for f in columns]).to(device)
        generator = torch.Generator(device).manual_seed(seed)
        optimizer = torch.optim.AdamW(network.parameters(), LR, weight_decay=0.05)
        order = BatchOrder(len(data), BATCH, seed)
        for step in tqdm(range(STEPS), desc="classifier", unit="step", disable=None):
            batch = data.batch(order.indices(step))
            scores = network.scores(network(augmented(batch.x_0, generator)))
            loss = sum(F.cross_entropy(s, batch.cond[:, f]) for f, s in zip(columns, scores, strict=True))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.param_groups[0]["lr"] = learning_rate(step, STEPS, LR, STEPS // 10, "cosine")
            optimizer.step()
    return network.eval().requires_grad_(False)


def train_classifier(splits: Splits, device: torch.device, seed: int = 0) -> Classifier:
    """Train on `splits.train`, measure on `splits.validation`; for 9,000 small pictures, minutes on a CPU.

    What hides what is found by two more networks, each trained on one half of the training pictures and reading the
    other: a network can know by heart what it cannot see.
    """
    data, held_out, schema = splits.train.to(device), splits.validation, splits.train.schema
    size = sum(schema.cardinalities)
    network = fit(data, seed)
    made = Classifier(network, schema, splits.train.hash, {}, torch.zeros(size, size, dtype=torch.bool), device)
    features = made.features(data.images)
    network.centre.copy_(features.mean(0))
    network.scale.copy_(features.var(0).mean().sqrt())
    network.half().float()  # as it will be after `save`
    if len(slots(schema)) > 1:
        even, odd = (splits.train.select(torch.arange(k, len(data), 2)) for k in range(2))
        unseen = [
            replace(made, network=fit(one.to(device), seed)).read(other.images)
            for one, other in ((odd, even), (even, odd))
        ]
        made = replace(made, hides=hidden_pairs(torch.cat([even.labels, odd.labels]), torch.cat(unseen), schema))
    return replace(made, accuracy=accuracies(made.read(held_out.images), held_out.labels, schema))


def classifier_for(splits: Splits, device: torch.device, folders: Sequence[Path]) -> Classifier:
    """The classifier trained on these very pictures, from the first folder that has it; else a new one, saved there.

    It is looked for in all of `folders` and saved in the last.
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


def file_name(dataset: str, data_hash: str) -> str:
    return f"{dataset}-classifier-{data_hash[:8]}.safetensors"


def find(dataset: str, data_hash: str, folders: Sequence[Path]) -> Path | None:
    """The file of the classifier trained on these pictures, from the first folder that has it."""
    paths = (folder / file_name(dataset, data_hash) for folder in folders)
    return next((path for path in paths if path.exists()), None)


def save(path: Path, classifier: Classifier) -> None:
    """Half precision, with accuracies and the hash of the data in the header."""
    state = classifier.network.state_dict()
    tensors = {name: t.cpu().half() if t.is_floating_point() else t.cpu() for name, t in state.items()}
    info = {
        "data_hash": classifier.data_hash,
        "accuracy": classifier.accuracy,
        "hides": classifier.hides.nonzero().tolist(),
    }
    content = safetensors.torch.save(tensors, {"format": FORMAT, "info": json.dumps(info)})
    write_atomically(path, lambda file: file.write(content))


def load(
    path: Path, schema: ConditionSchema, image_shape: Sequence[int], data_hash: str, device: torch.device
) -> Classifier:
    """The classifier at `path`, made for data with this hash. Raises ValueError for a file that is anything else."""
    network = Network(tuple(image_shape), [schema.cardinalities[f] for f in slots(schema)])
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        info = json.loads(metadata["info"])
        if metadata["format"] != FORMAT or info["data_hash"] != data_hash:
            raise ValueError("made for other data")
        network.load_state_dict(safetensors.torch.load_file(path))
    except (safetensors.SafetensorError, RuntimeError, KeyError, ValueError, OSError) as error:
        reason = str(error).splitlines()[0][:120]
        raise ValueError(f"{path}: no classifier of this data ({reason}); remove it, and one is trained") from error
    network.to(device).eval().requires_grad_(False)
    hides = torch.zeros(2 * [sum(schema.cardinalities)], dtype=torch.bool)
    for pair in info["hides"]:
        hides[tuple(pair)] = True
    return Classifier(network, schema, data_hash, info["accuracy"], hides, device)
