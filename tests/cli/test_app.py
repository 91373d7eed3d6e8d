"""Quoting of attribute lists, and what is left to Hydra."""

import pytest
from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from cli import help as explain
from cli.app import FLAGS, HELP, TAKING, check, quote_overrides
from tests.conftest import ROOT

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


NEEDS_QUOTES = 'settings are written key=value, and a value with spaces needs quotes, as in "attrs=top hat"'
WITHOUT_DASHES = "settings are written key=value, without dashes"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("attrs=top hat", f"hat: no setting; {NEEDS_QUOTES}"),
        ("attrs=male, -hat", f"-hat: no such flag; {NEEDS_QUOTES}"),
        ("--w=3", f"--w=3: {WITHOUT_DASHES}: w=3"),
        ("--steps 5", f"--steps 5: {WITHOUT_DASHES}: steps=5"),
        ("-n 4 w=2", f"-n 4: {WITHOUT_DASHES}: n=4"),
        ("--batch-size=4", f"--batch-size=4: {WITHOUT_DASHES}: batch_size=4"),
        ("--multi w=1,2", f"--multi: no such flag; {NEEDS_QUOTES}"),
        ("=3", f"=3: no setting; {NEEDS_QUOTES}"),
        ("out=a]b", "out=a]b: cannot be read; a value with brackets, quotes and the like needs two kinds of quotes"),
        ("sed=3,4", "sed: no such setting; closest: seed, "),
        ("-m sed=3,4", "sed: no such setting; closest: seed, "),
    ],
)
def test_first_mistakes_are_told_in_one_line(typed, told):
    with pytest.raises(ValueError) as refused:
        check(typed.split(" "), "sample")
    assert str(refused.value).startswith(told) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "typed",
    [
        "attrs=male,glasses w=3", "-m w=1,2", "--multirun sampler=ddim,ddpm sampler.eta=0", "--help", "-h", "--cfg job",
        "-c job --package sampler", "--info all", "--info=all", "--config-name other colour=3", "hydra.job.chdir=true",
        "+colour=3", "~negative", "seed=3 attrs=it's", "dataset=pixelfaces dataset.count=5", "attrs=",
        "--experimental-rerun file.pickle", "guidance={}", "hydra/launcher=joblib", "sampler@guidance=ddim",
    ],
)  # fmt: skip
def test_what_hydra_takes_is_left_to_it(typed):
    check(typed.split(" "), "sample")


def test_flags_are_those_of_hydra():
    actions = [action for action in get_args_parser()._actions if action.option_strings]
    assert {flag for action in actions for flag in action.option_strings} == set(FLAGS)
    assert {flag for action in actions if action.nargs != 0 for flag in action.option_strings} == set(TAKING)


def test_a_script_knows_its_own_names_and_no_flag_of_hydra():
    check(["w=3", "-h"], "sample", ("frames",), HELP)
    with pytest.raises(ValueError, match="frmes: no such setting; closest: frames,"):
        check(["frmes=3,4"], "sample", ("frames",), HELP)
    with pytest.raises(ValueError, match="--multirun: no such flag"):
        check(["--multirun"], "sample", ("frames",), HELP)


@pytest.mark.parametrize("program", ["train", "sample", "evaluate"])
def test_no_setting_of_a_composed_configuration_is_unknown(compose, program):
    def keys(node, prefix=""):
        for key, value in node.items():
            yield f"{prefix}{key}"
            yield from keys(value, f"{prefix}{key}.") if isinstance(value, dict) else ()

    for group, _ in explain.groups(explain.CONF / f"{program}.yaml"):
        for option in (ROOT / "conf" / group).glob("*.yaml"):
            given = ["guidance.checkpoint=a"] if option.stem == "autoguidance" else []
            composed = compose(program, [f"{group}={option.stem}", *given])
            assert set(keys(composed)) <= explain.known(program), option


@pytest.mark.parametrize(
    ("typed", "program", "closest"),
    [
        ("guidence", "sample", "guidance"), ("sampelr", "sample", "sampler"), ("datset", "sample", "dataset"),
        ("modle", "train", "model"), ("cgf", "train", "cfg"), ("lr", "train", "optim.lr"),
        ("train.stepz", "train", "train.steps"), ("batchsize", "sample", "batch_size"),
        ("etta", "sample", "sampler.eta"),
    ],
)  # fmt: skip
def test_the_closest_name_may_be_a_group_or_within_one(typed, program, closest):
    found = explain.closest(typed, program)
    assert found[0] == closest and len(found) == 3
