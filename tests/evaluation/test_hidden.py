"""What cannot be seen beside something else, on pictures made by hand."""

from itertools import combinations

import pytest
import torch

from conditions.fields import Field, slot
from conditions.schema import UNKNOWN, ConditionSchema
from conditions.values import absences, coarse_filled, slots, value_names
from data import PixelFaces
from data.base import InMemoryDataset
from evaluation.hidden import described, differing_in_one_slot, hidden_pairs

SCHEMA = ConditionSchema(
    (Field("type", ("cat", "dog")), *slot("head", ("cap", "bow"), hat=("cap",)), *slot("ear", ("ring",)))
)


def made(*pictures: tuple[dict[str, str], list[int]]) -> InMemoryDataset:
    """Pictures of two pixels, as pairs of what they have and what they look like."""
    labels = torch.tensor([SCHEMA.complete(has) for has, _ in pictures])
    images = torch.tensor([pixels for _, pixels in pictures], dtype=torch.uint8).view(-1, 1, 1, 2)
    return InMemoryDataset("made", images, labels, SCHEMA, None, torch.arange(len(labels)))


def hidden(*pictures: tuple[dict[str, str], list[int]]) -> set[str]:
    return set(described(hidden_pairs(made(*pictures)), SCHEMA))


CAP, CAP_RING = {"type": "cat", "head": "cap"}, {"type": "cat", "head": "cap", "ear": "ring"}
BOW, BOW_RING = {"type": "cat", "head": "bow"}, {"type": "cat", "head": "bow", "ear": "ring"}
DOG_CAP, DOG_CAP_RING = {"type": "dog", "head": "cap"}, {"type": "dog", "head": "cap", "ear": "ring"}


@pytest.mark.parametrize("seed", range(5))
def test_pairs_that_differ_in_one_slot_are_those_found_by_comparing_all(seed):
    """Each once; catches equal labels taken for a pair, and coarse fields counted as slots of their own."""
    generator = torch.Generator().manual_seed(seed)
    columns = [torch.randint(count, (40,), generator=generator) for count in SCHEMA.cardinalities]
    labels = coarse_filled(SCHEMA, torch.stack(columns, dim=1))  # 12 different ones
    rows = labels[:, slots(SCHEMA)]
    expected = [(i, j) for i, j in combinations(range(40), 2) if (rows[i] != rows[j]).sum() == 1]
    assert sorted(map(tuple, differing_in_one_slot(SCHEMA, labels).tolist())) == expected


def test_coarse_fields_follow_from_their_slot():
    """Against labels that `ConditionSchema.complete` made, on which these tests rely."""
    data = PixelFaces(count=400).load().train
    blurred = data.labels.clone()
    for f, field in enumerate(data.schema.fields):
        if field.slot:
            blurred[:, f] = UNKNOWN
    assert torch.equal(coarse_filled(data.schema, blurred), data.labels)


def test_labels_that_differ_in_two_slots_are_no_pair():
    labels = torch.tensor([SCHEMA.complete(has) for has in (CAP, BOW_RING, CAP)])
    assert differing_in_one_slot(SCHEMA, labels).shape == (0, 2)


def test_what_changes_no_pixel_beside_a_value_is_hidden_there_and_only_there():
    """An earring under a cap: under every cap, on cats and dogs; beside a bow it shows, so it does on cats too.

    Dogs are not what hides it, though no dog shows one: their colour is at another pixel.
    """
    assert hidden(
        (CAP, [1, 0]), (CAP_RING, [1, 0]), (BOW, [2, 0]), (BOW_RING, [2, 3]), (DOG_CAP, [5, 0]), (DOG_CAP_RING, [5, 0])
    ) == {"ring beside cap", "ring beside hat"}  # fmt: skip


def test_one_pair_that_differs_makes_it_visible():
    """Catches a majority, or any equal pair, that decides; and pictures compared in one pixel."""
    equal = [(CAP, [1, 0]), (CAP, [1, 0]), (CAP_RING, [1, 0])]
    assert hidden(*equal) == {"ring beside cap", "ring beside hat", "ring beside cat"}
    assert hidden(*equal, (CAP_RING, [1, 9])) == set()


