"""Bad input gets one line that names the setting, the value, what is allowed and the remedy; and changes nothing."""

import json
import os
import pickle
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest

from tests.conftest import TINY
from tests.programs import ROOT, run_program
from tests.runtime.test_checkpoint import Bomb


def everything_below(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() if p.is_file() else b"" for p in folder.rglob("*")}


def refused(capsys, folder: Path, program: str, *arguments: str) -> str:
    """The one line on standard error; checks the exit status, and that no file below `folder` changed."""
    before = everything_below(folder)
    with pytest.raises(SystemExit) as exit:
        run_program(program, *arguments)
    captured = capsys.readouterr()
    assert exit.value.code not in (0, None)
    lines = captured.err.strip().splitlines()
    assert len(lines) == 1, captured.err
    assert lines[0].startswith(f"{Path(program).name}: ")
    assert everything_below(folder) == before
    return lines[0]


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("dataset=faces", ["dataset=faces", "cryptopunks, fashion_mnist, folder, mnist, pixelfaces"]),
        ("sampler=magic", ["sampler=magic", "ddim, ddpm, dpmpp_2m"]),
        ("device=tpu", ["device='tpu'", "auto, cpu, cuda, mps"]),
        ("device=cuda", ["device=cuda", "device=auto"]),
        ("precision=fp8", ["precision='fp8'", "auto, fp32, tf32, bf16"]),
        ("cfg.drop_prob=1.5", ["cfg.drop_prob=1.5", "from 0 to 1"]),
        ("cfg.drop_prob=-0.1", ["cfg.drop_prob=-0.1", "from 0 to 1"]),
        ("cfg.drop_prob=often", ["cfg.drop_prob='often'", "number"]),
        ("train.steps=0", ["train.steps=0", "whole number from 1"]),
        ("train.steps=many", ["train.steps='many'", "whole number"]),
        ("train.batch_size=2.5", ["train.batch_size=2.5", "whole number"]),
        ("optim.lr=nan", ["optim.lr=nan", "number"]),
        ("optim.lr=-1", ["optim.lr=-1", "at least 0"]),
        ("seed=-1", ["seed=-1", "from 0"]),
        ("resume=perhaps", ["resume='perhaps'", "auto, never"]),
        ("diffusion.T=0", ["diffusion.T=0", "from 1 to 100,000"]),
        ("diffusion.prediction=noise", ["diffusion.prediction='noise'", "eps, x_0, v"]),
        ("diffusion.schedule=sine", ["diffusion.schedule='sine'", "linear, cosine"]),
        ("diffusion.weighting=max", ["diffusion.weighting='max'", "none, min_snr"]),
        ("model.channel_mults=[1,2,4,8,8,8,8]", ["24 x 24", "7 levels", "fewer model.channel_mults"]),
        ("train.stepz=3", ["train.stepz", "train.steps"]),
        ("optim.schedule=step", ["optim.schedule='step'", "constant, cosine"]),
        ("model.channels=abc", ["model.channels='abc'", "whole number"]),
        ("model.dropout=2", ["model.dropout=2", "from 0 to 0.999"]),
        ("model.channel_mults=[]", ["model.channel_mults=[]", "list"]),
        ("model.attention_levels=[5]", ["model.attention_levels=[5]", "choose among"]),
        ("+model.colour=3", ["model", "colour"]),
        ("diffusion.gamma=abc", ["diffusion.gamma='abc'", "number"]),
        ("optim.betas=3", ["optim.betas=3", "list in brackets of 2 numbers"]),
        ("dataset.count=abc", ["dataset.count='abc'", "whole number from 20"]),
        ("dataset.preview=[unicorn]", ["dataset.preview='unicorn'", "closest"]),
        ("dataset.preview=[]", ["dataset.preview=[]", "list in brackets of one or more"]),
        ("sampler.eta=abc", ["sampler.eta", "sampler=ddim or euler_ancestral, which is not chosen"]),
        ("seed=100000000000000000000000", ["seed=100000000000000000000000", "whole number"]),
        ("train.preview.steps=2000", ["train.preview.steps=2000", "at most diffusion.T=1000"]),
        ("train.batch_size=1000000000000", ["train.batch_size=1000000000000", "GB"]),
    ],
)
def test_train_refuses(capsys, in_tmp, argument, expected):
    tiny = [setting for setting in TINY if setting.split("=")[0] != argument.split("=")[0]]
    line = refused(capsys, in_tmp, "train.py", *tiny, argument)
    assert all(part in line for part in expected), line


