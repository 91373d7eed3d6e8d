"""The run directory: its name, its lock, and what may change when a run is continued."""

import json

import pytest
import torch

from runtime.checkpoint import load_tensors, read_info
from tests.conftest import TINY
from training.run import Run, choose_run, continued_config, settings_in


@pytest.fixture
def started(compose, in_tmp):
    """A run directory that holds the configuration of `overrides`."""

    def start(*overrides):
        run, cfg = choose_run(compose("train", [*overrides, "run=a"]), list(overrides))
        with run.locked():
            run.write_config(cfg)
        return run

    return start


def choose(compose, *overrides):
    return choose_run(compose("train", overrides), list(overrides))


def test_default_names_tell_the_settings_and_hold_no_equals_sign_or_comma(compose, in_tmp):
    run, _ = choose(compose, "dataset=mnist", "cfg.drop_prob=0.2", "model.channel_mults=[1,2]")
    assert run.path.parent.as_posix() == "runs/mnist"
    assert "drop_prob-0.2" in run.path.name
    assert not set("=,[]") & set(run.path.name)


def test_two_runs_of_the_same_second_get_two_folders(compose, in_tmp):
    first, _ = choose(compose)
    first.path.mkdir(parents=True)
    second, _ = choose(compose)
    assert first.path != second.path


def test_the_saved_configuration_holds(compose, started):
    run = started("train.steps=7", "optim.lr=0.5", "dataset=mnist")
    _, cfg = choose(compose, "run=a")
    assert (cfg["train"]["steps"], cfg["optim"]["lr"], cfg["dataset"]["name"]) == (7, 0.5, "mnist")
    assert run.read_config()["optim"]["lr"] == 0.5


def test_the_same_command_continues(compose, started):
    overrides = ["experiment=demo", "train.steps=9"]
    started(*overrides)
    _, cfg = choose(compose, *overrides, "run=a")
    assert cfg["train"]["steps"] == 9


def test_more_steps_are_allowed_another_training_is_not(compose, started):
    started("train.steps=7", "dataset=mnist")
    _, cfg = choose(compose, "run=a", "train.steps=9", "train.preview.w=2", "device=cpu")
    assert (cfg["train"]["steps"], cfg["train"]["preview"]["w"], cfg["device"]) == (9, 2, "cpu")
    others = ["seed=1"], ["optim.lr=0.1"], ["dataset=pixelfaces"], ["dataset=mnist", "dataset.image_size=28"]
    for overrides in (*others, ["experiment=demo"]):
        with pytest.raises(ValueError, match="start another run"):
            choose(compose, "run=a", *overrides)
    choose(compose, "run=a", "seed=0", "dataset=mnist")  # what is as it was may be repeated


def test_what_is_typed_when_continuing_holds_also_if_it_was_typed_at_the_start(compose, started):
    run = started("train.steps=7", "device=cpu", "data_root=there")
    _, cfg = choose(compose, "run=a", "train.steps=9", "device=auto")
    run.write_config(cfg)
    _, cfg = choose(compose, "run=a")
    assert (cfg["train"]["steps"], cfg["device"], cfg["data_root"]) == (9, "auto", "there")
    _, cfg = choose(compose, "run=a", "train.steps=7", "device=cpu")
    assert (cfg["train"]["steps"], cfg["device"]) == (7, "cpu")


def test_a_group_may_be_typed_again_though_what_it_left_open_was_settled(compose, started):
    run = started("dataset=pixelfaces")
    cfg = run.read_config()
    cfg["model"]["channel_mults"], cfg["optim"]["lr"] = [1, 2, 4], 1e-3
    run.write_config(cfg)
    _, found = choose(compose, "run=a", "model=unet", "optim=adamw")
    assert (found["model"], found["optim"]) == (cfg["model"], cfg["optim"])
    for other in ("model=dit", "optim=muon"):
        with pytest.raises(ValueError, match="start another run"):
            choose(compose, "run=a", other)


