"""Labels and their words: encoding, contradictions, names, JSON, and which fields training drops."""

import json
import math
from itertools import combinations, product

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from data import cryptopunks, mnist, pixelfaces
from data.conditions import NONE, UNCONDITIONAL, UNKNOWN, ConditionSchema, Field, normalise, slot

TOY = ConditionSchema(
    (
        Field("kind", ("Cat", "Dog")),
        *slot("head", ("Mohawk", "Top Hat", "Cap"), hair=("Mohawk",), hat=("Top Hat", "Cap")),
        *slot("tail", ("Long Tail", "Curl"), funny_tail=("Curl",)),
        *slot("ear", ("Ring",)),
    ),
    aliases={"kitty": "Cat", "bald": "-head", "gentleman": "Dog,Top Hat"},
)
SCHEMAS = {
    "toy": TOY,
    "cryptopunks": cryptopunks.SCHEMA,
    "pixelfaces": pixelfaces.SCHEMA,
    "mnist": mnist.SCHEMA,
}
every_schema = pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS.keys())


def known(schema: ConditionSchema, label: torch.Tensor) -> dict[str, str]:
    """The known fields of a label, as words: {field: value}."""
    assert label.shape == (len(schema),)
    assert label.dtype == torch.int64
    return {field.name: field.values[v] for field, v in zip(schema.fields, label.tolist(), strict=True) if v != UNKNOWN}


def encoded(schema: ConditionSchema, names) -> dict[str, str]:
    return known(schema, schema.encode(names))


def value_names(schema: ConditionSchema) -> list[str]:
    return [value for field in schema.fields for value in field.values if value != NONE]


@st.composite
def complete_labels(draw, schema: ConditionSchema) -> torch.Tensor:
    slots = {field.name: draw(st.sampled_from(field.values)) for field in schema.fields if not field.slot}
    return torch.tensor(schema.complete(slots))


@st.composite
def partial_labels(draw, schema: ConditionSchema) -> torch.Tensor:
    """What is left of some complete label when some of its fields are forgotten."""
    label = draw(complete_labels(schema))
    forgotten = draw(st.lists(st.booleans(), min_size=len(schema), max_size=len(schema)))
    return label.masked_fill(torch.tensor(forgotten), UNKNOWN)


@st.composite
def spellings(draw, name: str) -> str:
    """`name` in another case, with other separators between its characters."""
    separator = st.sampled_from(["", "", "", " ", "-", "_", " - "])
    letters = [draw(st.sampled_from([ch.lower(), ch.upper()])) for ch in name if ch not in " -_"]
    return letters[0] + "".join(draw(separator) + letter for letter in letters[1:])


# -- names ------------------------------------------------------------------------------------------------


@given(st.text())
def test_normalise_removes_case_and_separators_and_nothing_else(text):
    expected = "".join(ch for ch in text.casefold() if not ch.isspace() and ch not in "-_")
    assert normalise(text) == expected
    assert normalise(normalise(text)) == normalise(text)


@every_schema
def test_every_value_name_encodes_to_itself_alone(schema):
    for field in schema.fields:
        for value in field.values:
            if value != NONE:
                assert encoded(schema, value) == {field.name: value}


@given(st.data())
def test_any_spelling_of_a_published_name_is_understood(data):
    field, value = data.draw(
        st.sampled_from([(f, v) for f in cryptopunks.FIELDS for v in f.values if v != NONE]), label="value"
    )
    assert encoded(cryptopunks.SCHEMA, data.draw(spellings(value))) == {field.name: value}


@every_schema
def test_every_alias_means_what_it_stands_for(schema):
    assert schema.aliases
    for alias, names in schema.aliases.items():
        label = schema.encode(alias)
        assert (label != UNKNOWN).any()
        assert torch.equal(label, schema.encode(names))
        assert torch.equal(schema.encode(alias.upper().replace(" ", "_")), label)


def test_common_words_have_the_meaning_that_people_give_them():
    punks = cryptopunks.SCHEMA
    for word, expected in {
        "man": {"type": "Male"},
        "woman": {"type": "Female"},
        "bald": {"head": NONE},
        "sunglasses": {"glasses": "glasses"},
        "makeup": {"eye shadow": "eye shadow"},
        "clean shaven": {"beard": NONE},
        "durag": {"head": "Do-rag"},
    }.items():
        assert encoded(punks, word) == expected
    assert encoded(mnist.SCHEMA, "seven") == {"digit": "7"}