def test_an_image_size_that_the_network_cannot_take(capsys, in_tmp, real_data):
    size = ["dataset.image_size=15", "model=dit", "model.patch=2"]
    line = refused(capsys, in_tmp, "train.py", "dataset=mnist", *size, f"data_root={real_data}")
    assert "15 x 15" in line and "model.patch=2" in line and "choose one of 1, 3, 5, 15" in line


def test_training_needs_its_data(capsys, in_tmp, real_data, monkeypatch):
    """Missing and not to be fetched, truncated, changed: each names the file and what to do."""
    from data import cryptopunks
    from data.download import DataFile

    table = DataFile(cryptopunks.TABLE.path, "http://127.0.0.1:9/none.csv", cryptopunks.TABLE.sha256)
    monkeypatch.setattr(cryptopunks, "TABLE", table)
    arguments = ("dataset=cryptopunks", f"data_root={in_tmp.as_posix()}")
    line = refused(capsys, in_tmp, "train.py", *arguments)
    assert "cryptopunks.csv" in line and "http://127.0.0.1:9" in line and "data_root" in line
    place, whole = in_tmp / table.path, (real_data / table.path).read_bytes()
    place.parent.mkdir(parents=True)
    for damaged in (whole[: len(whole) // 2], whole.replace(b"Mohawk", b"Mullet"), b""):
        place.write_bytes(damaged)
        line = refused(capsys, in_tmp, "train.py", *arguments)
        assert "cryptopunks.csv" in line and "sha256" in line and "move it away" in line


def test_a_run_that_cannot_be_written(capsys, in_tmp):
    (in_tmp / "file").write_text("precious")
    for run in ("file", "file/below"):
        assert f"run={run}" in refused(capsys, in_tmp, "train.py", *TINY, f"run={run}")
    assert (in_tmp / "file").read_text() == "precious"


def test_a_malicious_training_state(capsys, in_tmp):
    run_program("train.py", *TINY, "train.steps=1", "run=a")
    capsys.readouterr()
    for name in ("state.pt", "state.previous.pt"):
        (in_tmp / "a/checkpoints" / name).write_bytes(pickle.dumps(Bomb(in_tmp / "executed")))
    with pytest.raises(SystemExit):
        run_program("train.py", "run=a", "train.steps=2")
    assert "nothing in it was executed" in capsys.readouterr().err
    assert not (in_tmp / "executed").exists()


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("attrs=top hat,moustach", ["attrs='top hat,moustach'", "'moustach'", "closest"]),
        ("attrs=glss", ["'glss'", "glasses"]),
        ("attrs=hat,hair", ["'hat'", "'hair'", "exclude each other"]),
        ("attrs=shades,-glasses", ["'shades'", "'-glasses'", "exclude each other"]),
        ("attrs=cap,beanie", ["'cap'", "'beanie'", "exclude each other"]),
        ("attrs=", ["attrs=''", "any"]),
        ("attrs=','", ["attrs=','", "a name is missing"]),
        ("attrs=[]", ["attrs=''", "a name is missing"]),
        ("negative=wings", ["negative='wings'", "closest"]),
        ("w=strong", ["w='strong'", "number"]),
        ("w=-1", ["w=-1", "from 0 to 20"]),
        ("w=nan", ["w=nan", "number"]),
        ("w=inf", ["w=inf", "number"]),
        ("w=null", ["w=None", "number"]),
        ("steps=some", ["steps='some'", "whole number of at least 1"]),
        ("steps=-5", ["steps=-5", "at least 1"]),
        ("steps=0", ["steps=0", "at least 1"]),
        ("steps=nan", ["steps=nan", "at least 1"]),
        ("steps=1001", ["steps=1001", "from 1 to 1000"]),
        ("n=0", ["n=0", "from 1"]),
        ("scale=0.5", ["scale=0.5", "whole number"]),
        ("seed=-1", ["seed=-1", "from 0"]),
        ("sampler=magic", ["sampler=magic", "ddim, ddpm, dpmpp_2m"]),
        ("sampler.eta=2", ["sampler.eta", "sampler=ddim or euler_ancestral, which is not chosen"]),
        ("device=abacus", ["device='abacus'", "auto, cpu, cuda, mps"]),
        ("device=cuda", ["device=cuda", "device=auto"]),
        ("dataset=faces", ["dataset=faces", "cryptopunks, fashion_mnist, folder, mnist, pixelfaces"]),
        ("dataset=mnist", ["pixelfaces", "dataset=mnist"]),
        ("checkpoint=nowhere.safetensors", ["checkpoint=nowhere.safetensors", "no such file"]),
        ("spacing=even", ["spacing=even", "karras, leading, linspace, listed, power, trailing"]),
        ("attrs=cap:loud", ["attrs='cap:loud'", "'loud' is no weight"]),
        ("attrs=cap | ", ["a name is missing"]),
        ("guidance=magic", ["guidance=magic", "cfg, cfgpp, dynamic, fade, interval, rescale"]),
        ("guidance.rescale=2", ["guidance.rescale", "guidance=rescale, which is not chosen"]),
        ("guidance.interval=[0.7,0.1]", ["guidance.interval=[0.7, 0.1]", "low <= high"]),
        ("guidance.interval=0.5", ["guidance.interval=0.5", "2 numbers from 0 to 1"]),
        ("guide=nowhere.safetensors", ["guide=nowhere.safetensors", "no such file"]),
        ("attrs=-any", ["attrs='-any'"]),
        ("attrs=-", ["attrs='-'"]),
        ("attrs=--hat", ["attrs='--hat'"]),
        ("attrs={a:1}", ["attrs="]),
        ("init=5", ["init=5", "no such file"]),
        ("checkpoint=5", ["checkpoint=5", "no such file"]),
        ("hat", ["hat: no setting", "key=value", '"attrs=top hat"']),
        ("--w=3", ["--w=3", "without dashes: w=3"]),
        ("sed=3,4", ["sed: no such setting; closest: seed"]),
        ("guidence=cfg", ["guidence: no such setting; closest: guidance,"]),
    ],
)
def test_sample_refuses(capsys, in_tmp, weights, argument, expected):
    checkpoint = [] if argument.startswith("checkpoint") else [f"checkpoint={weights}"]
    line = refused(capsys, in_tmp, "sample.py", *checkpoint, argument)
    assert all(part in line for part in expected), line


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("measure=exact", ["measure='exact'", "list in brackets of one or more of exact, adherence, validity"]),
        ("measure=[exact,beauty]", ["measure=['exact', 'beauty']", "exact, adherence"]),
        ("measure=[]", ["measure=[]", "list"]),
        ("split=train", ["split='train'", "validation, test"]),
        ("w=-1", ["w=-1", "from 0 to 20"]),
        ("steps=0", ["steps=0", "at least 1"]),
        ("steps=1001", ["steps=1001", "from 1 to 1000"]),
        ("exact.tries=0", ["exact.tries=0", "whole number from 1"]),
        ("adherence.w=[1,x]", ["adherence.w=[1, 'x']", "number"]),
        ("adherence.w=[]", ["adherence.w=[]", "list"]),
        ("distribution.n=100", ["distribution.n=100", "256"]),
        ("distribution.repeats=2", ["distribution.repeats=2", "from 3"]),
        ("distribution.unasked=maybe", ["distribution.unasked='maybe'", "true or false"]),
        ("distribution.n=256", ["distribution.n=256", "real pictures", "leave distribution out"]),
        ("sampler=magic", ["sampler=magic", "ddim, ddpm, dpmpp_2m"]),
        ("checkpoint=nowhere.safetensors", ["checkpoint=nowhere.safetensors", "no such file"]),
        ("dataset=mnist", ["pixelfaces", "dataset=mnist"]),
    ],
)
def test_evaluate_refuses(capsys, in_tmp, weights, argument, expected):
    named = [] if argument.startswith("checkpoint") else [f"checkpoint={weights}"]
    named += [] if argument.startswith("dataset") else ["dataset=pixelfaces"]
    line = refused(capsys, in_tmp, "evaluate.py", *named, argument)
    assert all(part in line for part in expected), line


