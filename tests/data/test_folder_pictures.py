"""The pictures of people's own folders: formats, modes, sizes, transparency, pixel art."""

import numpy as np
import pytest
import torch
from PIL import Image

from conf import Refusals
from data.alpha import premultiplied
from data.folder import Folder
from data.folder_settings import MAX_COLOURS
from tests.data.folders import equal, images_of, load, sprites, together, write


@pytest.mark.parametrize("suffix", ["png", "webp", "bmp", "gif", "jpg"])
def test_formats(tmp_path, suffix):
    lossless = {"lossless": True} if suffix == "webp" else {"quality": 100} if suffix == "jpg" else {}
    (tmp_path / "own").mkdir()
    for i in range(24):
        Image.new("RGB", (9, 8), (10 * i, 200, 30)).save(tmp_path / "own" / f"{i}.{suffix}", **lossless)
    images = torch.cat([image for image, _ in together(load(tmp_path / "own")).values()]).view(24, 3, 8, 9)
    expected = sorted(10 * i for i in range(24))
    found = sorted(images[:, 0, 4, 4].tolist())
    assert max(abs(a - b) for a, b in zip(found, expected, strict=True)) <= (4 if suffix == "jpg" else 0)


def test_the_first_frame_of_an_animation(tmp_path):
    folder = sprites(tmp_path / "own", 23)
    frames = [Image.new("RGB", (8, 8), colour) for colour in ((1, 2, 3), (200, 0, 0))]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    assert any((image[:, 0, 0] == torch.tensor([1, 2, 3])).all() for image, _ in together(load(folder)).values())


def test_modes_of_pictures_agree(tmp_path):
    """The same grey ramp as palette, grey, 16 bits, colour and turned by its EXIF block: the same pixels."""
    ramp = (np.arange(64, dtype=np.uint8) * 4).reshape(8, 8)
    own = tmp_path / "own"
    sprites(own, 20)
    grey = Image.fromarray(ramp)
    grey.save(own / "a.png")
    grey.convert("P").save(own / "b.png")
    grey.convert("RGBA").save(own / "c.png")
    Image.fromarray(ramp.astype(np.uint16) * 257).save(own / "d.png")
    turned, exif = grey.transpose(Image.Transpose.ROTATE_90), Image.Exif()
    exif[0x0112] = 6  # to be turned back by 90 degrees
    turned.save(own / "e.png", exif=exif)
    same = [image for image, _ in together(load(own)).values() if torch.equal(image[0], torch.from_numpy(ramp))]
    assert len(same) == 5


def test_grey_pictures_have_one_channel(tmp_path):
    (tmp_path / "own").mkdir()
    for i in range(24):
        Image.new("RGB", (8, 8), (9 * i,) * 3).save(tmp_path / "own" / f"{i}.png")
    assert load(tmp_path / "own").train.image_shape == (1, 8, 8)


@pytest.mark.parametrize(("count", "art"), [(MAX_COLOURS, True), (MAX_COLOURS + 1, False)])
def test_up_to_1024_colours_are_pixel_art(tmp_path, count, art):
    pixels = np.zeros((count, 3), np.uint8)
    pixels[:, 0], pixels[:, 1], pixels[:, 2] = np.arange(count) % 256, np.arange(count) // 256, 7
    pixels = np.resize(pixels, (24, 8, 8, 3))  # 1,536 pixels, which hold them all
    for i in range(24):
        write(tmp_path / "own", {f"{i}.png": pixels[i]})
    palette = load(tmp_path / "own").train.palette
    assert (palette is not None) == art
    assert not art or len(palette) == count


def test_whether_pictures_are_pixel_art_can_be_said(tmp_path):
    """Photographs in grey have few levels, and flat drawings few colours; nobody but their owner knows."""
    for i in range(24):
        write(tmp_path / "grey", {f"{i}.png": np.arange(64, dtype=np.uint8).reshape(8, 8) + i})
    assert load(tmp_path / "grey").train.palette is None
    assert len(load(tmp_path / "grey", pixel_art=True).train.palette) == 64 + 23
    folder = sprites(tmp_path / "own")
    (folder / "schema.yaml").write_text("pixel_art: false")
    assert load(folder).train.palette is None
    assert load(folder, pixel_art=True).train.palette is not None


def test_enlarged_pixel_art_comes_back_in_its_own_size(tmp_path):
    folder = sprites(tmp_path / "own")
    small = load(folder)
    for path in folder.glob("*.png"):
        picture = Image.open(path)
        picture.resize((40, 40), Image.Resampling.NEAREST).save(path)
    assert equal(load(folder, size=[8, 8]), small)


