"""Samples of mutants, and what is counted of them."""

import json

from evaluation.intervals import wilson
from scripts.maintain.mutants import results, sampled

SOURCE = "def f(x):\n    return x + 1 if x > 2 else x * 3\n"


def test_a_sample_is_the_same_each_time_and_part_of_a_larger_one(tmp_path):
    """So that a share can be measured again, and more precisely, of the same mutants."""
    (tmp_path / "room").mkdir()
    (tmp_path / "room/a.py").write_text(SOURCE)
    (tmp_path / "room/b.py").write_text(SOURCE)
    (tmp_path / "pyproject.toml").write_text('[tool.mutmut]\nsource_paths = ["room"]\n')
    few, more, every = (sampled(tmp_path, ["room/a.py", "room/b.py"], n) for n in (2, 4, 1000))
    assert few == more[:2] and more == every[:4] == sampled(tmp_path, ["room"], 4)
    assert len(every) == len(set(every)) > 8
    assert {name.split("__mutmut_")[0] for name in every} == {"room.a.x_f", "room.b.x_f"}


def test_only_what_was_tried_counts_and_the_share_of_a_sample_has_an_interval(tmp_path):
    """Else mutants that nobody tried would seem to have survived."""
    meta = tmp_path / "mutants/room/a.py.meta"
    meta.parent.mkdir(parents=True)
    codes = {"killed": 1, "survived": 0, "not tried": None, "timeout": 36, "no tests": 33}
    meta.write_text(json.dumps({"exit_code_by_key": codes}))
    group = f"**{tmp_path.name}**"
    assert results(tmp_path) == [[name, 4, 2, 1, 1, "50.0 %"] for name in ("room/a.py", group)]
    assert results(tmp_path, ["killed", "survived"])[-1] == [group, 2, 1, 1, 0, wilson(1, 2).percent]
