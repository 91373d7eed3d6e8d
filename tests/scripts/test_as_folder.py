"""Data sets of ours written as folders are the same when `dataset=folder` reads them."""

from __future__ import annotations

import torch

from data.pixelfaces import BACKDROPS, SCHEMA, PixelFaces, render
from scripts.maintain.as_folder import HEIGHT, read, transparent, write_classes, write_table
from tests.data.folders import load, together


def test_a_table_holds_every_picture_and_the_value_of_every_slot(tmp_path):
    splits = PixelFaces(count=60).load()
    rows, schema = read(splits, without_backdrop=False)
    (tmp_path / "own").mkdir()
    write_table(rows, schema, tmp_path / "own")
    found = load(tmp_path / "own")
    read_back = {image.numpy().tobytes(): names for image, names in together(found).values()}
    assert len(read_back) == 60
    for image, values in rows:
        named = read_back[image.numpy().tobytes()]
        assert {value for value in values.values() if value != "none"} <= named
    groups = {field.name for field in schema.fields if field.slot}
    assert groups <= {field.name for field in found.train.schema.fields}


def test_a_class_is_the_value_of_the_first_slot(tmp_path):
    rows, _ = read(PixelFaces(count=60).load(), without_backdrop=False)
    (tmp_path / "own").mkdir()
    write_classes(rows, tmp_path / "own")
    found = {image.numpy().tobytes(): names for image, names in together(load(tmp_path / "own")).values()}
    assert found == {image.numpy().tobytes(): {values["backdrop"]} for image, values in rows}


def test_a_face_without_its_backdrop_is_whole_again_on_that_backdrop():
    labels = PixelFaces(count=200).load().train.labels
    images = transparent(labels)
    assert images.shape[1:] == (4, HEIGHT, 24) and set(images[:, 3].unique().tolist()) == {0, 255}
    colours = torch.tensor(list(BACKDROPS.values()), dtype=torch.uint8)[labels[:, SCHEMA.column["backdrop"]]]
    whole = torch.where(images[:, 3:] == 255, images[:, :3], colours[..., None, None])
    assert torch.equal(whole[:, :, -24:], render(labels))
    assert not images[:, :, :-24].any()  # nothing above