def test_the_record_of_what_was_typed_follows(compose, started):
    """A run's card takes its command from there."""
    run = started("train.steps=7", "dataset=mnist")
    _, cfg = choose(compose, "run=a", "train.steps=9", "dataset=mnist")
    assert sorted(cfg["overrides"]) == sorted([*run.read_config()["overrides"][1:], "train.steps=9"])
    assert run.read_config()["overrides"][0] == "train.steps=7"


def test_settings_that_are_newer_than_the_run_take_their_defaults(compose, started):
    run = started("train.steps=7")
    cfg = run.read_config()
    del cfg["train"]["loss_buckets"], cfg["precision"]
    run.write_config(cfg)
    _, cfg = choose(compose, "run=a")
    assert (cfg["train"]["loss_buckets"], cfg["precision"]) == (compose("train").train.loss_buckets, "auto")


def test_a_crash_before_the_first_checkpoint_does_not_lock_the_folder(train_tiny, in_tmp):
    """What a kill leaves while the configuration is written: folders, the lock, and half a file."""
    for folder in ("a/samples", "a/checkpoints"):
        (in_tmp / folder).mkdir(parents=True)
    (in_tmp / "a/.lock").touch()
    (in_tmp / "a/.config.yaml.part").write_text("half")
    train_tiny("train.steps=1", "run=a")


def test_resume_never_refuses_a_run_that_exists(compose, started):
    started()
    with pytest.raises(ValueError, match="resume=never"):
        choose(compose, "run=a", "resume=never")


def test_a_folder_of_other_files_is_refused(compose, in_tmp):
    (in_tmp / "a").mkdir()
    (in_tmp / "a" / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="holds files"):
        choose(compose, "run=a")
    assert [path.name for path in (in_tmp / "a").iterdir()] == ["thesis.txt"]


def test_the_second_trainer_in_a_directory_stops(train_tiny, in_tmp):
    run = train_tiny("train.steps=1", "run=a")
    with run.locked(), pytest.raises(ValueError, match="another training is writing there"):
        train_tiny("train.steps=2", "run=a")
    train_tiny("train.steps=2", "run=a")


def test_a_training_leaves_its_record(train_tiny, in_tmp, compose):
    run = train_tiny("train.steps=3", "train.log_every=1", "train.preview_every=3", "train.validate_every=3")
    status = json.loads(run.status.read_text())
    assert (status["state"], status["step"], status["steps"]) == ("finished", 3, 3)
    assert status["images_per_second"] > 0
    assert run.read_config()["overrides"][: len(TINY)] == TINY
    assert "held-out loss" in run.log.read_text()
    assert sorted(path.name for path in run.samples.iterdir()) == [
        f"step-00000003-{kind}-w{w}.png" for kind in ("ema", "raw") for w in (1, 3)
    ]


def test_the_record_has_every_session_with_its_steps_and_its_code(train_tiny, in_tmp, monkeypatch):
    """Also after a stop: what a card says of the training must not be that of its last minutes."""
    monkeypatch.setattr("training.monitor.code_version", lambda: "first")
    train_tiny("train.steps=2", "train.log_every=1", "run=run")
    monkeypatch.setattr("training.monitor.code_version", lambda: "second")
    first, second = train_tiny("train.steps=5", "run=run").sessions()
    steps = [(s["code"], s["first_step"], s["last_step"]) for s in (first, second)]
    assert steps == [("first", 0, 2), ("second", 2, 5)]
    assert first["seconds"] > 0 and second["seconds"] > 0 and first["threads"] == 1
    (in_tmp / "run/status.json").write_text("{damaged")
    assert Run("run").sessions() == []


def test_a_finished_run_does_not_train_further_unless_asked(train_tiny, in_tmp, capsys):
    run = train_tiny("train.steps=2", "run=a")
    before = run.state.read_bytes()
    train_tiny("train.steps=2", "run=a")
    assert "finished at step 2" in capsys.readouterr().out
    assert run.state.read_bytes() == before
    train_tiny("train.steps=3", "run=a")
    assert json.loads(run.status.read_text())["step"] == 3


