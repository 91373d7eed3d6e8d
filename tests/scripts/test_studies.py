"""The study: its list of trainings, that they are run once each whatever fails, and the report from their metrics."""

import json
import multiprocessing
import re
import shutil
import time
import types
from pathlib import Path

import pytest
import torch

from data.images import save_png
from evaluation.intervals import mean_of_shares
from runtime.distributed import CPU, Processes
from runtime.settings import compose as composed
from scripts.studies import estimate, record, runner
from scripts.studies.figures import Pooled, ones, pooled, unbits
from scripts.studies.measure import tiled, untiled
from scripts.studies.readers import bits
from scripts.studies.report import SECTIONS, digest, not_yet, read_conclusions, write
from scripts.studies.runs import BASE, STUDIES, Measures, Run, Variant, runs
from scripts.studies.sections import Page, Rows, provenance
from scripts.studies.settings import ReportSettings, StudySettings
from tests.conftest import TINY
from tests.programs import ROOT, run_program
from training.forecast import step_seconds
from training.settings import TrainSettings
from training.trainer import Trainer

FEW = Measures(w=(1.0, 3.0), progress=True, sheet=("top hat", "-hat"), columns=2)


# -- the list --------------------------------------------------------------------------------------------------------


def test_every_training_has_a_name_and_a_command_of_its_own():
    assert len({run.name for run in runs()}) == len({tuple(run.overrides) for run in runs()}) == len(runs())


@pytest.mark.slow
def test_every_training_composes_to_settings_of_its_own():
    variants = {run.variant.name: run.variant for run in runs() if run.variant.measures.diffuses}
    settings = [composed(TrainSettings, variant.overrides) for variant in variants.values()]
    assert len({s.model_dump_json() for s in settings}) == len(settings) > 40


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


# -- figures ---------------------------------------------------------------------------------------------------------


def test_shares_and_sheets_come_back_as_they_were_written():
    shown = torch.tensor([1.0, 0.0, torch.nan, 1.0], dtype=torch.float64)
    assert torch.equal(unbits(bits(shown)).nan_to_num(-1), shown.nan_to_num(-1))
    images = torch.randint(256, (6, 3, 5, 5), dtype=torch.uint8)
    assert torch.equal(torch.cat(untiled(tiled(images, 3), 5)), images)


def test_several_seeds_are_pooled_as_the_bootstrap_over_seeds_and_requests_does():
    parts = [ones(hits, 200)[torch.randperm(200)] for hits in (20, 60, 90)]
    fast, slow = pooled(parts), mean_of_shares(parts)
    assert fast.value == pytest.approx(slow.value) and fast.n == slow.n == 600
    assert fast[1:3] == pytest.approx(slow[1:3], abs=0.02)
    assert fast.high - fast.low > 3 * (pooled([torch.cat(parts)]).high - pooled([torch.cat(parts)]).low)


# -- the report ------------------------------------------------------------------------------------------------------


def test_the_report_that_is_published_is_that_of_the_metrics(in_tmp):
    settings = ReportSettings()
    page = Page(Path(settings.out), Path(settings.images), Path(settings.metrics))
    shutil.copytree(ROOT / settings.metrics, page.metrics)
    notes = write(page)
    assert page.path.read_text(encoding="utf-8") == (ROOT / settings.out).read_text(encoding="utf-8")
    assert not [note for note in notes if "conclusion" in note]
    published = {path.name for path in (ROOT / settings.images).iterdir()}
    assert {path.name for path in page.images.iterdir()} == published


@pytest.mark.parametrize("images", ["pages/figures", "figures", "pages/../elsewhere"])
def test_links_lead_from_the_page_to_figures_and_metrics_wherever_they_are(in_tmp, images):
    page = Page(Path("pages/REPORT.md"), Path(images), Path("metrics"))
    page.metrics.mkdir()
    write(page)
    (page.images / "T.png").touch()
    links = re.findall(r"\]\((.+?)\)", page.path.read_text(encoding="utf-8") + page.link("T.png", "T"))
    assert len(links) == 2 and all((page.path.parent / link).exists() and "\\" not in link for link in links)


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


