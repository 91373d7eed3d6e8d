"""Changed attributes: pairs that differ in one slot, and figures of edits whose mistakes are known."""

import pytest
import torch

from conditions import fields
from conditions.schema import ConditionSchema
from conditions.values import slots
from data import PixelFaces
from data.pixelfaces import render
from evaluation.edits import Edits, EditsSettings, figures_of, find_group_edits, find_pairs, group_edited
from runtime.factory import Recipe
from tests.evaluation.stubs import bench_of


@pytest.fixture(scope="module")
def splits():
    return PixelFaces(count=2000).load()


def test_pairs_differ_in_the_slot_that_they_name_and_in_no_other(splits):
    pairs = find_pairs(splits.train, splits.validation, 30, seed=0)
    assert 0 < len(pairs.slot) <= 30
    columns = slots(splits.train.schema)
    before, after = splits.train.labels[pairs.before], splits.validation.labels[pairs.after]
    for one, other, slot in zip(before, after, pairs.slot.tolist(), strict=True):
        assert [column for column in columns if one[column] != other[column]] == [slot]
    assert len(set(pairs.after.tolist())) == len(pairs.after)


def test_pairs_are_those_of_the_seed(splits):
    one, same, other = (find_pairs(splits.train, splits.validation, 10, seed) for seed in (1, 1, 2))
    assert torch.equal(one.before, same.before) and torch.equal(one.after, same.after)
    assert not torch.equal(one.after, other.after)


def test_all_held_out_pictures_with_a_neighbour_are_found(splits):
    columns = slots(splits.train.schema)
    apart = (splits.validation.labels[:, None, columns] != splits.train.labels[None][:, :, columns]).sum(dim=2)
    having = (apart == 1).any(dim=1).sum()
    assert len(find_pairs(splits.train, splits.validation, 10_000, seed=0).after) == having


def test_known_mistakes_are_counted():
    """Four pictures of 2 x 2; pixel (0, 0) is to change. One is right, one unchanged, two have one mistake more."""
    before = torch.zeros(4, 3, 2, 2, dtype=torch.uint8)
    after = before.clone()
    after[:, :, 0, 0] = 200
    samples = after.clone()
    samples[1] = before[1]
    samples[2:, 0, 1, 1] = 7
    truth = torch.tensor([[1, 0, 0]] * 4)  # the first slot changes from 0 to 1
    read = truth.clone()
    read[1, 0] = 0
    read[2, 2] = 5
    figures = figures_of(samples, before, after, read, truth, torch.zeros(4, dtype=torch.int64))
    assert [figures[key].value for key in ("exact", "wrong_mean", "success")] == [1 / 4, 3 / 4, 3 / 4]
    assert (figures["kept"], figures["pixels_kept"]) == pytest.approx((7 / 8, 10 / 12))


def test_every_group_is_added_to_and_removed_from_pictures_that_can_have_it(splits):
    data, schema = splits.validation, splits.train.schema
    coarse = {f for f, field in enumerate(schema.fields) if field.slot}
    edits = find_group_edits(data, schema, 4 * len(coarse), seed=0)
    asked = list(zip(*(part.tolist() for part in edits), strict=True))
    assert {(f, value) for _, f, value in asked} == {(f, value) for f in coarse for value in (0, 1)}
    for row, f, value in asked:
        before = data.labels[row]
        after = group_edited(schema, before, f, value, row)
        assert before[f] == 1 - value and after[f] == value and (after >= 0).all()
        assert schema.unseen_pairs(after) == []


def test_the_measure_compares_each_method_with_the_held_out_pictures_and_no_other(splits, monkeypatch):
    """One method samples the truth, one the picture as it was, one black; groups are made by the right picture."""
    bench = bench_of(splits, steps=10, seed=0)
    mask = torch.ones(1, 24, 24)
    monkeypatch.setattr(bench.pipe, "differing", lambda init, old, new: mask.expand(len(init), -1, -1), raising=False)
    measure = Edits(bench, EditsSettings(n=12))
    assert [samples.name for samples in measure.sets[:3]] == ["edits, edit", "edits, img2img", "edits, label_alone"]
    truth = splits.validation.labels[measure.pairs.after]
    assert all(torch.equal(samples.labels, truth) for samples in measure.by_method.values())
    groups = measure.by_group[0]
    pictures = {
        "edits, edit": measure.after,
        "edits, img2img": measure.before,
        "edits, label_alone": torch.zeros_like(measure.after),
        groups.name: render(groups.labels),
    }
    figures = measure.measure(lambda samples: pictures[samples.name])
    edit, unchanged, black = figures["methods"].values()
    assert edit["exact"].value == edit["success"].value == edit["kept"] == edit["pixels_kept"] == 1.0
    assert unchanged["exact"].value == unchanged["success"].value == 0.0
    assert unchanged["kept"] == unchanged["pixels_kept"] == 1.0
    assert black["exact"].value == 0.0 and black["pixels_kept"] < 0.5
    assert all(figure["success"].value == 1.0 for figure in figures["groups"].values())
    assert edit["nfe"] == 20
    assert figures["advantage"][:3] == (1.0, 1.0, 1.0)  # of the edit, over sampling the new label alone, on each pair


@pytest.mark.parametrize(("names", "applies"), [(("hat",), False), (("hat", "beard"), True)])
def test_edits_need_a_slot_to_change_and_one_to_keep(splits, names, applies):
    """With a single slot, the edited label is the whole label, and nothing shows whether the rest was kept."""
    bench = bench_of(splits)
    bench.pipe.recipe = Recipe()
    bench.pipe.schema = ConditionSchema(
        tuple(field for name in names for field in fields.slot(name, (f"Big {name}", f"Small {name}")))
    )
    assert Edits.applies(bench) == applies