def test_the_three_states_of_a_field():
    assert encoded(TOY, "cat") == {"kind": "Cat"}
    assert encoded(TOY, "hat") == {"hat": "hat"}
    assert encoded(TOY, "-hat") == {"hat": NONE}
    assert encoded(TOY, "-head") == {"head": NONE}
    assert UNKNOWN not in range(max(TOY.cardinalities))


def test_names_combine_in_any_order():
    expected = {"kind": "Dog", "head": "Top Hat", "ear": NONE}
    for order in (["dog", "top hat", "-ear"], ["-ear", "top hat", "dog"]):
        assert encoded(TOY, order) == expected
        assert encoded(TOY, ",".join(order)) == expected
        assert encoded(TOY, tuple(order)) == expected
    assert encoded(TOY, "gentleman,-ear") == expected


def test_saying_a_thing_twice_or_once_more_coarsely_changes_nothing():
    assert encoded(TOY, "cap,Cap") == encoded(TOY, "cap")
    assert encoded(TOY, "cap,hat,-hair") == {"head": "Cap", "hat": "hat", "hair": NONE}


def test_the_absence_of_one_value_is_the_absence_of_its_group():
    assert encoded(TOY, "-top hat") == encoded(TOY, "-hat") == {"hat": NONE}
    assert encoded(TOY, "-mohawk") == {"hair": NONE}
    assert encoded(TOY, "-ring") == encoded(TOY, "-ear") == {"ear": NONE}
    # A value in no group: all that can be absent is the whole slot.
    assert encoded(TOY, "-long tail") == encoded(TOY, "-tail") == {"tail": NONE}


def test_absence_is_understood_in_any_spelling():
    assert encoded(TOY, "- Top-Hat") == encoded(TOY, "-TOP_HAT") == {"hat": NONE}
    assert encoded(cryptopunks.SCHEMA, "-do-rag") == {"hat": NONE}


@every_schema
@pytest.mark.parametrize("nothing", [None, "any", " Any ", ["any"], ("ANY",)])
def test_no_request_leaves_every_field_open(schema, nothing):
    assert torch.equal(schema.encode(nothing), torch.full((len(schema),), UNKNOWN))
    assert torch.equal(schema.unknown(3), torch.full((3, len(schema)), UNKNOWN))


def test_a_number_is_a_name_too():
    for digit in range(10):
        assert encoded(mnist.SCHEMA, digit) == encoded(mnist.SCHEMA, [digit]) == {"digit": str(digit)}


# -- errors -----------------------------------------------------------------------------------------------


@given(st.data())
def test_an_unknown_name_brings_up_the_name_that_was_meant(data):
    punks = cryptopunks.SCHEMA
    meant = data.draw(st.sampled_from([value for value in value_names(punks) if len(value) >= 6]))
    lost = data.draw(st.integers(1, len(meant) - 1))
    typo = meant[:lost] + meant[lost + 1 :]
    understood = {normalise(name) for name in [*value_names(punks), *punks.aliases]}
    assume(normalise(typo) not in understood)
    with pytest.raises(ValueError) as caught:
        punks.encode(["male", typo])
    assert repr(typo) in str(caught.value)
    assert meant in str(caught.value)


@every_schema
def test_a_name_is_the_closest_to_itself(schema):
    for value in value_names(schema):
        assert schema.closest(value.upper())[0] == value
    assert len(schema.closest("glas", n=2)) == 2


def test_two_values_of_one_slot_are_an_error_that_says_so():
    with pytest.raises(ValueError, match=r"'cat' and 'dog' exclude each other.*'kind'"):
        TOY.encode("cat,dog")
    with pytest.raises(ValueError, match=r"'Big Shades' and 'Eye Patch' exclude each other.*'eyes'"):
        cryptopunks.SCHEMA.encode("Big Shades,Eye Patch")
    with pytest.raises(ValueError, match=r"'seven' and '3' exclude each other"):
        mnist.SCHEMA.encode(["seven", 3])
    with pytest.raises(ValueError, match=r"'gentleman' and 'cat' exclude each other"):
        TOY.encode("gentleman,cat")