@pytest.mark.parametrize("resize", ["area", "lanczos", "nearest"])
def test_other_pictures_are_scaled_down_from_their_middle(tmp_path, resize):
    """Against the mean of each block of the middle square, or against the pixels in the middle of the blocks."""
    generator, wide = np.random.default_rng(0), {}
    for i in range(24):
        smooth = Image.fromarray(generator.integers(0, 256, (4, 6, 3), dtype=np.uint8))
        wide[f"{i:02d}.png"] = np.asarray(smooth.resize((120, 96), Image.Resampling.BICUBIC))
    images = images_of(load(write(tmp_path / "own", wide), size=32, resize=resize))
    middle = np.stack([pixels[:, 12:108] for pixels in wide.values()]).reshape(24, 32, 3, 32, 3, 3)
    expected = middle[:, :, 1, :, 1] if resize == "nearest" else middle.mean(axis=(2, 4))
    found = np.stack([np.frombuffer(image, np.uint8).reshape(3, 32, 32) for image in images]).astype(float)
    apart = np.abs(found[:, None] - expected.transpose(0, 3, 1, 2)[None]).mean(axis=(2, 3, 4)).min(axis=0)
    assert apart.max() <= {"area": 0.51, "lanczos": 3, "nearest": 0}[resize]


def test_grey_photographs_are_scaled_although_they_have_few_levels(tmp_path):
    """By the rule of pictures in their own size: more than 32 levels of grey are shades, of pixel art fewer."""
    generator = np.random.default_rng(0)
    photographs = {f"{i}.png": generator.integers(0, 256, (40, 40), dtype=np.uint8) for i in range(24)}
    splits = load(write(tmp_path / "own", photographs), size=8, resize="area")
    assert splits.train.image_shape == (1, 8, 8) and splits.train.palette is None
    with pytest.raises(Refusals, match="pixel art, which no filter keeps as it is"):
        load(write(tmp_path / "art", {name: grey // 8 for name, grey in photographs.items()}), size=8, resize="area")
    write(tmp_path / "own", {"coloured.png": np.full((40, 40, 3), (200, 0, 0), np.uint8)})  # so few colours in all
    with pytest.raises(Refusals) as refused:
        load(tmp_path / "own", size=8, resize="area")
    assert len(refused.value.lines) == 24


def test_where_pictures_are_scaled_pixel_art_among_them_is_taken_as_it_is(tmp_path):
    generator = np.random.default_rng(0)
    for i in range(23):
        write(tmp_path / "own", {f"{i}.png": generator.integers(0, 256, (40, 40, 3), dtype=np.uint8)})
    small = generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    write(tmp_path / "own", {"art.png": small.repeat(3, axis=0).repeat(3, axis=1)})
    assert small.transpose(2, 0, 1).tobytes() in images_of(load(tmp_path / "own", size=[8, 8], resize="lanczos"))


def test_invisible_colours_do_not_bleed_when_scaled(tmp_path):
    generator = np.random.default_rng(0)
    for i in range(24):
        pixels = np.full((32, 32, 4), 255, np.uint8)
        pixels[..., 1:3], pixels[:, ::2, 3], pixels[:, ::2, 0] = generator.integers(0, 256, (32, 32, 2)), 0, 0
        write(tmp_path / "own", {f"{i}.png": pixels})
    red, alpha = load(tmp_path / "own", size=16, resize="area").train.images[:, [0, 3]].unbind(dim=1)
    assert (alpha.float().sub(127.5).abs() < 1).all() and (red == alpha).all()  # premultiplied: red at its full level


def test_transparency_is_kept_premultiplied_or_laid_on_a_background(tmp_path):
    generator = np.random.default_rng(0)
    straight = generator.integers(0, 256, (24, 8, 10, 4), dtype=np.uint8)
    straight[:, :4, :, 3] = 0  # whose colours nobody sees
    write(tmp_path / "own", {f"{i:02d}.png": straight[i] for i in range(24)})
    layered = torch.from_numpy(straight).permute(0, 3, 1, 2)
    kept = load(tmp_path / "own")
    assert kept.train.image_shape == (4, 8, 10)
    assert images_of(kept) == {image.numpy().tobytes() for image in premultiplied(layered)}
    assert not any(image[:, :4].any() for image, _ in together(kept).values())
    laid = load(tmp_path / "own", alpha="background", background=[255, 0, 9])
    backed = [Image.alpha_composite(Image.new("RGBA", (10, 8), (255, 0, 9, 255)), Image.fromarray(s)) for s in straight]
    assert images_of(laid) == {np.asarray(p.convert("RGB")).transpose(2, 0, 1).tobytes() for p in backed}
    (tmp_path / "own/schema.yaml").write_text("alpha: background\nbackground: [255, 0, 9]", encoding="utf-8")
    assert images_of(load(tmp_path / "own")) == images_of(laid)
    settled = Folder(path=str(tmp_path / "own")).settled(laid.train)
    assert (settled.alpha, settled.backdrop, settled.preview) == ("background", (255, 0, 9), ["any"])
