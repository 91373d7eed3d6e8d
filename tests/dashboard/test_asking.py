"""What is chosen on a page, what is drawn, and the command shown to copy are the same."""

import io
import shlex

import pytest
import torch
from PIL import Image

from dashboard import asking, pictures, view
from data import cryptopunks, mnist, pixelfaces
from data.images import read_png
from inference.pipeline import Pipeline
from inference.replay import replayed
from runtime.checkpoint import read_info
from tests.cli.test_bad_input import run_program


@pytest.mark.parametrize(
    "schema", [cryptopunks.SCHEMA, mnist.SCHEMA, pixelfaces.SCHEMA], ids=["punks", "mnist", "faces"]
)
def test_every_choice_of_every_slot_is_a_request(schema):
    choices = asking.slot_choices(schema)
    assert list(choices) == [field.name for field in schema.fields if not field.slot]
    for name, entries in choices.items():
        assert entries[0].name == "" and len({entry.name for entry in entries}) == len(entries)
        for entry in entries[1:]:
            label = schema.encode(entry.name)
            f = int((label >= 0).nonzero()[0])
            assert name in (schema.fields[f].name, schema.fields[f].slot)


def test_punks_can_be_asked_for_any_hat_or_for_no_hat():
    entries = {(entry.name, entry.kind) for entry in asking.slot_choices(cryptopunks.SCHEMA)["head"]}
    assert {("", "any"), ("-head", "none"), ("hat", "group"), ("-hat", "not group"), ("Top Hat", "value")} <= entries


def test_the_command_draws_what_the_page_draws(in_tmp, weights):
    choices = {"attrs": "crown", "w": 2.5, "steps": 3, "seed": 4, "n": 2, "negative": None, "scale": 2}
    overrides = asking.overrides_of(weights.as_posix(), choices)
    drawing, _ = asking.ready(overrides, Pipeline.load)
    images = drawing.draw(drawing.seeds)
    run_program("sample.py", *shlex.split(asking.command(overrides))[2:], "out=out")
    for image, seed in zip(images, (4, 5), strict=True):
        assert torch.equal(view.enlarge(image, 2), read_png(in_tmp / f"out/seed-{seed:06d}.png"))


def test_a_download_carries_what_draws_it_again(in_tmp, weights):
    drawing, notes = asking.ready(
        asking.overrides_of(str(weights), {"attrs": "crown", "steps": 2, "n": 1}), Pipeline.load
    )
    drawn = asking.Drawn(drawing, drawing.draw([0]), [0], (), notes, 0.0, None)
    (in_tmp / "a.png").write_bytes(view.png(drawn.images[0], 3, drawn.settings(0)))
    again, stored = replayed(drawing.settings, in_tmp / "a.png", [])
    assert (again["attrs"], again["steps"], stored["seed"]) == ("Crown", 2, 0)


def test_progress_ends_at_one_and_shows_pictures_on_the_way(in_tmp, weights):
    overrides = asking.overrides_of(str(weights), {"steps": 6, "n": 3, "batch_size": 2, "refine": 0})
    drawing, _ = asking.ready(overrides, Pipeline.load)
    seen = []
    drawing.draw(drawing.seeds, asking.watching(drawing, lambda share, images: seen.append((share, images))))
    shares = [share for share, _ in seen]
    assert shares == sorted(shares) and shares[-1] == 1.0 and len(shares) == 12
    shown = [images for _, images in seen if images is not None]
    assert [tuple(images.shape) for images in shown] == [(2, 3, 24, 24)] * 2 + [(1, 3, 24, 24)] * 2


@pytest.mark.parametrize("override", ["attrs=${oc.env:HOME}", "sampler=../../x", "guidance=/etc/x"])
def test_other_files_and_the_environment_are_refused(override):
    with pytest.raises(ValueError, match=r"unknown; choose one of|leave it out"):
        asking.refuse([override])


def test_the_nearest_training_picture_and_how_far_it_is():
    training = torch.randint(0, 256, (5, 3, 4, 4), dtype=torch.uint8)
    image = training[3].clone()
    assert asking.neighbour(image, training)[1] == 0
    image[:, 0, :2] += 1
    found, pixels = asking.neighbour(image, training)
    assert torch.equal(found, training[3]) and pixels == 2


# -- pictures that are brought ---------------------------------------------------------------------------------


def png(size, mode="RGB"):
    file = io.BytesIO()
    Image.new(mode, size, 200).save(file, "PNG")
    return file.getvalue()


def test_an_upload_is_read_in_the_size_of_the_model(weights, in_tmp):
    info = read_info(weights)
    assert pictures.uploaded("a.png", png((48, 48)), info).shape == (3, 24, 24)
    assert list(in_tmp.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"garbage", "not a picture"),
        (png((25, 24)), "25 x 24 pixels"),
        (png((24, 24))[:60], "cannot be decoded"),
        (b"", "not a"),
    ],
)
def test_garbage_is_refused_with_the_name_of_the_upload_and_no_path(weights, content, told):
    with pytest.raises(ValueError, match=told) as refused:
        pictures.uploaded("my <b>file.png", content, read_info(weights))
    assert "my _b_file.png" in str(refused.value) and "/" not in str(refused.value).split(";")[0]


def test_too_many_bytes_are_refused_before_anything_is_decoded(weights, monkeypatch):
    monkeypatch.setattr(pictures, "MAX_BYTES", 10)
    with pytest.raises(ValueError, match="MB are read"):
        pictures.uploaded("a.png", b"x" * 11, read_info(weights))


def test_pictures_are_kept_under_the_name_of_their_content(in_tmp):
    one = torch.zeros(3, 4, 4, dtype=torch.uint8)
    assert pictures.kept(one) == pictures.kept(one.clone()) != pictures.kept(one + 1)
    assert torch.equal(read_png(in_tmp / pictures.kept(one + 1)), one + 1)
    mask = torch.eye(4)
    assert torch.equal(read_png(in_tmp / pictures.kept_mask(mask))[0], (mask * 255).byte())
