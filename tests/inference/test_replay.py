"""Pictures reproduced from the settings inside them."""

import contextlib
import copy
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, PngImagePlugin

from data.images import read_settings, save_png
from diffusion.spacing import Karras
from inference.replay import DECIDING, difference, stored_overrides, with_stored
from inference.settings import AnimateSettings, SampleSettings
from tests.inference.conftest import picture
from tests.programs import run_program

OPTIONS = [
    "attrs=crown:4,pipe | mohawk * 0.5", "negative=hat", "w=2.5", "guidance=rescale", "sampler=ddim", "sampler.eta=1",
    "scale=3", "steps=2", "refine=1", "seed=7", "spacing=karras", "quantise=palette",
]  # fmt: skip


@pytest.fixture(scope="module")
def sampled(weights, tmp_path_factory) -> Path:
    """A folder with two pictures with many settings of their own."""
    folder = tmp_path_factory.mktemp("sampled") / "first"
    run_program("sample.py", f"checkpoint={weights}", *OPTIONS, "n=2", f"out={folder}")
    return folder


@pytest.fixture
def stored(sampled) -> dict:
    return read_settings(sampled / "seed-000008.png")


@pytest.fixture
def with_record(in_tmp):
    """A picture with this record, as from_image=altered.png."""

    def make(record) -> str:
        save_png(torch.zeros(3, 24, 24, dtype=torch.uint8), in_tmp / "altered.png", record)
        return "from_image=altered.png"

    return make


def test_a_picture_is_reproduced_from_itself(in_tmp, sampled, capsys):
    run_program("sample.py", f"from_image={sampled / 'seed-000008.png'}", "out=again")
    assert capsys.readouterr().out.endswith("compared: identical to the original\n")
    assert [path.name for path in (in_tmp / "again").glob("seed-*")] == ["seed-000008.png"]
    assert np.array_equal(picture("again/seed-000008.png"), picture(sampled / "seed-000008.png"))


def test_every_deciding_option_is_stored_and_comes_back(compose, stored, sampled):
    """An option that were left out would come back as its default, and the picture as another one."""
    again = compose("sample", [f"from_image={sampled / 'seed-000008.png'}"])
    plain = again.plain()
    assert {key: plain[key] for key in DECIDING} == {key: stored[key] for key in DECIDING}
    assert (again.seed, again.n, again.rank) == (8, 1, None)
    usual = compose("sample").plain()
    kept = {"init", "edit", "strength", "mask", "feather", "resample", "precision"}
    assert all(plain[key] != usual[key] for key in set(DECIDING) - kept)
    plumbing = {"dataset", "prompt", "guide", "upsampler", "out", "checkpoint"}  # and what is kept by hash
    plumbing |= {"device", "batch_size", "compile", "channels_last"}  # which change speed alone, but for rounding
    choosing = {"from_image", "seed", "n", "rank", "keep", "of"}
    assert set(DECIDING) | plumbing | choosing == set(SampleSettings.model_fields)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("w=6", {"w": 6.0}),
        ("sampler.eta=0.5", {"sampler": {"name": "ddim", "eta": 0.5}}),
        ("sampler=ddim", {"sampler": {"name": "ddim", "eta": 0.0}}),
        ("sampler=heun", {"sampler": {"name": "heun"}}),
        ("guidance.fade=0.2", {"guidance": {"name": "rescale", "interval": [0.0, 1.0], "fade": 0.2, "rescale": 0.7}}),
        ("guidance=cfg", {"guidance": {"name": "cfg", "interval": [0.0, 1.0], "fade": 0.0}}),
        ("scale=5", {"scale": 5}),
        ("seed=9", {"seed": 9}),
        ("n=3", {"n": 3}),
        ("attrs=top hat", {"attrs": "top hat", "prompt": None}),
        ("prompt=a top hat", {"attrs": "any", "prompt": "a top hat"}),
        ("negative=null", {"negative": None}),
        ("refine=null", {"refine": None}),
        ("checkpoint=other.safetensors", {"checkpoint": "other.safetensors"}),
    ],
)
def test_what_is_typed_beside_a_picture_replaces_that_and_nothing_else(compose, sampled, typed, expected):
    given = [f"from_image={sampled / 'seed-000008.png'}"]
    again, plain = compose("sample", [*given, typed]).plain(), compose("sample", given).plain()
    assert {key: again[key] for key in expected} == expected
    assert {key for key in again if again[key] != plain[key]} <= set(expected)
    assert compose("sample", [typed, *given]).plain() == again  # in any order


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("w=6", "w was 2.5, is 6\n"),
        ("prompt=a top hat", "attrs was Crown:4,Pipe | Mohawk * 0.5, is Top Hat\n"),
        ("sampler=heun", "sampler was ddim, is heun\n"),
        ("guidance.fade=0.2", "guidance.fade was 0, is 0.2\n"),
        ("seed=9", "seed was 8, is 9\n"),
        ("negative=null", "negative was hat, is null\n"),
    ],
)
def test_what_has_changed_is_the_reason_why_a_picture_differs(in_tmp, sampled, capsys, typed, message):
    run_program("sample.py", f"from_image={sampled / 'seed-000008.png'}", typed, "out=again")
    out = capsys.readouterr().out
    assert "pixels differ from the original, by up to" in out and out.endswith(message)


