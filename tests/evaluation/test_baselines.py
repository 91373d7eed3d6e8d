"""What can be had without learning, on pictures whose parts are known by construction."""

from itertools import product

import pytest
import torch

from conditions.fields import Field, slot
from conditions.schema import ConditionSchema
from conditions.values import slots
from data import pixelfaces
from data.base import InMemoryDataset
from evaluation.baselines import Analogy, independent_labels, nearest

SCHEMA = ConditionSchema(
    (Field("type", ("cat", "dog")), *slot("head", ("cap", "bow"), hat=("cap",)), *slot("ear", ("ring",)))
)


def animal(**has: str) -> list[int]:
    return SCHEMA.complete(has)


def dataset(schema: ConditionSchema, labels: torch.Tensor, images: torch.Tensor) -> InMemoryDataset:
    return InMemoryDataset("made", images, labels, schema, None, torch.arange(len(labels)))


def numbered(*labels: list[int]) -> InMemoryDataset:
    """Animals, each with a picture of its own number."""
    images = torch.arange(len(labels), dtype=torch.uint8).view(-1, 1, 1, 1)
    return dataset(SCHEMA, torch.tensor(labels), images)


def one_pixel_each(rows: torch.Tensor) -> InMemoryDataset:
    """Rows (N, 4) of four slots of four values: the picture has a pixel for each slot, in a colour for each value."""
    schema = ConditionSchema([Field(name, tuple(name + digit for digit in "0123")) for name in "abcd"])
    colours = 10 * torch.arange(4) + rows + 1
    images = torch.stack([colours, 2 * colours], dim=1).to(torch.uint8).view(-1, 2, 2, 2)
    return dataset(schema, rows, images)


def faces(*rows: int) -> InMemoryDataset:
    """All faces that differ in a few values of six slots, rendered; without `rows`."""
    choices = {"backdrop": 2, "skin": 2, "head": 4, "eyes": 3, "neck": 3}
    fields = pixelfaces.SCHEMA.fields
    labels = torch.tensor([
        pixelfaces.SCHEMA.complete({
            "backdrop": "Sand", "skin": "Tan",
            **{name: fields[pixelfaces.SCHEMA.column[name]].values[v] for name, v in zip(choices, combo, strict=True)},
        })
        for combo in product(*map(range, choices.values()))
    ])  # fmt: skip
    labels = labels[[row for row in range(len(labels)) if row not in rows]]
    return dataset(pixelfaces.SCHEMA, labels, pixelfaces.render(labels))


def same(images: torch.Tensor, others: torch.Tensor) -> list[bool]:
    return (images == others).flatten(1).all(dim=1).tolist()


# -- the nearest picture ---------------------------------------------------------------------------------------


def test_nearest_counts_slots_and_takes_the_first_of_equals():
    """A bow for a cap is one slot, though "hat" goes with it; catches coarse fields counted, and the last of equals."""
    train = numbered(
        animal(type="dog", head="cap", ear="ring"), animal(type="cat", head="bow"), animal(type="dog", head="cap")
    )
    wanted = torch.tensor([animal(type="cat", head="cap"), animal(type="dog", head="cap", ear="ring")])
    assert nearest(train, wanted).flatten().tolist() == [1, 0]


# -- analogy ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.5, 0.15])
def test_independent_parts_are_put_together_exactly(share):
    """Where each slot has a pixel of its own, every analogy that training pictures show is right, also over two slots.

    All others are the nearest picture. Catches a changed slot that is lost, a pair used the wrong way round, pixels
    copied that did not change, and pairs that are there and not found.
    """
    everything = torch.cartesian_prod(*[torch.arange(4)] * 4)
    kept = torch.rand(len(everything), generator=torch.Generator().manual_seed(0)) < share
    train, held_out = one_pixel_each(everything[kept]), one_pixel_each(everything[~kept])
    rows = train.labels.tolist()
    apart = [([s for s in range(4) if a[s] != b[s]], a, b) for a, b in product(rows, rows)]
    shown = {(s[0], a[s[0]], b[s[0]]) for s, a, b in apart if len(s) == 1}
    found, fallback, lacking = Analogy(train)(held_out.labels), nearest(train, held_out.labels), []
    for i, label in enumerate(held_out.labels.tolist()):
        changes = [{(s, row[s], label[s]) for s in range(4) if row[s] != label[s]} for row in rows]
        fewest = min(map(len, changes))
        if any(len(change) == fewest and change <= shown for change in changes):
            lacking.append(fewest)
            assert torch.equal(found[i], held_out.images[i])
        else:
            assert torch.equal(found[i], fallback[i])
    assert len(lacking) > 0.5 * len(held_out) and set(lacking) == ({1} if share == 0.5 else {1, 2})


