"""Pretrained weights: half precision, and a card whose every figure comes from the run or from its evaluation."""

import json

import pytest
import torch

from evaluation import classifier
from inference import weights
from runtime.checkpoint import load_tensors, read_info
from scripts.maintain.card import training
from tests.evaluation.test_evaluate import evaluate
from tests.programs import run_program


def test_weights_are_copied_and_their_card_says_how_and_how_good(in_tmp, train_tiny, monkeypatch):
    monkeypatch.setattr(classifier, "STEPS", 2)
    monkeypatch.setattr(classifier, "BATCH", 8)
    pretrained = in_tmp / "checkpoints"
    pretrained.mkdir()
    monkeypatch.setattr(weights, "PRETRAINED", pretrained)
    for module in ("training.monitor", "evaluation.report"):
        monkeypatch.setattr(f"{module}.code_version", lambda: "0.1.0+abc")
    train_tiny("train.steps=1", "run=run")
    train_tiny("train.steps=3", "train.log_every=1", "train.validate_every=1", "run=run")
    run_program("scripts/maintain/ship.py", "run")

    path, run = pretrained / "pixelfaces.safetensors", in_tmp / "run/checkpoints/ema.safetensors"
    assert read_info(path) == read_info(run)
    for (name, half), full in zip(load_tensors(path).items(), load_tensors(run).values(), strict=True):
        assert torch.equal(half, full.half().float()), name
    assert path.stat().st_size < 0.6 * run.stat().st_size

    evaluate(path, "measure=[exact]", "out=measured")
    record = json.loads((in_tmp / "measured/metrics.json").read_text())
    run_program("scripts/maintain/card.py", "measured", "--run", "run")
    card = (pretrained / "pixelfaces.md").read_text()
    command = "`python train.py dataset.count=120"
    for part in (command, "24 (3 steps of 8)", record["checkpoint"], "1 threads", " cores", "## Exact match",
                 "| code | 0.1.0+abc |", "validation, 3 test"):  # fmt: skip
        assert part in card, part
    assert "run=run" not in card and "fine-tuned from" not in card
    assert "](../docs/images/pixelfaces-worst.png)" in card and (in_tmp / "docs/images/pixelfaces-worst.png").exists()

    report = in_tmp / "measured/report.md"
    report.write_text(report.read_text() + "\n## Later\n")
    run_program("scripts/maintain/card.py", "measured")  # without the run, what was told of it stays
    assert (pretrained / "pixelfaces.md").read_text() == card + "\n## Later\n"

    evaluate(path, "measure=[exact]", "split=test", "out=tested")
    run_program("scripts/maintain/card.py", "measured", "--test", "tested")
    text = (pretrained / "pixelfaces.md").read_text()
    shown, short = text.split("\n## Test split\n")
    assert shown.rstrip() == card + "\n## Later"
    assert "test split, used once so far" in short and "### Exact match" in short and "worst.png" not in short

    (pretrained / "pixelfaces.md").unlink()
    with pytest.raises(SystemExit, match="says nothing of the training"):
        run_program("scripts/maintain/card.py", "measured")
    (in_tmp / "measured/metrics.json").write_text(json.dumps({**record, "code": "0.1.0+abc-dirty"}))
    with pytest.raises(SystemExit, match="publish what a clean commit measured"):
        run_program("scripts/maintain/card.py", "measured", "--run", "run")
    (in_tmp / "measured/metrics.json").write_text(json.dumps({**record, "checkpoint": "0" * 16}))
    with pytest.raises(SystemExit, match="measured other weights"):
        run_program("scripts/maintain/card.py", "measured", "--run", "run")
    assert not (pretrained / "pixelfaces.md").exists()


def test_a_run_of_code_that_was_not_committed_gets_no_card(in_tmp, train_tiny, monkeypatch):
    """Nobody could make it again. One dirty session among others is enough."""
    monkeypatch.setattr("training.monitor.code_version", lambda: "0.1.0+abc-dirty")
    train_tiny("train.steps=1", "run=run")
    monkeypatch.setattr("training.monitor.code_version", lambda: "0.1.0+abc")
    run = train_tiny("train.steps=2", "run=run")
    with pytest.raises(ValueError, match=r"0.1.0\+abc-dirty; publish what a clean commit trained"):
        training(run, run.weights)
    run.write_status(state="finished")
    with pytest.raises(ValueError, match="no record of its code"):
        training(run, run.weights)
