"""From weights to pictures: an image is a function of its seed and options, and of nothing else."""

import re
import textwrap
from dataclasses import replace

import pytest
import torch

from conf import Refusal
from data import mnist
from diffusion.gaussian import GaussianDiffusion, Objective
from diffusion.guidance import CFG, CFGPlusPlus, DynamicThresholding, Fade, Interval, Rescale
from diffusion.samplers import DDIM, DDPM, DPMSolverPP2M, Euler, EulerAncestral, Heun, UniPC
from diffusion.sampling import SamplingOptions
from diffusion.schedule import NoiseSchedule
from inference import pipeline
from inference.pipeline import Pipeline
from inference.settings import SampleSettings
from runtime.checkpoint import CheckpointError, read_info, save_weights
from tests.programs import ROOT

QUICK = SamplingOptions(complete=False, w=2.0, steps=4, refine=0, quantise="none", sampler=DDIM(), guidance=CFG())


def close(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether pictures are the same to rounding, which may fall differently in batches of another size."""
    return one.shape == other.shape and int((one.short() - other.short()).abs().max()) <= 1


def test_pictures_have_the_documented_shape_and_type(pipe):
    images = pipe("top hat", seeds=[1, 2, 3], steps=2)
    assert images.shape == (3, 3, 24, 24) and images.dtype == torch.uint8


def test_the_example_in_the_documentation_runs(pipe, monkeypatch):
    example = pipeline.__doc__.split("\n\n")[1]
    assert "checkpoints/cryptopunks.safetensors" in example and "range(16), w=3" in example
    monkeypatch.chdir(ROOT)
    names = {}
    exec(example.replace("range(16)", "range(1), steps=1, refine=0"), names)
    assert names["images"].shape == (1, 3, 24, 24) and names["images"].dtype == torch.uint8
    assert textwrap.dedent(example) == example


@pytest.mark.parametrize("sampler", [DDIM(), DDIM(eta=1.0), DDPM()], ids=str)
def test_an_image_equals_itself_at_any_batch_size(pipe, sampler):
    seeds, options = list(range(5)), SamplingOptions(w=2.0, sampler=sampler, steps=3, refine=1)
    together = pipe("crown,pipe", seeds, options)
    for batch_size in (1, 2):
        assert torch.equal(pipe("crown,pipe", seeds, options, batch_size=batch_size), together)
    assert torch.equal(pipe("crown,pipe", seeds[::-1], options), together.flip(0))
    assert torch.equal(pipe("crown,pipe", [4], options)[0], together[4])


def test_seeds_and_requests_and_guidance_matter(pipe):
    """Without this the test above could not fail."""
    pictures = [
        pipe("crown", [0], QUICK, w=1.0),
        pipe("crown", [1], QUICK, w=1.0),
        pipe("bald", [0], QUICK, w=1.0),
        pipe("crown", [0], QUICK, w=4.0),
        pipe("crown", [0], QUICK, w=4.0, negative="pipe"),
    ]
    assert len(torch.unique(torch.cat(pictures), dim=0)) == len(pictures)


def test_guidance_without_a_request_changes_nothing(pipe):
    assert torch.equal(pipe(None, [0], QUICK, w=1.0), pipe("any", [0], QUICK, w=7.0))


def test_a_label_for_each_picture(pipe):
    labels = torch.stack([pipe.schema.encode(name) for name in ("crown", "bald")])
    both = pipe(labels, [3, 3], QUICK)
    assert close(both[1:], pipe("bald", [3], QUICK)) and not torch.equal(both[0], both[1])
    assert pipe.evaluations(labels, QUICK) == pipe.evaluations("bald", QUICK) == 8


# -- options -------------------------------------------------------------------------------------------------------


def test_options_by_keyword_are_those_of_a_value(pipe):
    named = pipe("crown", [2], w=2, steps=3, sampler="ddim", guidance="rescale", refine=0)
    assert torch.equal(
        named, pipe("crown", [2], SamplingOptions(w=2, steps=3, sampler=DDIM(), guidance=Rescale(), refine=0))
    )
    assert not torch.equal(named, pipe("crown", [2], w=2, steps=3, sampler=Heun(), guidance="rescale", refine=0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampler": "foo"}, "sampler='foo': unknown; choose one of ddpm, ddim"),
        ({"guidance": "foo"}, "guidance='foo': unknown; choose one of cfg"),
        ({"sampler": 3}, "sampler=3: "),
        ({"steps": 0}, "steps=0: must be a whole number of at least 1"),
        ({"steps": 1001}, "steps=1001: must be a whole number from 1 to 1000, the T of the training"),
        ({"steps": 10**9}, "steps=1000000000: must be a whole number from 1 to 1000"),
        ({"refine": -1}, "refine=-1: must be"),
        ({"refine": 10**9}, "refine=1000000000: must be"),
        ({"batch_size": 10**12}, "batch_size=1000000000000: must be"),
        ({"width": 3}, "width"),
        ({"w": float("nan")}, "w=nan: must be a number"),
    ],
    ids=str,
)
def test_options_that_cannot_be_are_one_line(pipe, options, message):
    with pytest.raises(ValueError, match=re.escape(message)) as refused:
        pipe("crown", [0], **options)
    assert "\n" not in str(refused.value)


def test_python_and_the_command_line_have_the_same_defaults(compose):
    settings = compose("sample")
    assert isinstance(settings, SampleSettings)
    assert {name: getattr(settings, name) for name in SamplingOptions.model_fields} == dict(SamplingOptions())
    assert compose("evaluate").guidance == settings.guidance == Fade()
    assert settings.sampler is settings.steps is settings.spacing is None  # chosen by weights and request


def test_quantised_pictures_use_the_palette_only(pipe):
    images = pipe("cap", [0, 1], steps=2)
    used = {tuple(pixel) for pixel in images.permute(0, 2, 3, 1).reshape(-1, 3).tolist()}
    assert used <= {tuple(colour) for colour in pipe.palette.colours.tolist()}
    free = pipe("cap", [0, 1], steps=2, quantise="none")
    assert torch.equal(pipe.palette.quantise(free, "pixel"), images) and not torch.equal(free, images)
    assert torch.equal(pipe.palette.quantise(free, "palette"), pipe("cap", [0, 1], steps=2, quantise="palette"))


# -- weights -------------------------------------------------------------------------------------------------------


def test_weights_of_another_shape_are_refused(weights, tmp_path):
    save_weights(tmp_path / "w.safetensors", {"a": torch.zeros(1)}, read_info(weights))
    with pytest.raises(CheckpointError, match="do not fit"):
        Pipeline.load(tmp_path / "w.safetensors", "cpu")


def test_the_network_is_ready_to_sample(pipe):
    """No dropout, no gradients: the same picture each time, and no graph that fills the memory."""
    assert torch.equal(pipe("crown", [1], QUICK), pipe("crown", [1], QUICK))
    network = pipe.denoiser.__closure__
    (module,) = [cell.cell_contents for cell in network if isinstance(cell.cell_contents, torch.nn.Module)]
    assert not module.training and not any(p.requires_grad for p in module.parameters())


def test_no_memory_for_a_batch_is_one_line_that_names_the_remedy(pipe):
    def full(x_t, t, cond):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has ...")

    with pytest.raises(ValueError, match=r"^batch_size=3: no memory for that many pictures at once; give fewer$"):
        replace(pipe, denoiser=full)("crown", [0, 1, 2], QUICK)

    def broken(x_t, t, cond):
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        replace(pipe, denoiser=broken)("crown", [0, 1, 2], QUICK)


def test_pictures_that_are_no_numbers_are_refused(pipe):
    """Quantised to the palette, they would look like pictures."""
    broken = replace(pipe, denoiser=lambda x_t, t, cond: torch.full_like(x_t, float("nan")))
    with pytest.raises(ValueError, match=r"^w=2: the pictures are not finite; use a smaller w, or other weights$"):
        broken("crown", [0], QUICK)
    with pytest.raises(ValueError, match=r"^w=1e\+300: must be a number from 0 to 20$"):
        pipe("crown", [0], QUICK, w=1e300)


# -- guidance ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"guidance": Rescale()},
        {"guidance": Interval(interval=[0.2, 0.6])},
        {"guidance": CFG(fade=0.9)},
        {"guidance": DynamicThresholding(percentile=0.9), "w": 8.0},
        {"guidance": CFGPlusPlus(), "w": 0.8},
        {"negative": "mohawk"},
        {"spacing": "karras"},
        *({"sampler": sampler} for sampler in (EulerAncestral(), Heun(), DPMSolverPP2M(), UniPC())),
    ],
    ids=str,
)
def test_every_option_changes_the_picture_and_keeps_it_independent_of_the_batch(pipe, change):
    plain = QUICK.replace(w=change.get("w", 2.0))
    three = pipe("crown,pipe", [3, 4, 5], plain, **change)
    assert not torch.equal(three, pipe("crown,pipe", [3, 4, 5], plain))
    assert close(pipe("crown,pipe", [5], plain, **change)[0], three[2])


def test_a_field_with_the_common_weight_changes_nothing_and_with_another_does(pipe):
    plain = pipe("crown,pipe", [1, 2], QUICK)
    assert torch.equal(pipe("crown:2,pipe", [1, 2], QUICK), plain)
    assert not torch.equal(pipe("crown:6,pipe", [1, 2], QUICK), plain)


def test_a_condition_added_without_weight_changes_nothing_and_with_one_does(pipe):
    plain = pipe("crown", [1, 2], QUICK)
    assert torch.equal(pipe("crown | pipe * 0", [1, 2], QUICK), plain)
    assert not torch.equal(pipe("crown | pipe * 2", [1, 2], QUICK), plain)


def test_autoguidance_by_the_model_itself_changes_nothing_beyond_rounding(pipe):
    """main + (w - 1) (main - main)."""
    assert close(pipe("crown", [1, 2], QUICK, guide=pipe), pipe("crown", [1, 2], QUICK, w=1.0))


def test_autoguidance_of_several_conditions_needs_one_thing_to_move_away_from(pipe):
    with pytest.raises(ValueError, match=r"attrs='crown \| pipe': .* negative=any"):
        pipe("crown | pipe", [1], QUICK, guide=pipe)
    found = pipe("crown | pipe", [1, 2], QUICK, guide=pipe, negative="any")
    assert close(found, pipe("crown | pipe", [1, 2], QUICK))


@pytest.mark.parametrize("request_", ["crown:1,pipe", "crown:6,pipe", "crown:6", "crown:1"])
def test_where_guidance_does_not_act_weights_of_names_leave_the_plain_model(pipe, request_):
    plain = pipe(request_.replace(":1", "").replace(":6", ""), [1, 2], QUICK, w=1.0)
    assert close(pipe(request_, [1, 2], QUICK, guidance=Interval(interval=[0, 0]), w=3.0), plain)


def test_cfg_plus_plus_checks_the_weights_that_are_used(pipe):
    plus = QUICK.replace(guidance=CFGPlusPlus())
    pipe("crown * 0.5", [1], plus, w=3.0)
    for text in ("crown * 7", "crown,pipe:5", "crown | pipe"):
        with pytest.raises(ValueError, match=r"guidance=cfgpp, w lies in \[0, 1\]"):
            pipe(text, [1], plus, w=0.8)


@pytest.mark.parametrize("sampler", [DDPM(), Heun(), DPMSolverPP2M(), UniPC()], ids=str)
def test_cfg_plus_plus_is_refused_by_samplers_that_would_ignore_it(pipe, sampler):
    plus = QUICK.replace(w=0.8, guidance=CFGPlusPlus())
    with pytest.raises(ValueError, match=r"guidance=cfgpp: .* sampler=ddim"):
        pipe("crown", [1], plus, sampler=sampler)
    with pytest.raises(ValueError, match=r"w=1.5: .*\[0, 1\]"):
        pipe("crown", [1], plus, w=1.5)


@pytest.mark.parametrize("sampler", [DDIM(), Euler(), EulerAncestral(eta=0.5)], ids=str)
def test_cfg_plus_plus_shows_what_is_asked_for(pipe, sampler):
    """Samplers that went on with the noise of the reference alone would sample what it does."""
    plus = QUICK.replace(sampler=sampler, guidance=CFGPlusPlus(), w=0.8)
    assert not torch.equal(pipe("crown", [1, 2], plus), pipe("any", [1, 2], plus))


def test_autoguidance_takes_a_model_of_the_same_kind(pipe):
    eps, v = Objective(prediction="eps"), Objective(prediction="v")
    others = {
        "labels": replace(pipe, schema=mnist.SCHEMA),
        "image shape": replace(pipe, image_shape=(3, 16, 16)),
        "prediction": replace(pipe, diffusion=GaussianDiffusion(pipe.diffusion.schedule, eps)),
        "noise schedule": replace(pipe, diffusion=GaussianDiffusion(NoiseSchedule.named("cosine", 1000), v)),
    }
    for name, other in others.items():
        with pytest.raises(ValueError, match=f"guide: trained with another {name} than the weights"):
            pipe("crown", [1], QUICK, guide=other)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"init": torch.zeros(3, 24, 24)}, "init: of torch.float32"),
        ({"init": torch.zeros(3, 16, 24, dtype=torch.uint8)}, "init: of shape (3, 16, 24), this model generates"),
        ({"init": torch.zeros(3, 24, 24, dtype=torch.uint8), "mask": torch.zeros(16, 24)}, "height and width"),
        ({"init": torch.zeros(3, 24, 24, dtype=torch.uint8), "mask": torch.full((24, 24), 255.0)}, "outside [0, 1]"),
        ({"init": torch.zeros(3, 24, 24, dtype=torch.uint8), "strength": 2.0}, "strength=2.0"),
        ({"init": torch.zeros(3, 24, 24, dtype=torch.uint8), "resample": 0}, "resample=0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_edits_with_tensors_of_another_meaning_are_refused(pipe, arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        pipe.edit(**arguments)


@pytest.mark.parametrize("label", [torch.full((14,), -2), torch.full((14,), 1000), torch.zeros(3, 14).long()], ids=str)
def test_labels_of_another_meaning_are_refused(pipe, label):
    assert len(pipe.schema) == 14
    with pytest.raises(ValueError, match=r"attrs: labels of shape .*, each entry -1 or an index"):
        pipe(label, [1], QUICK)


def test_refusals_are_value_errors():
    assert issubclass(Refusal, ValueError)
