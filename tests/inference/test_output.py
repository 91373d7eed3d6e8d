"""What sample.py leaves: at most eight lines, and files that say how they came about."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from data.images import read_settings
from inference.output import LONGEST, by_subject, fitting, line
from inference.pipeline import Pipeline
from tests.inference.conftest import picture
from tests.programs import run_program

QUICK = ["steps=1", "refine=0"]


def test_pictures_say_how_they_came_about(weights, in_tmp, pipe):
    settings = ["attrs=crown,-beard", "w=2", "steps=3", "n=3", "seed=5", "scale=4", "out=o", "device=cpu"]
    run_program("sample.py", f"checkpoint={weights}", *settings)
    names = ["grid.png", "samples.json", *(f"seed-00000{s}.png" for s in (5, 6, 7))]
    assert sorted(p.name for p in (in_tmp / "o").iterdir()) == sorted(names)
    record, stored = json.loads((in_tmp / "o/samples.json").read_text()), read_settings(in_tmp / "o/seed-000006.png")
    entry = record["images"][1]
    assert stored["seed"] == 6 and (entry["file"], entry["seed"]) == ("seed-000006.png", 6)
    of_the_whole = {"images", "notes", "seconds"}
    assert {key: value for key, value in stored.items() if key != "seed"} == {
        key: value for key, value in record.items() if key not in of_the_whole
    }
    assert of_the_whole < set(record) and record["notes"] == [] and record["seconds"] > 0
    again = pipe(stored["attrs"], [stored["seed"]], w=stored["w"], steps=stored["steps"])[0].permute(1, 2, 0).numpy()
    large = picture("o/seed-000006.png")
    assert large.shape == (96, 96, 3) and np.array_equal(large[::4, ::4], again)
    assert np.array_equal(large, again.repeat(4, 0).repeat(4, 1))
    grid = picture("o/grid.png")
    assert grid.shape == (2 * 96 + 3 * 4, 2 * 96 + 3 * 4, 3) and np.array_equal(grid[4:100, 104:200], large)
    assert read_settings(in_tmp / "o/grid.png")["seeds"] == [5, 6, 7]


def lines(capsys, *arguments: str) -> dict[str, str]:
    """What sample.py says on both streams, by the word before the colon; checks that each is said once."""
    capsys.readouterr()
    run_program("sample.py", *arguments)
    said = capsys.readouterr()
    assert said.err == ""
    found = [text.partition(":") for text in said.out.splitlines()]
    assert len(found) <= 8 and len({name for name, _, _ in found}) == len(found), said.out
    assert all(text.startswith(" " * (9 - len(name))) and text[9 - len(name)] != " " for name, _, text in found)
    return {name: text.strip() for name, _, text in found}


def test_a_request_has_four_lines(in_tmp, weights, capsys):
    said = lines(capsys, f"checkpoint={weights}", "attrs=crown,-beard", "n=2", "steps=3", "out=o", "device=cpu")
    assert said.pop("sampled").startswith("dpmpp_2m, 3 steps, w = 3: NFE 6 per picture, on cpu in fp32, ")
    assert said == {
        "weights": f"{weights.as_posix()} (pixelfaces, step 1)", "request": "Crown, -beard",
        "written": "o/grid.png and 2 pictures beside it",
    }  # fmt: skip


def test_paths_below_the_working_directory_are_shown_from_there(in_tmp, weights, capsys):
    near = in_tmp / "near.safetensors"
    near.write_bytes(weights.read_bytes())
    where = [f"checkpoint={near}", f"guide={near}", f"out={in_tmp / 'o'}"]
    said = lines(capsys, *where, "attrs=crown", "negative=pipe", "n=1", *QUICK)
    assert said["weights"] == "near.safetensors (pixelfaces, step 1), guided by near.safetensors"
    assert said["request"] == "Crown (negative: Pipe)"
    assert said["written"] == "o/grid.png and 1 picture beside it"
    said = lines(capsys, f"checkpoint={near}", "attrs=crown", "n=1", *QUICK)
    assert said["written"].startswith("samples/pixelfaces/2") and "-crown/grid.png and 1 picture" in said["written"]


TYPOS = (
    "prompt=a womann with a pipee, shaddes, a grren back drop, freckels, a scarff and a parrott on a bicycel, "
    "without a bread, no mohawkk"
)


def test_no_case_has_more_than_eight_lines(in_tmp, weights, face, classifier, capsys):
    """All notes at once: typos and unknown words, absences, unseen pairs, an edited picture and an original."""
    common = [f"checkpoint={weights}", "init=face.png", "mask=mask.png", "n=1", *QUICK]
    said = lines(capsys, *common, "edit=+beard", "feather=18", "strength=0.4", "out=edit")
    assert list(said) == ["weights", "request", "picture", "warning", "sampled", "written"]
    assert "shows Slate" in said["picture"] and "feather is wider" in said["picture"] and "level 0.4" in said["picture"]
    said = lines(capsys, "from_image=edit/seed-000000.png", "w=4", "out=again")
    assert list(said)[-1] == "compared" and len(said) == 7
    said = lines(capsys, *common, TYPOS, "strength=0.4", f"guide={weights}", "out=typos")
    assert {"read as", "picture", "warning"} < set(said) and "guide holds the weights" in said["warning"]
    said = lines(
        capsys, "from_image=edit/seed-000000.png", TYPOS, f"guide={weights}", "strength=0.4", "w=4", "out=most"
    )
    assert {"read as", "picture", "warning", "compared"} < set(said)
    said = lines(capsys, f"checkpoint={weights}", TYPOS, "rank=adherence", "of=3", "keep=2", *QUICK, "out=best")
    assert "; kept 2 of 3, adherence " in said["sampled"]
    notes = json.loads((in_tmp / "typos/samples.json").read_text())["notes"]
    assert {note.partition(":")[0] for note in notes} == {"read as", "ignored", "note", "picture", "warning"}


def test_notes_of_a_subject_share_a_line():
    notes = ["ignored: 'x'", "warning: one", "picture: shows a: b", "note: -a", "warning: two", "picture: more"]
    assert list(by_subject(notes)) == [
        "ignored:  'x'; note: -a", "picture:  shows a: b; more", "warning:  one; two",
    ]  # fmt: skip
    assert list(by_subject([])) == []
    assert line("read as", "x") == "read as:  x"


def test_a_line_is_not_longer_than_a_person_reads():
    (text,) = by_subject([f"read as: {', '.join(f'word{i}' for i in range(999))}"])
    assert LONGEST - 20 < len(text) <= LONGEST + len("read as:  ") and text.endswith(" ...")


@pytest.mark.parametrize(
    ("scale", "count", "shape", "expected"),
    [(8, 1000, (3, 24, 24), 8), (8, 10_000, (3, 24, 24), 3), (8, 100_000, (3, 24, 24), 1), (8, 10**9, (3, 24, 24), 1),
     (100, 16, (3, 24, 24), 81), (1, 1, (3, 9, 9), 1)],
)  # fmt: skip
def test_a_sheet_of_many_pictures_is_enlarged_less(scale, count, shape, expected):
    """The grid of 100,000 pictures at scale 8 would take 11 GB, at the end of hours."""
    assert fitting(scale, count, shape) == expected


def test_only_the_sheet_is_enlarged_less(in_tmp, weights, monkeypatch):
    monkeypatch.setattr("inference.output.fitting", lambda scale, count, shape: 2)
    run_program("sample.py", f"checkpoint={weights}", "n=4", *QUICK, "out=o")
    assert Image.open("o/grid.png").size == (2 * 50 + 2, 2 * 50 + 2)
    assert Image.open("o/seed-000000.png").size == (192, 192)


@pytest.mark.parametrize("out", ["mine", "mine/grid.png", "mine/grid.png/below"])
def test_files_of_a_person_are_never_touched(in_tmp, weights, capsys, out):
    Path("mine").mkdir()
    Path("mine/grid.png").write_text("precious")
    with pytest.raises(SystemExit):
        run_program("sample.py", f"checkpoint={weights}", f"out={out}", "n=1", *QUICK)
    assert f"out={out}" in capsys.readouterr().err and Path("mine/grid.png").read_text() == "precious"
    assert [path.name for path in Path("mine").iterdir()] == ["grid.png"]


def test_pictures_of_one_channel_keep_it(in_tmp):
    from inference.output import write

    images = torch.randint(0, 256, (2, 1, 6, 6), dtype=torch.uint8)
    write(in_tmp, images, [1, 2], {"scale": 1}, {})
    assert np.array_equal(np.asarray(Image.open("seed-000002.png")), images[1, 0].numpy())


def test_the_record_says_what_each_picture_is_of(in_tmp, weights, capsys):
    """What the label prior decided: sampled from that label in full, the picture is the same."""
    common = [f"checkpoint={weights}", "steps=2", "w=1", "device=cpu"]
    run_program("sample.py", *common, "attrs=crown", "seed=3", "n=2", "out=decided")
    images = json.loads((in_tmp / "decided/samples.json").read_text())["images"]
    assert all("Crown" in image["label"].split(", ") for image in images) and images[0]["label"] != images[1]["label"]
    absent = ["-mouth", "-smoke", "-facial hair", "-eyes", "-ear", "-neck"]
    named = images[0]["label"].split(", ")
    pipe = Pipeline.load(weights, "cpu")
    missing = [name for name in absent if pipe.schema.encode(named)[pipe.schema.column[name[1:]]] < 0]
    run_program("sample.py", *common, f"attrs={','.join([*named, *missing])}", "seed=3", "n=1", "out=named")
    assert np.array_equal(picture(in_tmp / "named/seed-000003.png"), picture(in_tmp / "decided/seed-000003.png"))
    run_program("sample.py", *common, "attrs=crown", "complete=false", "n=1", "out=open")
    assert "label" not in json.loads((in_tmp / "open/samples.json").read_text())["images"][0]
