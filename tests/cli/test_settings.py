"""Declared settings: every option composes and works, --help explains all of it, and junk is refused in one line."""

import math
from typing import get_origin

import pytest
import torch
import yaml
from hydra import compose as hydra_compose
from hydra import initialize_config_dir

from cli.help import defaults, explain
from conf import Settings, allowed, closest, fields, groups, members, names, setting
from data import DATASETS, pixelfaces
from data.folder import Folder
from data.folder_check import CheckSettings
from data.images import to_uint8
from data.importing import ImportSettings
from data.palette import Palette
from data.shapes import ShapesSettings
from diagnosis.settings import DoctorSettings
from evaluation.score import ScoreSettings
from evaluation.settings import EvaluateSettings
from inference.export.settings import ExportSettings
from inference.settings import AnimateSettings, CompareSettings, InterpolateSettings, SampleSettings
from runtime.factory import build_diffusion, build_model
from runtime.settings import CONF, compose, options, register
from scripts.speed.settings import BenchmarkSettings
from scripts.studies.settings import ReportSettings, StudySettings
from training.settings import TrainSettings

PROGRAMS = (
    TrainSettings, SampleSettings, EvaluateSettings, ScoreSettings, CompareSettings, AnimateSettings,
    InterpolateSettings, ExportSettings, BenchmarkSettings, StudySettings, ReportSettings, CheckSettings,
    ImportSettings, ShapesSettings, DoctorSettings,
)  # fmt: skip
CHOICES = {  # each once, in the last of the programs that have it
    (group, option): cls for cls in PROGRAMS for group in groups(cls) for option in options(cls, group)
}
by_name = pytest.mark.parametrize("cls", PROGRAMS, ids=lambda cls: cls.program)


@pytest.mark.parametrize(("group", "option"), CHOICES)
def test_every_option_of_every_group_composes(group, option):
    cls = CHOICES[group, option]
    weak = [f"{key}=[0.8]" for key in ("adherence.w", "validity.w", "distribution.w") if key in names(cls)]
    also = ["w=0.8", *weak] if option == "cfgpp" else []
    composed = getattr(compose(cls, [f"{group}={option}", *also]), group)
    plain = composed.plain()
    choice = CONF / group / f"{option}.yaml"  # such as unet_small, of which the first of its defaults is the class
    base = yaml.safe_load(choice.read_text()).get("defaults", [option])[0] if choice.exists() else option
    declared = base if isinstance(base, str) else option
    assert declared in (plain.get("name"), plain.get("schedule"), type(composed).chosen_as) or option == plain["name"]


@by_name
def test_what_composes_without_arguments_is_what_is_declared(cls):
    """conf/ chooses; it declares nothing a second time."""
    composed, declared = compose(cls).plain(), cls().plain()
    chosen = {group for group, option in defaults(cls).items() if option is None}
    assert {k: v for k, v in composed.items() if k not in chosen} == {
        k: v for k, v in declared.items() if k not in chosen
    }


def test_an_option_is_the_same_class_in_every_program():
    """Hydra has one place for it, which the program that registers last would change for all."""
    for cls in PROGRAMS:
        for group, options_of in groups(cls).items():
            for other in PROGRAMS:
                theirs = groups(other).get(group, {})
                assert all(theirs.get(name, member) is member for name, member in options_of.items()), (cls, other)


@pytest.mark.parametrize("model", ["unet", "dit"])
@pytest.mark.parametrize("diffusion", ["linear", "cosine"])
@pytest.mark.parametrize("prediction", ["eps", "palette"])
def test_every_network_and_schedule_is_built_and_gives_a_loss(model, diffusion, prediction):
    settings = compose(
        TrainSettings, [f"model={model}", f"diffusion={diffusion}", f"diffusion.prediction={prediction}"]
    )
    x_0, cond = torch.zeros(2, 3, 24, 24), pixelfaces.SCHEMA.unknown(2)
    palette = Palette.of(to_uint8(x_0))
    network = build_model(settings, (3, 24, 24), pixelfaces.SCHEMA, palette)
    loss = build_diffusion(settings, palette).loss(network, x_0, cond)
    assert loss.shape == (2,) and bool(loss.isfinite().all())


@pytest.mark.parametrize("dataset", [cls for cls in DATASETS if cls is not Folder], ids=lambda cls: cls.__name__)
def test_previews_ask_for_what_the_data_set_knows(dataset):
    from data import cryptopunks, mnist

    schema = {
        "cryptopunks": cryptopunks.SCHEMA,
        "mnist": mnist.SCHEMA,
        "fashion_mnist": mnist.CLOTHES_SCHEMA,
        "pixelfaces": pixelfaces.SCHEMA,
        "bigfaces": pixelfaces.SCHEMA,
    }[dataset().name]
    for request in dataset().preview:
        assert schema.names(schema.encode(request))


def leaves(node: dict, prefix: str = ""):
    for key, value in node.items():
        yield from leaves(value, f"{prefix}{key}.") if isinstance(value, dict) else [(f"{prefix}{key}", value)]


