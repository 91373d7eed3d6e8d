"""What can be chosen for a slot can be asked for."""

import pytest

from dashboard.choices import slot_choices
from data import cryptopunks, mnist, pixelfaces


@pytest.mark.parametrize(
    "schema", [cryptopunks.SCHEMA, mnist.SCHEMA, pixelfaces.SCHEMA], ids=["punks", "mnist", "faces"]
)
def test_every_choice_of_every_slot_is_a_request(schema):
    choices = slot_choices(schema)
    assert list(choices) == [field.name for field in schema.fields if not field.slot]
    for name, entries in choices.items():
        assert entries[0].name == "" and len({entry.name for entry in entries}) == len(entries)
        for entry in entries[1:]:
            label = schema.encode(entry.name)
            f = int((label >= 0).nonzero()[0])
            assert name in (schema.fields[f].name, schema.fields[f].slot)


def test_punks_can_be_asked_for_any_hat_or_for_no_hat():
    entries = {(entry.name, entry.kind) for entry in slot_choices(cryptopunks.SCHEMA)["head"]}
    assert {("", "any"), ("-head", "none"), ("hat", "group"), ("-hat", "not group"), ("Top Hat", "value")} <= entries
