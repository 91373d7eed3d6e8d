"""From settings to a sampling job: phrases, requests with their notes, and what is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from conditions.dropout import LabelDropout, Unconditional
from inference import job as jobs
from inference import memory
from inference.job import Job, prepare
from inference.pipeline import Pipeline
from tests.inference.conftest import picture
from tests.programs import run_program


def test_a_phrase_samples_what_its_names_would(in_tmp, weights, capsys):
    common = [f"checkpoint={weights}", "n=1", "steps=2", "refine=0"]
    run_program(
        "sample.py", *common, "prompt=someone with a top hat, a pipe and a parrot, without a beard", "out=phrase"
    )
    out = capsys.readouterr().out
    assert "request:  Top Hat, -beard, Pipe\n" in out and "ignored:  'parrot'" in out
    attrs = json.loads((in_tmp / "phrase/samples.json").read_text())["attrs"]
    run_program("sample.py", *common, f"attrs={attrs}", "out=names")
    assert np.array_equal(picture("phrase/seed-000000.png"), picture("names/seed-000000.png"))


def test_notes_say_how_a_phrase_was_read(prepared):
    _, notes = prepared("prompt=a womann with a crwon on a bicycle", "steps=1")
    assert any(note.startswith("read as: ") and "'crwon' as Crown" in note for note in notes)
    assert any(note.startswith("ignored: ") and "'bicycle'" in note for note in notes)
    assert prepared("prompt=a top hat", "steps=1")[1] == []


def test_names_and_negatives_are_mended_and_it_is_said(prepared):
    job, notes = prepared("attrs='glases, chapeau:2'", "negative=earings")
    assert (job.attrs, job.negative) == ("hat:2,glasses", "Earring")
    assert notes[:2] == ["read as: 'glases' as glasses", "read as: 'earings' as Earring"]


def test_notes_say_what_a_request_means_beyond_its_words(prepared, weights):
    def notes(*settings):
        return "\n".join(prepared(*settings)[1])

    note = "-top hat asks for no value of 'hat' at all; negative='top hat' moves away from it alone"
    assert note in notes("attrs=pipe,-top hat") and note in notes("attrs=pipe | -top hat:2 * 3")
    assert "-Mohawk asks for no value of 'hair' at all" in notes("prompt=a pipe, no mohawk")
    assert "asks for no value" not in notes("attrs=crown,-mohawk")  # says nothing beside a crown
    assert "asks for no value" not in notes("attrs=-hat") and "asks for no" not in notes("attrs=pipe")


def test_a_guide_that_is_the_model_itself_is_a_warning(prepared, weights):
    def warned(*settings):
        return any("guide holds the weights that sample" in note for note in prepared("attrs=crown", *settings)[1])

    assert warned(f"guide={weights}")
    assert not warned(f"guide={weights}", "negative=pipe") and not warned()


# -- weights without label dropout ---------------------------------------------------------------------------------


@pytest.fixture
def trained_with(pipe, compose):
    """Notes for settings, with weights that were trained with other label dropout."""

    def notes(dropout, *settings, guide_dropout=None):
        def load(path, *how):
            chosen = guide_dropout or dropout if path.name == "guide" else dropout
            checkpoint = "other" if path.name == "guide" else pipe.checkpoint
            return replace(pipe, recipe=pipe.recipe.replace(cfg=chosen), checkpoint=checkpoint)

        return prepare(compose("sample", [f"checkpoint={pipe_path}", *settings]), load)[1]

    pipe_path = "any.safetensors"
    return notes


@pytest.fixture(autouse=True)
def any_path(monkeypatch):
    """Weights called any.safetensors need not be there where `load` is given."""
    choose = jobs.choose_checkpoint
    monkeypatch.setattr(
        jobs, "choose_checkpoint",
        lambda path, dataset: jobs.Path(path) if path == "any.safetensors" else choose(path, dataset),
    )  # fmt: skip


NEVER = LabelDropout(drop_prob=0)


@pytest.mark.parametrize(
    ("settings", "warned"),
    [
        (["attrs=crown"], True),
        (["attrs=crown", "w=0"], True),
        (["attrs=crown", "w=1"], False),
        (["attrs=any", "w=1"], False),  # the prior completes it
        (["attrs=any", "w=1", "complete=false"], True),
        (["attrs=crown * 1"], False),
        (["attrs=crown * 2", "w=1"], True),
        (["attrs=crown,pipe:1", "w=1"], False),
        (["attrs=crown,pipe:4", "w=1"], False),  # away from crown, whose label was trained
        (["attrs=crown * 0.5 | pipe * 0.5"], False),
        (["attrs=crown", "negative=pipe"], False),
        (["attrs=crown", "negative=any"], True),
        (["attrs=crown", "guide=guide"], False),
    ],
)
def test_guidance_by_an_unconditional_model_that_was_never_trained_is_a_warning(trained_with, settings, warned):
    """The label that stands for no label was never seen, and what the network does with it is noise."""
    notes = trained_with(NEVER, *settings)
    assert any("cfg.drop_prob=0" in note and "use w=1" in note for note in notes) == warned
    assert not any("drop_prob" in note for note in trained_with(LabelDropout(drop_prob=0.1), *settings))


def test_of_a_guide_its_own_training_counts(trained_with):
    """With negative=any, the guide is what evaluates the empty label."""
    settings = ("attrs=crown", "guide=guide", "negative=any")
    usual = LabelDropout()
    assert any("drop_prob" in note for note in trained_with(usual, *settings, guide_dropout=NEVER))
    assert not any("drop_prob" in note for note in trained_with(NEVER, *settings, guide_dropout=usual))


def test_weights_trained_without_labels_sample_and_refuse_requests(in_tmp, train_tiny, capsys):
    run = train_tiny("train.steps=1", "cfg=off", "run=run")
    assert isinstance(Pipeline.load(run.weights, "cpu").recipe.cfg, Unconditional)
    run_program("sample.py", f"checkpoint={run.weights}", "n=1", "steps=1", "out=out")
    out = capsys.readouterr().out
    assert "request:  any\n" in out and "NFE 13 per picture" in out and "warning" not in out
    with pytest.raises(SystemExit):
        run_program("sample.py", f"checkpoint={run.weights}", "attrs=crown", "n=1", "steps=1", "out=other")
    error = capsys.readouterr().err
    assert "cfg=off" in error and error.count("\n") == 1


# -- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["prompt=a car"], "prompt='a car': 'car': nothing of that name is known; try "),
        (["prompt=a crown and a top hat"], "prompt='a crown and a top hat': 'Crown' and 'Top Hat' exclude each other"),
        (["attrs=crown:9999"], "attrs='crown:9999': 9999 is too great a weight; take one from -20 to 20, such as 5"),
        (["w=21"], "w=21"),
        (["prompt=a pipe", "attrs=crown"], "prompt='a pipe', attrs='crown': both say what is asked for; give one of"),
        (["attrs='crown |'"], "attrs='crown |': a name is missing"),
        (["negative=crwn"], "negative='crwn': unknown attribute 'crwn'; closest: Crown"),
        (["guide=nowhere.safetensors"], "guide=nowhere.safetensors: no such file"),
        (["checkpoint=nowhere.safetensors"], "checkpoint=nowhere.safetensors: no such file"),
        (["dataset=mnist"], "trained on pixelfaces, not on dataset=mnist; leave dataset out"),
        (["scale=100000"], "scale=100000: must be a whole number from 1 to 100"),
        (["attrs=crown", "rank=adherence", "n=8"], "n=8: a ranking samples `of` pictures"),
        (["n=100000000000"], "n=100000000000: must be a whole number from 1 to"),
        (["n=100001"], "n=100001: must be a whole number from 1 to 100"),
        (["rank=adherence", "attrs=crown", "of=1000000000"], "of=1000000000: must be a whole number from 1 to"),
        (["batch_size=1000000000000"], "batch_size=1000000000000: must be a whole number from 1 to"),
        (["refine=1000000000"], "refine=1000000000: must be a whole number from 0 to"),
        (["steps=1000000000"], "steps=1000000000: must be a whole number from 1 to 1000, the T of the training"),
        (["init=face.png", "mask=mask.png", "resample=1000000000"], "resample=1000000000: must be a whole number"),
        (["init=face.png", "mask=mask.png", "feather=1000000000"], "feather=1000000000: must be a whole number"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_as_it_was_typed_before_anything_is_sampled(
    in_tmp, weights, capsys, monkeypatch, face, settings, message
):
    monkeypatch.setattr(Job, "sample", lambda *_: pytest.fail("sampled"))
    with pytest.raises(SystemExit):
        run_program("sample.py", f"checkpoint={weights}", "out=out", *settings)
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not (in_tmp / "out").exists()


def test_more_pictures_than_memory_holds_are_refused(prepared, monkeypatch):
    assert prepared("n=100000")[0]  # 173 MB of pictures of 24 x 24
    monkeypatch.setattr(memory, "MOST_BYTES", 3 * 24 * 24 * 10)
    assert prepared("n=10")[0]
    with pytest.raises(ValueError, match=r"^n=11: .* at most 10 are sampled at once"):
        prepared("n=11")
    with pytest.raises(ValueError, match=r"^of=12: .* at most 10"):
        prepared("rank=adherence", "of=12", "attrs=crown")


# -- jobs ----------------------------------------------------------------------------------------------------------


def test_a_job_samples_as_its_settings_say(prepared, pipe):
    job, _ = prepared("attrs=crown", "negative=pipe", "w=2", "steps=2", "refine=0", "sampler=ddim")
    assert torch.equal(job.sample([4, 5]), pipe("crown", [4, 5], job.settings, negative="pipe"))
    assert (job.attrs, job.negative, job.evaluations, job.total_steps) == ("Crown", "Pipe", 4, 2)


def test_the_record_says_all_that_decides_a_picture(prepared, weights, pipe, face):
    job, _ = prepared(
        "attrs=crown", "sampler=ddim", "sampler.eta=0.5", "init=face.png", "mask=mask.png", f"guide={weights}"
    )
    record = job.record
    assert record == json.loads(json.dumps(record))
    expected = {
        "checkpoint": pipe.checkpoint, "guide": pipe.checkpoint, "attrs": "Crown", "request": "Crown", "w": 3.0,
        "sampler": {"name": "ddim", "eta": 0.5}, "refine": 4, "nfe": job.evaluations, "precision": "fp32",
        "device": "cpu", "dataset": "pixelfaces", "step": 1, "init": "face.png", "mask": "mask.png",
    }  # fmt: skip
    assert {key: record[key] for key in expected} == expected
    assert len(record["init_hash"]) == len(record["mask_hash"]) == 16 and record["init_hash"] != record["mask_hash"]
    plain = prepared("attrs=crown")[0].record
    assert plain["guide"] is None and not {"guide_weights", "init_hash", "mask_hash"} & set(plain)


def test_words_for_a_person(prepared, face, classifier):
    job, _ = prepared("attrs=crown,-beard", "steps=1", "refine=0", "w=2.5")
    assert job.request == "Crown, -beard"
    assert job.method == "dpmpp_2m, 1 step, w = 2.5: NFE 2 per picture, on cpu in fp32"
    assert "w = 3 (rescale 0.7): NFE 8 per" in prepared("attrs=crown", "refine=0", "guidance=rescale")[0].method
    edited, _ = prepared("init=face.png", "edit=+pipe", "mask=mask.png")
    assert edited.request.startswith("+pipe: Slate, Steel, Crown, ") and "-" not in edited.request
