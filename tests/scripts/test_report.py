"""The report of the study, from its metrics alone: figures, links, conclusions, and what is not measured yet."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch

from data.images import save_png
from evaluation.intervals import mean_of_shares
from scripts.studies.chapters import slot_tables
from scripts.studies.figures import Pooled, ones, pooled, unbits
from scripts.studies.measure import tiled, untiled
from scripts.studies.readers import bits
from scripts.studies.report import SECTIONS, digest, not_yet, read_conclusions, write, wrong_with
from scripts.studies.runs import BASE, STUDIES, runs
from scripts.studies.sections import Page, Rows
from scripts.studies.settings import ReportSettings
from tests.programs import ROOT

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


def test_adherence_slot_by_slot_is_that_of_each_way_and_w(tmp_path):
    lesson = next(study for study in STUDIES if study.key == "lesson")
    added, concatenated, *_ = lesson.rows.values()
    for variant, right in ((added, (1, 4)), (concatenated, (2, 3))):
        complete = {w: {"n": 4, "slots": {"head": hits}} for w, hits in zip("13", right, strict=True)}
        record = {"dataset": "toy", "complete": complete}
        (tmp_path / f"{variant.name}-0.json").write_text(json.dumps(record))
    (tmp_path / "reference-toy.json").write_text("{}")
    shown = re.findall(r"^\| head \| (\S+) % .*? \| (\S+) %", slot_tables(Rows.read(lesson, tmp_path)), re.MULTILINE)
    assert shown == [("25.0", "50.0"), ("100.0", "75.0")]


def test_metrics_without_what_stands_beside_them_are_refused_with_the_remedy(tmp_path):
    (tmp_path / f"{BASE.name}-0.json").write_text(json.dumps({"dataset": "toy"}))
    with pytest.raises(ValueError, match=r"reference-toy\.json: missing, .*scripts/study\.py out=.* only=\[base\] "):
        Pooled.read(BASE, tmp_path)


def test_fid_in_features_of_another_classifier_is_noticed(tmp_path):
    def of(distribution: dict, floor: dict) -> bool:
        record = {"dataset": "toy", "distribution": {"1": {"fid": 3.0, **distribution}}}
        (tmp_path / f"{BASE.name}-0.json").write_text(json.dumps(record))
        (tmp_path / "reference-toy.json").write_text(json.dumps({"floor": floor}))
        return Pooled.read(BASE, tmp_path).mixes_classifiers()

    assert not of({"features": "0a1b2c3d"}, {"features": "0a1b2c3d"})
    assert of({"features": "0a1b2c3d"}, {"features": "4e5f6a7b"}) and of({}, {"features": "4e5f6a7b"})
    assert of({}, {})  # of classifiers that nobody knows, and that may be two
    schedule = next(study for study in STUDIES if study.key == "schedule")
    rows, said = Rows.read(schedule, tmp_path), {"metrics": "old"}
    notes = wrong_with(rows, said, "0123abcd", "| FID |")
    assert ["0123abcd" in notes[0], "FID of base is" in notes[1]] == [True, True]
    assert wrong_with(rows, {"metrics": "0123abcd"}, "0123abcd", "| recall |") == []


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
        new = {"novel": 0.5, "novel_right": [0.5, 0.4, 0.6, 9]}
        record["distribution"] = {w: {**found, **new} for w, found in template["distribution"].items()}
        (folder / f"{run.name}.json").write_text(json.dumps(record))
        (folder / f"reference-{dataset}.json").write_text(json.dumps({**reference, "dataset": dataset}))
        images = torch.zeros(len(wanted.sheet) * wanted.columns, 3, SIDES[dataset], SIDES[dataset], dtype=torch.uint8)
        if wanted.detail:
            in_detail(folder / f"{run.name}.json", record, len(run.needs))
        for w in wanted.guided if wanted.sheet else ():
            save_png(tiled(images, wanted.columns), folder / f"{run.name}-w{w:g}.png")


def in_detail(path, record: dict, needs: int) -> None:
    """The same with the figures of large pictures, and their sheet."""
    shown = {name: [0.5, 0.4, 0.6, 9] for name in ("labelled", "valid", "whole", "wrong_mean", "variety", "alike")}
    figures = {of: shown for of in ("sampled", "real", "floor")} | {"n": 9, "nfe": 14, "seconds_per_picture": 0.25}
    before = [{"parameters": 2_000_000, "seconds": 60.0, "bytes_a_picture": 10**6}] * needs
    detailed = {"detail": figures, "before": before, "bytes_a_picture": 3 * 10**6, "parameters": 4_000_000}
    measured = {name: value for name, value in record.items() if name not in ("requests", "complete", "distribution")}
    path.write_text(json.dumps({**measured, **detailed, "seconds": 90.0}))
    save_png(torch.zeros(3, 3 * 96, 6 * 96, dtype=torch.uint8), path.with_suffix(".png"))


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
    assert "| cascade | 6.00 M | 3.0 | 2.5 | 1.0 | 14 | 0.25 |" in text  # of both its networks
    assert "| pixels, x_0 | 4.00 M | 3.0 | 1.5 |  | 14 | 0.25 |" in text
