"""Every configuration composes, gives objects that work, and explains itself."""

import pytest
import torch
import yaml
from hydra import compose as hydra_compose
from hydra import initialize_config_dir

from cli import help as explain
from data import mnist, pixelfaces
from runtime.factory import DATASETS, build_diffusion, build_model, build_sampler, data_is_there
from tests.conftest import ROOT
from training.settings import check_training

CONF = ROOT / "conf"
OPTIONS = {
    group: sorted(path.stem for path in (CONF / group).glob("*.yaml"))
    for group in ("dataset", "model", "diffusion", "cfg", "optim", "sampler", "experiment")
}
CHOICES = [f"{group}={option}" for group, options in OPTIONS.items() for option in options]


@pytest.mark.parametrize("choice", CHOICES)
def test_every_option_composes_and_passes_the_checks(compose, choice):
    cfg = compose("train", [choice])
    check_training(cfg)
    build_sampler(cfg["sampler"])
    assert cfg["dataset"]["name"] in DATASETS


@pytest.mark.parametrize("choice", [c for c in CHOICES if c.split("=")[0] in ("model", "diffusion", "experiment")])
def test_every_network_and_diffusion_is_built_and_gives_a_loss(compose, choice):
    cfg = compose("train", [choice])
    model = build_model(cfg, (3, 24, 24), pixelfaces.SCHEMA)
    x_0, cond = torch.zeros(2, 3, 24, 24), pixelfaces.SCHEMA.unknown(2)
    loss = build_diffusion(cfg).loss(model, x_0, cond)
    assert loss.shape == (2,) and bool(loss.isfinite().all())


@pytest.mark.parametrize("option", OPTIONS["sampler"])
def test_every_sampler_option_is_offered_to_sample_py(compose, option):
    assert build_sampler(compose("sample", [f"sampler={option}"])["sampler"])


@pytest.mark.parametrize("name", OPTIONS["dataset"])
def test_previews_ask_for_what_the_data_set_knows(compose, name):
    from data import cryptopunks, mnist

    schema = {"cryptopunks": cryptopunks, "mnist": mnist, "pixelfaces": pixelfaces}[name].SCHEMA
    for request in compose("train", [f"dataset={name}"])["dataset"]["preview"]:
        assert schema.names(schema.encode(request))


def test_experiments_hold_overrides_only(compose):
    """Each key that an experiment sets exists without it."""

    def leaves(node, prefix=""):
        for key, value in node.items():
            yield from leaves(value, f"{prefix}{key}.") if isinstance(value, dict) else [f"{prefix}{key}"]

    for option in OPTIONS["experiment"]:
        settings = yaml.safe_load((CONF / "experiment" / f"{option}.yaml").read_text())
        settings.pop("defaults", None)
        assert set(leaves(settings)) <= set(leaves(compose("train")))
        composed, with_it = compose("train"), compose("train", [f"experiment={option}"])
        assert composed != with_it
        for key in leaves(settings):  # nothing that comes after the experiment undoes it
            given, found = settings, with_it
            for part in key.split("."):
                given, found = given[part], found[part]
            assert given == found


@pytest.mark.parametrize("name", ["train", "sample", "evaluate"])
def test_help_explains_every_setting(compose, name):
    """Every key of the composed configuration, for every option of every group, is in the text."""
    text = explain.explain(name)
    explained = {line.split()[0] for line in text.splitlines() if line.startswith("  ")}

    def leaves(node, prefix=""):
        for key, value in node.items():
            yield from leaves(value, f"{prefix}{key}.") if isinstance(value, dict) else [f"{prefix}{key}"]

    for choice in CHOICES if name == "train" else ["dataset=mnist", "sampler=ddpm"]:
        keys = {key for key in leaves(compose(name, [choice])) if not key.endswith(".name") or key == "name"}
        assert keys <= explained | {"cfg.conditional"}, choice  # that one is what the group's two options mean


@pytest.mark.parametrize("name", ["train", "sample", "evaluate"])
def test_hydra_itself_writes_nothing(name):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        settings = hydra_compose(name, return_hydra_config=True).hydra
    assert settings.output_subdir is None
    assert not settings.job.chdir
    assert settings.run.dir == "."


def test_data_is_there_where_all_its_files_are(tmp_path):
    assert data_is_there("pixelfaces", str(tmp_path))
    assert not data_is_there("mnist", str(tmp_path))
    for file in mnist.FILES:
        (tmp_path / file.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file.path).touch()
    assert data_is_there("mnist", str(tmp_path)) and not data_is_there("cryptopunks", str(tmp_path))
