"""bigfaces: the anchors are the small face, and each detail of each slot can be told exactly."""

from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conditions.fields import NONE
from conditions.schema import UNKNOWN
from data import bigfaces, pixelfaces
from data.bigfaces import DETAILS, MOST, PARTS, BigFaces, random_detail, read_detail, render, rounded
from data.images import enlarge, reduced
from data.pixelfaces import SCHEMA, PixelFaces

SLOTS = {field.name: field.values for field in SCHEMA.fields if not field.slot}
faces = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in SLOTS.items()})
details = st.tuples(*(st.integers(0, n - 1) for n in DETAILS.values()))
EVERY = torch.tensor(list(product(*(range(n) for n in DETAILS.values()))))  # (128, 4)
FULL = {"backdrop": "Moss", "skin": "Tan", "head": "Curls", "eyes": "Visor", "facial hair": "Goatee"}


def labels_of(*slots: dict[str, str]) -> torch.Tensor:
    return torch.tensor([SCHEMA.complete(face) for face in slots])


@pytest.fixture(scope="module")
def data():
    return BigFaces(count=400).load().train


# -- the small face is inside -----------------------------------------------------------------------------


@given(st.lists(st.tuples(faces, details), min_size=1, max_size=4))
def test_the_anchors_are_the_small_face_whatever_the_detail(chosen):
    labels, detail = labels_of(*(face for face, _ in chosen)), torch.tensor([detail for _, detail in chosen])
    assert torch.equal(render(labels, detail)[..., 1::4, 1::4], pixelfaces.render(labels))


def test_no_pattern_lies_on_an_anchor_also_where_no_face_has_a_slot():
    for patterns in (bigfaces.HAIR, bigfaces.TWILL, bigfaces.GLINTS, bigfaces.FRECKLES):
        assert patterns.any() and not patterns[..., 1::4, 1::4].any()


@given(st.integers(2, 5), st.integers(1, 4), st.integers(1, 4))
def test_reducing_undoes_enlarging(scale, height, width):
    small = torch.arange(height * width).view(1, 1, height, width)
    assert torch.equal(reduced(enlarge(small, scale), scale), small)


def test_a_size_that_cannot_be_reduced_is_refused_with_what_can():
    with pytest.raises(ValueError, match="5: must divide the image size, 24 x 24; choose one of 2, 3, 4, 6, 8, 12"):
        reduced(torch.zeros(1, 3, 24, 24), 5)


# -- reading is the inverse of rendering ------------------------------------------------------------------


@given(faces, details)
def test_any_face_with_any_detail_is_read_exactly(face, detail):
    labels = labels_of(face)
    found = read_detail(render(labels, torch.tensor([detail])))
    assert torch.equal(found.labels, labels) and not (found.wrong > 0).any()
    there = {"head": face["head"] != NONE, "facial hair": face["facial hair"] != NONE, "skin": True}
    there["eyes"] = face["eyes"] in pixelfaces.GLASSES
    expected = [d if there[name] else UNKNOWN for name, d in zip(DETAILS, detail, strict=True)]
    assert found.detail[0].tolist() == expected
    assert [part != UNKNOWN for part in found.wrong[0].tolist()] == [*(there[name] for name in DETAILS), True]


@pytest.mark.parametrize("name", ["head", "facial hair", "eyes", "skin", "backdrop"])
def test_all_details_of_every_value_are_read_exactly(name):
    """All 128 of a face for each value; those that differ in an empty slot alone are the same picture."""
    for value in SLOTS[name]:
        labels = labels_of(FULL | {name: value}).expand(len(EVERY), -1)
        images = render(labels, EVERY)
        rows = [0, 73, 50, 123, 4, 77, 54, 127]  # every detail of every slot among them
        found, detail = read_detail(images[rows]), EVERY[rows]
        known = found.detail != UNKNOWN
        assert torch.equal(found.detail[known], detail[known]) and not (found.wrong > 0).any()
        there = torch.tensor(list(DETAILS.values()))[known[0]].prod().item()
        assert len(images.flatten(1).unique(dim=0)) == there
        if value not in (NONE, "Eye Patch"):
            assert there == 128


def test_wrong_pixels_are_those_by_which_the_nearest_picture_of_the_label_differs():
    """Against all 128 of them, compared one by one."""
    generator = torch.Generator().manual_seed(0)
    every = render(labels_of(FULL).expand(len(EVERY), -1), EVERY)
    images = every[[5, 70, 127]].clone()
    for image in images:
        y, x = torch.randint(96, (2, 400), generator=generator)
        off = (y % 4 != 1) | (x % 4 != 1)  # an anchor may become another face's
        image[:, y[off], x[off]] = torch.randint(256, (3, int(off.sum())), generator=generator, dtype=torch.uint8)
    found = read_detail(images)
    wrong = (images[:, None] != every).any(dim=2).flatten(2).sum(dim=2)  # (3, 128)
    assert found.wrong.sum(dim=1).tolist() == wrong.amin(dim=1).tolist()
    assert torch.equal(EVERY[wrong.argmin(dim=1)], found.detail)


def test_a_wrong_pixel_is_counted_in_its_part():
    image = render(labels_of(FULL), EVERY[:1])
    found = {}
    for part, (y, x) in {"rest": (0, 0), "eyes": (50, 42), "facial hair": (70, 48), "head": (20, 40)}.items():
        other = image.clone()
        other[..., y, x] = 1
        found[part] = dict(zip(PARTS, read_detail(other).wrong[0].tolist(), strict=True))
    assert all(wrong == {**dict.fromkeys(PARTS, 0), part: 1} for part, wrong in found.items())


