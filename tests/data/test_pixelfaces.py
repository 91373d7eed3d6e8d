"""pixelfaces: pictures from labels, and labels from pictures."""

from itertools import combinations, product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conditions.fields import NONE
from data.pixelfaces import BACKDROPS, COLOURS, SCHEMA, SKINS, PixelFaces, read_labels, render

SLOTS = {field.name: field.values for field in SCHEMA.fields if not field.slot}
SPRITES = {name: values for name, values in SLOTS.items() if name not in ("backdrop", "skin")}
faces = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in SLOTS.items()})
ground = st.fixed_dictionaries({name: st.sampled_from(SLOTS[name]) for name in ("backdrop", "skin")})


def labels_of(*slots: dict[str, str]) -> torch.Tensor:
    return torch.tensor([SCHEMA.complete(face) for face in slots])


def bare(backdrop: str, skin: str) -> dict[str, str]:
    return {"backdrop": backdrop, "skin": skin}


@pytest.fixture(scope="module")
def splits():
    return PixelFaces().load()


# -- reading is the inverse of rendering ------------------------------------------------------------------


def test_every_held_out_face_is_read_exactly(splits):
    for part in (splits.validation, splits.test):
        assert len(part) > 0
        assert torch.equal(read_labels(part.images), part.labels)


@given(st.lists(faces, min_size=1, max_size=8))
def test_any_face_is_read_exactly(chosen):
    labels = labels_of(*chosen)
    assert torch.equal(read_labels(render(labels)), labels)


def test_every_value_of_every_slot_is_read_on_every_ground():
    every = [
        bare(backdrop, skin) | {name: value}
        for backdrop, skin in product(BACKDROPS, SKINS)
        for name, values in SPRITES.items()
        for value in values
    ]
    labels = labels_of(*every)
    assert torch.equal(read_labels(render(labels)), labels)


@given(st.lists(faces, min_size=1, max_size=4), st.integers(0, 2**32))
def test_a_slightly_noisy_face_is_read_all_the_same(chosen, seed):
    labels = labels_of(*chosen)
    images = render(labels)
    noise = torch.randint(-6, 7, images.shape, generator=torch.Generator().manual_seed(seed))
    assert torch.equal(read_labels((images + noise).clamp(0, 255).to(torch.uint8)), labels)


# -- what is rendered -------------------------------------------------------------------------------------


def test_slots_paint_disjoint_pixels():
    painted = {}
    for name, values in SPRITES.items():
        painted[name] = torch.zeros(24, 24, dtype=torch.bool)
        for backdrop, skin in product(BACKDROPS, SKINS):
            images = render(labels_of(*(bare(backdrop, skin) | {name: value} for value in values)))
            painted[name] |= (images != images[:1]).any(dim=1).any(dim=0)
        assert painted[name].any()
    for one, other in combinations(painted, 2):
        assert not (painted[one] & painted[other]).any(), f"{one} and {other} overlap"


@given(faces, st.sampled_from(sorted(SPRITES)), st.data())
def test_a_slot_looks_the_same_whatever_else_is_worn(face, name, data):
    """What changes with one slot on a full face is what changes with it on a bare one."""
    value = data.draw(st.sampled_from(SPRITES[name]))
    on_bare = [bare(face["backdrop"], face["skin"]) | {name: v} for v in (face[name], value)]
    full_before, full_after, bare_before, bare_after = render(labels_of(face, face | {name: value}, *on_bare)).int()
    assert torch.equal(full_after - full_before, bare_after - bare_before)


@given(ground)
def test_a_face_stands_before_its_backdrop_in_its_skin(ground):
    image = render(labels_of(ground))[0]
    assert (image.dtype, image.shape) == (torch.uint8, (3, 24, 24))
    assert tuple(image[:, 0, 0].tolist()) == tuple(image[:, 23, 23].tolist()) == BACKDROPS[ground["backdrop"]]
    assert tuple(image[:, 14, 12].tolist()) == SKINS[ground["skin"]]


def test_only_the_named_colours_are_used(splits):
    named = {*COLOURS.values(), *BACKDROPS.values(), *SKINS.values()}
    assert {tuple(colour) for colour in splits.train.palette.colours.tolist()} == named


def test_an_earring_is_two_golden_pixels():
    without, with_ = render(labels_of(bare("Sand", "Tan"), bare("Sand", "Tan") | {"ear": "Earring"}))
    changed = (without != with_).any(dim=0)
    assert changed.sum() == 2
    assert [tuple(pixel) for pixel in with_[:, changed].T.tolist()] == [COLOURS["g"]] * 2


# -- the data set -----------------------------------------------------------------------------------------


def test_faces_are_a_function_of_the_seed():
    a, b = PixelFaces(count=100, seed=3).load(), PixelFaces(count=100, seed=3).load("/not/used")
    for one, other in ((a.train, b.train), (a.validation, b.validation), (a.test, b.test)):
        assert one.hash == other.hash
        assert torch.equal(one.ids, other.ids)


def test_another_seed_gives_other_faces():
    seeds = [PixelFaces(count=100, seed=seed).load().train for seed in range(3)]
    for one, other in combinations(seeds, 2):
        shared = {tuple(row) for row in one.labels.tolist()} & {tuple(row) for row in other.labels.tolist()}
        assert len(shared) < 10


def test_parts_are_split_by_id_and_share_no_face(splits):
    parts = (splits.train, splits.validation, splits.test)
    assert [len(part) for part in parts] == [5100, 600, 300]
    assert set((splits.validation.ids % 20).tolist()) == {7, 13}
    assert set((splits.test.ids % 20).tolist()) == {3}
    labels, images = torch.cat([part.labels for part in parts]), torch.cat([part.images for part in parts])
    assert len(labels.unique(dim=0)) == 6000
    assert len(images.flatten(1).unique(dim=0)) == 6000


def test_the_pictures_are_those_of_the_labels(splits):
    assert torch.equal(render(splits.train.labels), splits.train.images)


def test_coarse_fields_say_what_the_slots_say(splits):
    for name, group, members in (
        ("head", "hat", {"Cap", "Top Hat", "Beanie", "Crown"}),
        ("head", "hair", {"Short Hair", "Mohawk", "Curls", "Bob"}),
        ("eyes", "glasses", {"Round Glasses", "Shades", "Visor"}),
        ("facial hair", "beard", {"Goatee", "Chinstrap", "Full Beard"}),
        ("smoke", "smoking", {"Cigarette", "Pipe"}),
    ):
        fine, coarse = splits.train.labels[:, SCHEMA.column[name]], splits.train.labels[:, SCHEMA.column[group]]
        expected = torch.tensor([SLOTS[name][v] in members for v in fine.tolist()])
        assert torch.equal(coarse == 1, expected)


def test_every_value_occurs_about_equally_often(splits):
    for name, values in SLOTS.items():
        counts = splits.train.labels[:, SCHEMA.column[name]].bincount(minlength=len(values)).double()
        expected = len(splits.train) / len(values)
        assert (counts - expected).abs().max() < 5 * expected**0.5


@pytest.mark.parametrize("count", [-1, 0, 19, 10**9])
def test_a_count_of_faces_that_there_are_not_is_refused(count):
    with pytest.raises(ValueError, match=f"count={count}"):
        PixelFaces(count=count)


def test_the_fewest_faces_still_fill_every_part():
    splits = PixelFaces(count=20).load()
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [17, 2, 1]


def test_what_may_be_absent_starts_with_none():
    assert {name for name, values in SLOTS.items() if values[0] == NONE} == set(SPRITES)