def test_what_is_known_of_the_origin_of_the_metrics_stands_in_the_head(in_tmp):
    page = Page(Path("REPORT.md"), Path("images"), Path())
    (in_tmp / "origin.md").write_text("From two machines.\n")
    write(page)
    head = page.path.read_text(encoding="utf-8").partition("\n## ")[0]
    assert head.endswith(".\n\nFrom two machines.\n")


def test_a_conclusion_of_other_metrics_is_noticed(tmp_path):
    study = next(study for study in STUDIES if study.key == "schedule")
    for run in study.runs[:1]:
        (tmp_path / f"{run.name}.json").write_text("{}")
    before = digest(study, tmp_path)
    (tmp_path / f"{study.runs[0].name}.json").write_text('{"seconds": 1}')
    assert digest(study, tmp_path) != before
    assert all(len(said["metrics"]) == 8 for said in read_conclusions(ROOT / "docs/study/conclusions.yaml").values())


def test_what_is_not_measured_is_named(tmp_path):
    assert f"{len(runs())} of {len(runs())} trainings" in not_yet(tmp_path)
    for run in runs()[1:]:
        (tmp_path / f"{run.name}.json").write_text("{}")
    assert f"1 of {len(runs())} trainings" in not_yet(tmp_path) and runs()[0].name in not_yet(tmp_path)


def test_a_share_is_that_of_the_file(tmp_path):
    record = {"dataset": "toy", "requests": {"1": {"met": "1100-"}}}
    (tmp_path / f"{BASE.name}-0.json").write_text(json.dumps(record))
    (tmp_path / "reference-toy.json").write_text(json.dumps({"requests": {"size": [1, 1, 2, 2, 2]}}))
    found = Pooled.read(BASE, tmp_path)
    assert found.requests(1.0, "met")[::3] == (0.5, 4)
    assert found.requests(1.0, "met", size=1)[::3] == (1.0, 2)


def test_metrics_without_what_stands_beside_them_are_refused_with_the_remedy(tmp_path):
    (tmp_path / f"{BASE.name}-0.json").write_text(json.dumps({"dataset": "toy"}))
    with pytest.raises(ValueError, match=r"reference-toy\.json: missing, .*scripts/study\.py out=.* only=\[base\] "):
        Pooled.read(BASE, tmp_path)


SIDES = {"pixelfaces": 24, "cryptopunks": 24, "mnist": 16}


def measured_everything(folder, template: dict, reference: dict) -> None:
    """Metrics and sheets of every training, as if each had ended like the one of the template."""
    for run in runs():
        wanted, typed = run.variant.measures, " ".join(run.overrides)
        dataset = next((name for name in SIDES if name in typed), "pixelfaces")
        record = {**template, "variant": run.variant.name, "seed": run.seed, "dataset": dataset, "command": typed}
        asked = {**template["requests"]["1"]}
        if dataset != "pixelfaces":  # whose true pictures nobody knows
            del asked["valid"], asked["wrong_pixels"]
        record["requests"] = {f"{w:g}": asked for w in wanted.w}
        if not wanted.complete:
            del record["complete"]
        (folder / f"{run.name}.json").write_text(json.dumps(record))
        (folder / f"reference-{dataset}.json").write_text(json.dumps({**reference, "dataset": dataset}))
        images = torch.zeros(len(wanted.sheet) * wanted.columns, 3, SIDES[dataset], SIDES[dataset], dtype=torch.uint8)
        for w in wanted.guided if wanted.sheet else ():
            save_png(tiled(images, wanted.columns), folder / f"{run.name}-w{w:g}.png")


@pytest.mark.slow
def test_once_all_is_measured_every_section_is_written(tmp_path):
    study = ROOT / "docs/study"
    template, reference = (json.loads((study / f"{n}.json").read_text()) for n in ("base-0", "reference-pixelfaces"))
    page = Page(tmp_path / "REPORT.md", tmp_path / "images", tmp_path / "metrics")
    page.metrics.mkdir()
    measured_everything(page.metrics, template, reference)
    notes, text = write(page), page.path.read_text(encoding="utf-8")
    assert len(notes) == len(STUDIES) and all("no conclusion" in note for note in notes)
    assert all(f"## {section.title}\n" in text for section in SECTIONS.values())
    linked = set(re.findall(r"\]\(images/([^)]+)\)", text))
    assert linked == {path.name for path in page.images.iterdir()} and len(linked) > 40
    assert "nan" not in text and "Not measured" not in text