def test_scalars_and_pictures_reach_tensorboard(train_tiny, in_tmp):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = train_tiny("train.steps=4", "train.log_every=2", "train.preview_every=4", "train.validate_every=2")
    events = EventAccumulator(str(run.path)).Reload()
    scalars = set(events.Tags()["scalars"])
    assert {"loss/train", "loss/held_out", "optim/lr", "optim/grad_norm", "speed/images_per_second"} <= scalars
    assert any(name.startswith("loss_by_t/") for name in scalars)
    assert [event.step for event in events.Scalars("loss/held_out")] == [2, 4]
    assert set(events.Tags()["images"]) == {f"samples_{kind}/w_{w}" for kind in ("raw", "ema") for w in (1, 3)}


def test_kept_weights_are_those_of_a_training_that_ended_there(train_tiny, in_tmp):
    short = train_tiny("train.steps=2", "optim.schedule=constant", "run=short")
    long = train_tiny("train.steps=4", "train.keep=[2,3]", "optim.schedule=constant", "run=long")
    kept, ended, final = (load_tensors(path) for path in (long.kept(2), short.weights, long.weights))
    assert all(torch.equal(kept[name], ended[name]) for name in ended)
    assert any(not torch.equal(kept[name], final[name]) for name in final)
    assert read_info(long.kept(2)).step == 2 and long.kept(3).exists()
    assert len(list(long.weights.parent.glob("*.safetensors"))) == 3


def test_paths_of_a_run():
    run = Run("runs/a")
    assert run.weights.as_posix() == "runs/a/checkpoints/ema.safetensors"


@pytest.mark.parametrize(
    "chosen", ["dataset=mnist", "optim=muon", "sampler=heun", "model=dit", "cfg=off", "diffusion=cosine"]
)
def test_a_continued_run_keeps_the_options_of_its_groups_and_takes_none_of_the_defaults(compose, chosen):
    """The command that continues names only the folder, so it is composed with the default options."""
    saved = {**compose("train", [chosen]).plain(), "overrides": [chosen], "run": "a"}
    found = continued_config(saved, compose("train", ["run=a"]).plain(), ["run=a"])
    group = chosen.split("=")[0]
    assert found[group] == saved[group]
    assert settings_in(found, Run("a")) == compose("train", [chosen, "run=a"])


def test_settings_that_are_newer_than_the_run_get_their_defaults(compose):
    cfg = compose("train").plain()
    old = {**cfg, "overrides": [], "optim": {k: v for k, v in cfg["optim"].items() if k not in ("name", "cooldown")}}
    old["train"] = {k: v for k, v in cfg["train"].items() if k != "loss_buckets"}
    found = continued_config(old, {**cfg, "run": "a"}, ["run=a"])
    assert found["optim"] == cfg["optim"] and found["train"] == cfg["train"]


@pytest.mark.parametrize(
    ("was", "becomes", "message"),
    [
        ("ema_decay:", "ema_decoy:", r"a/config\.yaml: train\.ema_decoy: no such setting; closest: .*restore it"),
        ("\nseed: 0", "\nseeds: 0", r"a/config\.yaml: seeds: no such setting; closest: seed"),
        ("ema_decay: 0.999", "ema_decay: long", r"a/config\.yaml: train\.ema_decay='long': must be a number"),
        ("train:", "train: {", r"a/config\.yaml: cannot be read \(.*\); restore it"),
    ],
)
def test_a_saved_configuration_that_cannot_be_used_is_refused_in_one_line(train_tiny, in_tmp, was, becomes, message):
    run = train_tiny("train.steps=1", "run=a")
    run.config.write_text(run.config.read_text().replace(was, becomes))
    before = run.state.read_bytes()
    with pytest.raises(ValueError, match=message) as refused:
        train_tiny("train.steps=2", "run=a")
    assert "\n" not in str(refused.value)
    assert run.state.read_bytes() == before


@pytest.mark.parametrize("content", ["", "3", "- a", "overrides: 5"])
def test_a_configuration_that_holds_no_settings_is_refused(in_tmp, content):
    run = Run("a")
    run.path.mkdir()
    run.config.write_text(content)
    with pytest.raises(ValueError, match=r"a/config\.yaml: cannot be read \("):
        run.read_config()


def test_a_run_is_held_while_it_is_locked(started):
    run = started()
    assert not run.held and not Run("nowhere").held
    with run.locked():
        assert run.held
    assert not run.held