def test_a_held_out_face_is_made_of_the_others():
    """Of a grid of faces any one left out is found again exactly, though a hat taken off shows skin and backdrop.

    Most pairs that show the change have another skin or backdrop there: catches pairs taken in any order, and one
    candidate taken instead of the most frequent.
    """
    whole = faces()
    for row in range(0, len(whole), 7):
        assert same(Analogy(faces(row))(whole.labels[row : row + 1]), whole.images[row : row + 1]) == [True], row


def test_a_picture_that_is_there_is_its_own_analogy():
    """Catches a change made where none is needed; of several with the same label, the most frequent."""
    train = faces()
    assert all(same(Analogy(train)(train.labels[::9]), train.images[::9]))
    twice = numbered(*3 * [animal(type="cat")])
    twice.images[:] = torch.tensor([4, 8, 8]).view(-1, 1, 1, 1)
    assert Analogy(twice)(twice.labels[:1]).item() == 8


def test_it_answers_from_training_pictures_alone():
    """A held-out picture that breaks the rule is not foreseen: what the others show is what it gives."""
    whole = one_pixel_each(torch.cartesian_prod(*[torch.arange(4)] * 4))
    exception, others = whole.select(torch.tensor([100])), whole.select(torch.arange(256)[torch.arange(256) != 100])
    exception.images[:] = 255
    found = Analogy(others)(exception.labels)
    assert torch.equal(found, one_pixel_each(exception.labels).images)
    assert same(found, exception.images) == [False]


def test_a_change_is_read_from_before_to_after():
    """By hand: a ring paints pixel 1 in 9; taking it off leaves 2 there. Pixel 0 is the animal's own."""
    train = dataset(
        SCHEMA,
        torch.tensor([animal(type="cat"), animal(type="cat", ear="ring"), animal(type="dog")]),
        torch.tensor([[5, 2], [5, 9], [7, 2]], dtype=torch.uint8).view(-1, 1, 1, 2),
    )
    wanted = torch.tensor([animal(type="dog", ear="ring")])
    assert Analogy(train)(wanted).flatten().tolist() == [7, 9]
    train.images[0, 0, 0], train.images[1, 0, 0] = torch.tensor([5, 9]), torch.tensor([5, 2])
    assert Analogy(train)(wanted).flatten().tolist() == [7, 2]  # a pixel that does not differ from its own


def test_pairs_most_like_the_label_show_the_change():
    """A cat's ring is an 8, a dog's a 9, and there are more dogs; catches pairs of dogs that outvote the cats'."""
    looks = {"type": {"cat": 1, "dog": 2}, "head": {"": 3, "cap": 4, "bow": 5}}
    kinds = [("cat", ""), ("cat", "bow"), ("dog", ""), ("dog", ""), ("dog", "cap")]
    whole = [(kind, head, ring) for kind, head in kinds for ring in ("", "ring")]
    labels = torch.tensor([
        animal(type=kind, **{k: v for k, v in (("head", head), ("ear", ring)) if v}) for kind, head, ring in whole
    ])  # fmt: skip
    images = torch.tensor([
        [looks["type"][kind], looks["head"][head], (7 + looks["type"][kind]) if ring else 0]
        for kind, head, ring in whole
    ]).to(torch.uint8).view(-1, 1, 1, 3)  # fmt: skip
    wanted = whole.index(("cat", "bow", "ring"))
    train = dataset(SCHEMA, labels, images).select(torch.tensor([i for i in range(len(whole)) if i != wanted]))
    assert Analogy(train)(labels[wanted : wanted + 1]).flatten().tolist() == [1, 5, 8]


def test_without_a_pair_that_shows_the_change_it_is_the_nearest_picture():
    """Two heads are seen, on different animals with different ears, so nothing says what a bow changes."""
    train = numbered(animal(type="cat", head="cap", ear="ring"), animal(type="dog"), animal(type="dog", head="bow"))
    wanted = torch.tensor([animal(type="cat", head="bow", ear="ring"), animal(type="cat", ear="ring")])
    assert torch.equal(Analogy(train)(wanted), nearest(train, wanted))
    assert Analogy(train)(wanted).flatten().tolist() == [0, 0]