def test_a_picture_at_another_scale_is_the_same_picture(in_tmp, sampled, capsys):
    run_program("sample.py", f"from_image={sampled / 'seed-000008.png'}", "scale=1", "out=again")
    assert capsys.readouterr().out.endswith("compared: identical to the original, though scale was 3, is 1\n")
    assert np.array_equal(picture("again/seed-000008.png"), picture(sampled / "seed-000008.png")[::3, ::3])


def test_differences_are_counted_in_pixels_and_levels():
    image = torch.zeros(3, 4, 4, dtype=torch.uint8)
    other = image.clone()
    other[0, 1, 1], other[2, 1, 1], other[1, 3, 0] = 5, 9, 2
    enlarged = other.repeat_interleave(2, 1).repeat_interleave(2, 2)
    assert difference(image, enlarged, {}, {}) == (
        "2 of 16 pixels differ from the original, by up to 9 levels: with the same settings, so the machine computes "
        "differently"
    )
    assert difference(other, enlarged, {}, {}) == "identical to the original"
    assert difference(image, enlarged[:, :6], {"w": 2.0}, {"w": 3}) == ("another size than the original; w was 3, is 2")
    record, before = ({"weights": path, "nfe": nfe, "code": "a", "new": 1} for path, nfe in (("a", 2), ("b", 4)))
    assert difference(other, enlarged, record, {**before, "code": "b"}) == (
        "identical to the original, though code was b, is a"  # where weights lie does not matter, nor what follows
    )
    record, before = ({"attrs": name, "request": name} for name in ("Crown", "Pipe"))
    assert difference(other, enlarged, record, before).endswith("though attrs was Pipe, is Crown")
    assert "request was Pipe" in difference(other, enlarged, record | {"attrs": "any"}, before | {"attrs": "any"})


# -- weights -------------------------------------------------------------------------------------------------------


def test_the_weights_of_a_picture_are_found_wherever_they_are_now(in_tmp, weights, compose, with_record, stored):
    moved = in_tmp / "runs/x/checkpoints/ema.safetensors"
    moved.parent.mkdir(parents=True)
    moved.write_bytes(weights.read_bytes())
    given = with_record({**stored, "weights": "gone/ema.safetensors"})
    assert compose("sample", [given]).checkpoint == "runs/x/checkpoints/ema.safetensors"
    moved.unlink()
    with pytest.raises(ValueError, match=f"^checkpoint: no weights with the hash {stored['checkpoint']}, .*=FILE$"):
        compose("sample", [given])
    assert compose("sample", [given, "checkpoint=other.safetensors"]).checkpoint == "other.safetensors"
    assert compose("sample", [given, "dataset=cryptopunks"]).checkpoint is None  # which finds the newest of these


def test_the_guide_of_a_picture_is_found_where_it_lay(in_tmp, weights, compose, capsys):
    shutil.copy(weights, "weak one.safetensors")
    how = ["guidance=cfg", "guide='weak one.safetensors'"]
    run_program("sample.py", f"checkpoint={weights}", "attrs=crown", "steps=1", "refine=0", "n=1", *how, "out=first")
    capsys.readouterr()
    run_program("sample.py", "from_image=first/seed-000000.png", "out=again")
    assert "identical to the original" in capsys.readouterr().out
    assert read_settings(in_tmp / "again/seed-000000.png")["guide_weights"] == "weak one.safetensors"
    assert compose("sample", ["from_image=first/seed-000000.png", "guide=null"]).guide is None
    Path("weak one.safetensors").unlink()
    with pytest.raises(ValueError, match=r"^guide: no weights with the hash [0-9a-f]{16}, .* others with guide=FILE$"):
        compose("sample", ["from_image=first/seed-000000.png"])