@pytest.mark.parametrize(
    "request_",
    ["big shades,-glasses", "hair,hat", "-head,mohawk", "bald,hat", "glasses,eyewear", "VR,glasses", "beard,-beard"],
)
def test_a_coarse_field_may_not_contradict_its_slot(request_):
    first, second = request_.split(",")
    with pytest.raises(ValueError, match="exclude each other") as caught:
        cryptopunks.SCHEMA.encode(request_)
    assert repr(first) in str(caught.value)
    assert repr(second) in str(caught.value)


FACE_SLOTS = ("head", "eyes")
FACE_FIELDS = [field for field in pixelfaces.SCHEMA.fields if field.name in FACE_SLOTS or field.slot in FACE_SLOTS]
FACE_TOKENS = sorted(
    {v for field in FACE_FIELDS for v in field.values if v != NONE} | {f"-{f.name}" for f in FACE_FIELDS}
)


def satisfiable(tokens) -> bool:
    """Whether some complete face agrees with every token, by trying them all."""
    schema = pixelfaces.SCHEMA
    first = {field.name: field.values[0] for field in schema.fields if not field.slot}
    choices = [schema.fields[schema.column[name]].values for name in FACE_SLOTS]
    faces = torch.tensor([schema.complete(first | dict(zip(FACE_SLOTS, v, strict=True))) for v in product(*choices)])
    wanted = torch.stack([schema.encode(token) for token in tokens])[:, None]
    return bool(((faces == wanted) | (wanted == UNKNOWN)).all(dim=(0, 2)).any())


@given(st.lists(st.sampled_from(FACE_TOKENS), min_size=1, max_size=4, unique=True))
def test_a_request_is_refused_exactly_when_no_face_could_fulfil_it(tokens):
    schema = pixelfaces.SCHEMA
    if satisfiable(tokens):
        expected = {}
        for token in tokens:
            expected |= encoded(schema, token)
        assert encoded(schema, tokens) == expected
        return
    with pytest.raises(ValueError, match="exclude each other") as caught:
        schema.encode(tokens)
    reason = str(caught.value).split("]: ")[1]  # after the request itself
    assert not satisfiable([token for token in tokens if repr(token) in reason])


def test_the_names_to_blame_are_those_that_contradict_each_other():
    with pytest.raises(ValueError, match=r"'eyewear' and 'eye shadow' exclude each other"):
        cryptopunks.SCHEMA.encode("-glasses,-hat,eyewear,eye shadow")


def test_three_names_may_contradict_each_other_only_together():
    pets = ConditionSchema(slot("pet", ("Cat", "Dog", "Fish"), furry=("Cat", "Dog"), feline=("Cat",), canine=("Dog",)))
    for two in combinations(["furry", "-feline", "-canine"], 2):
        assert len(encoded(pets, two)) == 2
    with pytest.raises(ValueError, match="'furry' and '-feline' and '-canine' exclude each other"):
        pets.encode("furry,-feline,-canine")


@every_schema
@pytest.mark.parametrize("empty", ["", "  ", ",", "-", "a,", [], ["", "x"], " , "])
def test_an_empty_name_is_an_error_that_shows_how_to_write_one(schema, empty):
    with pytest.raises(ValueError, match="or any for none"):
        schema.encode(empty)


@pytest.mark.parametrize(
    ("schema", "name", "offered"),
    [(TOY, "head", "Mohawk"), (TOY, "kind", "Dog"), (mnist.SCHEMA, "digit", "7"), (pixelfaces.SCHEMA, "eyes", "Visor")],
)
def test_the_name_of_a_slot_is_no_value(schema, name, offered):
    with pytest.raises(ValueError, match="is a slot, not a value") as caught:
        schema.encode(name)
    assert offered in str(caught.value)
    assert f"{NONE}, " not in str(caught.value)


@pytest.mark.parametrize(
    ("schema", "name"),
    [(TOY, "-cat"), (TOY, "-kitty"), (TOY, "-kind"), (mnist.SCHEMA, "-3"), (cryptopunks.SCHEMA, "-male")],
)
def test_what_is_always_there_cannot_be_absent(schema, name):
    with pytest.raises(ValueError, match="never absent"):
        schema.encode(name)


@pytest.mark.parametrize("name", ["-bald", "-gentleman"])
def test_only_a_single_thing_can_be_absent(name):
    with pytest.raises(ValueError, match="no single thing"):
        TOY.encode(name)