def test_two_values_of_a_slot_that_is_never_empty_hide_each_other_where_they_look_alike():
    assert hidden((CAP, [1, 0]), (DOG_CAP, [1, 0])) == {
        "cat beside cap", "dog beside cap", "cat beside hat", "dog beside hat",
    }  # fmt: skip


FURRY = ConditionSchema(
    (Field("type", ("cat", "dog")), *slot("fur", ("long",)), *slot("ear", ("ring",)), *slot("tail", ("curl",)))
)


def test_pictures_may_differ_in_what_paints_other_pixels():
    """Long fur covers the ear of every dog here, but no two of them differ in the ring alone: their tails differ too.

    Catches whole pictures compared, and a tail, which paints the third pixel, taken for what hides the ring.
    """

    slot_of = {"long": "fur", "ring": "ear", "curl": "tail"}

    def furry(*pictures: tuple[list[str], list[int]]) -> set[str]:
        labels = [FURRY.complete({"type": "dog", **{slot_of[name]: name for name in has}}) for has, _ in pictures]
        images = torch.tensor([pixels for _, pixels in pictures], dtype=torch.uint8).view(-1, 1, 1, 3)
        data = InMemoryDataset("furry", images, torch.tensor(labels), FURRY, None, torch.arange(len(labels)))
        return set(described(hidden_pairs(data), FURRY))

    shaved = [([], [1, 0, 0]), (["ring"], [1, 7, 0]), (["curl"], [1, 0, 5])]
    assert furry(*shaved, (["long"], [2, 2, 0]), (["long", "ring", "curl"], [2, 2, 5])) == {"ring beside long"}
    assert furry(*shaved, (["long"], [2, 2, 0]), (["long", "ring", "curl"], [2, 7, 5])) == set()


def test_without_pairs_everything_counts_as_visible():
    """Equal pictures that differ in two slots say nothing; catches 0 of 0 taken for all."""
    data = made((CAP, [1, 0]), (BOW_RING, [1, 0]), (CAP, [1, 0]))
    values = len(value_names(SCHEMA))
    assert hidden_pairs(data).shape == (values, values) and not hidden_pairs(data).any()


def test_absences_are_never_hidden():
    """A request for "-ear" is met beside a cap, where nobody can see the ear; all pictures here are equal."""
    data = made(*((has, [0, 0]) for has in (CAP, CAP_RING, BOW, BOW_RING, DOG_CAP, DOG_CAP_RING)))
    found, none = hidden_pairs(data), absences(SCHEMA)
    assert not found[none].any() and found[~none].any()
    assert not found[:, none].any()  # and what is not there hides nothing


def test_many_pairs_are_compared_in_order():
    """Of 9,900 pairs between a hundred values all are equal on cats, and none on dogs; catches parts mixed up."""
    schema = ConditionSchema((Field("type", ("cat", "dog")), Field("number", tuple(map(str, range(100))))))
    labels = torch.cartesian_prod(torch.arange(2), torch.arange(100))
    images = (labels[:, 0] * (labels[:, 1] + 1)).to(torch.uint8).view(-1, 1, 1, 1)
    found = hidden_pairs(InMemoryDataset("numbers", images, labels, schema, None, torch.arange(200)))
    assert found[2:, 0].all() and not found[2:, 1].any()
    assert not found[:2].any()


def test_every_part_of_a_pixelface_can_be_seen():
    """Its slots paint pixels of their own; catches equality of other pictures than those of the pair."""
    assert not hidden_pairs(PixelFaces(count=2000).load().train).any()


def test_slots_that_paint_pixels_of_their_own_hide_nothing():
    """No slot then says which pictures may be compared, and any may."""
    schema = ConditionSchema((*slot("head", ("cap",)), *slot("ear", ("ring",))))
    labels = torch.tensor([[head, ear] for head in (0, 1) for ear in (0, 1)])
    images = (100 * labels).to(torch.uint8).view(4, 1, 1, 2)
    assert not hidden_pairs(InMemoryDataset("own", images, labels, schema, None, torch.arange(4))).any()
