"""Prediction of colours of a palette: cross-entropy in training, and their expectation in sampling."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from diffusion.gaussian import DiffusionSettings, GaussianDiffusion
from diffusion.guidance import CFG, guided

COLOURS = torch.tensor([[0, 0, 0], [255, 0, 9], [254, 0, 9], [7, 200, 255]], dtype=torch.uint8)  # two nearly alike
PALETTE = DiffusionSettings(prediction="palette", T=100)
NO_COND = torch.zeros(0)


def diffusion() -> GaussianDiffusion:
    return PALETTE.build(COLOURS)


def pictures(n: int = 5, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """The number of each pixel's colour (n, 4, 6), and the pictures (n, 3, 4, 6) in [-1, 1]."""
    numbers = torch.randint(0, len(COLOURS), (n, 4, 6), generator=torch.Generator().manual_seed(seed))
    return numbers, (COLOURS[numbers].double() / 127.5 - 1).movedim(-1, 1)


def one_hot(numbers: torch.Tensor, sure: float = 1e4) -> torch.Tensor:
    """Logits (n, K, H, W) of a network that is sure."""
    return sure * torch.nn.functional.one_hot(numbers, len(COLOURS)).movedim(-1, 1).double()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_pixel_is_to_have_its_own_colour(dtype):
    """Also where another is one level away."""
    numbers, x_0 = pictures(200)
    assert torch.equal(diffusion().target(x_0.to(dtype), torch.ones(200).long(), x_0), numbers)


def test_a_network_that_is_sure_of_the_right_colours_predicts_the_picture_and_has_no_loss():
    numbers, x_0 = pictures()
    eps, t = torch.randn_like(x_0), torch.tensor([1, 20, 50, 90, 100])
    x_t = diffusion().schedule.add_noise(x_0, t, eps)
    found = diffusion().predict(one_hot(numbers), x_t, t)
    assert_close(found.x_0, x_0, rtol=0, atol=1e-12)
    assert_close(found.eps, eps, rtol=0, atol=1e-9)
    assert diffusion().loss_at(lambda *_: one_hot(numbers), x_0, NO_COND, t, eps).abs().max() < 1e-9


def test_loss_is_the_mean_negative_log_probability_of_the_true_colours():
    numbers, x_0 = pictures()
    logits = torch.randn(5, len(COLOURS), 4, 6, dtype=torch.float64)
    losses = diffusion().loss_at(lambda *_: logits, x_0, NO_COND, torch.full((5,), 30), torch.randn_like(x_0))
    for i in range(5):
        by_hand = [
            -math.log(math.exp(logits[i, numbers[i, y, x], y, x]) / logits[i, :, y, x].exp().sum())
            for y in range(4)
            for x in range(6)
        ]
        assert losses[i].item() == pytest.approx(sum(by_hand) / 24)


def test_loss_of_a_network_in_half_precision_is_computed_in_that_of_the_pictures():
    """The logarithm of a sum over colours needs it: bf16 has eight bits."""
    _, x_0 = pictures()
    logits, t = torch.randn(5, len(COLOURS), 4, 6).bfloat16(), torch.full((5,), 30)
    half, whole = (
        diffusion().loss_at(lambda *_, out=out: out, x_0.float(), NO_COND, t, x_0) for out in (logits, logits.float())
    )
    assert half.dtype == torch.float32
    assert_close(half, whole, rtol=0, atol=0)


def test_the_picture_is_the_expectation_over_colours():
    """Of a fair choice between black and the fourth colour, their mean."""
    logits = torch.full((1, 4, 1, 1), -1e4)
    logits[:, [0, 3]] = 2.0
    found = diffusion().predict(logits, torch.zeros(1, 3, 1, 1), 50).x_0.flatten()
    assert_close(found, (COLOURS[0].float() + COLOURS[3].float()) / 255 - 1, rtol=0, atol=1e-6)


@given(size=st.floats(0.1, 1e4), w=st.floats(0, 20), t=st.integers(1, 100))
def test_guidance_never_leaves_the_colours(size, w, t):
    """Extrapolated logits are logits, so that x_0 needs no clipping: it is never darker or lighter than the palette."""
    x_t, cond = torch.randn(2, 3, 4, 6), torch.zeros(2, 1, dtype=torch.int64)

    def network(x_t, t, cond):
        return size * torch.randn(len(x_t), len(COLOURS), 4, 6)

    denoise = guided(diffusion(), network, cond, ref_cond=cond - 1, w=w, guidance=CFG(), clip=False)
    x_0, levels = denoise(x_t, t).x_0, COLOURS.float() / 127.5 - 1
    assert (x_0 >= levels.amin(0).view(3, 1, 1) - 1e-5).all() and (x_0 <= levels.amax(0).view(3, 1, 1) + 1e-5).all()


def fixed(conditional: list[float], unconditional: list[float]):
    """A network that gives one pixel these probabilities, with a label and without."""

    def network(x_t, t, cond):
        p = torch.tensor([conditional if label >= 0 else unconditional for label in cond[:, 0].tolist()])
        return p.double().log()[:, :, None, None]

    return network


def guided_colour(network, **options) -> torch.Tensor:
    cond = torch.zeros(1, 1, dtype=torch.int64)
    x_t = torch.zeros(1, 3, 1, 1, dtype=torch.float64)
    return guided(diffusion(), network, cond, ref_cond=cond - 1, **options)(x_t, 50).x_0.flatten()


def test_guidance_multiplies_ratios_of_probabilities():
    """Ho & Salimans 2022: p_w is proportional to p(c) (p(c) / p())^(w - 1)."""
    conditional, unconditional, w = [0.5, 0.2, 0.2, 0.1], [0.25, 0.25, 0.3, 0.2], 2.5
    p = torch.tensor([c * (c / u) ** (w - 1) for c, u in zip(conditional, unconditional, strict=True)])
    expected = (p[:, None] * (COLOURS.double() / 127.5 - 1)).sum(dim=0) / p.sum()
    assert_close(guided_colour(fixed(conditional, unconditional), w=w), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("w", [1.5, 3.0, 20.0])
def test_guidance_never_chooses_what_is_improbable_with_the_label(w):
    """Of two colours that hardly occur, one may be a million times less probable without the label, by chance."""
    sure = fixed([1 - 2e-6, 1e-6, 1e-6, 1e-12], [1 - 2e-6, 1e-6, 1e-12, 1e-6])
    assert_close(guided_colour(sure, w=w), COLOURS[0].double() / 127.5 - 1, rtol=0, atol=1e-9)


def test_everything_that_guidance_moves_towards_is_plausible():
    """At w = 1/2, a fair choice between the colour with the label and the one without; and of several conditions, each
    that has a positive weight."""
    apart, blend = fixed([0.998, 0.001, 0.001, 0.0], [0.001, 0.998, 0.001, 0.0]), COLOURS[:2].double().mean(dim=0)
    assert_close(guided_colour(apart, w=0.5), blend / 127.5 - 1, rtol=0, atol=0.01)
    cond = torch.zeros(1, 1, dtype=torch.int64)
    assert_close(guided_colour(apart, w=0.0, also=[(cond, 3.0)]), COLOURS[0].double() / 127.5 - 1, rtol=0, atol=1e-6)


def test_pictures_without_a_palette_are_refused_with_a_remedy():
    with pytest.raises(ValueError, match=r"^diffusion\.prediction=palette: .*; use diffusion\.prediction=v$"):
        PALETTE.build()
    with pytest.raises(ValueError, match=r"^weighting=min_snr: .* use weighting=none, or prediction=v$"):
        DiffusionSettings(prediction="palette", weighting="min_snr")