@pytest.mark.parametrize("names", ["cat,dog", "bird", "head", "", "-cat", "bald,hat", ["cat", "-cat"]])
def test_errors_start_with_the_argument_and_what_it_was(names):
    with pytest.raises(ValueError) as caught:
        TOY.encode(names)
    assert str(caught.value).startswith(f"attrs={names!r}: ")
    with pytest.raises(ValueError) as caught:
        TOY.encode(names, argument="negative")
    assert str(caught.value).startswith(f"negative={names!r}: ")


def test_an_unconditional_schema_takes_no_names():
    assert UNCONDITIONAL.encode("any").shape == UNCONDITIONAL.encode(None).shape == (0,)
    assert UNCONDITIONAL.unknown(4).shape == (4, 0)
    with pytest.raises(ValueError, match=r"^attrs='male': .*unconditional.*use any"):
        UNCONDITIONAL.encode("male")


@pytest.mark.parametrize(
    ("fields", "aliases", "match"),
    [
        ([Field("a", ("x", "y")), Field("b", ("X ", "z"))], {}, "share the name"),
        ([*slot("a", ("x", "y")), Field("b", ("A", "z"))], {}, "name of another field's value"),
        ([Field("a", ("x", "y"))], {"Y": "x"}, "already the name of a value"),
        ([Field("a", ("x", "y"))], {"why": "z"}, "unknown attribute 'z'"),
    ],
)
def test_a_schema_with_ambiguous_names_is_refused(fields, aliases, match):
    with pytest.raises(ValueError, match=match):
        ConditionSchema(fields, aliases)


# -- back to names, and JSON ------------------------------------------------------------------------------


@every_schema
@given(data=st.data())
def test_encoding_the_names_of_a_label_gives_the_label(schema, data):
    label = data.draw(partial_labels(schema))
    names = schema.names(label)
    assert len(names) == (label != UNKNOWN).sum()
    if names:  # naming nothing is an error, and "any" is the word for it
        assert torch.equal(schema.encode(names), label)
        assert torch.equal(schema.encode(",".join(names)), label)


@given(partial_labels(TOY))
def test_names_say_what_is_known(label):
    expected = [value if value != NONE else f"-{field}" for field, value in known(TOY, label).items()]
    assert TOY.names(label) == expected


def test_a_complete_label_sets_the_coarse_fields_from_the_slots():
    assert known(TOY, torch.tensor(TOY.complete({"kind": "Dog", "head": "Cap", "tail": "Long Tail"}))) == {
        "kind": "Dog", "head": "Cap", "hair": NONE, "hat": "hat", "tail": "Long Tail", "funny tail": NONE, "ear": NONE,
    }  # fmt: skip


identifiers = st.text(alphabet="abcdefgXYZ 0123é雪-_'\"\\", min_size=1).filter(lambda t: normalise(t) not in ("", NONE))


@st.composite
def schemas(draw) -> ConditionSchema:
    names = draw(st.lists(identifiers, unique_by=normalise, min_size=2, max_size=14))
    fields, rest = [], names
    while len(rest) >= 2:
        size = draw(st.integers(1, len(rest) - 1))
        (name, *values), rest = rest[: size + 1], rest[size + 1 :]
        fields += slot(name, values) if draw(st.booleans()) else [Field(name, tuple(values))]
    total = sum(len(field.values) for field in fields)
    bits = draw(st.none() | st.lists(st.booleans(), min_size=total * total, max_size=total * total))
    return ConditionSchema(fields, {}, None if bits is None else np.array(bits).reshape(total, total))


def assert_same_schema(a: ConditionSchema, b: ConditionSchema) -> None:
    assert a == b
    assert (a.fields, a.aliases, a.cardinalities) == (b.fields, b.aliases, b.cardinalities)
    assert (a.seen is None) == (b.seen is None)
    if a.seen is not None:
        assert a.seen.dtype == b.seen.dtype == bool
        assert np.array_equal(a.seen, b.seen)


@given(schemas())
def test_a_schema_comes_back_from_json_as_it_was(schema):
    text = schema.to_json()
    assert isinstance(json.loads(text), dict)
    assert_same_schema(ConditionSchema.from_json(text), schema)