def test_an_enlarged_face_is_the_floor(data):
    """Its details are missing and its corners are square; its label is read all the same."""
    small = reduced(data.images[:50], 4)
    found = read_detail(enlarge(small, 4))
    assert torch.equal(found.labels, data.labels[:50]) and bool((found.wrong != 0).all())


# -- what is rendered -------------------------------------------------------------------------------------


def picture(*rows: str) -> torch.Tensor:
    return torch.tensor([[int(letter) for letter in row] for row in rows], dtype=torch.uint8)[None, None]


def test_a_step_is_rounded_and_a_single_pixel_and_a_straight_edge_are_not():
    step = rounded(picture("000", "011", "011"))[0, 0]
    corner = step[4:8, 4:8]
    assert corner.tolist() == [[0, 0, 1, 1], [0, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]]
    for flat in (picture("000", "010", "000"), picture("000", "111", "111"), picture("01", "01")):
        assert torch.equal(rounded(flat), enlarge(flat, 4))


def test_rounding_commutes_with_mirroring_and_turning():
    """But for the anchor, which a turned picture has elsewhere, and which no rounding touches."""
    small = torch.randint(3, (8, 2, 7, 7), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    assert (rounded(small) != enlarge(small, 4)).any()
    assert torch.equal(rounded(small.flip(3)), rounded(small).flip(3))
    assert torch.equal(rounded(small.mT), rounded(small).mT)


def test_the_details_of_a_face_are_one_over_the_whole_slot(data):
    """All freckles and all strands change with the detail, and nothing else does."""
    label = labels_of(FULL).expand(2, -1)
    for column, n in enumerate(DETAILS.values()):
        detail = torch.zeros(2, 4, dtype=torch.int64)
        detail[1, column] = n - 1
        one, other = render(label, detail)
        part = read_detail(other[None]).wrong[0] == 0
        assert part.all() and (one != other).any()
        assert list(DETAILS)[column] in changed_parts(one, other)
        assert len(changed_parts(one, other)) == 1


def test_details_leave_rounded_corners_as_they_are():
    label = labels_of(FULL | {"head": "Mohawk"})
    every, small = render(label.expand(len(EVERY), -1), EVERY), pixelfaces.render(label)
    corners = (rounded(small) != enlarge(small, 4)).any(dim=1)
    assert corners.sum() > 50 and not ((every != every[:1]).any(dim=1).any(dim=0) & corners).any()


def test_freckles_are_some_of_those_that_there_could_be():
    squares = bigfaces.FRECKLES.unfold(1, 4, 4).unfold(2, 4, 4).flatten(3).sum(dim=3)  # (8, 24, 24)
    freckled = squares.sum(dim=(1, 2))
    assert squares.max() == 1 and freckled.min() > 2 and freckled.max() < squares.any(dim=0).sum()


def changed_parts(one: torch.Tensor, other: torch.Tensor) -> set[str]:
    before, after = (read_detail(image[None]).detail[0] for image in (one, other))
    return {name for name, a, b in zip(DETAILS, before.tolist(), after.tolist(), strict=True) if a != b}


# -- the data set -----------------------------------------------------------------------------------------


def test_faces_and_splits_are_those_of_pixelfaces():
    """So that what an upsampler must not see, the small model has not seen either."""
    big, small = BigFaces(count=60, seed=3).load(), PixelFaces(count=60, seed=3).load()
    for name in ("train", "validation", "test"):
        ours, theirs = getattr(big, name), getattr(small, name)
        assert torch.equal(ours.labels, theirs.labels) and torch.equal(ours.ids, theirs.ids)
        assert torch.equal(reduced(ours.images, 4), theirs.images)
    assert big.train.schema == small.train.schema and len(SCHEMA) == 14


def test_it_is_pixel_art_with_a_palette(data):
    assert data.image_shape == (3, 96, 96) and data.images.dtype == torch.uint8
    assert len(data.palette) == 42
    assert torch.equal(data.palette.quantise(data.images), data.images)


def test_the_detail_is_a_function_of_the_seed_and_independent_of_the_label():
    assert torch.equal(random_detail(50, 3), random_detail(50, 3))
    assert not torch.equal(random_detail(50, 3), random_detail(50, 4))
    detail, labels = random_detail(6000, 0), pixelfaces.different_labels(6000, 0)
    for column, n in enumerate(DETAILS.values()):
        for value in range(4):  # of the backdrop, which is as good as any
            counts = detail[labels[:, 0] == value, column].bincount(minlength=n).double()
            assert (counts - counts.mean()).abs().max() < 5 * counts.mean() ** 0.5


def test_pictures_are_rendered_with_the_detail_of_their_row(monkeypatch):
    monkeypatch.setattr(bigfaces, "PART", 7)
    data, detail = BigFaces(count=40, seed=2).load().train, random_detail(40, 2)
    found = read_detail(data.images)
    known = found.detail != UNKNOWN
    assert torch.equal(found.detail[known], detail[data.ids][known])


@pytest.mark.parametrize("count", [-1, 0, 19, MOST + 1])
def test_a_count_beyond_the_memory_is_refused(count):
    with pytest.raises(ValueError, match=f"count={count}"):
        BigFaces(count=count)
