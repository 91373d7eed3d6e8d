"""Which fields of a label training drops, against closed forms."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conditions.dropout import LabelDropout
from conditions.fields import slot
from conditions.schema import UNCONDITIONAL, UNKNOWN, ConditionSchema
from data import cryptopunks, mnist
from tests.conditions.schemas import TOY, every_schema, partial_labels

N = 20_000
PUNKS = cryptopunks.SCHEMA
PUNK = torch.tensor(PUNKS.complete({"type": "Male", "skin": "Dark", "head": "Cap", "eyes": "Big Shades"}))
PRESENT = torch.tensor([not (field.optional and v == 0) for field, v in zip(PUNKS.fields, PUNK.tolist(), strict=True)])


def known_after(seed: int = 0, n: int = N, schema=PUNKS, label=PUNK, **settings) -> torch.Tensor:
    """(n, F) bool: which fields of n copies of one label are still known; no partial labels unless asked for."""
    dropout, generator = LabelDropout(**{"partial_prob": 0.0} | settings), torch.Generator().manual_seed(seed)
    return dropout(schema, label.expand(n, -1), generator) != UNKNOWN


def assert_binomial(count, n: int, p: float, sigmas: float = 5.0) -> None:
    assert abs(int(count) - n * p) <= sigmas * math.sqrt(n * p * (1 - p)), f"{int(count)} of {n} at probability {p}"


@st.composite
def batches(draw, schema: ConditionSchema) -> torch.Tensor:
    return torch.stack(draw(st.lists(partial_labels(schema), min_size=1, max_size=8)))


@every_schema
@given(data=st.data())
def test_dropout_forgets_and_changes_nothing_else(schema, data):
    cond = data.draw(batches(schema))
    before = cond.clone()
    p = st.floats(0, 1)
    dropout = LabelDropout(
        drop_prob=data.draw(p),
        partial_prob=data.draw(p),
        max_known=data.draw(st.integers(1, 30)),
        present_weight=data.draw(st.floats(0.1, 100)),
    )
    seed = data.draw(st.integers(0, 2**32))
    result = dropout(schema, cond, torch.Generator().manual_seed(seed))
    assert torch.equal(cond, before)
    assert result.data_ptr() != cond.data_ptr()
    assert (result.shape, result.dtype) == (cond.shape, cond.dtype)
    assert ((result == cond) | (result == UNKNOWN)).all()
    again = dropout(schema, cond, torch.Generator().manual_seed(seed))
    assert torch.equal(result, again)


def test_another_seed_drops_other_fields():
    assert not torch.equal(known_after(0, drop_prob=0.5), known_after(1, drop_prob=0.5))


def test_the_global_generator_stays_untouched_where_one_is_given():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    known_after(drop_prob=0.5, partial_prob=0.5)
    assert torch.equal(torch.rand(3), expected)


def test_without_a_generator_the_global_one_decides():
    torch.manual_seed(3)
    expected = known_after(3, drop_prob=0.5, partial_prob=0.5)
    assert torch.equal(LabelDropout(drop_prob=0.5)(PUNKS, PUNK.expand(N, -1)) != UNKNOWN, expected)


def test_random_numbers_come_from_the_device_of_the_generator_and_labels_stay_on_theirs():
    """The device "meta" stands for an accelerator: it computes shapes alone, and refuses tensors of the CPU."""
    states = []
    for device in ("cpu", "meta"):
        generator = torch.Generator().manual_seed(0)
        assert LabelDropout()(PUNKS, PUNK.expand(4, -1).to(device), generator).device.type == device
        states.append(generator.get_state())
    assert torch.equal(*states)
    before = torch.get_rng_state()
    assert LabelDropout()(PUNKS, PUNK.expand(4, -1).to("meta")).device.type == "meta"
    assert torch.equal(torch.get_rng_state(), before)  # without a generator, from the device of the labels


def test_the_bounds_of_the_probabilities():
    assert known_after(drop_prob=0.0, partial_prob=0.0).all()
    assert not known_after(drop_prob=1.0).any()
    assert not known_after(drop_prob=1.0, partial_prob=1.0).any()
    assert known_after(drop_prob=0.0, partial_prob=1.0).any(dim=1).all()  # a partial label still says something


def test_a_probability_of_zero_drops_nothing_even_for_a_random_number_of_zero(monkeypatch):
    """`torch.rand` returns 0 about once in 2^24 numbers."""
    monkeypatch.setattr(torch, "rand", lambda *size, **_: torch.zeros(size))
    assert known_after(n=2, drop_prob=0.0, partial_prob=0.0).all()
    assert not known_after(n=2, drop_prob=1e-9).any()


@pytest.mark.parametrize(("schema", "label"), [(PUNKS, PUNK), (mnist.SCHEMA, torch.tensor([7]))], ids=["many", "one"])
@pytest.mark.parametrize("drop_prob", [0.1, 0.5])
def test_whole_labels_are_lost_at_the_rate_asked_for(drop_prob, schema, label):
    is_known = known_after(schema=schema, label=label, drop_prob=drop_prob)
    assert torch.equal(is_known.any(dim=1), is_known.all(dim=1))
    for field in range(len(schema)):
        assert_binomial(N - is_known[:, field].sum(), N, drop_prob)


def test_how_many_fields_stay_known():
    drop_prob, partial_prob, most = 0.2, 0.4, 5
    count = known_after(drop_prob=drop_prob, partial_prob=partial_prob, max_known=most).sum(dim=1)
    assert_binomial((count == 0).sum(), N, drop_prob)
    assert_binomial((count == len(PUNKS)).sum(), N, (1 - drop_prob) * (1 - partial_prob))
    for k in range(1, most + 1):
        assert_binomial((count == k).sum(), N, (1 - drop_prob) * partial_prob / most)


def test_a_label_of_few_fields_keeps_at_most_those():
    count = known_after(schema=TOY, label=torch.tensor(TOY.complete({"kind": "Cat"})), drop_prob=0.0, partial_prob=1.0,
                    max_known=100).sum(dim=1)  # fmt: skip
    for k in range(1, len(TOY) + 1):
        assert_binomial((count == k).sum(), N, 1 / len(TOY))
    assert known_after(schema=mnist.SCHEMA, label=torch.tensor([7]), drop_prob=0.0, partial_prob=1.0).all()


def test_of_a_label_with_unknown_fields_known_ones_are_kept():
    """Or labels with many blanks would be dropped whole far more often than drop_prob says."""
    label = torch.full_like(PUNK, UNKNOWN)
    label[[0, 5]] = PUNK[[0, 5]]
    is_known = known_after(label=label, drop_prob=0.2, partial_prob=1.0, max_known=5)
    assert not is_known[:, label == UNKNOWN].any()
    count = is_known.sum(dim=1)
    assert_binomial((count == 0).sum(), N, 0.2)
    assert_binomial((count == 1).sum(), N, 0.8 / 2)
    assert not known_after(label=torch.full_like(PUNK, UNKNOWN), n=50, partial_prob=1.0).any()


@pytest.mark.parametrize("present_weight", [1.0, 4.0])
def test_one_field_is_kept_in_proportion_to_its_weight(present_weight):
    """Where k = 1 the chance of each field has a closed form: its weight over the sum of all."""
    is_known = known_after(drop_prob=0.0, partial_prob=1.0, max_known=1, present_weight=present_weight)
    weights = torch.where(PRESENT, present_weight, 1.0)
    for field, weight in enumerate(weights.tolist()):
        assert_binomial(is_known[:, field].sum(), N, weight / float(weights.sum()))


def test_of_two_fields_the_present_one_is_kept_four_times_in_five():
    schema = ConditionSchema([*slot("head", ("Cap",)), *slot("ear", ("Ring",))])
    is_known = known_after(schema=schema, label=torch.tensor([0, 1]), drop_prob=0.0, partial_prob=1.0, max_known=1)
    assert_binomial(is_known[:, 1].sum(), N, 4 / 5)
    assert torch.equal(is_known[:, 0], ~is_known[:, 1])


def test_what_is_present_is_kept_more_often():
    kept = known_after(drop_prob=0.0, partial_prob=1.0, max_known=5, present_weight=4.0).float().mean(dim=0)
    assert kept[PRESENT].min() > 1.5 * kept[~PRESENT].max()


def test_labels_are_dropped_for_each_sample_by_itself():
    """Over many batches the number of dropped samples varies as independent samples do; one decision for the whole
    batch would vary `size` times as much."""
    size, p = 100, 0.1
    lost = (~known_after(drop_prob=p).any(dim=1)).view(-1, size).sum(dim=1).double()
    assert 0.5 < lost.var() / (size * p * (1 - p)) < 2.0


def test_partial_labels_differ_within_a_batch():
    kept = known_after(n=64, drop_prob=0.0, partial_prob=1.0)
    assert len(kept.unique(dim=0)) > 32


@pytest.mark.parametrize("name", ["drop_prob", "partial_prob"])
@pytest.mark.parametrize("value", [-0.1, 1.1, 10, float("nan")])
def test_probabilities_lie_between_0_and_1(name, value):
    with pytest.raises(ValueError, match=f"{name}={value}"):
        LabelDropout(**{name: value})


@pytest.mark.parametrize(("name", "value"), [("max_known", 0), ("present_weight", 0.0), ("present_weight", -1.0)])
def test_partial_labels_keep_something(name, value):
    with pytest.raises(ValueError, match=f"{name}={value}"):
        LabelDropout(**{name: value})


def test_there_is_nothing_to_drop_without_fields():
    assert LabelDropout()(UNCONDITIONAL, torch.empty(3, 0, dtype=torch.int64)).shape == (3, 0)


def test_fields_dropped_by_themselves_go_independently_of_each_other():
    known = known_after(field_prob=0.3, drop_prob=0.0)
    for f in range(len(PUNKS)):
        assert_binomial(known[:, f].sum(), N, 0.7)
    assert_binomial((known[:, 0] & known[:, 5]).sum(), N, 0.49)
    assert_binomial(known.all(dim=1).sum(), N, 0.7 ** len(PUNKS))


def test_of_labels_that_keep_a_few_fields_none_is_dropped_by_itself_besides():
    known = known_after(field_prob=0.9, drop_prob=0.0, partial_prob=1.0, max_known=1)
    assert (known.sum(dim=1) == 1).all()


def test_a_batch_is_dropped_together_as_often_as_a_sample_would_be():
    batches = [known_after(seed, 8, drop_prob=0.3, batchwise=True) for seed in range(1000)]
    assert all(batch.all() or not batch.any() for batch in batches)
    assert_binomial(sum(not batch.any() for batch in batches), 1000, 0.3)
    apart = [known_after(seed, 8, drop_prob=0.3) for seed in range(1000)]
    assert_binomial(sum(not batch.any() for batch in apart), 1000, 0.3**8)
