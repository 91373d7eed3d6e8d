"""scripts/export.py: what it writes, what it refuses in one line, and that no name of a schema becomes markup."""

import base64
import hashlib
import io
import json
import re
import shutil
import subprocess
import tarfile
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch

from baselines import BASELINES
from conditions.fields import Field
from conditions.schema import ConditionSchema
from data import CryptoPunks, FashionMNIST, Folder
from data.download import DataFileError
from data.images import save_png
from inference.export import network, write
from inference.export.description import describe
from inference.export.network import ExportRefused
from inference.export.page import assembled
from inference.export.web_runtime import NodePackage
from inference.export.write import network_of
from inference.replay import read_stored
from inference.settings import SampleSettings
from tests.programs import run_program

HOSTILE = ("</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "{{SCRIPT}}", "<!--", "&lt;b&gt;")


@pytest.fixture
def quick(monkeypatch):
    """Without the tracing of a network, and without onnxruntime-web."""
    monkeypatch.setattr(write, "require_onnx", lambda: None)
    monkeypatch.setattr(write, "network_of", lambda pipe, weights: b"network")
    monkeypatch.setattr(NodePackage, "read", lambda self, root, files: [b"var ort;", b"\0asm"])


class Scripts(HTMLParser):
    """The script elements of a page, and all other tags."""

    def __init__(self, text: str):
        super().__init__()
        self.scripts, self.others, self.metas = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        (self.scripts if tag == "script" else self.others).append([dict(attrs), ""] if tag == "script" else tag)
        if tag == "meta":
            self.metas.append(dict(attrs))

    def handle_data(self, data):
        if self.cdata_elem == "script":
            self.scripts[-1][1] += data


def refused(capsys, *arguments: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        run_program("scripts/export.py", *arguments)
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


def test_a_page_is_written_once_and_nothing_is_overwritten(quick, weights, in_tmp, capsys):
    run_program("scripts/export.py", f"checkpoint={weights}", "out=pages/a.html")
    assert "pages/a.html" in capsys.readouterr().out
    content = (in_tmp / "pages/a.html").read_bytes()
    line = refused(capsys, f"checkpoint={weights}", "out=pages/a.html")
    assert "out=pages/a.html: exists already; name another file" in line
    assert (in_tmp / "pages/a.html").read_bytes() == content
    assert [path.name for path in (in_tmp / "pages").iterdir()] == ["a.html"]


def test_weights_that_were_written_anew_are_refused(pipe, weights):
    """The page would have the network of one file and the palette and hash of another."""
    with pytest.raises(ExportRefused, match="wrote new weights there meanwhile"):
        network_of(replace(pipe, checkpoint="0" * 16), weights)


def test_a_folder_has_the_network_and_all_else_that_sampling_needs(quick, weights, pipe, in_tmp):
    run_program("scripts/export.py", f"checkpoint={weights}", "format=onnx", "out=model")
    assert sorted(path.name for path in (in_tmp / "model").iterdir()) == ["README.md", "model.json", "model.onnx"]
    model = json.loads((in_tmp / "model/model.json").read_text("utf-8"))
    assert model["alpha_bar"] == pipe.diffusion.schedule.alpha_bar.tolist()
    assert ConditionSchema.from_json(json.dumps(model["schema"])) == pipe.schema
    explained = (in_tmp / "model/README.md").read_text("utf-8")
    assert all(f"`{name}`" in explained for name in ("x_t", "t", "cond", "output", "palette"))


@pytest.mark.parametrize(("kind", "w"), [("complete", 2.5), ("open", 0.0)])
def test_a_picture_of_the_page_records_what_sample_py_would(kind, w, pipe, weights, in_tmp, prepared):
    """The page adds what was asked for; from_image= takes it."""
    job, _ = prepared("attrs=Crown", f"w={w}")
    added = {"attrs": "Crown", "request": "Crown", "w": w, "seed": 3, "nfe": job.evaluations, "scale": 8}
    record = describe(pipe, weights)["sampling"][kind]["record"] | added
    expected = {key: value for key, value in job.record.items() if key not in ("torch", "threads")}
    assert record == expected | {"device": "browser", "seed": 3, "scale": 8}
    save_png(torch.zeros(3, 24, 24, dtype=torch.uint8), in_tmp / "picture.png", record)
    assert read_stored(in_tmp / "picture.png", SampleSettings)["seed"] == 3


@pytest.mark.parametrize(
    ("dataset", "title"),
    [(CryptoPunks(), "CryptoPunks"), (FashionMNIST(), "Clothes"), (Folder(path="elsewhere/my_sprites"), "pixelfaces")],
)
def test_the_title_is_that_of_the_data_set(dataset, title, pipe, weights):
    """Or, where it has none, the name under which the weights know it."""
    pipe = replace(pipe, recipe=pipe.recipe.replace(dataset=dataset))
    assert describe(pipe, weights)["title"] == title


def test_without_onnx_the_remedy_is_named(weights, in_tmp, capsys, monkeypatch):
    monkeypatch.setattr(network.importlib.util, "find_spec", lambda name: None)
    line = refused(capsys, f"checkpoint={weights}", "out=a.html")
    assert 'export needs the package onnx: python -m pip install -e ".[export]"' in line
    assert not list(in_tmp.iterdir())


@pytest.mark.parametrize("model", BASELINES)
def test_baselines_are_refused_and_leave_nothing(model, pipe, weights, in_tmp, monkeypatch):
    monkeypatch.setattr(write, "require_onnx", lambda: None)
    pipe = replace(pipe, recipe=pipe.recipe.replace(model=model()))
    for written in (lambda: write.write_onnx("a/model", pipe, weights), lambda: write.page_of(pipe, weights, in_tmp)):
        with pytest.raises(ExportRefused, match=r"model=\w+ cannot be exported; take weights of a diffusion model"):
            written()
    assert not list(in_tmp.iterdir())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["out=pages", "format=onnx"], "out=pages: holds files already; name a new folder, nothing was touched"),
        (["out=pages"], "out=pages: exists already; name another file, nothing was touched"),
        (["out=pages/a.html/b.html"], "out=pages/a.html/b.html: cannot be written"),
        (["out=b.html", "format=gif"], "format"),
        (["out=b.html", "checkpoint=gone.safetensors"], "gone.safetensors"),
    ],
)
def test_nothing_is_written_where_it_cannot_or_must_not_be(arguments, said, quick, weights, in_tmp, capsys):
    (in_tmp / "pages").mkdir()
    (in_tmp / "pages/a.html").write_text("mine", encoding="utf-8")
    assert said in refused(capsys, *([] if "checkpoint" in str(arguments) else [f"checkpoint={weights}"]), *arguments)
    assert [path for path in in_tmp.rglob("*") if path.is_file()] == [in_tmp / "pages/a.html"]
    assert (in_tmp / "pages/a.html").read_text("utf-8") == "mine"


