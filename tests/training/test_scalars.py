"""Curves are read once, and then only what is new."""

import time

from torch.utils.tensorboard import SummaryWriter

from training.scalars import Scalars


def write(folder, steps, start=0, tag="loss/train", purge=None):
    writer = SummaryWriter(str(folder), purge_step=purge)
    for step in steps:
        writer.add_scalar(tag, start + step, step)
    writer.close()


def test_what_is_added_is_read_on_without_what_was_read(tmp_path):
    scalars = Scalars(tmp_path)
    assert scalars.read() == {}
    writer = SummaryWriter(str(tmp_path))
    writer.add_scalar("loss/train", 0.5, 10)
    writer.flush()
    assert [part.tolist() for part in scalars.read()["loss/train"]] == [[10], [0.5]]
    writer.add_scalar("loss/train", 0.25, 20)
    writer.close()
    assert [part.tolist() for part in scalars.read()["loss/train"]] == [[10, 20], [0.5, 0.25]]


def test_a_continued_run_takes_the_place_of_what_came_after_its_checkpoint(tmp_path):
    write(tmp_path, [10, 20, 30])
    time.sleep(1.1)  # the files are named by the second
    write(tmp_path, [25, 35], start=100, purge=21)
    steps, values = Scalars(tmp_path).read()["loss/train"]
    assert steps.tolist() == [10, 20, 25, 35] and values.tolist() == [10, 20, 125, 135]


def test_a_folder_that_was_emptied_begins_anew(tmp_path):
    write(tmp_path, [1, 2, 3])
    scalars = Scalars(tmp_path)
    scalars.read()
    for file in tmp_path.iterdir():
        file.unlink()
    assert scalars.read() == {}


def test_a_damaged_file_is_named_and_the_others_are_read(tmp_path):
    write(tmp_path, [1, 2])
    (tmp_path / "events.out.tfevents.1.bad.0").mkdir()
    scalars = Scalars(tmp_path)
    assert scalars.read()["loss/train"][0].tolist() == [1, 2]
    assert len(scalars.damaged) == 1 and scalars.damaged[0].startswith("events.out.tfevents.1.bad.0")
    scalars.read()
    assert len(scalars.damaged) == 1


def test_garbage_in_a_file_of_events_breaks_nothing(tmp_path):
    (tmp_path / "events.out.tfevents.1.bad.0").write_bytes(b"no events at all" * 50)
    write(tmp_path, [1, 2])
    assert Scalars(tmp_path).read()["loss/train"][0].tolist() == [1, 2]


def test_a_long_run_opens_in_under_a_second_after_the_first_reading(tmp_path):
    """60,000 steps with a report every 50, each of 13 scalars, as train.py writes them."""
    writer = SummaryWriter(str(tmp_path), max_queue=1000)
    for step in range(50, 60_001, 50):
        for k in range(13):
            writer.add_scalar(f"curve/{k}", 1.0, step)
    writer.flush()
    scalars = Scalars(tmp_path)
    scalars.read()
    writer.add_scalar("curve/0", 2.0, 60_050)
    writer.close()
    began = time.perf_counter()
    found = scalars.read()
    assert time.perf_counter() - began < 1.0
    assert len(found["curve/0"][0]) == 1201 and found["curve/0"][1][-1] == 2.0
