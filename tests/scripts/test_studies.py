"""The study: its list of trainings, and that they are run once each whatever fails."""

import json
import multiprocessing
import re
import time
import types

import pytest

from data.images import read_rgb
from runtime.distributed import CPU, Processes
from runtime.settings import compose as composed
from scripts.studies import estimate, record, runner
from scripts.studies.report import SECTIONS
from scripts.studies.runs import BASE, STUDIES, runs
from scripts.studies.sections import Rows, provenance
from scripts.studies.settings import StudySettings
from scripts.studies.variants import Measures, Run, Variant
from tests.conftest import TINY
from tests.programs import ROOT, run_program
from training.forecast import step_seconds
from training.settings import TrainSettings
from training.trainer import Trainer

FEW = Measures(w=(1.0, 3.0), progress=True, sheet=("top hat", "-hat"), columns=2)


# -- the list --------------------------------------------------------------------------------------------------------


def test_every_training_has_a_name_and_a_command_of_its_own():
    commands = {(*run.overrides, run.start and run.start.name) for run in runs()}
    assert len({run.name for run in runs()}) == len(commands) == len(runs())


@pytest.mark.slow
def test_every_training_composes_to_settings_of_its_own():
    variants = {run.variant.name: run.variant for run in runs() if run.variant.measures.diffuses}
    settings = [
        composed(
            TrainSettings,
            [*variant.overrides, *([f"{variant.start_as}={variant.start.name}"] if variant.start else [])],
        )
        for variant in variants.values()
    ]
    assert len({s.model_dump_json() for s in settings}) == len(settings) > 60


def test_the_first_seed_of_everything_comes_before_any_second_and_the_cheapest_first():
    order = [(run.seed, run.variant.seconds) for run in runs()]
    assert order == sorted(order)


def test_seed_0_is_the_default_and_so_left_out_of_the_command():
    assert [Run(BASE, seed).overrides[1:] for seed in (0, 1)] == [[], ["seed=1"]]


def test_every_study_has_a_section():
    assert set(SECTIONS) == {study.key for study in STUDIES}


# -- running ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def study(monkeypatch, in_tmp):
    """Settings for a rehearsal of two tiny trainings, the first of which fails; run in this process."""
    good, bad = (Variant(name, (*TINY, *typed), FEW) for name, typed in (("good", ()), ("bad", ("model.channels=12",))))
    monkeypatch.setattr(runner, "runs", lambda: [Run(bad, 0), Run(good, 0)])
    alive = types.SimpleNamespace(is_alive=lambda: True)
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: alive)
    for folder in ("metrics", "runs/logs"):
        (in_tmp / folder).mkdir(parents=True)
    return StudySettings(device="cpu", out="metrics", runs="runs", rehearsal=True)


def test_what_fails_stops_nothing_else_and_what_is_done_is_not_repeated(study, in_tmp, monkeypatch):
    runner.work(study, 0, began=0, until=float("inf"))
    assert [run.name for run in runner.left(study)] == ["bad-0"]
    assert "multiple of 8" in (in_tmp / "runs/logs/bad-0.failed.txt").read_text()
    found = json.loads((in_tmp / "metrics/good-0.json").read_text())
    assert found["command"].startswith("python train.py dataset.count=120") and found["steps"] == 3
    assert [step for step, _ in found["loss"]["held_out"]] == [2, 3]
    assert set(found["requests"]) == set(found["complete"]) == {"1", "3"} and set(found["progress"]) == {"2"}
    assert len(found["requests"]["1"]["met"]) == 2 and found["complete"]["1"]["n"] == 2
    assert len(list((in_tmp / "metrics").glob("good-0-w*.png"))) == 2
    assert [path.name for path in (in_tmp / "runs/good-0/checkpoints").iterdir()] == ["ema.safetensors"]
    monkeypatch.setattr(runner, "train", lambda *_: pytest.fail("trained again"))
    monkeypatch.setattr(runner, "runs", lambda: [Run(Variant("good", (), FEW), 0)])
    runner.work(study, 0, began=0, until=float("inf"))


def test_metrics_that_could_not_be_written_do_not_cost_the_training(study, in_tmp, monkeypatch):
    """They are measured again from the weights, which are tidied up after the metrics are safe."""
    monkeypatch.setattr(runner, "runs", lambda full=runner.runs: full()[1:])

    def full(*_):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(runner, "write_atomically", full)
        runner.work(study, 0, began=0, until=float("inf"))
    assert "disk full" in (in_tmp / "runs/logs/good-0.failed.txt").read_text()
    monkeypatch.setattr(Trainer, "step", lambda *_: pytest.fail("trained again"))
    runner.work(study, 0, began=time.time(), until=float("inf"))
    found = json.loads((in_tmp / "metrics/good-0.json").read_text())
    assert found["steps"] == 3 and set(found["progress"]) == {"2"}
    assert not (in_tmp / "runs/good-0/checkpoints/state.pt").exists()