# -- edits ---------------------------------------------------------------------------------------------------------


def test_an_edit_replaced_by_a_request_leaves_its_edge_behind(compose, stored, with_record):
    given = with_record({**stored, "attrs": "any", "edit": "+crown", "init": "face.png", "feather": 2})
    kept = compose("sample", [given])
    assert (kept.edit, kept.feather, kept.init, kept.attrs) == ("+crown", 2, "face.png", "any")
    again = compose("sample", [given, "attrs=pipe"])
    assert (again.edit, again.feather, again.init, again.attrs) == (None, 0, "face.png", "pipe")
    masked = compose("sample", [given, "attrs=pipe", "mask=mask.png"])
    assert (masked.edit, masked.feather) == (None, 2)
    typed = compose("sample", [given, "attrs=pipe", "mask=mask.png", "feather=1"])
    assert (typed.edit, typed.feather) == (None, 1)
    other = compose("sample", [given, "edit=-crown"])
    assert (other.edit, other.feather) == ("-crown", 2)


def test_a_changed_mask_is_a_reason(in_tmp, weights, face, capsys):
    common = [f"checkpoint={weights}", "init=face.png", "mask=mask.png", "steps=1", "refine=0", "scale=1"]
    run_program("sample.py", *common, "resample=2", "feather=2", "n=1", "out=edit")
    capsys.readouterr()
    run_program("sample.py", "from_image=edit/seed-000000.png", "out=again")
    assert "identical to the original" in capsys.readouterr().out
    mask = np.asarray(Image.open("mask.png")).copy()
    mask[:, 18:] = 0
    Image.fromarray(mask).save("mask.png")
    run_program("sample.py", "from_image=edit/seed-000000.png", "out=changed")
    assert "mask_hash was" in capsys.readouterr().out


def test_rankings_typed_beside_a_picture_count(compose, sampled):
    again = compose("sample", [f"from_image={sampled / 'seed-000008.png'}", "rank=adherence", "keep=2", "of=4"])
    assert (again.rank, again.keep, again.of, again.n, list(again.seeds)) == ("adherence", 2, 4, None, [8, 9, 10, 11])


# -- pictures that cannot be reproduced ----------------------------------------------------------------------------


def refused(*arguments: str) -> str:
    """The one line of a refusal, after which there are no pictures."""
    with contextlib.redirect_stderr(io.StringIO()) as errors, pytest.raises(SystemExit) as stopped:
        run_program("sample.py", *arguments, "out=again")
    assert stopped.value.code == 2 and not Path("again").exists()
    line = errors.getvalue()
    assert line.count("\n") == 1 and "Traceback" not in line and len(line) < 400, line
    return line


def test_other_files_are_refused_in_one_line(in_tmp, sampled):
    Image.new("RGB", (8, 8)).save("plain.png")
    Path("text.png").write_text("no picture")
    shutil.copy(sampled / "grid.png", "grid.png")
    for name, message in {
        "plain.png": "no settings inside", "text.png": "not a picture", "nowhere.png": "no such file",
        "grid.png": "its settings lack seed; name a single picture that this version", ".": "", "[a]": "",
    }.items():  # fmt: skip
        line = refused(f"from_image={name}")
        assert message in line and line.startswith("sample.py: from_image=")


@pytest.mark.parametrize("key", [*sorted({*DECIDING} - {"complete"}), "seed", "checkpoint", "weights", "guide"])
def test_a_record_that_lacks_a_key_is_refused_in_one_line(in_tmp, stored, with_record, key):
    record = {name: value for name, value in stored.items() if name != key}
    assert f"from_image=altered.png: its settings lack {key}" in refused(with_record(record))