def test_other_files_are_no_weights(in_tmp, capsys):
    (in_tmp / "x.safetensors").write_bytes(b"no weights")
    assert "x.safetensors: damaged, or no safetensors file" in refused(capsys, "checkpoint=x.safetensors")


# -- names are text ------------------------------------------------------------------------------------------------


@pytest.fixture
def hostile_page(pipe, weights) -> str:
    """A page whose schema, and data set, have names that would be markup."""
    model = describe(pipe, weights)
    fields = tuple(Field(f"slot {i} {name}", ("none", name)) for i, name in enumerate(HOSTILE))
    schema = json.loads(ConditionSchema(fields).to_json())
    model |= {"schema": schema, "prior": None, "title": HOSTILE[0], "dataset": HOSTILE[0]}
    return assembled(model, b"network", (b"var ort;", b"\0asm")).decode("utf-8")


def test_no_name_of_a_schema_becomes_markup(hostile_page):
    page = Scripts(hostile_page)
    assert [script[0].get("id") for script in page.scripts] == ["description", "worker", "runtime", None, "network"]
    assert "img" not in page.others
    description = json.loads(page.scripts[0][1])
    assert [field["values"][1] for field in description["schema"]["fields"]] == list(HOSTILE)


def test_the_policy_allows_the_script_of_the_page_and_no_request(hostile_page):
    page = Scripts(hostile_page)
    (policy,) = [meta["content"] for meta in page.metas if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none';") and "unsafe-inline" not in policy and "http" not in policy
    for kind, content in (
        ("script", page.scripts[-2][1]),
        ("style", re.search("<style>(.*?)</style>", hostile_page, re.S)[1]),
    ):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_the_page_makes_elements_of_text_alone():
    """No piece of JavaScript turns text into markup or code."""
    from inference.export.page import FOLDER

    for path in FOLDER.glob("*.js"):
        source = path.read_text("utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", source), (
            path
        )


# -- onnxruntime-web -----------------------------------------------------------------------------------------------


def archive_of(content: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        entry = tarfile.TarInfo("package/dist/a.js")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()


@pytest.fixture
def tiny(monkeypatch):
    """(package, calls): a package that a stand-in for npm fetches."""
    archive, calls = archive_of(b"content"), []
    package = NodePackage("tiny", "1.2.3", base64.b64encode(hashlib.sha512(archive).digest()).decode())

    def npm(command, **_):
        calls.append(command)
        (Path(command[-1]) / package.archive).write_bytes(archive)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(subprocess, "run", npm)
    return package, calls


def test_a_package_is_fetched_once_and_checked_each_time(tiny, tmp_path):
    package, calls = tiny
    for _ in range(2):
        assert package.read(tmp_path, ("dist/a.js",)) == [b"content"]
    assert len(calls) == 1 and calls[0][1:3] == ["pack", "tiny@1.2.3"]
    (place,) = (tmp_path / "tiny").iterdir()
    place.write_bytes(archive_of(b"changed"))
    with pytest.raises(DataFileError, match="damaged or another file"):
        package.read(tmp_path, ("dist/a.js",))


def test_without_npm_or_network_one_line_says_what_to_do(tiny, tmp_path, monkeypatch):
    package, _ = tiny
    failed = subprocess.CompletedProcess([], 1, "", "npm error code ENOTFOUND\nnpm error more\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(
        DataFileError, match=r"could not fetch it \(npm error code ENOTFOUND\); put the file there by hand"
    ):
        package.read(tmp_path, ("dist/a.js",))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(DataFileError, match=r"npm, which comes with Node\.js, is not installed") as refusal:
        package.read(tmp_path, ("dist/a.js",))
    assert "\n" not in str(refusal.value) and not list((tmp_path / "tiny").iterdir())