def test_sample_refuses_other_files_as_weights(capsys, in_tmp, weights):
    content = weights.read_bytes()
    (in_tmp / "truncated.safetensors").write_bytes(content[: len(content) // 2])
    (in_tmp / "pickle.pt").write_bytes(pickle.dumps(Bomb(in_tmp / "executed")))
    (in_tmp / "state.pt").write_bytes((weights.parent / "state.pt").read_bytes())
    (in_tmp / "folder").mkdir()
    for name in ("truncated.safetensors", "pickle.pt", "state.pt", "folder"):
        assert f"checkpoint={name}" in refused(capsys, in_tmp, "sample.py", f"checkpoint={name}")


def test_weights_cannot_name_code_to_run(capsys, in_tmp, weights):
    """The configuration inside a weights file chooses among known networks and nothing else."""
    import safetensors

    from runtime.checkpoint import load_tensors, read_info, save_weights

    info = read_info(weights)
    info.config["model"] = {"name": "os.system", "command": "true", "_target_": "os.mkdir"}
    save_weights(in_tmp / "evil.safetensors", load_tensors(weights), info)
    assert safetensors.safe_open(in_tmp / "evil.safetensors", "pt").metadata()
    line = refused(capsys, in_tmp, "sample.py", "checkpoint=evil.safetensors")
    assert "model='os.system': unknown; choose one of unet, dit" in line


def test_sample_writes_among_no_other_files(capsys, in_tmp, weights):
    (in_tmp / "mine").mkdir()
    (in_tmp / "mine" / "grid.png").write_text("precious")
    assert "out=mine" in refused(capsys, in_tmp, "sample.py", f"checkpoint={weights}", "out=mine", "steps=1", "n=1")
    assert "out=mine/grid.png" in refused(capsys, in_tmp, "sample.py", f"checkpoint={weights}", "out=mine/grid.png")
    measured = [f"checkpoint={weights}", "dataset=pixelfaces", "measure=[exact]", "out=mine"]
    assert "out=mine" in refused(capsys, in_tmp, "evaluate.py", *measured)


def test_attributes_of_an_unconditional_model(capsys, in_tmp):
    run_program("train.py", *TINY, "train.steps=1", "cfg=off", "run=a")
    capsys.readouterr()
    named = "checkpoint=a/checkpoints/ema.safetensors"
    line = refused(capsys, in_tmp, "sample.py", named, "attrs=hat")
    assert "unconditional" in line and "cfg=off" in line
    asked_only = ["measure=[distribution]", "distribution.unasked=false"]
    line = refused(capsys, in_tmp, "evaluate.py", "dataset=pixelfaces", named, *asked_only)
    assert "distribution.unasked=false" in line and "no labels" in line


def test_a_combination_that_no_example_has_is_a_warning(capsys, in_tmp, weights):
    from data import pixelfaces

    schema = pixelfaces.PixelFaces(count=120).load().train.schema
    values = [(f, v) for f, field in enumerate(schema.fields) for v in field.values if v != "none" and not field.slot]
    unseen = next(
        f"{a},{b}"
        for (f, a), (g, b) in combinations(values, 2)
        if f != g and schema.unseen_pairs(schema.encode(f"{a},{b}"))
    )
    run_program("sample.py", f"checkpoint={weights}", f"attrs={unseen}", "n=1", "steps=1", "out=o")
    assert "no training example has both" in capsys.readouterr().out
    assert json.loads((in_tmp / "o/samples.json").read_text())["attrs"]


@pytest.mark.parametrize("program", ["train.py", "sample.py", "evaluate.py", "scripts/compare.py"])
def test_a_later_rank_says_its_error_and_its_number(program, capsys, monkeypatch, in_tmp):
    monkeypatch.setenv("RANK", "3")
    with pytest.raises(SystemExit) as stopped:
        run_program(program, "device=abacus")
    line = capsys.readouterr().err
    assert stopped.value.code == 2 and line.count("\n") == 1
    assert line.startswith(f"{Path(program).name} (rank 3): device='abacus'")


def test_a_traceback_where_it_is_wanted(monkeypatch, in_tmp):
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(ValueError, match="attrs="):
        run_program("sample.py", "attrs=unicorn")
    assert os.environ["HYDRA_FULL_ERROR"] == "1"


def test_a_sweep_reports_the_job_that_cannot_be(capsys, in_tmp):
    with pytest.raises(SystemExit) as stopped:
        run_program("train.py", "--multirun", *TINY, "train.steps=1", "seed=x,1")
    assert stopped.value.code == 2
    assert "train.py: seed='x': must be a whole number" in capsys.readouterr().err


def test_no_traceback_as_a_process_of_its_own(tmp_path):
    done = subprocess.run(
        [sys.executable, ROOT / "train.py", "dataset=faces"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
