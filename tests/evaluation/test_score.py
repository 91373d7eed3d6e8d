"""The benchmark's scorer: folders whose mistakes are known, and folders that are not what it takes."""

import pytest
import torch

from data import PixelFaces
from data.images import save_png
from evaluation.score import baselines, read_folder, scores
from tests.evaluation.test_table import cells
from tests.programs import run_program

BLACK = (0, 0, 0)


@pytest.fixture(scope="module")
def splits():
    return PixelFaces(count=100).load()


@pytest.fixture
def folder(splits, tmp_path):
    """The true pictures of the test split, as 3.png, 23.png, ..."""
    for image, number in zip(splits.test.images, splits.test.ids.tolist(), strict=True):
        save_png(image, tmp_path / f"{number}.png")
    return tmp_path


def test_pictures_are_read_by_their_ids_whatever_the_order_of_their_names(splits, folder):
    assert splits.test.ids.tolist() == [3, 23, 43, 63, 83]
    (folder / "3.png").rename(folder / "0003.png")
    (folder / ".hidden").write_text("")
    assert torch.equal(read_folder(folder, splits.test, BLACK), splits.test.images)


def test_enlarged_pictures_are_brought_back_to_their_pixels(splits, folder):
    save_png(splits.test.images[0].repeat_interleave(8, 1).repeat_interleave(8, 2), folder / "3.png")
    assert torch.equal(read_folder(folder, splits.test, BLACK), splits.test.images)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: (f / "23.png").unlink(), "no picture for 23; give one picture for each of 5 ids, such as 3.png"),
        (lambda f: (f / "23.png").rename(f / "24.png"), "no id of the split in the name of 24.png; no picture for 23"),
        (lambda f: (f / "notes.txt").write_text(""), "no id of the split in the name of notes.txt"),
        (lambda f: (f / "0003.png").write_bytes(b""), "0003.png and 3.png have the same id; keep one"),
        (lambda f: (f / "3.png").write_bytes(b"no picture"), "not a picture"),
        (lambda f: save_png(torch.zeros(3, 25, 24).byte(), f / "3.png"), "24 x 25 pixels"),
    ],
    ids=["missing", "foreign", "no number", "twice", "no picture", "size"],
)
def test_what_is_no_such_folder_is_refused_in_one_line(splits, folder, change, message):
    change(folder)
    with pytest.raises(ValueError, match=r"^folder=") as refused:
        read_folder(folder, splits.test, BLACK)
    assert message in str(refused.value) and "\n" not in str(refused.value)


def test_long_lists_of_ids_are_cut(splits, folder):
    with pytest.raises(ValueError, match=r"no picture for 0, 1, 2, 4, 5 and \d+ more"):
        read_folder(folder, splits.train, BLACK)


def test_each_wrong_picture_and_pixel_counts(splits):
    """Of five pictures, one has two wrong pixels."""
    images = splits.test.images.clone()
    images[4, 0, 0, :2] = 255 - images[4, 0, 0, :2]
    _, _, right, wrong = cells(scores({"right": splits.test.images, "wrong": images}, splits.test))
    assert right[1].startswith("100.0 %") and right[2] == "0.00 (0.00 to 0.00)"
    assert wrong[1].startswith("80.0 %") and wrong[2].startswith("0.40 (")


def test_baselines_are_made_of_training_pictures_for_the_held_out_labels(splits):
    train = {image.numpy().tobytes() for image in splits.train.images}
    made = baselines(splits.train, splits.test)
    assert all(len(images) == 5 for images in made.values())
    assert all(image.numpy().tobytes() in train for image in made["nearest label"])


def test_the_program_prints_a_row_for_the_folder_and_for_each_baseline(folder, capsys):
    run_program("scripts/score.py", "dataset=pixelfaces", "dataset.count=100", f"folder={folder}")
    printed = capsys.readouterr().out
    assert printed.startswith("5 pictures of the test split of pixelfaces\n")
    _, _, own, *others = cells(printed)
    assert own[:2] == [str(folder), "100.0 % (56.6 to 100.0)"] and [row[0] for row in others] == [
        "analogy",
        "nearest label",
    ]
