"""The rows of a comparison: which settings vary, as typed, and what is refused before anything is sampled."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from inference.comparison import (
    BASELINE,
    OWN,
    base_of,
    crossed,
    plan,
    run,
)
from inference.job import Job
from inference.settings import CompareSettings, SampleSettings
from tests.programs import run_program

BASE = ["attrs=crown", "steps=3", "w=2", "refine=0", "device=cpu"]


def test_each_row_changes_one_setting():
    rows = plan(BASE, {"w": [1, 7], "sampler": ["unipc"], "attrs": ["crown,pipe", "mohawk"]})
    assert [(row.setting, row.value) for row in rows] == [
        (BASELINE, ""), ("w", "1"), ("w", "7"), ("sampler", "unipc"), ("attrs", "crown,pipe"), ("attrs", "mohawk"),
    ]  # fmt: skip
    assert rows[0].overrides == tuple(BASE)
    for row in rows[1:]:
        assert row.overrides[-1] == f"{row.setting}={row.value}"
        assert list(row.overrides[:-1]) == [o for o in BASE if not o.startswith(f"{row.setting}=")]


def test_crossed_settings_take_every_pair_of_values():
    rows = crossed(BASE, ("steps", [5, 15]), ("w", [0, 3.5]))
    assert [row.value for row in rows] == ["5 x 0", "5 x 3.5", "15 x 0", "15 x 3.5"]
    assert {row.setting for row in rows} == {"steps x w"}
    assert rows[1].overrides == ("attrs=crown", "refine=0", "device=cpu", "steps=5", "w=3.5")  # others make room


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["vary.steps=[5,30]", "vary.w=[1,7]"], {"steps": [5, 30], "w": [1, 7]}),
        (['vary.attrs=["male,hat",zombie]'], {"attrs": ["male,hat", "zombie"]}),
        (["vary.sampler=[ddpm,unipc]"], {"sampler": ["ddpm", "unipc"]}),
        (["vary.sampler=[ddim]", "vary.sampler.eta=[0,1]"], {"sampler": ["ddim"], "sampler.eta": [0, 1]}),
        (["vary.guidance.interval=[[0,1],[0.3,1]]"], {"guidance.interval": [[0, 1], [0.3, 1]]}),
        (["vary.refine=[0]"], {"refine": [0]}),
        (["vary.negative=[null,'a b']"], {"negative": [None, "a b"]}),
        ([], {}),
    ],
)
def test_what_varies_is_typed_like_any_setting(compose, typed, expected):
    settings = compose(CompareSettings, ["attrs=male,glasses", *typed, "seeds=[3,4]"])
    assert settings.vary == expected and settings.seeds == [3, 4]
    assert list(settings.vary) == list(expected)


@pytest.mark.parametrize(
    "typed", ["vary.w=3", "vary.w=1,7", "vary.w=", "vary=w:1,7", "vary=[1]", "vary.=[1]", "+vary.w=[1]", "vary={w:[1]}"]
)
def test_another_way_to_type_it_is_refused_with_an_example(compose, typed):
    with pytest.raises(ValueError, match=r"such as vary\.w=") as refused:
        compose(CompareSettings, [typed])
    assert str(refused.value).startswith(f"{typed}: ") and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("vary", "message"),
    [
        ({}, "vary: nothing varies; name a setting and its values, such as vary.w="),
        ({"w": []}, "vary: nothing varies"),
        ({"width": [3]}, "vary.width: no setting of sample.py that can vary; closest: "),
        ({"seed": [1, 2]}, "vary.seed: no setting of sample.py that can vary"),
        ({"out": ["a"]}, "vary.out: no setting of sample.py that can vary"),
        ({"scale": [1]}, "vary.scale: no setting of sample.py that can vary"),
        ({"w": [{"a": 1}]}, "vary.w: "),
    ],
)
def test_what_cannot_vary_is_refused(vary, message):
    with pytest.raises(ValueError, match=f"^{message}") as refused:
        plan(BASE, vary)
    assert "\n" not in str(refused.value)


def test_what_can_be_close_can_also_vary():
    with pytest.raises(ValueError, match="closest: ") as refused:
        plan(BASE, {"scales": [1]})
    assert not {"scale", "out"} & set(str(refused.value).partition("closest: ")[2].split(", "))


def test_the_base_is_what_sample_py_takes(compose):
    typed = ["attrs=crown", "vary.w=[1]", "++vary={w:[1]}", "seeds=[1]", "scale=2", "out=a", "sampler.eta=1", "+w=2"]
    assert base_of(typed) == ["attrs=crown", "sampler.eta=1", "+w=2"]
    assert OWN == {"vary", "seeds", "scale", "out"} <= set(CompareSettings.model_fields)
    assert set(CompareSettings.model_fields) - OWN < set(SampleSettings.model_fields)


def test_settings_can_be_composed_by_many_threads_at_once(compose):
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda seed: compose("train", [f"seed={seed}"]).seed, range(8)))
    assert found == list(range(8))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rank=adherence"], "compare.py: rank: no such setting"),
        (["n=4"], "compare.py: n: no such setting"),
        (["seed=4"], "compare.py: seed: no such setting; closest: "),
        (["scale=0"], "compare.py: scale=0: must be a whole number from 1 to 100"),
        (["seeds=[]"], "compare.py: seeds=[]: must be a list"),
        (["seeds=[1,x]"], "compare.py: seeds"),
        (["vary.w=[1,-1]"], "compare.py: w = -1: w=-1: must be a number"),
        (["vary.attrs=[crwn]"], "compare.py: attrs = crwn: attrs='crwn': unknown attribute 'crwn'; closest: Crown"),
        (["vary.sampler=[ddim,ddpm]", "sampler=ddim", "sampler.eta=0.5"],
         "compare.py: sampler = ddpm: sampler.eta: a setting of "),
        (["vary.sampler=[ddpm]", "sampler.eta=0.5"], "compare.py: sampler.eta: a setting of "),
        (["vary.sampler.eta=[0.5]"], "compare.py: sampler.eta = 0.5: sampler.eta: a setting of "),
        (["vary.steps=[5,1001]"], "compare.py: steps = 1001: steps=1001: must be a whole number from 1 to 1000"),
        (["vary.guide=[nowhere.safetensors]"], "compare.py: guide = nowhere.safetensors: guide=nowhere"),
        (["vary.dataset=[mnist]"], "compare.py: dataset = mnist: checkpoint="),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_one_line_before_anything_is_sampled(
    in_tmp, weights, monkeypatch, capsys, arguments, message
):
    monkeypatch.setattr(Job, "sample", lambda *_: pytest.fail("sampled"))
    vary = [] if any(a.startswith("vary.") for a in arguments) else ["vary.w=[1]"]
    with pytest.raises(SystemExit):
        run_program("scripts/compare.py", f"checkpoint={weights}", *vary, "out=sheet", *arguments)
    error = capsys.readouterr().err
    assert error.startswith(message) and error.count("\n") == 1 and not (in_tmp / "sheet").exists()


def test_weights_of_other_shapes_are_not_compared(in_tmp, weights, monkeypatch, pipe):
    monkeypatch.setattr(Job, "sample", lambda *_: pytest.fail("sampled"))
    (in_tmp / "other.safetensors").write_bytes(weights.read_bytes())

    def load(path, *how):
        return replace(pipe, image_shape=(3, 16, 16)) if path.name == "other.safetensors" else pipe

    rows = plan([f"checkpoint={weights}"], {"checkpoint": ["other.safetensors"]})
    with pytest.raises(
        ValueError, match=r"checkpoint = other.safetensors: pictures of \(3, 16, 16\), but of \(3, 24, 24\)"
    ):
        run(rows, [0], load=load)