@every_schema
def test_a_schema_of_a_data_set_comes_back_from_json_as_it_was(schema):
    assert_same_schema(ConditionSchema.from_json(schema.to_json()), schema)


def test_the_empty_schema_comes_back_from_json():
    assert ConditionSchema.from_json(UNCONDITIONAL.to_json()) == UNCONDITIONAL


def test_schemas_with_other_fields_are_unequal():
    assert TOY != pixelfaces.SCHEMA
    assert ConditionSchema([Field("a", ("x", "y"))]) != ConditionSchema([Field("a", ("y", "x"))])


# -- pairs that no example has ----------------------------------------------------------------------------


@given(st.lists(complete_labels(TOY), min_size=1, max_size=6), partial_labels(TOY))
def test_pairs_are_unseen_exactly_where_no_example_has_both(examples, label):
    schema = TOY.with_seen(torch.stack(examples))
    worn = [set(TOY.names(example)) for example in examples]
    expected = [pair for pair in combinations(TOY.names(label), 2) if not any(set(pair) <= names for names in worn)]
    assert schema.unseen_pairs(label) == expected
    again = ConditionSchema.from_json(schema.to_json())
    assert again.unseen_pairs(label) == expected
    assert TOY.unseen_pairs(label) == []  # nothing is known about the data, so nothing is said


def test_a_bearded_woman_is_worth_a_warning(real_data):
    punks = cryptopunks.load(str(real_data)).train
    schema = punks.schema
    assert schema.unseen_pairs(schema.encode("woman,beard")) == [("Female", "beard")]
    assert schema.unseen_pairs(schema.encode("Female,Big Beard,-hat")) == [("Female", "Big Beard")]
    assert schema.unseen_pairs(schema.encode("zombie,dark")) == [("Zombie", "Dark")]
    assert schema.unseen_pairs(schema.encode("man,beard,glasses")) == []
    for label in punks.labels[::500]:
        assert schema.unseen_pairs(label) == []


# -- dropout ----------------------------------------------------------------------------------------------

N = 20_000
PUNKS = cryptopunks.SCHEMA
PUNK = torch.tensor(PUNKS.complete({"type": "Male", "skin": "Dark", "head": "Cap", "eyes": "Big Shades"}))
PRESENT = torch.tensor([not (field.optional and v == 0) for field, v in zip(PUNKS.fields, PUNK.tolist(), strict=True)])


def dropped(seed: int = 0, n: int = N, schema=PUNKS, label=PUNK, **settings) -> torch.Tensor:
    """(n, F) bool: which fields of n copies of one label are still known."""
    generator = torch.Generator().manual_seed(seed)
    return schema.drop(label.expand(n, -1), generator=generator, **settings) != UNKNOWN


def assert_binomial(count, n: int, p: float, sigmas: float = 5.0) -> None:
    assert abs(int(count) - n * p) <= sigmas * math.sqrt(n * p * (1 - p)), f"{int(count)} of {n} at probability {p}"


@st.composite
def batches(draw, schema: ConditionSchema) -> torch.Tensor:
    return torch.stack(draw(st.lists(partial_labels(schema), min_size=1, max_size=8)))


@every_schema
@given(data=st.data())
def test_drop_forgets_and_changes_nothing_else(schema, data):
    cond = data.draw(batches(schema))
    before = cond.clone()
    p = st.floats(0, 1)
    settings = {
        "drop_prob": data.draw(p), "partial_prob": data.draw(p), "max_known": data.draw(st.integers(1, 30)),
        "present_weight": data.draw(st.floats(0.1, 100)),
    }  # fmt: skip
    seed = data.draw(st.integers(0, 2**32))
    result = schema.drop(cond, **settings, generator=torch.Generator().manual_seed(seed))
    assert torch.equal(cond, before)
    assert result.data_ptr() != cond.data_ptr()
    assert (result.shape, result.dtype) == (cond.shape, cond.dtype)
    assert ((result == cond) | (result == UNKNOWN)).all()
    again = schema.drop(cond, **settings, generator=torch.Generator().manual_seed(seed))
    assert torch.equal(result, again)


def test_another_seed_drops_other_fields():
    assert not torch.equal(dropped(0, drop_prob=0.5), dropped(1, drop_prob=0.5))


def test_the_global_generator_stays_untouched_where_one_is_given():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    dropped(drop_prob=0.5, partial_prob=0.5)
    assert torch.equal(torch.rand(3), expected)


