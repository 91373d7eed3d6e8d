"""Published data sets as folders: the same pictures with the same labels, and no code of theirs is run."""

import io
import json
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.importing import EDM, CelebA, Cifar10, ImportSettings, import_data
from tests.data.folders import load, together

GENERATOR = np.random.default_rng(0)
PIXELS = GENERATOR.integers(0, 256, (30, 32, 32, 3), dtype=np.uint8)
CLASSES = GENERATOR.integers(0, 3, 30)


def file_of(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def cifar(tmp_path):
    """Five pictures in each of the six files, in the published layout."""
    path, names = tmp_path / "cifar-10-binary.tar.gz", b"cat\ndog\nship\n\n"
    records = [bytes([c]) + p.transpose(2, 0, 1).tobytes() for c, p in zip(CLASSES, PIXELS, strict=True)]
    files = {"batches.meta.txt": names, "test_batch.bin": b"".join(records[25:])}
    files |= {f"data_batch_{i + 1}.bin": b"".join(records[5 * i : 5 * i + 5]) for i in range(5)}
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return Cifar10(path=str(path)), [{["cat", "dog", "ship"][c]} for c in CLASSES]


@pytest.fixture
def celeba(tmp_path):
    rows = GENERATOR.choice([-1, 1], (30, 2))
    lines = [f"{i + 1:06d}.png  {a:2d} {b:2d}" for i, (a, b) in enumerate(rows)]
    (tmp_path / "list_attr_celeba.txt").write_text("30\nBald Wearing_Hat \n" + "\n".join(lines) + "\n")
    with zipfile.ZipFile(tmp_path / "img_align_celeba.zip", "w") as archive:
        archive.writestr("img_align_celeba/", b"")
        for i, pixels in enumerate(PIXELS):
            archive.writestr(f"img_align_celeba/{i + 1:06d}.png", file_of(pixels))
    names = [{"Bald" if a > 0 else "-Bald", "Wearing_Hat" if b > 0 else "-Wearing_Hat"} for a, b in rows]
    return CelebA(path=str(tmp_path / "img_align_celeba.zip")), names


@pytest.fixture
def edm(tmp_path):
    labels = [[f"00000/img{i:08d}.png", int(c)] for i, c in enumerate(CLASSES)]
    with zipfile.ZipFile(tmp_path / "edm.zip", "w") as archive:
        for (name, _), pixels in zip(labels, PIXELS, strict=True):
            archive.writestr(name, file_of(pixels))
        archive.writestr("dataset.json", json.dumps({"labels": labels}))
    return EDM(path=str(tmp_path / "edm.zip")), [{str(c)} for c in CLASSES]


@pytest.mark.parametrize("published", ["cifar", "celeba", "edm"])
def test_pictures_and_labels_come_through(request, tmp_path, published):
    source, names = request.getfixturevalue(published)
    (tmp_path / "mine.zip.part").write_text("mine")
    out, count = import_data(ImportSettings(source=source, out=str(tmp_path / "mine.zip")))
    assert count == 30
    assert [p.read_text() for p in tmp_path.iterdir() if p.suffix == ".part"] == ["mine"]
    found = {image.numpy().tobytes(): known for image, known in together(load(out)).values()}
    expected = {p.transpose(2, 0, 1).tobytes(): known for p, known in zip(PIXELS, names, strict=True)}
    assert found == expected


def test_what_has_no_labels_gets_none_from_its_folders(tmp_path):
    with zipfile.ZipFile(tmp_path / "edm.zip", "w") as archive:
        for i, pixels in enumerate(PIXELS):
            archive.writestr(f"{i // 10:05d}/{i}.png", file_of(pixels))
        archive.writestr("dataset.json", json.dumps({"labels": None}))
    out, _ = import_data(ImportSettings(source=EDM(path=str(tmp_path / "edm.zip")), out=str(tmp_path / "mine.zip")))
    assert not len(load(out).train.schema)


def test_the_version_in_pickles_is_refused_unread(tmp_path):
    path, marker = tmp_path / "cifar-10-python.tar.gz", tmp_path / "ran"

    class Bomb:
        def __reduce__(self):
            return open, (str(marker), "w")

    content = pickle.dumps(Bomb())
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    with pytest.raises(ValueError, match=r"holds no batches\.meta\.txt; give the binary version"):
        import_data(ImportSettings(source=Cifar10(path=str(path)), out=str(tmp_path / "mine.zip")))
    assert not marker.exists() and not (tmp_path / "mine.zip").exists()


def test_what_cannot_be_read_or_written_is_told_and_leaves_nothing(cifar, tmp_path):
    out = tmp_path / "mine.zip"
    for source, message in (
        (Cifar10(), r"source\.path: name the published file of cifar10"),
        (Cifar10(path=str(tmp_path / "no")), r"source\.path=.*no: cannot be read \(No such file"),
        (EDM(path=cifar[0].path), r"source\.path=.*cannot be read"),
    ):
        with pytest.raises(ValueError, match=message):
            import_data(ImportSettings(source=source, out=str(out)))
    assert [path.name for path in tmp_path.iterdir()] == ["cifar-10-binary.tar.gz"]
    out.write_text("mine")
    with pytest.raises(ValueError, match="is there already"):
        import_data(ImportSettings(source=cifar[0], out=str(out)))
    assert out.read_text() == "mine"


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def encrypt(path: Path) -> None:
    """Says of the last picture that it is encrypted."""
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)


