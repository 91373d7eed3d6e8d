"""The commands of the README, exactly as typed; the main ones as processes, in a copy of the checkout."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

import pytest

from tests.conftest import TINY
from tests.programs import ROOT, run_program

LEFT_OUT = shutil.ignore_patterns(".*", "runs", "samples", "datasets", "__pycache__", "tests")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """What a person has after cloning, without any run."""
    folder = tmp_path_factory.mktemp("clone") / "ddpm-cfg"
    shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
    return folder


def start(checkout, *command: str, **environment: str) -> subprocess.Popen:
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(checkout), **environment}  # not another checkout's
    return subprocess.Popen(
        [sys.executable, *command], cwd=checkout, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def run(checkout, *command: str, **environment: str) -> str:
    process = start(checkout, *command, **environment)
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 0, output
    return output


def stop_after_some_steps(process: subprocess.Popen, runs) -> None:
    """Press Ctrl-C once training is under way."""
    deadline = time.monotonic() + 200
    while not list(runs.glob("*/status.json")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(1)  # by now the loop has its handlers of signals
    process.send_signal(signal.SIGINT)


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_train_then_sample_cryptopunks(checkout, real_data):
    process = start(checkout, "train.py", "dataset=cryptopunks", "cfg.drop_prob=0.1", DATA_ROOT=str(real_data))
    stop_after_some_steps(process, checkout / "runs/cryptopunks")
    output, _ = process.communicate(timeout=200)
    assert process.returncode == 128 + signal.SIGINT, output
    assert "stopped and saved at step" in output
    (folder,) = (checkout / "runs/cryptopunks").iterdir()
    assert "drop_prob-0.1" in folder.name
    saved = json.loads((folder / "status.json").read_text())
    assert saved["state"] == "stopped" and saved["step"] > 0

    output = run(checkout, "sample.py", "attrs=male,glasses", "w=3")
    assert folder.name in output  # the newest run comes before the pretrained weights
    (pictures,) = (checkout / "samples/cryptopunks").iterdir()
    record = json.loads((pictures / "samples.json").read_text())
    assert (record["attrs"], record["w"], len(record["images"])) == ("Male,glasses", 3.0, 16)
    assert record["nfe"] == 8 and len(output.splitlines()) <= 8
    assert len(list(pictures.glob("seed-*.png"))) == 16 and (pictures / "grid.png").exists()


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_demo(checkout):
    done = subprocess.run(
        ["make", "demo", f"VENV={sys.prefix}", f"PYTHON={sys.executable}"],
        cwd=checkout, capture_output=True, text=True, timeout=1100,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "images/s" in done.stderr and "tensorboard --logdir runs" in done.stdout
    assert len(list((checkout / "samples/pixelfaces").glob("*/grid.png"))) >= 2


@pytest.mark.slow
def test_tensorboard(checkout):
    run(checkout, "train.py", *TINY, "train.steps=2", "train.log_every=1", "run=runs/pixelfaces/board")
    process = subprocess.Popen(
        [sys.executable, "-m", "tensorboard.main", "--logdir", "runs", "--port", "16006"],
        cwd=checkout, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline, found = time.monotonic() + 90, []
        while "pixelfaces/board" not in found and time.monotonic() < deadline:
            time.sleep(1)
            try:
                with urllib.request.urlopen("http://127.0.0.1:16006/data/runs", timeout=5) as answer:
                    found = json.load(answer)
            except OSError:
                continue
        assert "pixelfaces/board" in found
    finally:
        process.kill()
        process.wait()


# -- in the process of the test, which has imported PyTorch already ---------------------------------------------


def test_mnist_conditional_and_not(in_tmp, real_data, capsys):
    small = ["dataset=mnist", *TINY[1:], "train.steps=2", f"data_root={real_data}"]
    run_program("train.py", *small)
    capsys.readouterr()
    run_program("sample.py", "dataset=mnist", "attrs=7", "w=2", "steps=2")
    output = capsys.readouterr().out
    assert "1x16x16" not in output and "runs/mnist/" in output
    run_program("train.py", *small, "cfg=off", "dataset.image_size=28", "run=runs/off")
    run_program("sample.py", "checkpoint=runs/off/checkpoints/ema.safetensors", "steps=2", "n=2", "out=off")
    assert len(list(in_tmp.glob("off/seed-*.png"))) == 2


def test_multirun_sweeps_other_keys(in_tmp):
    run_program("train.py", "--multirun", "seed=0,1", *TINY, "train.steps=1")
    names = sorted(path.name for path in (in_tmp / "runs/pixelfaces").iterdir())
    assert len(names) == 2
    assert ["seed-0" in names[0], "seed-1" in names[1]] == [True, True]


def test_the_same_seeds_with_one_setting_changed(in_tmp, capsys):
    run_program("train.py", *TINY, "train.steps=1", "run=runs/pixelfaces/few")
    typed = ("vary.steps=[1,2]", "vary.w=[1,7]", "seeds=[0,1,2]", "attrs=top hat,shades", "refine=0")
    run_program("scripts/compare.py", *typed, "dataset=pixelfaces")
    (folder,) = (in_tmp / "comparisons").iterdir()
    assert len((folder / "cells.csv").read_text().splitlines()) == 1 + 5 * 3
    assert (folder / "contact.png").is_file() and "baseline" in capsys.readouterr().out


@pytest.mark.parametrize("program", ["train.py", "sample.py"])
def test_help_and_cfg(in_tmp, program, capsys):
    """Neither writes anything, not even the folders in which Hydra keeps what it was told."""
    for arguments, expected in ((["--help"], "auto, cpu, cuda, mps"), (["--cfg", "job"], "precision:")):
        with contextlib.suppress(SystemExit):
            run_program(program, *arguments)
        assert expected in capsys.readouterr().out
    assert list(in_tmp.iterdir()) == []