@pytest.mark.parametrize(
    ("sessions", "seconds"),
    [
        ([(0, 600, 60.0)], 60.0),
        ([(0, 300, 30.0), (300, 600, 40.0)], 70.0),  # stopped on the way
        ([(0, 400, 40.0), (300, 600, 45.0)], 75.0),  # killed, and continued from what was saved
        ([(0, 600, 60.0), (0, 600, 50.0)], 50.0),  # trained again from the beginning
        ([(0, 0, 0.0), (0, 200, 20.0), (0, 400, 40.0), (400, 600, 25.0)], 65.0),
    ],
)
def test_the_minutes_are_those_of_the_steps_that_led_to_the_weights(sessions, seconds):
    found = [{"first_step": first, "last_step": last, "seconds": s} for first, last, s in sessions]
    assert record.seconds(found) == pytest.approx(seconds)


def test_a_training_that_starts_from_another_trains_that_first_and_only_once(study, in_tmp, monkeypatch):
    nothing = Measures(w=(), complete=0, pictures=0)
    first = Variant("first", (*TINY, "train.steps=3"), nothing)
    second, third = (Variant(f"from-{k}", (*TINY, f"seed={k}"), nothing, start=first) for k in (1, 2))
    monkeypatch.setattr(runner, "runs", lambda: [Run(second, 0), Run(third, 0)])
    begun, train = [], runner.train
    monkeypatch.setattr(runner, "train", lambda s, typed: begun.append((s.run, s.init_from)) or train(s, typed))
    runner.work(study, 0, began=0, until=float("inf"))
    weights = "runs/first-0/checkpoints/ema.safetensors"
    assert begun == [
        ("runs/first-0", None),
        ("runs/from-1-0", weights),
        ("runs/first-0", None),
        ("runs/from-2-0", weights),
    ]
    log = (in_tmp / "runs/first-0/train.log").read_text()
    assert log.count("finished: weights") == 1 and not runner.left(study)
    assert "started from runs/first-0" in (in_tmp / "runs/from-2-0/train.log").read_text()
    command = json.loads((in_tmp / "metrics/from-2-0.json").read_text())["command"]
    assert f"init_from=runs/study/{weights.removeprefix('runs/')}" in command


def test_an_upsampler_enlarges_pictures_of_a_network_that_is_trained_before_and_counted(study, in_tmp, monkeypatch):
    """A cascade that enlarged real pictures, or whose first half were free, would win every comparison."""
    typed = (*TINY[1:], "dataset.count=40", "train.steps=1")
    first = Variant("first", (*typed, "dataset=pixelfaces"), Measures(detail=2))
    second = Variant("second", (*typed, "dataset=bigfaces", "model.patch=8", "upsample=4"), first.measures, small=first)
    monkeypatch.setattr(runner, "runs", lambda: [Run(second, 0)])
    runner.work(study, 0, began=0, until=float("inf"))
    found = json.loads((in_tmp / "metrics/second-0.json").read_text())
    figures = found["detail"]
    assert figures["n"] == 2 and figures["nfe"] == 4 + 10  # of complete labels, and to enlarge
    assert figures["real"]["valid"][0] == figures["real"]["labelled"][0] == 1.0
    assert figures["floor"]["kept"][0] == 1.0 and figures["floor"]["labelled"][0] == 0.0  # of noise, enlarged
    (before,) = found["before"]
    assert (
        before["steps"] == 3 and before["parameters"] > 0 and 0 < before["bytes_a_picture"] < found["bytes_a_picture"]
    )
    assert read_rgb(in_tmp / "metrics/second-0.png").shape == (3, 3 * 96, 2 * 96)


def test_nothing_starts_once_the_time_is_up_or_the_process_that_waits_is_gone(study, monkeypatch):
    runner.work(study, 0, began=0, until=0)
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: types.SimpleNamespace(is_alive=lambda: False))
    runner.work(study, 0, began=0, until=float("inf"))
    assert len(runner.left(study)) == 2


def test_a_run_that_another_process_has_is_left_to_it(study):
    run = runner.runs()[1]
    with runner._claimed(run, study) as first, runner._claimed(run, study) as second:
        assert (first, second) == (True, False)
    with runner._claimed(run, study) as again:
        assert again


