"""Pictures of every kind that people bring, and those that are refused."""

import io
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image

from data.pictures import MAX_BYTES, read_mask, read_picture

SHAPE = (3, 6, 8)
ORANGE = (10, 20, 30)


@pytest.fixture
def colours() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)


def saved(folder, picture: Image.Image, name="picture.png"):
    picture.save(folder / name)
    return folder / name


def read(path, shape=SHAPE):
    return read_picture(path, shape, ORANGE, "init").permute(1, 2, 0).numpy()


def orientation(number: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = number
    return exif


def as_the_camera_stores(upright: np.ndarray, number: int) -> np.ndarray:
    """The pixels of a file with this EXIF orientation, after the standard's table: where row 0 and column 0 lie."""
    return {
        1: upright,  # top, left
        2: upright[:, ::-1],  # top, right
        3: upright[::-1, ::-1],  # bottom, right
        4: upright[::-1],  # bottom, left
        5: upright.swapaxes(0, 1),  # left, top
        6: upright[:, ::-1].swapaxes(0, 1),  # right, top
        7: upright[::-1, ::-1].swapaxes(0, 1),  # right, bottom
        8: upright[::-1].swapaxes(0, 1),  # left, bottom
    }[number]


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_chunk(png: bytes, kind: bytes, content: bytes) -> bytes:
    """A PNG with one more chunk after its header, which has 33 bytes."""
    return png[:33] + chunk(kind, content) + png[33:]


def header_of(png: bytes, width: int, height: int) -> bytes:
    """A PNG that claims another size."""
    return png[:8] + chunk(b"IHDR", struct.pack(">II", width, height) + png[24:29]) + png[33:]


def zeros(count: int) -> bytes:
    return zlib.compress(bytes(count))


def test_a_picture_is_read_as_it_is(tmp_path, colours):
    assert np.array_equal(read(saved(tmp_path, Image.fromarray(colours))), colours)


@pytest.mark.parametrize("scale", [2, 3, 8])
def test_an_enlarged_one_is_brought_back_to_its_own_pixels(tmp_path, colours, scale):
    large = colours.repeat(scale, axis=0).repeat(scale, axis=1)
    assert np.array_equal(read(saved(tmp_path, Image.fromarray(large))), colours)


def test_several_pictures_in_one_are_not_taken_for_one_enlarged(tmp_path, colours):
    sheet = np.concatenate([colours.repeat(4, axis=0).repeat(4, axis=1)] * 2, axis=0)
    sheet = np.concatenate([sheet, sheet[::-1]], axis=1)[1:]  # 47 x 64, cut to whole multiples below
    sheet = sheet[:42, :56]
    with pytest.raises(ValueError, match=r"^init=.*: 56 x 42 pixels, .* blocks of 7 x 7 pixels hold several colours$"):
        read(saved(tmp_path, Image.fromarray(sheet)))


def test_an_enlarged_one_may_be_a_jpeg(tmp_path, colours):
    large = Image.fromarray(colours.repeat(8, axis=0).repeat(8, axis=1))
    large.save(tmp_path / "picture.jpg", quality=75)
    assert np.abs(read(tmp_path / "picture.jpg").astype(int) - colours).mean() < 25  # random colours are hard for JPEG


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
@pytest.mark.parametrize("number", range(1, 9))
def test_a_photograph_is_turned_upright_before_it_is_measured(tmp_path, colours, number, suffix):
    """Half of the orientations store 8 x 6 pixels as 6 x 8, which would be refused as they are."""
    large = colours.repeat(8, axis=0).repeat(8, axis=1)
    stored = Image.fromarray(np.ascontiguousarray(as_the_camera_stores(large, number)))
    path = tmp_path / f"photo.{suffix}"
    stored.save(path, exif=orientation(number), quality=90)
    limit = 0 if suffix == "png" else 25  # random colours are hard for lossy formats
    assert np.abs(read(path).astype(int) - colours).mean() <= limit


@pytest.mark.parametrize("number", range(1, 9))
def test_a_mask_is_turned_upright_too(tmp_path, number):
    light = np.zeros((6, 8), dtype=np.uint8)
    light[0, :3] = light[5, 7] = 255
    stored = Image.fromarray(np.ascontiguousarray(as_the_camera_stores(light, number)))
    stored.save(tmp_path / "mask.png", exif=orientation(number))
    assert torch.equal(read_mask(tmp_path / "mask.png", SHAPE), torch.from_numpy(light / 255).float())


def test_sixteen_bits_are_turned_too(tmp_path):
    deep = np.arange(48, dtype=np.uint16).reshape(6, 8) * 5 * 257
    Image.fromarray(np.ascontiguousarray(as_the_camera_stores(deep, 6))).save(tmp_path / "d.png", exif=orientation(6))
    assert np.array_equal(read(tmp_path / "d.png", (1, 6, 8))[..., 0], deep >> 8)


@pytest.mark.filterwarnings("error")
def test_a_damaged_orientation_says_nothing_and_a_picture_with_one_is_read(tmp_path, colours):
    whole = orientation(6).tobytes()
    entry_ends = 6 + 8 + 2 + 12  # after "Exif", the TIFF header and the number of entries
    damaged = [whole[:cut] for cut in range(6, entry_ends)] + [b"Exif\0\0no block", orientation(9).tobytes()]
    for exif in damaged:
        Image.fromarray(colours).save(tmp_path / "photo.png", exif=exif)
        assert np.array_equal(read(tmp_path / "photo.png"), colours)


def test_a_mask_without_anything_light_is_refused(tmp_path):
    for level in (0, 100):
        path = saved(tmp_path, Image.new("L", (8, 6), level))
        with pytest.raises(ValueError, match=r"^mask=.*: nothing in it is light"):
            read_mask(path, SHAPE)


def test_transparent_pixels_show_the_background(tmp_path, colours):
    alpha = np.full((6, 8, 1), 255, dtype=np.uint8)
    alpha[2, 3], alpha[4, 4] = 0, 128
    found = read(saved(tmp_path, Image.fromarray(np.concatenate([colours, alpha], axis=2))))
    assert found[2, 3].tolist() == list(ORANGE)
    half = colours[4, 4] * (128 / 255) + np.array(ORANGE) * (127 / 255)
    assert np.abs(found[4, 4] - half).max() <= 1
    alpha[2, 3] = alpha[4, 4] = 255
    assert np.array_equal(found[alpha[..., 0] == 255][:5], colours[alpha[..., 0] == 255][:5])


def test_palettes_greys_and_sixteen_bits_are_converted(tmp_path):
    grey = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
    three = np.repeat(grey[..., None], 3, axis=2)
    assert np.array_equal(read(saved(tmp_path, Image.fromarray(grey))), three)
    assert np.array_equal(read(saved(tmp_path, Image.fromarray(grey).convert("P"))), three)
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    assert np.array_equal(read(saved(tmp_path, deep)), three)
    assert np.array_equal(read(saved(tmp_path, deep), (1, 6, 8))[..., 0], grey)


@pytest.mark.parametrize("size", [(7, 6), (8, 5), (16, 6), (4, 3), (20, 15)])
def test_other_sizes_are_refused_with_both_sizes(tmp_path, size):
    path = saved(tmp_path, Image.new("RGB", size))
    with pytest.raises(ValueError, match=rf"init=.*: {size[0]} x {size[1]} pixels; this model generates 8 x 6"):
        read(path)


def test_the_size_in_a_refusal_is_that_of_the_upright_picture(tmp_path):
    Image.new("RGB", (9, 7)).save(tmp_path / "photo.png", exif=orientation(6))
    with pytest.raises(ValueError, match=r"init=.*photo\.png: 7 x 9 pixels"):
        read(tmp_path / "photo.png")


def test_what_is_no_picture_or_too_large_is_refused_before_it_is_decoded(tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    whole = io.BytesIO()
    Image.effect_noise((60, 60), 50).save(whole, "PNG")
    (tmp_path / "half.png").write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    Image.new("1", (5000, 5000)).save(tmp_path / "bomb.png")
    Image.new("1", (10_000, 10_000)).save(tmp_path / "warned.png")  # of which Pillow warns, and refuses the next
    (tmp_path / "huge.png").write_bytes(header_of(whole.getvalue(), 60_000, 60_000))
    (tmp_path / "text-bomb.png").write_bytes(with_chunk(whole.getvalue(), b"zTXt", b"a\0\0" + zeros(80_000_000)))
    (tmp_path / "chunk.png").write_bytes(with_chunk(whole.getvalue(), b"\0\0\0\0", b""))
    with (tmp_path / "heavy.png").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    for name, why in {
        "text.png": "not a picture",
        "half.png": "cannot be decoded",
        "bomb.png": "5000 x 5000 pixels; at most",
        "warned.png": "too many pixels; at most 16777216",
        "huge.png": "too many pixels; at most 16777216",
        "text-bomb.png": "cannot be decoded",
        "chunk.png": "(not a picture|cannot be decoded)",
        "heavy.png": "20 MB; pictures of at most 20 MB",
        "nowhere.png": "no such file",
    }.items():
        with pytest.raises(ValueError, match=f"init=.*{name}: {why}") as refused:
            read(tmp_path / name)
        assert "\n" not in str(refused.value)


def test_a_mask_is_one_where_it_is_light(tmp_path):
    values = np.array([[0, 127, 128, 255, 0, 0, 0, 0]] * 6, dtype=np.uint8)
    mask = read_mask(saved(tmp_path, Image.fromarray(values)), SHAPE)
    assert torch.equal(mask, torch.tensor([[0, 0, 1, 1, 0, 0, 0, 0]] * 6, dtype=torch.float32))
    for scale in (1, 3):
        deep = np.kron(values.astype(np.uint16) * 257, np.ones((scale, scale), dtype=np.uint16))
        assert torch.equal(read_mask(saved(tmp_path, Image.fromarray(deep)), SHAPE), mask)
    with pytest.raises(ValueError, match=r"mask=.*: 5 x 5 pixels"):
        read_mask(saved(tmp_path, Image.new("L", (5, 5))), SHAPE)


def test_a_dark_mask_of_sixteen_bits_is_dark(tmp_path):
    dark = np.full((6, 8), 20_000, dtype=np.uint16)
    dark[0, 0] = 60_000
    assert read_mask(saved(tmp_path, Image.fromarray(dark)), SHAPE).sum() == 1


def test_what_is_transparent_in_a_mask_stays(tmp_path):
    painted = np.full((6, 8, 4), 255, dtype=np.uint8)
    painted[..., 3] = 0
    painted[1:3, 2:4, 3] = 255
    painted[4, 4] = 0, 0, 0, 255  # painted black
    for picture in (Image.fromarray(painted), Image.fromarray(painted).convert("LA")):
        mask = read_mask(saved(tmp_path, picture), SHAPE)
        assert mask.sum() == 4 and mask[1:3, 2:4].all()