@pytest.mark.parametrize("option", sorted(path.stem for path in (CONF / "experiment").glob("*.yaml")))
def test_experiments_hold_overrides_only(option):
    """Each key that an experiment sets exists without it, and nothing that comes after the experiment undoes it."""
    settings = yaml.safe_load((CONF / "experiment" / f"{option}.yaml").read_text(encoding="utf-8"))
    settings.pop("defaults", None)
    without, found = compose(TrainSettings), compose(TrainSettings, [f"experiment={option}"])
    assert without != found
    known, composed = names(TrainSettings), dict(leaves(found.plain()))
    for key, value in leaves(settings):
        assert key in known
        assert composed[key] == value


@by_name
def test_help_explains_every_setting_of_every_option(cls):
    text = explain(cls)
    explained = {line.split()[0] for line in text.splitlines() if line.startswith("  ")}
    tags = {f"{group}.{tag}" for group in groups(cls) for tag in ("name", "conditional")}
    assert names(cls) - set(groups(cls)) - tags <= explained
    for group, option in defaults(cls).items():
        assert option is None or f"{group}={option} (default)" in text
    assert "$" not in explain(cls).replace("$DATA_ROOT", "")
    assert max(map(len, text.splitlines())) < 220


@by_name
def test_every_setting_has_an_explanation(cls):
    for name, field in fields(cls).items():
        assert field.description and field.description[0] != " ", name


@by_name
def test_hydra_itself_writes_nothing(cls):
    register(cls)
    with initialize_config_dir(str(CONF), version_base="1.3"):
        settings = hydra_compose(cls.program, return_hydra_config=True).hydra
    assert settings.output_subdir is None
    assert not settings.job.chdir
    assert settings.run.dir == "."


# -- refusals -----------------------------------------------------------------------------------------------------

JUNK = (None, True, -1, 0, 0.5, math.nan, math.inf, 10**30, "", "x", "\n", [], [1], ["x"], [None], [[1]], {}, {"x": 1})


def nest(name: str, value: object) -> dict:
    for part in reversed(name.split(".")):
        value = {part: value}
    return value


@by_name
def test_junk_for_any_setting_is_taken_or_refused_in_one_line_that_names_it(cls):
    refused = 0
    for name, field in fields(cls).items():
        for junk in JUNK:
            try:
                cls.parse(nest(name, junk))
            except ValueError as error:
                line = str(error)
                assert "\n" not in line and len(line) < 400, line
                assert name.split(".")[-1] in line and "pydantic" not in line.lower(), line
                refused += 1
        if get_origin(field.annotation) is not dict:
            assert not allowed(field.annotation, field.metadata).endswith("another value"), name
    assert refused > 10 * len(fields(cls)) / 2


@by_name
def test_junk_for_any_group_is_refused_with_its_options(cls):
    for group, able in groups(cls).items():
        for junk in (True, 3, 0.5, "nonsense", [], ["x"], {"name": "os.system"}, {"name": 3}):
            with pytest.raises(ValueError) as refused:
                cls.parse({group: junk})
            assert str(refused.value).startswith(group) and "\n" not in str(refused.value)
            if not isinstance(junk, dict) or len(able) > 1:
                assert all(option in str(refused.value) for option in able) or len(able) == 1


@pytest.mark.parametrize(
    ("typed", "cls", "first"),
    [
        ("guidence", SampleSettings, "guidance"), ("sampelr", SampleSettings, "sampler"),
        ("datset", SampleSettings, "dataset"), ("modle", TrainSettings, "model"), ("cgf", TrainSettings, "cfg"),
        ("lr", TrainSettings, "optim.lr"), ("train.stepz", TrainSettings, "train.steps"),
        ("batchsize", SampleSettings, "batch_size"), ("etta", SampleSettings, "sampler.eta"),
    ],
)  # fmt: skip
def test_the_closest_name_may_be_a_group_or_within_one(typed, cls, first):
    found = closest(typed, cls)
    assert found[0] == first and len(found) == 3


def test_settings_cannot_be_changed_but_replaced_and_are_checked_again():
    settings = SampleSettings(steps=5)
    assert settings.replace(steps=6).steps == 6 and settings.steps == 5
    with pytest.raises(ValueError, match="steps=0: must be a whole number of at least 1"):
        settings.replace(steps=0)
    with pytest.raises(ValueError, match="frozen"):
        settings.steps = 7


def test_in_python_a_name_stands_for_an_option():
    assert SampleSettings(sampler="ddim").sampler.eta == 0
    with pytest.raises(ValueError, match="sampler='magic': unknown; choose one of ddpm, ddim"):
        SampleSettings(sampler="magic")


def test_words_for_what_is_allowed():
    class Example(Settings):
        a: int = setting(1, "one", ge=1, le=5)
        b: float | None = setting(None, "two", gt=0)
        c: list[int] = setting([1], "three", min_length=1)

    found = {name: allowed(field.annotation, field.metadata) for name, field in Example.model_fields.items()}
    assert found["a"] == "a whole number from 1 to 5"
    assert found["b"] == "a number above 0 or null"
    assert found["c"] == "a list in brackets of one or more whole numbers"
    assert not members(Example.model_fields["a"].annotation)
