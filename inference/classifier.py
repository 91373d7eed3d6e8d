"""The classifier as a reader: which attributes pictures show, and their features."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from conditions.schema import ConditionSchema
from conditions.values import coarse_filled, one_hot, slots
from data.atomic import atomic
from data.images import to_float
from inference.weights import PRETRAINED
from models.classifier import ClassifierNetwork
from runtime.checkpoint import WeightsInfo

FORMAT = "ddpm-cfg classifier 1"
CLASSIFIERS = Path("evaluations/classifiers")  # those that were trained here


@dataclass(frozen=True)
class Classifier:
    """Reads labels off pictures.

    network   : its weights, in evaluation mode, on `device`
    schema    : what the labels mean
    data_hash : of the training pictures
    accuracy  : of each slot, by name, on the validation split
    """

    network: ClassifierNetwork
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

    @cached_property
    def digest(self) -> str:
        """Of its weights, in half precision: FIDs compare only under the same digest."""
        state = self.network.state_dict()
        return hashlib.sha256(b"".join(_half(state[name]).numpy().tobytes() for name in sorted(state))).hexdigest()[:8]

    @property
    def mean_accuracy(self) -> float:
        return sum(self.accuracy.values()) / max(len(self.accuracy), 1)


def classifier_for_weights(info: WeightsInfo, schema: ConditionSchema) -> Classifier | None:
    """That of the data that weights were trained on, on the CPU; None where none was trained yet."""
    data_hash = info.whole_hash or info.data_hash
    path = find(info.dataset, data_hash, (PRETRAINED, CLASSIFIERS))
    return path and load(path, schema, info.image_shape, data_hash, torch.device("cpu"))


def missing(dataset: str) -> str:
    """What to say where there is no classifier."""
    return (
        f"no classifier of {dataset} as these weights know it; one is trained by python evaluate.py dataset={dataset}"
    )


def file_name(dataset: str, data_hash: str) -> str:
    return f"{dataset}-classifier-{data_hash[:8]}.safetensors"


def find(dataset: str, data_hash: str, folders: Sequence[Path]) -> Path | None:
    """The file of the classifier trained on these pictures, from the first folder that has it."""
    paths = (folder / file_name(dataset, data_hash) for folder in folders)
    return next((path for path in paths if path.exists()), None)


def save(path: Path, classifier: Classifier) -> None:
    """Half precision, with accuracies and the hash of the data in the header."""
    state = classifier.network.state_dict()
    tensors = {name: _half(tensor) for name, tensor in state.items()}
    info = {"data_hash": classifier.data_hash, "accuracy": classifier.accuracy}
    content = safetensors.torch.save(tensors, {"format": FORMAT, "info": json.dumps(info)})
    with atomic(path) as file:  # another evaluation may write the same one
        file.write(content)


def _half(tensor: Tensor) -> Tensor:
    return tensor.cpu().half() if tensor.is_floating_point() else tensor.cpu()


def load(
    path: Path, schema: ConditionSchema, image_shape: Sequence[int], data_hash: str, device: torch.device
) -> Classifier:
    """The classifier at `path`, made for data with this hash. Raises ValueError for a file that is anything else."""
    network = ClassifierNetwork(tuple(image_shape), [schema.cardinalities[f] for f in slots(schema)])
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        info = json.loads(metadata["info"])
        if metadata["format"] != FORMAT or info["data_hash"] != data_hash:
            raise ValueError("made for other data")
        network.load_state_dict(safetensors.torch.load_file(path))
        accuracy = info["accuracy"]
    except (safetensors.SafetensorError, RuntimeError, LookupError, TypeError, ValueError, OSError) as error:
        reason = str(error).splitlines()[0][:120]
        raise ValueError(f"{path}: no classifier of this data ({reason}); remove it, and one is trained") from error
    return Classifier(network.to(device).eval().requires_grad_(False), schema, data_hash, accuracy, device)