def test_references_are_written_also_for_what_is_measured_already(study, in_tmp, monkeypatch):
    """Once for each data set."""
    monkeypatch.setattr(runner, "runs", lambda: [Run(Variant(name, tuple(TINY), FEW), 0) for name in ("one", "two")])
    reader = types.SimpleNamespace(write_reference=lambda path: path.write_text("{}"))
    asked = []
    monkeypatch.setattr(runner, "reader_of", lambda dataset, _: asked.append(dataset.name) or reader)
    for name in ("one", "two"):
        (in_tmp / f"metrics/{name}-0.json").write_text("{}")
    runner.write_references(study)
    assert (in_tmp / "metrics/reference-pixelfaces.json").exists() and asked == ["pixelfaces"]


@pytest.mark.parametrize(("exitcode", "said"), [(-9, "worker-0: ended with status -9"), (0, "stopped before all")])
def test_a_study_that_ends_early_says_so_and_fails(study, monkeypatch, capsys, exitcode, said):
    """A process that the system kills leaves neither metrics nor a word."""
    dead = types.SimpleNamespace(start=lambda: None, join=lambda: None, exitcode=exitcode, name="worker-0")
    monkeypatch.setattr(multiprocessing, "get_context", lambda _: types.SimpleNamespace(Process=lambda **_: dead))
    with pytest.raises(SystemExit, match="1"):
        run_program("scripts/study.py", "device=cpu", "out=metrics", "runs=runs", "rehearsal=true")
    printed = capsys.readouterr()
    assert said in printed.err and "the same command goes on" in printed.err
    assert "0 of 2 have metrics in metrics; python scripts/report.py metrics=metrics out=metrics/" in printed.out


def test_a_study_whose_time_is_up_ends_well_and_says_what_there_is(study, monkeypatch, capsys):
    done = types.SimpleNamespace(start=lambda: None, join=lambda: None, exitcode=0, name="worker-0")
    monkeypatch.setattr(multiprocessing, "get_context", lambda _: types.SimpleNamespace(Process=lambda **_: done))
    run_program("scripts/study.py", "device=cpu", "out=metrics", "runs=runs", "rehearsal=true", "minutes=1")
    assert "0 of 2 have metrics in metrics" in capsys.readouterr().out


def test_an_unknown_name_is_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match=r"only=nothing: no training is called so; there are .*base-0"):
        runner.chosen(StudySettings(only=["nothing"]))
    assert {run.variant.name for run in runner.chosen(StudySettings(only=["base", "cosine-0"]))} == {"base", "cosine"}


def test_the_estimate_counts_steps_and_measures_and_shares_them_among_the_jobs(monkeypatch, in_tmp):
    monkeypatch.setattr(estimate, "step_seconds", lambda trainer: 0.5)
    small = Variant("small", (*TINY, "train.steps=10"), Measures(w=(1.0,), complete=0, pictures=0))
    longer = Variant("longer", (*TINY, "train.steps=30"), Measures(w=(), complete=0, pictures=0))
    alone = [estimate.seconds([Run(v, 0)], StudySettings(device="cpu")) for v in (small, longer)]
    assert alone[1] == 15.0 and alone[0] == 5.0 + 0.5 * 500 * 16 / 3 / 8
    assert estimate.seconds([Run(small, 0), Run(longer, 0)], StudySettings(device="cpu", jobs=2)) == sum(alone) / 2


def test_a_timed_step_is_one_of_the_training(compose):
    settings, steps = compose("train", TINY), []
    trainer = Trainer(settings, settings.dataset.load(""), Processes(0, 1, CPU))
    trainer.step = lambda step, total, real=trainer.step: steps.append((step, total)) or real(step, total)
    assert 0 < step_seconds(trainer) < 60
    assert steps == [(step, settings.train.steps) for step in range(3)]


def test_a_command_of_the_report_trains_as_the_study_did(study, monkeypatch):
    schedule = next(study for study in STUDIES if study.key == "schedule")
    (command,) = re.findall(
        r"\| linear \| `python train\.py (.+?)`", provenance(Rows.read(schedule, ROOT / "docs/study"))
    )

    def trained(settings, typed):
        assert settings == composed(TrainSettings, [*command.split(), *typed[-3:]])  # with folder, device, data_root
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "train", trained)
    with pytest.raises(KeyboardInterrupt):
        runner.execute(Run(BASE, 0), study.replace(rehearsal=False), {})
