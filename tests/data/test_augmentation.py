"""Augmentation: what becomes of pictures, how often, and that the vector says so."""

import itertools
import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as F

from conditions.fields import Field
from conditions.schema import ConditionSchema
from data import PixelFaces
from data.augmentation import DIMS, Augmentation, hue_rotated, moved
from data.base import InMemoryDataset
from data.palette import Palette

MANY = 20_000
SPOT = (4, 2)  # row and column of the one pixel that tells where a picture has gone
SIDE = 9


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def spots(count: int = MANY) -> torch.Tensor:
    """Black pictures with one white pixel, off their middle."""
    x_0 = -torch.ones(count, 1, SIDE, SIDE)
    x_0[:, :, SPOT[0], SPOT[1]] = 1
    return x_0


def read(x_0: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Whether each picture is mirrored, and how far it was moved down and to the right, at most by one pixel."""
    at = x_0.flatten(1).argmax(dim=1)
    row, column = at // SIDE, at % SIDE
    flipped = column > SIDE // 2
    return flipped, row - SPOT[0], torch.where(flipped, column - (SIDE - 1 - SPOT[1]), column - SPOT[1])


def near(share: float, expected: float, count: int = MANY) -> bool:
    """Within four standard errors."""
    return abs(share - expected) < 4 * math.sqrt(expected * (1 - expected) / count)


# -- what becomes of a picture ---------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 5, 7), (3, 6, 6), (4, 8, 5)])
def test_pictures_are_mirrored_and_moved_as_torchvision_mirrors_and_numpy_pads(shape):
    """Each of a batch by itself, the edge repeated by which it was moved away from a side."""
    cases = list(itertools.product((False, True), range(-2, 3), range(-2, 3)))
    x = torch.rand(len(cases), *shape, generator=generator())
    flipped, down, right = (torch.tensor(values) for values in zip(*cases, strict=True))
    for picture, result, (mirrored, y, x_) in zip(x, moved(x, flipped, down, right), cases, strict=True):
        before = F.horizontal_flip(picture) if mirrored else picture
        padded = np.pad(before.numpy(), ((0, 0), (2, 2), (2, 2)), mode="edge")
        expected = padded[:, 2 - y : 2 - y + shape[1], 2 - x_ : 2 - x_ + shape[2]]
        np.testing.assert_array_equal(result.numpy(), expected)


def test_no_colour_and_no_transparency_is_new():
    """What comes in at a side is of the picture: no other colour, whose number a palette would not know."""
    data = PixelFaces(count=40).load().train
    x_0 = data.batch(torch.arange(len(data))).x_0
    augmented, _ = Augmentation(flip=True, shift=5, probability=0.9)(x_0, generator())
    for before, after in zip(x_0, augmented, strict=True):
        colours = [{tuple(c) for c in x.flatten(1).T.tolist()} for x in (before, after)]
        assert colours[1] <= colours[0] and not torch.equal(before, after)


@pytest.mark.parametrize(("degrees", "places"), [(0, [0, 1, 2]), (120, [2, 0, 1]), (240, [1, 2, 0]), (-120, [1, 2, 0])])
def test_a_third_of_a_turn_puts_red_in_the_place_of_green_and_so_on(degrees, places):
    x = 2 * torch.rand(5, 3, 4, 4, generator=generator()) - 1
    rotated = hue_rotated(x, torch.full((5,), math.radians(degrees)))
    torch.testing.assert_close(rotated, x[:, places], atol=1e-6, rtol=0)


def test_other_hues_keep_greys_and_the_mean_of_the_channels():
    """A rotation around the grey axis: distances from it, and along it, stay. Colours that leave their range do not."""
    x = 0.3 * (2 * torch.rand(6, 3, 8, 8, generator=generator()) - 1)
    angle = torch.linspace(-3, 3, 6)
    rotated = hue_rotated(x, angle)
    torch.testing.assert_close(rotated.mean(dim=1), x.mean(dim=1))
    torch.testing.assert_close(rotated.norm(dim=1), x.norm(dim=1))
    towards, away = (c - c.mean(dim=1, keepdim=True) for c in (x, rotated))
    cosine = torch.nn.functional.cosine_similarity(towards, away, dim=1)
    torch.testing.assert_close(cosine, angle.cos()[:, None, None].expand_as(cosine), atol=1e-4, rtol=1e-4)
    grey = torch.full((6, 3, 8, 8), 0.4)
    torch.testing.assert_close(hue_rotated(grey, angle), grey)
    assert hue_rotated(torch.tensor([1.0, -1, -1]).view(1, 3, 1, 1), torch.ones(1)).abs().max() <= 1


def test_of_transparent_pictures_alpha_stays_and_no_colour_exceeds_it():
    """Premultiplied colours are rotated as the colours would be, before they are multiplied."""
    straight = 0.5 + 0.2 * (2 * torch.rand(6, 3, 8, 8, generator=generator()) - 1)  # in [0, 1]
    alpha, angle = torch.rand(6, 1, 8, 8, generator=generator(1)), torch.linspace(-2, 2, 6)
    rotated = hue_rotated(torch.cat([straight * alpha, alpha], dim=1) * 2 - 1, angle)
    colours = hue_rotated(straight * 2 - 1, angle) / 2 + 0.5
    torch.testing.assert_close(rotated, torch.cat([colours * alpha, alpha], dim=1) * 2 - 1, atol=1e-5, rtol=0)
    strong = torch.cat([(1 - torch.eye(3))[:, :, None, None] * 0.5, torch.full((3, 1, 1, 1), 0.5)], dim=1) * 2 - 1
    rotated = hue_rotated(strong, torch.full((3,), 0.5))
    assert (rotated[:, :3] <= rotated[:, 3:]).all() and (rotated[:, 3] == 0).all()


# -- how often, and what the network is told ---------------------------------------------------------------------


@pytest.mark.parametrize("probability", [0.25, 0.5])
def test_flips_and_shifts_are_as_common_as_they_should_be_and_independent(probability):
    """Read off the pictures. Of a shift by at most one pixel, nine are alike, of which one moves nothing."""
    augment = Augmentation(flip=True, shift=1, probability=probability)
    flipped, down, right = read(augment(spots(), generator()).x_0)
    assert near(flipped.double().mean().item(), probability)
    for y, x in itertools.product((-1, 0, 1), repeat=2):
        share = ((down == y) & (right == x)).double().mean().item()
        assert near(share, probability / 9 + (1 - probability) * (y == x == 0)), (y, x)
    both = (flipped & ((down != 0) | (right != 0))).double().mean().item()
    assert near(both, probability * probability * 8 / 9)


def test_the_vector_says_what_was_done_to_the_picture():
    x_0, vector = Augmentation(flip=True, shift=1)(spots(2000), generator())
    flipped, down, right = read(x_0)
    assert vector.shape == (2000, DIMS) and vector.dtype == torch.float32
    assert torch.equal(vector[:, :3], torch.stack([flipped, down, right], dim=1).float())
    assert not vector[:, 3:].any()
    untouched = (vector == 0).all(dim=1)
    assert torch.equal(x_0[untouched], spots(int(untouched.sum())))


def test_hues_are_rotated_by_angles_up_to_the_one_set_and_the_vector_says_by_which():
    x_0 = 0.3 * (2 * torch.rand(4000, 3, 1, 1, generator=generator()) - 1)
    rotated, vector = Augmentation(hue=60)(x_0, generator())
    angle = torch.atan2(vector[:, 4], 1 + vector[:, 3])
    torch.testing.assert_close(rotated, hue_rotated(x_0, angle))
    done = angle != 0
    assert near(done.double().mean().item(), 0.5, 4000) and not vector[:, :3].any()
    assert angle.abs().max() <= math.radians(60) + 1e-6
    quarters = torch.histc(torch.rad2deg(angle[done]), 4, -60, 60) / done.sum()
    assert all(near(share, 0.25, int(done.sum())) for share in quarters.tolist())
    assert torch.equal(rotated[~done], x_0[~done])


def test_nothing_is_done_by_default_and_no_random_number_taken():
    """Or trainings of before this existed would not continue as they were."""
    x_0, source = spots(4), generator()
    same, vector = Augmentation()(x_0, source)
    assert same is x_0 and vector.shape == (4, DIMS) and not vector.any()
    assert torch.equal(torch.rand(3, generator=source), torch.rand(3, generator=generator()))


def test_the_network_is_told_where_something_is_done_unless_that_is_off():
    assert [Augmentation(**given).dims for given in ({}, {"shift": 1}, {"flip": True}, {"hue": 5.0})] == [0, 5, 5, 5]
    assert Augmentation(shift=1, conditioned=False).dims == 0


# -- what would be false ------------------------------------------------------------------------------------------


def pictures(*values: str, channels: int = 3, art: bool = False, side: int = 8) -> InMemoryDataset:
    images = torch.zeros(4, channels, side, side, dtype=torch.uint8)
    schema = ConditionSchema((Field("kind", values or ("cat", "dog")),))
    palette = Palette.of(images).per_pixel(images) if art else None
    return InMemoryDataset("own", images, torch.zeros(4, 1).long(), schema, palette, torch.arange(4))


FALSE = [
    ({"flip": True}, pictures("facing left", "away"), r"augment\.flip=true: the label 'facing left' would be false"),
    ({"flip": True}, pictures("Main-Droite", "rien"), r"augment\.flip=true: the label 'Main-Droite'"),
    (
        {"flip": True, "conditioned": False},
        pictures(art=True),
        r"augment\.flip=true: samples would .*pixel art .*conditioned",
    ),
    ({"hue": 20.0}, pictures("red hat", "cap"), r"augment\.hue=20: the label 'red hat' would be false"),
    ({"hue": 20.0}, pictures(channels=1), r"augment\.hue=20: the pictures are grey"),
    (
        {"hue": 20.0, "conditioned": False},
        pictures(art=True),
        r"augment\.hue=20: samples would show it, but those of pixel art",
    ),
    ({"shift": 4}, pictures(), r"augment\.shift=4: pictures of 8 x 8 would lose half .* at most 3"),
]


@pytest.mark.parametrize(("given", "data", "told"), FALSE, ids=[told for *_, told in FALSE])
def test_what_would_make_labels_or_colours_false_is_refused_in_one_line(given, data, told):
    with pytest.raises(ValueError, match=f"^{told}") as refusal:
        Augmentation(**given).refuse_false(data)
    assert "\n" not in str(refusal.value) and re.search("leave|choose", str(refusal.value))


@pytest.mark.parametrize(
    ("given", "data"),
    [
        ({"flip": True, "shift": 3}, pictures("red hat", "cleft")),
        ({"hue": 20.0}, pictures("facing left", "coloured")),
        ({"flip": True, "shift": 1, "hue": 9.0}, pictures(art=True)),
        ({"shift": 1, "conditioned": False}, pictures(art=True)),
        ({}, pictures("red", "left", channels=1, art=True)),
    ],
)
def test_what_is_true_of_them_is_not(given, data):
    Augmentation(**given).refuse_false(data)


def test_samples_that_may_be_moved_are_quantised_to_colours_wherever_they_were_seen():
    palette = pictures(art=True).palette
    assert Augmentation(shift=1).palette(palette) is palette and Augmentation(shift=1).palette(None) is None
    leaking = Augmentation(shift=1, conditioned=False).palette(palette)
    assert leaking.at_pixel is None and leaking == replace(palette, at_pixel=None)
