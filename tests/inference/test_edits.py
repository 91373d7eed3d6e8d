"""Sampling that starts from a picture: masks, strength, and changed attributes."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from conf import fields
from data.pictures import read_mask
from diffusion.sampling import Between
from inference.pipeline import Pipeline
from inference.replay import AT_AN_EDGE
from inference.settings import OF_A_PICTURE, SampleSettings
from tests.inference.conftest import picture
from tests.programs import run_program


def test_inpainting_keeps_the_known_pixels_exactly_also_when_quantising(in_tmp, weights, face):
    common = [f"checkpoint={weights}", "init=face.png", "attrs=crown", "steps=3", "n=2", "scale=1"]
    run_program("sample.py", *common, "mask=mask.png", "resample=2", "feather=2", "out=edit")
    for seed in range(2):
        sampled = picture(f"edit/seed-{seed:06d}.png")
        assert np.array_equal(sampled[:, :12], face[:, :12])
        assert (sampled[:, 12:] != face[:, 12:]).any(axis=2).mean() > 0.9


@pytest.fixture
def right_half(monkeypatch):
    """Labels differ in the right half of every picture, in the place of what the tiny network thinks."""
    monkeypatch.setattr(
        Pipeline, "differing",
        lambda self, init, *_: read_mask(Path("mask.png"), self.image_shape).expand(len(init), -1, -1),
    )  # fmt: skip


def test_an_edit_keeps_the_rest_of_the_label_and_of_the_picture(in_tmp, weights, face, classifier, right_half, capsys):
    common = [f"checkpoint={weights}", "init=face.png", "steps=3", "n=1", "scale=1"]
    run_program("sample.py", *common, "edit=+pipe,-head", "out=edit")
    out = capsys.readouterr().out
    assert "picture:  shows Slate, Steel, Crown" in out and "288 of 576 pixels inpainted, with seed 0" in out
    assert "each seed chooses" not in out
    record = json.loads((in_tmp / "edit/samples.json").read_text())
    assert {"Slate", "Steel", "-head", "Pipe"} <= set(record["request"].split(","))
    assert (record["edit"], record["attrs"]) == ("+pipe,-head", "any")
    sampled = picture("edit/seed-000000.png")
    assert np.array_equal(sampled[:, :12], face[:, :12])
    run_program("sample.py", *common, f"attrs={record['request']}", "mask=mask.png", "out=asked")
    assert np.array_equal(sampled, picture("asked/seed-000000.png"))
    capsys.readouterr()
    run_program("sample.py", "from_image=edit/seed-000000.png", "out=again")
    assert "identical to the original" in capsys.readouterr().out
    assert classifier == ["pixelfaces"] * 2  # once for each command that reads a picture


def test_each_seed_fills_in_what_an_edit_leaves_open(prepared, face, classifier):
    """Alone or among others, a seed takes the same beard; of two seeds that are mixed, the first decides."""
    job, notes = prepared("init=face.png", "mask=mask.png", "edit=+beard", "steps=2", "refine=0")
    assert any("each seed chooses facial hair by itself" in note for note in notes)
    labels = job.change.labels(range(8))
    column = job.pipe.schema.column["facial hair"]
    assert len(labels[:, column].unique()) > 1 and (labels[:, column] > 0).all()
    assert torch.equal(job.change.labels([5])[0], labels[5])
    assert torch.equal(job.change.labels([Between(5, 2, 0.4)])[0], labels[5])
    assert (job.sample([5])[0].short() - job.sample(range(8))[5].short()).abs().max() <= 1


def test_edits_can_be_ranked(in_tmp, weights, face, classifier):
    common = [f"checkpoint={weights}", "init=face.png", "edit=+beard", "steps=1", "refine=0", "scale=1"]
    run_program("sample.py", *common, "of=5", "keep=2", "rank=adherence", "out=best")
    run_program("sample.py", *common, "n=5", "out=all")
    red = [picture(f"all/seed-{seed:06d}.png")[..., 0].mean() for seed in range(5)]
    record = json.loads((in_tmp / "best/samples.json").read_text())
    assert [entry["seed"] for entry in record["images"]] == sorted(range(5), key=lambda s: -red[s])[:2]
    assert classifier == ["pixelfaces"] * 2  # one for each command, which reads and ranks with it


def test_an_edit_to_what_the_picture_shows_already_is_refused(prepared, face, classifier):
    for edit in ("+crown", "-pipe", "+steel"):
        with pytest.raises(ValueError, match="the picture shows that already; it is read as Slate, Steel, Crown") as no:
            prepared("init=face.png", f"edit={edit}")
        assert str(no.value).startswith(f"edit='{edit}': ")


def test_a_feather_softens_the_edge_of_what_an_edit_inpaints(prepared, face, classifier, right_half):
    common = ["init=face.png", "edit=+pipe", "steps=4", "refine=0"]
    hard, soft = (prepared(*common, f"feather={pixels}")[0].sample([0]) for pixels in (0, 6))
    assert not torch.equal(soft, hard)
    kept = torch.from_numpy(face).permute(2, 0, 1)[..., :12]
    assert torch.equal(soft[0, ..., :12], kept) and torch.equal(hard[0, ..., :12], kept)


def test_a_feather_wider_than_the_mask_is_noted(prepared, face):
    common = ["init=face.png", "mask=mask.png", "attrs=crown", "strength=0.5"]
    note = "feather is wider than what is inpainted, so that the strength is 0.32 at most"  # 0.5 * 12 / 19
    assert any(note in line for line in prepared(*common, "feather=18")[1])
    assert not any("feather" in line for line in prepared(*common, "feather=3")[1])
    assert not any("feather" in line for line in prepared(*common)[1])


def test_strength_says_where_it_begins_and_its_ends_are_exact(prepared, face):
    def notes(strength):
        return prepared("attrs=crown", "init=face.png", f"strength={strength}")[1]

    assert notes(0.3) == ["picture: noised to level 0.3, and 3 steps from there"]
    assert notes(0.1) == ["picture: noised to level 0.1, and 1 step from there"]
    assert notes(0) == ["picture: noised to level 0, and 0 steps from there"]
    assert notes(1) == []
    quick = ["attrs=crown", "steps=2", "refine=0", "complete=false"]
    untouched = prepared(*quick, "init=face.png", "strength=0")[0].sample([0])
    assert np.array_equal(untouched[0].permute(1, 2, 0).numpy(), face)
    assert torch.equal(prepared(*quick, "init=face.png", "strength=1")[0].sample([0]), prepared(*quick)[0].sample([0]))


def test_a_photograph_that_lies_on_its_side_is_turned_upright(in_tmp, prepared, face):
    """As its EXIF block says, and as other programs show it."""
    turned = Image.fromarray(np.rot90(face).copy())
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    turned.save("turned.png", exif=exif)
    job, _ = prepared("init=turned.png", "strength=0")
    assert np.array_equal(job.sample([0])[0].permute(1, 2, 0).numpy(), face)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["strength=0.5"], "strength=0.5: changes a picture that is there; name one with init=FILE"),
        (["mask=mask.png"], "mask=mask.png: changes a picture"),
        (["init=face.png", "feather=2"], "feather=2: works at the edge of a mask; name one with mask=FILE"),
        (["init=face.png", "resample=2"], "resample=2: works at the edge of a mask"),
        (["init=face.png", "strength=1.5"], "strength=1.5: must be a number from 0 to 1"),
        (["init=face.png", "resample=0"], "resample=0: must be a whole number"),
        (["init=nowhere.png"], "init=nowhere.png: no such file"),
        (["init=face.png", "edit=+pipe"], "edit='+pipe', attrs='crown': an edit keeps the rest of the picture; give"),
        (["attrs=any", "edit=+pipe"], "edit='+pipe': name the picture with init=FILE"),
        (["attrs=any", "init=face.png", "edit=+pipe"], "edit='+pipe': no classifier of pixelfaces"),
        (["init=face.png", "mask=small.png"], "mask=small.png: 7 x 7 pixels; this model generates 24 x 24"),
        (["init=face.png", "mask=dark.png"], "mask=dark.png: nothing in it is light"),
    ],
)
def test_edits_that_cannot_be_done_are_refused(in_tmp, weights, face, capsys, settings, message):
    Image.new("L", (7, 7)).save("small.png")
    Image.new("L", (24, 24)).save("dark.png")
    with pytest.raises(SystemExit):
        run_program("sample.py", f"checkpoint={weights}", "attrs=crown", "out=edit", *settings)
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not (in_tmp / "edit").exists()


def test_what_needs_a_picture_is_told_by_its_own_default(compose):
    declared = {name: field.default for name, field in fields(SampleSettings).items()}
    assert {name: declared[name] for name in OF_A_PICTURE} == OF_A_PICTURE
    assert set(AT_AN_EDGE) < set(OF_A_PICTURE)
    assert compose("sample", ["feather=0", "strength=1"])