def compress_badly(path: Path) -> None:
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("img_align_celeba/000001.png", b"a picture" * 100)
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x03\x04") + 30 + len("img_align_celeba/000001.png")] = 0xFF
    path.write_bytes(content)


def described(text: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("0.png", file_of(PIXELS[0]))
            archive.writestr("dataset.json", text)

    return change


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("published", "change", "message"),
    [
        ("cifar", cut, r"cannot be read \(.+\); fetch it again"),
        ("celeba", cut, r"cannot be read \(File is not a zip file\); fetch it again"),
        ("celeba", encrypt, r"cannot be read \(.*encrypted.*\); fetch it again"),
        ("celeba", compress_badly, r"cannot be read \(.*decompressing.*\); fetch it again"),
        ("edm", described("[]"), "dataset.json is not as dataset_tool.py writes it"),
        ("edm", described('{"labels": 3}'), "dataset.json is not as dataset_tool.py writes it"),
        ("edm", described('{"labels": [["0.png"]]}'), "dataset.json is not as dataset_tool.py writes it"),
        ("edm", described('{"labels": [["0.png", [1, 0]]]}'), "dataset.json has no class for 0.png"),
        ("edm", described("[" * 100_000), "cannot be read"),
    ],
)
def test_damaged_files_are_told_in_one_line_and_leave_nothing(request, tmp_path, published, change, message):
    source, _ = request.getfixturevalue(published)
    change(Path(source.path))
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ValueError, match=message) as refused:
        import_data(ImportSettings(source=source, out=str(tmp_path / "mine.zip")))
    assert str(refused.value).startswith(f"source.path={source.path}: ") and "\n" not in str(refused.value)
    assert sorted(tmp_path.iterdir()) == before


def test_a_class_beyond_those_that_have_names(tmp_path):
    path = tmp_path / "cifar-10-binary.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in {"batches.meta.txt": b"cat", "data_batch_1.bin": bytes([1] + [0] * 3072)}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    with pytest.raises(ValueError, match=r"source\.path=.*: data_batch_1\.bin is damaged"):
        import_data(ImportSettings(source=Cifar10(path=str(path)), out=str(tmp_path / "mine.zip")))


def test_a_place_that_cannot_be_written_to_is_no_fault_of_the_source(cifar, tmp_path):
    with pytest.raises(ValueError, match=r"out=.*mine\.zip: cannot be written \(No such file or directory\)"):
        import_data(ImportSettings(source=cifar[0], out=str(tmp_path / "nowhere/mine.zip")))


def test_the_table_of_celeba_is_named_by_its_own_setting(celeba, tmp_path):
    (tmp_path / "list_attr_celeba.txt").unlink()
    with pytest.raises(ValueError, match=r"source\.attributes=.*list_attr_celeba\.txt: cannot be read"):
        import_data(ImportSettings(source=celeba[0], out=str(tmp_path / "mine.zip")))