def test_the_bounds_of_drop():
    assert dropped(drop_prob=0.0, partial_prob=0.0).all()
    assert not dropped(drop_prob=1.0).any()
    assert not dropped(drop_prob=1.0, partial_prob=1.0).any()
    assert dropped(drop_prob=0.0, partial_prob=1.0).any(dim=1).all()  # a partial label still says something


@pytest.mark.parametrize("drop_prob", [0.1, 0.5])
def test_whole_labels_are_lost_at_the_rate_asked_for(drop_prob):
    is_known = dropped(drop_prob=drop_prob)
    assert torch.equal(is_known.any(dim=1), is_known.all(dim=1))
    for field in range(len(PUNKS)):
        assert_binomial(N - is_known[:, field].sum(), N, drop_prob)


def test_how_many_fields_stay_known():
    drop_prob, partial_prob, most = 0.2, 0.4, 5
    count = dropped(drop_prob=drop_prob, partial_prob=partial_prob, max_known=most).sum(dim=1)
    assert_binomial((count == 0).sum(), N, drop_prob)
    assert_binomial((count == len(PUNKS)).sum(), N, (1 - drop_prob) * (1 - partial_prob))
    for k in range(1, most + 1):
        assert_binomial((count == k).sum(), N, (1 - drop_prob) * partial_prob / most)


def test_a_label_of_few_fields_keeps_at_most_those():
    count = dropped(schema=TOY, label=torch.tensor(TOY.complete({"kind": "Cat"})), drop_prob=0.0, partial_prob=1.0,
                    max_known=100).sum(dim=1)  # fmt: skip
    for k in range(1, len(TOY) + 1):
        assert_binomial((count == k).sum(), N, 1 / len(TOY))
    assert dropped(schema=mnist.SCHEMA, label=torch.tensor([7]), drop_prob=0.0, partial_prob=1.0).all()


@pytest.mark.parametrize("present_weight", [1.0, 4.0])
def test_one_field_is_kept_in_proportion_to_its_weight(present_weight):
    """Where k = 1 the chance of each field has a closed form: its weight over the sum of all."""
    is_known = dropped(drop_prob=0.0, partial_prob=1.0, max_known=1, present_weight=present_weight)
    weights = torch.where(PRESENT, present_weight, 1.0)
    for field, weight in enumerate(weights.tolist()):
        assert_binomial(is_known[:, field].sum(), N, weight / float(weights.sum()))


def test_what_is_present_is_kept_more_often():
    kept = dropped(drop_prob=0.0, partial_prob=1.0, max_known=5, present_weight=4.0).float().mean(dim=0)
    assert kept[PRESENT].min() > 1.5 * kept[~PRESENT].max()


def test_labels_are_dropped_for_each_sample_by_itself():
    """Over many batches the number of dropped samples varies as independent draws do; one draw for the whole
    batch would vary `size` times as much."""
    size, p = 100, 0.1
    lost = (~dropped(drop_prob=p).any(dim=1)).view(-1, size).sum(dim=1).double()
    assert 0.5 < lost.var() / (size * p * (1 - p)) < 2.0


def test_partial_labels_differ_within_a_batch():
    kept = dropped(n=64, drop_prob=0.0, partial_prob=1.0)
    assert len(kept.unique(dim=0)) > 32


@pytest.mark.parametrize("name", ["drop_prob", "partial_prob"])
@pytest.mark.parametrize("value", [-0.1, 1.1, 10, float("nan")])
def test_probabilities_lie_between_0_and_1(name, value):
    with pytest.raises(ValueError, match=f"{name}={value}"):
        PUNKS.drop(PUNK[None], **({"drop_prob": 0.1} | {name: value}))


@pytest.mark.parametrize(("name", "value"), [("max_known", 0), ("present_weight", 0.0), ("present_weight", -1.0)])
def test_partial_labels_keep_something(name, value):
    with pytest.raises(ValueError, match=f"{name}={value}"):
        PUNKS.drop(PUNK[None], drop_prob=0.1, partial_prob=0.5, **{name: value})


def test_there_is_nothing_to_drop_without_fields():
    assert UNCONDITIONAL.drop(torch.empty(3, 0, dtype=torch.int64), drop_prob=0.5).shape == (3, 0)
