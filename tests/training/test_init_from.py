"""A training that begins with the weights of another."""

from dataclasses import replace

import pytest

from data.base import SPLIT_RULE
from runtime.checkpoint import load_tensors, read_info, save_weights

STILL = ("train.steps=1", "optim.lr=1e-12", "optim.warmup=0")


@pytest.fixture
def first(train_tiny, in_tmp):
    return train_tiny("train.steps=2", "seed=5", "run=first").weights


def apart(one, other) -> float:
    """The largest difference between any weight of two files."""
    one, other = load_tensors(one), load_tensors(other)
    return max((one[name] - other[name]).abs().max().item() for name in one)


def test_it_begins_with_those_weights_and_goes_on_from_there(train_tiny, first):
    begun = train_tiny(*STILL, f"init_from={first}", "run=begun")
    assert apart(begun.weights, first) < 1e-6
    assert apart(train_tiny(*STILL, "run=fresh").weights, first) > 0.1
    on = train_tiny("train.steps=3", f"init_from={first}", "run=on")
    assert 1e-6 < apart(on.weights, first) < 0.1


def test_a_run_that_has_begun_needs_them_no_more(train_tiny, first):
    train_tiny("train.steps=1", f"init_from={first}", "run=on")
    first.unlink()
    assert train_tiny("train.steps=2", "run=on").state.exists()


def test_what_those_weights_have_seen_stays_seen(train_tiny, first, in_tmp):
    """Pictures of the test split that an earlier training saw, under another rule, are not unseen after this one."""
    assert read_info(first).splits == SPLIT_RULE
    older = replace(read_info(first), splits="id % 20: 7 validation, 13 test")
    save_weights(in_tmp / "older", load_tensors(first), older)
    on = train_tiny("train.steps=1", "init_from=older", "run=on")
    assert read_info(on.weights).splits == older.splits
    on = train_tiny("train.steps=2", "run=on")  # continued
    assert read_info(on.weights).splits == older.splits


@pytest.mark.parametrize(
    ("other", "what"),
    [("diffusion.prediction=v", "prediction"), ("model.channels=16", "network"), ("cfg=off", "labels")],
)
def test_weights_that_mean_something_else_are_refused_and_nothing_is_written(train_tiny, first, in_tmp, other, what):
    with pytest.raises(ValueError, match=f"init_from=.*other {what}; choose"):
        train_tiny("train.steps=1", f"init_from={first}", other, "run=no")
    assert not (in_tmp / "no").exists()


def test_weights_that_do_not_fit_their_own_description_are_refused(train_tiny, first, in_tmp):
    tensors = load_tensors(first)
    tensors.pop(next(iter(tensors)))
    save_weights(in_tmp / "damaged", tensors, read_info(first))
    with pytest.raises(ValueError, match=r"init_from=damaged: its weights do not fit"):
        train_tiny("train.steps=1", "init_from=damaged", "run=no")


def test_weights_for_pictures_of_another_size_are_refused(train_tiny, first, in_tmp):
    save_weights(in_tmp / "small", load_tensors(first), replace(read_info(first), image_shape=[3, 12, 12]))
    with pytest.raises(ValueError, match=r"init_from=small.*other images"):
        train_tiny("train.steps=1", "init_from=small", "run=no")


@pytest.mark.parametrize("other", ["diffusion.T=500", "diffusion=cosine"])
def test_weights_of_another_noise_schedule_are_refused(train_tiny, first, in_tmp, other):
    """At the same t they expect another amount of noise, and the loss would not say so."""
    with pytest.raises(ValueError, match=r"init_from=.*other noise schedule; choose"):
        train_tiny("train.steps=1", f"init_from={first}", other, "run=no")
    assert not (in_tmp / "no").exists()


@pytest.mark.parametrize("other", ["model.dropout=0.3", "diffusion.time_power=2", "cfg.drop_prob=0.3", "optim=muon"])
def test_how_they_are_trained_may_differ(train_tiny, first, other):
    """None of it has weights of its own, or changes what they mean."""
    train_tiny(*STILL, f"init_from={first}", other, "run=on")


@pytest.mark.parametrize("content", [None, b"", b"no weights"])
def test_a_file_that_holds_no_weights_is_refused_by_the_name_of_the_setting(train_tiny, in_tmp, content):
    if content is not None:
        (in_tmp / "file").write_bytes(content)
    with pytest.raises(ValueError, match=r"init_from=file: (no such file|damaged)"):
        train_tiny("train.steps=1", "init_from=file", "run=no")
