"""The classifier as a reader: labels, probabilities and features of pictures, and its file."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from conditions.schema import ConditionSchema
from conditions.values import slots
from data import pixelfaces
from data.images import to_float
from inference import classifier as module
from inference.classifier import Classifier, classifier_for_weights, find, load, missing, save
from models.classifier import FEATURES, ClassifierNetwork
from runtime.checkpoint import read_info

SCHEMA, SHAPE, CPU = pixelfaces.SCHEMA, (3, 24, 24), torch.device("cpu")


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return pixelfaces.PixelFaces(count=60).load().train.images[:30]


@pytest.fixture(scope="module")
def reader(images) -> Classifier:
    """A network with random weights, and strong opinions that differ between pictures."""
    torch.manual_seed(0)
    network = ClassifierNetwork(SHAPE, [SCHEMA.cardinalities[f] for f in slots(SCHEMA)]).train()
    for _ in range(30):
        network(to_float(images))  # for the means and variances of batch normalisation
    for buffer in (network.centre, network.scale):
        buffer.copy_(torch.rand(buffer.shape) + 0.5)
    for head in network.heads:
        head.weight.data.mul_(20)
    network.half().float()  # as in a file
    return Classifier(network.eval().requires_grad_(False), SCHEMA, "a" * 16, {"head": 0.9, "eyes": 0.7}, CPU)


def test_it_reads_the_likeliest_value_of_each_slot(reader, images):
    labels, shares = reader.read(images), reader.probabilities(images)
    assert labels.shape == (30, len(SCHEMA)) and labels.dtype == torch.int64
    for f in slots(SCHEMA):
        columns = slice(SCHEMA.offsets[f], SCHEMA.offsets[f] + SCHEMA.cardinalities[f])
        assert torch.equal(shares[:, columns].argmax(dim=1), labels[:, f])
        assert torch.allclose(shares[:, columns].sum(dim=1), torch.ones(30), atol=1e-5)
    assert len(torch.unique(labels, dim=0)) > 10


def test_coarse_fields_follow_from_their_slot(reader, images):
    """hat is there where one of the hats is, and as likely as all of them together."""
    labels, shares = reader.read(images), reader.probabilities(images)
    hat, head = SCHEMA.column["hat"], SCHEMA.column["head"]
    members = [v for v, value in enumerate(SCHEMA.fields[head].values) if value in SCHEMA.fields[hat].members]
    assert torch.equal(labels[:, hat] == 1, torch.isin(labels[:, head], torch.tensor(members)))
    together = shares[:, [SCHEMA.offsets[head] + v for v in members]].sum(dim=1)
    assert torch.allclose(shares[:, SCHEMA.offsets[hat] + 1], together)
    assert torch.allclose(shares[:, SCHEMA.offsets[hat]], 1 - together)


def test_agreement_is_the_mean_probability_of_what_is_named(reader, images):
    shares = reader.probabilities(images)
    columns = {}
    for name in ("crown", "pipe", "-hat"):
        label = SCHEMA.encode(name)
        (f,) = (label != -1).nonzero()[:, 0].tolist()
        columns[name] = shares[:, SCHEMA.offsets[f] + int(label[f])]
        assert torch.allclose(reader.agreement(images, label), columns[name])
    both = reader.agreement(images, SCHEMA.encode("crown,pipe"))
    assert torch.allclose(both, (columns["crown"] + columns["pipe"]) / 2)


def test_features_are_standardised_in_double_precision(reader, images):
    raw = reader.network(to_float(images))
    expected = ((raw - reader.network.centre) / reader.network.scale).double()
    found = reader.features(images)
    assert found.dtype == torch.float64 and found.shape == (30, FEATURES)
    assert torch.allclose(found, expected, atol=1e-4)


def test_many_pictures_are_read_in_parts(reader, images, monkeypatch):
    """Of which the last may be a smaller one; the order is that of the pictures."""
    seen, forward = [], ClassifierNetwork.forward
    monkeypatch.setattr(ClassifierNetwork, "forward", lambda self, x: (seen.append(len(x)), forward(self, x))[1])
    many = images[:26].repeat(20, 1, 1, 1)
    assert torch.equal(reader.read(many), reader.read(images[:26]).repeat(20, 1))
    assert seen[:2] == [512, 8]


def test_a_file_holds_all_of_it(reader, images, tmp_path):
    path = tmp_path / "classifier.safetensors"
    save(path, reader)
    again = load(path, SCHEMA, SHAPE, reader.data_hash, CPU)
    assert again.accuracy == reader.accuracy and again.schema == SCHEMA and again.data_hash == reader.data_hash
    assert torch.equal(again.read(images), reader.read(images)) and torch.equal(
        again.features(images), reader.features(images)
    )
    assert not again.network.training and not any(p.requires_grad for p in again.network.parameters())
    assert again.mean_accuracy == pytest.approx(0.8)


def test_a_file_of_something_else_is_refused(reader, tmp_path, weights):
    path = tmp_path / "classifier.safetensors"
    save(path, reader)
    for given in (
        (path, SCHEMA, SHAPE, "b" * 16, CPU),  # of other pictures
        (weights, SCHEMA, SHAPE, reader.data_hash, CPU),
        (path, SCHEMA, (3, 28, 28), reader.data_hash, CPU),
    ):
        with pytest.raises(ValueError, match=r"no classifier of this data .* remove it, and one is trained$"):
            load(*given)
    info = json.dumps({"data_hash": reader.data_hash, "accuracy": reader.accuracy})
    for metadata in (
        {"format": module.FORMAT, "info": json.dumps({"data_hash": reader.data_hash})},  # accuracies are missing
        {"format": module.FORMAT, "info": info[:-1]},
        {"format": "another", "info": info},
        {"format": module.FORMAT},
    ):
        save_file(load_file(path), path, metadata)
        with pytest.raises(ValueError, match="no classifier of this data"):
            load(path, SCHEMA, SHAPE, reader.data_hash, CPU)
    save_file(load_file(path), path, {"format": module.FORMAT, "info": info})
    load(path, SCHEMA, SHAPE, reader.data_hash, CPU)  # it was these that were wrong
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="no classifier of this data"):
        load(path, SCHEMA, SHAPE, reader.data_hash, CPU)


def test_weights_find_the_classifier_of_their_own_data(reader, in_tmp, weights, monkeypatch):
    info = read_info(weights)
    schema = ConditionSchema.from_json(info.schema)
    assert classifier_for_weights(info, schema) is None
    own = replace(reader, schema=schema, data_hash=info.data_hash)
    path = module.CLASSIFIERS / module.file_name("pixelfaces", info.data_hash)
    path.parent.mkdir(parents=True)
    save(path, own)
    assert find("pixelfaces", info.data_hash, [module.CLASSIFIERS]) == path
    assert find("pixelfaces", "0" * 16, [module.CLASSIFIERS]) is None
    assert find("mnist", info.data_hash, [module.CLASSIFIERS]) is None
    found = classifier_for_weights(info, schema)
    assert found.data_hash == info.data_hash and found.accuracy == own.accuracy
    some = replace(info, data_hash="0" * 16, whole_hash=info.data_hash)  # trained on a part of the same pictures
    assert classifier_for_weights(some, schema).data_hash == info.data_hash


def test_what_to_do_without_a_classifier_is_told():
    assert "pixelfaces" in missing("pixelfaces") and "evaluate.py" in missing("pixelfaces")