WRONG = {
    "a word for a number": {"seed": "x"},
    "a seed below 0": {"seed": -1},
    "a sampler that is none": {"sampler": "no sampler"},
    "a sampler without a name": {"sampler": {"eta": 0}},
    "a sampler with a setting of another": {"sampler": {"name": "ddim", "order": 2}},
    "a sampler with junk": {"sampler": {"name": {"name": {"name": "ddim"}}}},
    "a list of samplers": {"sampler": [{"name": "ddim"}]},
    "guidance that is nothing": {"guidance": None},
    "a request of objects": {"attrs": {"a": {"b": [1, {}]}}},
    "a yes for a text": {"attrs": True},
    "not a number": {"w": float("nan")},
    "an infinite number": {"w": float("inf")},
    "far too large": {"scale": 10**9},
    "a number for weights": {"weights": 5},
    "a list for weights": {"checkpoint": ["a"]},
    "an object for a guide": {"guide": {"a": 1}},
    "an object for an upsampler": {"upsampler": {"a": 1}},
    "an interpolation": {"attrs": "${oc.env:HOME}"},
    "an interpolation in a path": {"init": "${oc.env:HOME}/face.png"},
    "an interpolation in a group": {"sampler": {"name": "${oc.env:HOME}"}},
    "an interpolation for weights": {"weights": "${oc.env:HOME}/w.safetensors"},
    "another setting": {"attrs": "crown", "edit": "+pipe"},
    "an edge without a mask": {"feather": 3},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_a_record_of_other_values_is_refused_in_one_line(stored, with_record, monkeypatch, change):
    monkeypatch.setenv("HOME", "/the/secret")
    line = refused(with_record({**stored, **change}))
    assert "from_image=altered.png" in line and "secret" not in line


def test_what_only_the_weights_or_a_file_can_refuse_is_one_line_too(stored, with_record):
    assert "steps=1000000000000: must be a whole number from 1 to 1000" in refused(
        with_record({**stored, "steps": 10**12})
    )
    assert "init=" in refused(with_record({**stored, "init": "a\0b"}))


def test_text_is_taken_as_it_stands(compose, stored, with_record):
    """A PNG comes from anywhere: nothing in it may be read as grammar of the command line."""
    texts = ("null", "3", "a'b", "a\\'b", "[a]", "{a:1}", "a,b", "$HOME", "x=y", "été", "a\\", "key: value")
    for init, mask in zip(texts[::2], texts[1::2], strict=True):
        again = compose("sample", [with_record({**stored, "init": init, "mask": mask})])
        assert (again.init, again.mask) == (init, mask)


def test_damaged_settings_are_refused(in_tmp, sampled):
    for text in ("[1, 2]", "{", "null", "[" * 100_000):
        info = PngImagePlugin.PngInfo()
        info.add_text("ddpm-cfg", text)
        Image.new("RGB", (24, 24)).save("altered.png", pnginfo=info)
        assert "the settings inside are damaged" in refused("from_image=altered.png")


def test_programs_take_what_they_know_of_a_picture(sampled):
    given = [f"from_image={sampled / 'seed-000008.png'}", "w=4"]
    one, many = with_stored(AnimateSettings, given), with_stored(SampleSettings, given, one_of_many=True)
    assert "n=1" in many and [line for line in many if line != "n=1"] == one
    assert one[-2:] == given and with_stored(SampleSettings, ["w=4"], one_of_many=True) == ["w=4"]
    assert with_stored(SampleSettings, ["from_image=null", "w=4"], one_of_many=True) == ["from_image=null", "w=4"]
    record = json.loads(json.dumps(copy.deepcopy(read_settings(sampled / "seed-000008.png"))))
    assert [line for line in stored_overrides(record, ["w"])] == one[:-2]


def test_a_picture_from_before_labels_were_completed_is_reproduced_as_it_was(in_tmp, stored, with_record, compose):
    """Its record has no word of it, and spacings were names."""
    earlier = {name: value for name, value in stored.items() if name not in ("complete", "automatic")}
    settings = compose("sample", [with_record({**earlier, "spacing": "karras"})])
    assert settings.complete is False and settings.spacing == Karras()


def test_options_that_nobody_typed_follow_what_is_typed_beside_the_picture(in_tmp, weights, compose):
    """Four steps suit a completed label, and would leave a blend where several conditions leave much open."""
    run_program("sample.py", f"checkpoint={weights}", "attrs=crown", "w=2", "n=1", "seed=8", "device=cpu", "out=one")
    picture = "from_image=one/seed-000008.png"
    assert compose("sample", [picture]).steps == compose("sample", [picture, "w=5"]).steps == 4
    for typed in ("attrs=crown | pipe", "complete=false", "init=one/seed-000008.png"):
        settings = compose("sample", [picture, typed])
        assert settings.steps is settings.sampler is settings.spacing is None and settings.w == 2
