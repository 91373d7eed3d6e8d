"""A classifier on pictures whose labels are known by construction."""

import copy
from dataclasses import replace

import pytest
import torch

from conditions.values import slots
from data import PixelFaces
from evaluation import classifier as module
from evaluation.classifier import accuracies, augmented, classifier_for, fit, train_classifier, warmup_and_cosine
from inference.classifier import Classifier, load, save
from models.classifier import FEATURES, ClassifierNetwork

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def splits():
    return PixelFaces(count=1200).load()


@pytest.fixture(scope="module")
def trained(splits):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "STEPS", 60)
        patch.setattr(module, "BATCH", 16)
        return train_classifier(splits, CPU)


def test_it_reads_held_out_pictures_better_than_the_commonest_values_would(splits, trained):
    truth = splits.test.labels
    commonest = splits.train.labels.mode(dim=0).values.expand_as(truth)
    blind = accuracies(commonest, truth, splits.test.schema)
    seeing = accuracies(trained.read(splits.test.images), truth, splits.test.schema)
    wrong = [sum(1 - share for share in figures.values()) for figures in (seeing, blind)]
    assert wrong[0] < 0.5 * wrong[1]
    assert list(trained.accuracy) == [splits.train.schema.fields[f].name for f in slots(splits.train.schema)]


@pytest.mark.parametrize(("known", "accuracy"), [("train", 0.0), ("validation", 1.0), ("test", 0.0)])
def test_its_accuracy_is_that_on_validation_pictures(monkeypatch, known, accuracy):
    """A stub reads the pictures of one split right and all others wrong.

    All adherence rests on this figure: on training pictures it would be 100 % by heart, and test ones decide nothing.
    """
    splits = PixelFaces(count=60).load()
    part = getattr(splits, known)
    labels = {image.numpy().tobytes(): label for image, label in zip(part.images, part.labels, strict=True)}
    fitted = []

    def fit(data, seed):
        fitted.append(data)
        cardinalities = [data.schema.cardinalities[f] for f in slots(data.schema)]
        return ClassifierNetwork(data.image_shape, cardinalities).eval().requires_grad_(False)

    def read(self, images):
        wrong = torch.full((len(self.schema),), -2)
        return torch.stack([labels.get(image.numpy().tobytes(), wrong) for image in images])

    monkeypatch.setattr(module, "fit", fit)
    monkeypatch.setattr(Classifier, "read", read)
    assert set(train_classifier(splits, CPU).accuracy.values()) == {accuracy}
    assert [data.hash for data in fitted] == [splits.train.hash]  # and no other pictures were learned from


def test_features_of_training_pictures_are_standardised(splits, trained):
    features = trained.features(splits.train.images)
    assert features.dtype == torch.float64 and features.shape == (len(splits.train), FEATURES)
    assert features.mean(0).abs().max() < 0.01  # half precision
    assert features.var(0).mean().item() == pytest.approx(1.0, abs=0.01)


def test_reading_does_not_depend_on_the_other_pictures(splits, trained):
    images = splits.validation.images
    assert torch.equal(trained.read(images)[3:5], trained.read(images[3:5]))


def test_it_is_trained_once_and_found_again(splits, trained, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(module, "train_classifier", lambda *args: calls.append(args) or trained)
    folders = (tmp_path / "pretrained", tmp_path / "own")
    first = classifier_for(splits, CPU, folders)
    again = classifier_for(splits, CPU, folders)
    assert len(calls) == 1 and not folders[0].exists()
    images = splits.test.images
    assert torch.equal(again.read(images), first.read(images))
    assert torch.equal(again.features(images), first.features(images))
    assert again.accuracy == first.accuracy


def test_it_is_known_by_its_weights_wherever_it_was_read_from(splits, trained, tmp_path):
    save(tmp_path / "classifier.safetensors", trained)
    data = splits.train
    again = load(tmp_path / "classifier.safetensors", data.schema, data.image_shape, data.hash, CPU)
    other = copy.deepcopy(trained.network)
    with torch.no_grad():
        other.scale.mul_(2)  # the same answers, and another FID
    assert again.digest == trained.digest != replace(trained, network=other).digest


def test_one_of_other_data_is_refused(splits, trained, tmp_path):
    save(tmp_path / "classifier.safetensors", trained)
    other = PixelFaces(count=1200, seed=5).load().train
    with pytest.raises(ValueError, match="no classifier of this data"):
        load(tmp_path / "classifier.safetensors", other.schema, other.image_shape, other.hash, CPU)
    (tmp_path / "damaged.safetensors").write_bytes(b"nonsense")
    with pytest.raises(ValueError, match=r"damaged.safetensors: no classifier .* remove it"):
        load(tmp_path / "damaged.safetensors", other.schema, other.image_shape, other.hash, CPU)


def test_training_is_a_function_of_the_seed(splits, monkeypatch):
    monkeypatch.setattr(module, "STEPS", 3)
    monkeypatch.setattr(module, "BATCH", 8)
    one, same, other = (fit(splits.train, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["heads.0.weight"], other["heads.0.weight"])


def test_changes_of_colour_are_small_and_differ_between_pictures():
    x = torch.zeros(64, 3, 8, 8)
    changed = augmented(x, torch.Generator().manual_seed(0))
    shift = changed.mean(dim=(2, 3))
    assert shift.std().item() == pytest.approx(module.JITTER, rel=0.35)
    assert (changed - shift[:, :, None, None]).std() < module.NOISE


def test_probabilities_belong_to_what_is_read(splits, trained):
    """Of each field they add up to one; of a slot, the likeliest is the value read; a coarse field sums its members."""
    images, schema = splits.validation.images, splits.validation.schema
    probabilities, read = trained.probabilities(images), trained.read(images)
    for f, field in enumerate(schema.fields):
        part = probabilities[:, schema.offsets[f] : schema.offsets[f] + len(field.values)]
        assert torch.allclose(part.sum(dim=1), torch.ones(len(images)), atol=1e-5)
        if not field.slot:
            assert torch.equal(part.argmax(dim=1), read[:, f])
        else:
            owner = schema.column[field.slot]
            columns = [schema.offsets[owner] + schema.fields[owner].values.index(member) for member in field.members]
            assert torch.allclose(part[:, 1], probabilities[:, columns].sum(dim=1), atol=1e-5)


def test_pictures_agree_with_their_own_labels_more_than_with_those_of_others(splits, trained):
    images, labels = splits.validation.images, splits.validation.labels
    own = torch.stack([trained.agreement(images[i : i + 1], labels[i])[0] for i in range(20)])
    other = torch.stack([trained.agreement(images[i : i + 1], labels[i + 1])[0] for i in range(20)])
    assert own.mean() > other.mean() and other.min() >= 0 and own.max() <= 1


def test_the_learning_rate_rises_for_a_tenth_of_the_steps_and_falls_to_zero():
    optimizer = torch.optim.AdamW([torch.zeros(1, requires_grad=True)], lr=2.0)
    schedule = warmup_and_cosine(optimizer, 100)
    rates = []
    for _ in range(100):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates[:11] == pytest.approx([0.2 * k for k in range(1, 11)] + [2.0])
    assert rates[55] == pytest.approx(1.0)
    assert rates[10:] == sorted(rates[10:], reverse=True) and rates[-1] < 0.001


@pytest.mark.parametrize("steps", [1, 2, 9])
def test_a_learning_rate_of_few_steps_is_positive(steps):
    optimizer = torch.optim.AdamW([torch.zeros(1, requires_grad=True)], lr=2.0)
    warmup_and_cosine(optimizer, steps)
    assert optimizer.param_groups[0]["lr"] > 0
