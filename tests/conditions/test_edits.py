"""Changed labels: what is named changes, what cannot stay is left open, all else stays."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conditions.edits import changed, completed, implied, open_slots
from conditions.fields import Field, slot
from conditions.schema import UNKNOWN, ConditionSchema
from data.cryptopunks import SCHEMA as PUNKS
from data.pixelfaces import SCHEMA as FACES

SCHEMA = ConditionSchema(
    (
        Field("kind", ("Human", "Robot")),
        Field("skin", ("Steel", "Light", "Dark")),
        *slot("head", ("Cap", "Fez", "Curls", "Bun"), hat=("Cap", "Fez"), hair=("Curls", "Bun")),
        *slot("beard", ("Goatee",)),
    )
)


def label(schema: ConditionSchema, **slots: str) -> torch.Tensor:
    return torch.tensor(schema.complete(slots))


@pytest.fixture
def schema():
    """No robot has skin other than steel, or a beard; no human has steel."""
    robots = [dict(kind="Robot", skin="Steel", head=head) for head in ("none", "Cap", "Fez", "Curls", "Bun")]
    humans = [
        {"kind": "Human", "skin": skin, "head": head, "beard": beard}
        for skin in ("Light", "Dark")
        for head in ("none", "Cap", "Fez", "Curls", "Bun")
        for beard in ("none", "Goatee")
    ]
    return SCHEMA.with_seen(torch.stack([label(SCHEMA, **slots) for slots in robots + humans]))


HUMAN = {"kind": "Human", "skin": "Light", "head": "Curls", "beard": "Goatee"}


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        ("+cap", {**HUMAN, "head": "Cap"}),
        ("cap,-beard", {**HUMAN, "head": "Cap", "beard": "none"}),
        ("+cap, -beard", {**HUMAN, "head": "Cap", "beard": "none"}),
        ("-head", {**HUMAN, "head": "none"}),
        ("-hair", {**HUMAN, "head": "none"}),
        ("+hair", HUMAN),  # it has some
        ("-hat", HUMAN),  # it has none
        ("dark", {**HUMAN, "skin": "Dark"}),
        ("+cap,\u2212beard,", {**HUMAN, "head": "Cap", "beard": "none"}),
    ],
)
def test_what_is_named_changes_and_the_rest_stays(schema, edit, expected):
    new = changed(schema, label(schema, **HUMAN), edit)
    assert torch.equal(new, label(schema, **expected))
    assert open_slots(schema, new) == []


def test_a_group_leaves_open_which_of_it(schema):
    new = changed(schema, label(schema, **HUMAN), "+hat")
    assert schema.names(new) == ["Human", "Light", "hat", "-hair", "Goatee"]
    assert open_slots(schema, new) == [schema.column["head"]]
    both = changed(schema, label(schema, **{**HUMAN, "head": "Cap"}), "-hat,+hair")
    assert schema.names(both) == ["Human", "Light", "-hat", "hair", "Goatee"]


def test_what_never_stands_beside_the_new_becomes_the_only_thing_that_does(schema):
    new = changed(schema, label(schema, **HUMAN), "robot")
    assert torch.equal(new, label(schema, kind="Robot", skin="Steel", head="Curls"))


def test_what_never_stands_beside_the_new_is_left_open_where_several_things_do(schema):
    new = changed(schema, label(schema, kind="Robot", skin="Steel", head="Cap"), "human")
    assert schema.names(new) == ["Human", "Cap", "hat", "-hair", "-beard"]
    assert open_slots(schema, new) == [schema.column["skin"]]


def test_what_is_named_beside_a_kind_stays_though_no_picture_has_both(schema):
    new = changed(schema, label(schema, **HUMAN), "robot,light,goatee")
    assert torch.equal(new, label(schema, **{**HUMAN, "kind": "Robot"}))


def test_an_accessory_that_does_not_fit_leaves_the_rest_alone(schema):
    robot = {"kind": "Robot", "skin": "Steel", "head": "Cap"}
    new = changed(schema, label(schema, **robot), "+goatee")
    assert torch.equal(new, label(schema, **robot, beard="Goatee"))


def test_a_schema_that_saw_nothing_opens_nothing():
    assert open_slots(SCHEMA, changed(SCHEMA, label(SCHEMA, **HUMAN), "robot")) == []


def test_what_is_left_open_is_sampled_from_what_fits():
    """Robots wear caps alone, in this schema; humans anything."""
    seen = [dict(kind="Robot", skin="Steel", head="Cap")]
    seen += [dict(kind="Human", skin="Light", head=head) for head in ("none", "Cap", "Fez", "Curls", "Bun")]
    schema = SCHEMA.with_seen(torch.stack([label(SCHEMA, **slots) for slots in seen]))
    open_hat = changed(schema, label(schema, kind="Human", skin="Light", head="Bun"), "+hat")
    sampled = torch.stack([completed(schema, open_hat, seed) for seed in range(60)])
    hats = {schema.fields[schema.column["head"]].values[v] for v in sampled[:, schema.column["head"]].tolist()}
    assert hats == {"Cap", "Fez"}
    assert torch.equal(completed(schema, open_hat, 7), sampled[7])
    for row in sampled:
        assert torch.equal(implied(schema, row), row) and open_slots(schema, row) == []
    robot = schema.encode("robot, steel, hat, -beard")
    assert {schema.names(completed(schema, robot, seed))[2] for seed in range(20)} == {"Cap"}


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ("any", "edit='any': changes nothing"),
        ("", "edit='': a name is missing"),
        ("+", r"edit='\+': a name is missing"),
        ("-any", "edit='-any': 'any' leaves everything open"),
        ("+turban", r"edit='\+turban': unknown attribute 'turban'"),
        ("+cap,fez", r"edit='\+cap,fez': 'cap' and 'fez' exclude"),
    ],
)
def test_edits_that_cannot_be(edit, said):
    with pytest.raises(ValueError, match=said):
        changed(SCHEMA, label(SCHEMA, **HUMAN), edit)


@pytest.mark.parametrize("schema", [PUNKS, FACES], ids=["punks", "faces"])
@given(data=st.data())
def test_a_slot_implies_its_coarse_fields(schema, data):
    """A complete label that loses its coarse fields gets them back; what does not follow stays unknown."""
    slots = {f.name: data.draw(st.sampled_from(f.values)) for f in schema.fields if not f.slot}
    complete = label(schema, **slots)
    lost = complete.clone()
    lost[[f for f, field in enumerate(schema.fields) if field.slot]] = UNKNOWN
    assert torch.equal(implied(schema, lost), complete)
    assert torch.equal(implied(schema, schema.unknown(1)[0]), schema.unknown(1)[0])
