"""What is typed: quoting of attribute lists, what is left to Hydra, and mistakes of form told in one line."""

import shlex

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import example, given
from hypothesis import strategies as st

from cli.app import REFUSED, check
from inference.settings import AnimateSettings, CompareSettings, SampleSettings
from runtime.settings import command_line, compose, literal, override, quote
from training.settings import TrainSettings

# Hydra expands ${...} also inside of quotes; that is its grammar, and no attribute has a dollar sign.
text = st.text(st.characters(exclude_characters="$", exclude_categories=["Cs", "Cc"]), max_size=30)


def parsed(argument: str):
    (found,) = OverridesParser.create().parse_overrides([quote(argument)])
    return found


@given(text)
def test_hydra_reads_back_what_was_typed(value):
    bracketed = value.startswith("[") and value.endswith("]")
    if bracketed or value == "null" or (len(value) > 1 and value[0] == value[-1] and value[0] in "'\""):
        assert quote(f"attrs={value}") == f"attrs={value}"
    else:
        found = parsed(f"attrs={value}")
        assert found.value() == value
        assert not found.is_sweep_override()


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
        ("edit=+hat,-beard", "+hat,-beard"),
        ("to=zombie,top hat", "zombie,top hat"),
        ("attrs=it's", "it's"),
        ("attrs=a\\", "a\\"),
    ],
)
def test_what_people_type(typed, value):
    assert parsed(typed).value() == value


@pytest.mark.parametrize(
    ("typed", "attrs"),
    [
        ("attrs=male,glasses", "male,glasses"),
        ("attrs=[male,glasses]", "male,glasses"),
        ("attrs=[male,hat:5]", "male,hat:5"),  # weights in a list are kept
        ("attrs=7", "7"),
        ("attrs=null", None),
    ],
)
def test_what_the_settings_hold_then(typed, attrs):
    assert compose(SampleSettings, [typed]).attrs == attrs


OTHERS = st.sampled_from(["w=1,2", "--multirun", "-m", "--help", "sampler=ddim,ddpm", "seed=3"])


@given(st.one_of(OTHERS, text))
def test_all_other_arguments_stay_as_they_are(argument):
    if not argument.lstrip("+").startswith(("attrs=", "negative=", "prompt=", "edit=", "to=")):
        assert quote(argument) == argument
    assert parsed("w=1,2").is_sweep_override()


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e6, 1e6) | text, st.lists, max_leaves=5
)


@given(plain)
@example("TRUE")
@example("null")
@example("Nan")
def test_hydra_reads_back_a_plain_value(value):
    (found,) = OverridesParser.create().parse_overrides([override("x", value)])
    assert found.value() == value


@given(st.from_regex(r"[./a-z-]{1,8}", fullmatch=True))
def test_a_path_needs_no_more_quotes_than_hydra_does(path):
    (found,) = OverridesParser.create().parse_overrides([override("x", path)])
    assert found.value() == path
    assert "'" not in override("x", f"/{path}")


@given(text)
def test_a_command_line_is_what_was_typed(value):
    """Before Hydra reads it, it is quoted for Hydra, which nobody who copies a command should see."""
    typed = quote(f"attrs={value}")
    program, *arguments = shlex.split(command_line("sample.py", [typed, "w=3"]))[1:]
    assert (program, arguments[1]) == ("sample.py", "w=3") and quote(arguments[0]) == typed


def test_a_command_line_has_no_quotes_within_quotes():
    line = command_line("sample.py", [quote("attrs=male,hat"), quote("edit=+3D glasses"), "vary.attrs=['a,b',c]"])
    assert line == "python sample.py attrs=male,hat 'edit=+3D glasses' 'vary.attrs=['\"'\"'a,b'\"'\"',c]'"


def test_what_is_no_plain_value_is_refused():
    with pytest.raises(ValueError):
        literal({"a": 1})


NEEDS_QUOTES = 'settings are written key=value, and a value with spaces needs quotes, as in "attrs=top hat"'
WITHOUT_DASHES = "settings are written key=value, without dashes"


@pytest.mark.parametrize(
    ("typed", "line"),
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
        ("--cfg", "argument --cfg/-c: expected one argument"),
        ("--help=3", "argument --help/-h: ignored explicit argument '3'"),
    ],
)
def test_first_mistakes_are_told_in_one_line(typed, line):
    with pytest.raises(ValueError) as refused:
        check(typed.split(" "), SampleSettings)
    assert str(refused.value).startswith(line) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "typed",
    [
        "attrs=male,glasses w=3", "-m w=1,2", "--multirun sampler=ddim,ddpm sampler.eta=0", "--help", "-h", "--cfg job",
        "-c job --package sampler", "--info all", "--info=all", "--config-name other colour=3", "hydra.job.chdir=true",
        "+colour=3", "seed=3 attrs=it's", "dataset=pixelfaces dataset.count=5", "attrs=", "hydra/launcher=joblib",
    ],
)  # fmt: skip
def test_what_hydra_takes_is_left_to_it(typed):
    assert sorted(check(typed.split(" "), SampleSettings)) == sorted(quote(part) for part in typed.split(" "))


def test_flags_may_stand_among_settings():
    assert check(["w=1,2", "-m", "seed=3"], SampleSettings) == ["w=1,2", "seed=3", "-m"]


@pytest.mark.parametrize("flag", REFUSED)
def test_flags_that_run_code_or_are_not_whole_are_refused(flag, tmp_path):
    with pytest.raises(ValueError, match=f"{flag}.*: "):
        check([flag, str(tmp_path / "config.pickle")], TrainSettings)
    with pytest.raises(ValueError, match=f"{flag}=x: "):
        check([f"{flag}=x"], TrainSettings)


def test_names_below_an_open_setting_are_left_to_the_program():
    found = check(["vary.steps=[5,30]", "vary.sampler.eta=[0,1]"], CompareSettings)
    assert len(found) >= 1 and all("vary" in argument for argument in found)
    with pytest.raises(ValueError, match="vry"):
        check(["vry.steps=[5,30]"], CompareSettings)


def test_each_program_knows_its_own_settings():
    check(["frames=4"], AnimateSettings)
    with pytest.raises(ValueError, match="frames: no such setting"):
        check(["frames=4"], SampleSettings)
