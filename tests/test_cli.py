"""Quoting of attribute lists, and what is left to Hydra."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from cli import quote_overrides

# Hydra expands ${...} also inside of quotes; that is its grammar, and no attribute has a dollar sign.
text = st.text(st.characters(exclude_characters="$", exclude_categories=["Cs", "Cc"]), max_size=30)


def parsed(argument: str):
    (override,) = OverridesParser.create().parse_overrides(quote_overrides([argument]))
    return override


@given(text)
def test_hydra_reads_back_what_was_typed(value):
    bracketed = value.startswith("[") and value.endswith("]")
    if bracketed or value == "null" or (len(value) > 1 and value[0] == value[-1] and value[0] in "'\""):
        assert quote_overrides([f"attrs={value}"]) == [f"attrs={value}"]
    else:
        override = parsed(f"attrs={value}")
        assert override.value() == value
        assert not override.is_sweep_override()


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("attrs=male,glasses", "male,glasses"),
        ("attrs=male, big shades", "male, big shades"),
        ("attrs='male, big shades'", "male, big shades"),
        ('attrs="male, big shades"', "male, big shades"),
        ("attrs=[male,glasses]", ["male", "glasses"]),
        ("attrs=[female,-hat]", ["female", "-hat"]),
        ("attrs=female,-hat", "female,-hat"),
        ("attrs=7", "7"),
        ("attrs=3D glasses", "3D glasses"),
        ("attrs=", ""),
        ("attrs=null", None),
        ("+attrs=male,hat", "male,hat"),
        ("negative=clown,hat", "clown,hat"),
        ("attrs=it's", "it's"),
        ("attrs=a\\", "a\\"),
    ],
)
def test_what_people_type(typed, value):
    assert parsed(typed).value() == value


OTHERS = st.sampled_from(["w=1,2", "--multirun", "-m", "--help", "sampler=ddim,ddpm", "seed=3"])


@given(st.lists(st.one_of(OTHERS, text)))
def test_all_other_arguments_stay_as_they_are(arguments):
    others = [a for a in arguments if not a.lstrip("+").startswith(("attrs=", "negative="))]
    assert quote_overrides(others) == others
    assert parsed("w=1,2").is_sweep_override()