def test_half_of_the_changes_are_not_enough():
    """A picture that lacks two values gets both or none: how a cat gets a ring is shown, how it gets a cap is not.

    By hand, "cat, bow, ring" is one slot from the ring without a bow, and nothing shows a bow; "cat, cap, ring" is two
    slots from each dog and from the cat. Catches a picture of which a part has been changed.
    """
    rings = numbered(animal(type="cat"), animal(type="dog"), animal(type="dog", ear="ring"))
    wanted = torch.tensor([animal(type="cat", head="cap", ear="ring")])
    assert Analogy(rings)(wanted).item() == 0


# -- independent labels ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dependent() -> InMemoryDataset:
    """Two of three are cats. Cats with a cap always have a ring, others never; dogs have a bow and a ring, or a cap."""
    cats = 3 * [animal(type="cat", head="cap", ear="ring")] + 5 * [animal(type="cat")]
    dogs = [animal(type="dog", head="bow", ear="ring")] + 3 * [animal(type="dog", head="cap")]
    return numbered(*cats, *dogs)


@pytest.fixture(scope="module")
def drawn(dependent) -> torch.Tensor:
    return independent_labels(dependent, 20_000, torch.Generator().manual_seed(0))


def test_slots_that_all_have_keep_their_shares(dependent, drawn):
    assert drawn.shape == (20_000, len(SCHEMA)) and drawn.dtype == torch.int64
    assert (drawn[:, 0] == 0).double().mean().item() == pytest.approx(8 / 12, abs=0.015)


def test_within_a_kind_each_slot_is_drawn_by_itself_as_often_as_in_the_data(dependent, drawn):
    """The share of each pair is the product of both shares among cats, and among dogs.

    Catches slots drawn together, over all kinds, or evenly over values.
    """
    head, ear = SCHEMA.column["head"], SCHEMA.column["ear"]
    for kind in (0, 1):
        data, found = dependent.labels[dependent.labels[:, 0] == kind], drawn[drawn[:, 0] == kind]
        for h, e in product(range(3), range(2)):
            expected = (data[:, head] == h).double().mean() * (data[:, ear] == e).double().mean()
            together = ((found[:, head] == h) & (found[:, ear] == e)).double().mean()
            assert together.item() == pytest.approx(expected.item(), abs=0.015)


def test_coarse_fields_follow_from_the_slots_that_were_drawn(drawn):
    """Catches those left from the picture that the draw began with."""
    hat, head = drawn[:, SCHEMA.column["hat"]], drawn[:, SCHEMA.column["head"]]
    assert torch.equal(hat == 1, head == SCHEMA.fields[SCHEMA.column["head"]].values.index("cap"))
    assert set(hat.tolist()) == {0, 1}


def test_slots_that_all_have_stay_together():
    """A skin comes with its own backdrop, since no picture has others; catches these drawn one by one."""
    data = pixelfaces.PixelFaces(count=400).load().train
    backdrop, skin = (data.schema.column[name] for name in ("backdrop", "skin"))
    data = data.select((data.labels[:, backdrop] == data.labels[:, skin]).nonzero()[:, 0])
    found = independent_labels(data, 2000, torch.Generator().manual_seed(0))
    assert torch.equal(found[:, backdrop], found[:, skin]) and len(found[:, skin].unique()) == 4
    seen = set(map(tuple, data.labels[:, slots(data.schema)].tolist()))
    assert sum(tuple(label) in seen for label in found[:, slots(data.schema)].tolist()) < 200  # most are new


def test_a_schema_whose_slots_can_all_be_absent_has_one_kind():
    """Catches a crash where no slot is there in every picture."""
    schema = ConditionSchema((*slot("head", ("cap",), hat=("cap",)), *slot("ear", ("ring",))))
    labels = torch.tensor([schema.complete(has) for has in ({}, {"head": "cap", "ear": "ring"})])
    data = dataset(schema, labels, torch.zeros(2, 1, 1, 1, dtype=torch.uint8))
    found = independent_labels(data, 4000, torch.Generator().manual_seed(0))
    counts = found.unique(dim=0, return_counts=True)[1].double() / 4000
    assert counts.tolist() == pytest.approx(4 * [0.25], abs=0.03)


def test_labels_depend_on_the_generator_alone_and_leave_the_data_as_they_were(dependent, drawn):
    before = dependent.labels.clone()
    again, other = (independent_labels(dependent, 20_000, torch.Generator().manual_seed(seed)) for seed in (0, 1))
    assert torch.equal(again, drawn) and not torch.equal(other, drawn)
    assert torch.equal(dependent.labels, before)
