"""Changed attributes: pairs that differ in one slot, and figures of edits whose mistakes are known."""

import pytest
import torch

from conditions.values import slots
from data import pixelfaces
from evaluation.edits import figures_of, find_pairs, find_wishes, wished


@pytest.fixture(scope="module")
def splits():
    return pixelfaces.load(count=2000)


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
    drawn = after.clone()
    drawn[1] = before[1]
    drawn[2:, 0, 1, 1] = 7
    truth = torch.tensor([[1, 0, 0]] * 4)  # the first slot changes from 0 to 1
    read = truth.clone()
    read[1, 0] = 0
    read[2, 2] = 5
    figures = figures_of(drawn, before, after, read, truth, torch.zeros(4, dtype=torch.int64))
    assert figures == pytest.approx(
        {"exact": 1 / 4, "wrong_mean": 3 / 4, "made": 3 / 4, "kept": 7 / 8, "pixels_kept": 10 / 12}
    )


def test_every_group_is_wished_for_and_away_by_pictures_that_can_have_it(splits):
    data, schema = splits.validation, splits.train.schema
    coarse = {f for f, field in enumerate(schema.fields) if field.slot}
    wishes = find_wishes(data, schema, 4 * len(coarse), seed=0)
    asked = list(zip(*(part.tolist() for part in wishes), strict=True))
    assert {(f, value) for _, f, value in asked} == {(f, value) for f in coarse for value in (0, 1)}
    for row, f, value in asked:
        before = data.labels[row]
        after = wished(schema, before, f, value, row)
        assert before[f] == 1 - value and after[f] == value and (after >= 0).all()
        assert schema.unseen_pairs(after) == []
