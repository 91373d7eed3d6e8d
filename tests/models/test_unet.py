"""The whole U-Net: shapes, refusals, and that time, picture and every field of the label reach the output."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.layers import ResidualBlock
from models.unet import Stage, UNet, UNetSettings
from runtime.settings import compose
from tests.models.helpers import awake, fitted
from training.settings import TrainSettings

SHAPE, CARDINALITIES = (3, 8, 8), (3, 2, 4)
LABELS = torch.tensor([[0, 0, 0], [1, 1, 1], [2, -1, 3], [-1, -1, -1]])
UNKNOWN = torch.full((4, 3), -1)
AUTO = compose(TrainSettings, ["model=auto"]).model


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def small(shape=SHAPE, cardinalities=CARDINALITIES, **settings) -> UNet:
    defaults = {"channels": 16, "channel_mults": [1, 2], "blocks": 1, "attention_levels": [1], "head_dim": 16}
    return UNetSettings(**defaults | {"map_channels": 0} | settings).build(shape, cardinalities)


def inputs(n: int = 4, shape=SHAPE):
    return torch.randn(n, *shape), torch.randint(1, 1001, (n,))


@pytest.mark.parametrize("cardinalities", [(), (10,), (3, 2, 4)], ids=str)
@pytest.mark.parametrize(
    ("shape", "mults", "blocks"),
    [((1, 28, 28), [1, 2, 2], 2), ((3, 24, 24), [1, 2, 4], 1), ((4, 8, 24), [1, 1, 2, 2], 1), ((2, 5, 7), [1], 3)],
    ids=str,
)
@pytest.mark.parametrize("map_channels", [0, 3])
def test_output_has_the_shape_of_the_picture(shape, mults, blocks, cardinalities, map_channels):
    widths = {"channels": 8, "channel_mults": mults, "blocks": blocks, "head_dim": 8, "map_channels": map_channels}
    model = UNetSettings(**widths, attention_levels=[len(mults) - 1]).build(shape, cardinalities)
    x_t, t = inputs(2, shape)
    cond = torch.zeros(2, len(cardinalities), dtype=torch.int64)
    assert awake(model)(x_t, t, cond).shape == (2, *shape)


@pytest.mark.parametrize(
    ("shape", "levels", "patch"), [((1, 28, 30), 4, 1), ((3, 9, 8), 2, 1), ((4, 8, 31), 3, 1), ((3, 10, 24), 2, 3)]
)
def test_a_size_that_cannot_be_halved_gets_a_border_of_zeros_that_is_cut_off(shape, levels, patch):
    """The same weights, on a picture that already has that border, return the same inside it."""
    step = patch * 2 ** (levels - 1)
    larger = (shape[0], *(-(-side // step) * step for side in shape[1:]))
    own, other = (
        small(s, cardinalities=(), channel_mults=[1] * levels, patch=patch, attention_levels=[levels - 1])
        for s in (shape, larger)
    )
    other.load_state_dict(awake(own).state_dict())
    x_t, t = inputs(2, shape)
    bordered = torch.zeros(2, *larger)
    bordered[:, :, : shape[1], : shape[2]] = x_t
    unlabelled = torch.zeros(2, 0, dtype=torch.int64)
    expected = other(bordered, t, unlabelled)[:, :, : shape[1], : shape[2]]
    torch.testing.assert_close(own(x_t, t, unlabelled), expected)
    assert other(bordered, t, unlabelled).shape[2:] != own(x_t, t, unlabelled).shape[2:]


@pytest.mark.parametrize(("shape", "levels", "patch"), [((3, 1, 1), 3, 1), ((3, 8, 8), 5, 1), ((1, 8, 8), 2, 8)])
def test_levels_beyond_the_last_pixel_are_refused_with_a_remedy(shape, levels, patch):
    with pytest.raises(ValueError, match=f"{shape[1]} x {shape[2]}.*{levels} levels.*patches of {patch}") as refused:
        small(shape, channel_mults=[1] * levels, patch=patch)
    message = str(refused.value)
    assert "model.patch" in message and "model.channel_mults" in message and "\n" not in message


def test_patches_make_the_finest_level_smaller_and_put_every_pixel_back_in_its_place():
    """Each pixel of the output is that of the patch below it: without other positions to look at, it depends on no
    pixel elsewhere."""
    model = awake(small((3, 12, 8), patch=2, channel_mults=[1], attention_levels=[])).eval()
    seen = []
    model.stem.register_forward_hook(lambda _, __, out: seen.append(tuple(out.shape[2:])))
    for layer in model.modules():
        if isinstance(layer, torch.nn.Conv2d) and layer.kernel_size == (3, 3):
            layer.weight.data[:, :, [0, 0, 0, 2, 2, 2, 1, 1], [0, 1, 2, 0, 1, 2, 0, 2]] = 0  # its neighbours
        if isinstance(layer, torch.nn.GroupNorm):
            layer.forward = lambda x: x
        if isinstance(layer, Stage):
            layer.attention = torch.nn.Identity()
    (x_t, t), label = inputs(1, (3, 12, 8)), LABELS[:1]
    before = model(x_t, t, label)
    x_t[:, :, 5, 3] += 1
    changed = (model(x_t, t, label) - before).abs().amax(dim=(0, 1)) > 0
    assert seen[0] == (6, 4)
    assert changed.nonzero().tolist() == [[4, 2], [4, 3], [5, 2], [5, 3]]


@pytest.mark.parametrize(
    ("settings", "named"),
    [({"channels": 12}, "model.channels"), ({"channel_mults": [1, 3], "head_dim": 32}, "model.head_dim=32")],
    ids=["channels", "head_dim"],
)
def test_impossible_widths_are_refused_at_construction(settings, named):
    with pytest.raises(ValueError, match=named) as refused:
        small(**settings)
    assert "\n" not in str(refused.value)


def test_every_residual_block_is_modulated_by_time_and_by_label():
    model = small(channel_mults=[1, 2, 2], blocks=2)
    blocks = [module for module in model.modules() if isinstance(module, ResidualBlock)]
    modulations = {block: [] for block in blocks}
    for block in blocks:
        block.modulation.register_forward_hook(lambda _, __, out, block=block: modulations[block].append(out))
    x_t, t = inputs(1)
    label = LABELS[:1]
    model(x_t, t, label)
    model(x_t, t, label + 1)
    model(x_t, t % 1000 + 1, label)
    assert len(blocks) == 3 * 2 + 2 + 3 * 3  # down, middle, up
    for first, other_label, other_time in modulations.values():
        assert not torch.allclose(first, other_label, atol=1e-3)
        assert not torch.allclose(first, other_time, atol=1e-3)


def test_decoder_gets_the_features_of_the_encoder_at_the_same_size():
    """Every skip connection is used once, last in first out, beside the features from below."""
    model = small(channel_mults=[1, 2, 2])
    encoded, skipped = [], []
    for layer in (model.stem, *model.down):
        layer.register_forward_hook(lambda _, __, out: encoded.append(out))
    for layer in model.up:
        if isinstance(layer, Stage):
            layer.register_forward_pre_hook(lambda _, args: skipped.append(args[0]))
    model(*inputs(2), LABELS[:2])
    assert len(skipped) == len(encoded) == 1 + 3 * 1 + 2  # stem, blocks, halvings
    for joined, carried in zip(skipped, reversed(encoded), strict=True):
        assert torch.equal(joined[:, -carried.shape[1] :], carried)


def test_network_fits_one_batch():
    model = small()
    x_t, t = inputs(8)
    losses = fitted(model, x_t, t, LABELS.repeat(2, 1), torch.randn_like(x_t), steps=100)
    assert losses[-1] < 0.02 * losses[0]


@pytest.mark.parametrize(("modulation", "cancels"), [("add", True), ("scale_shift", False)])
def test_what_is_added_before_a_normalisation_cancels_where_it_is_the_same_for_a_whole_group(modulation, cancels):
    """Group norm takes away what all channels of a group share (here 8 groups of 2 channels); a later shift stays."""
    block = awake(ResidualBlock(16, 16, 4, 0.0, modulation)).eval()
    torch.nn.init.zeros_(block.modulation.weight)
    torch.nn.init.zeros_(block.modulation.bias)
    x, emb = torch.randn(2, 16, 6, 6), torch.zeros(2, 4)
    before = block(x, emb)
    with torch.no_grad():  # of scale_shift, the second half are the shifts
        block.modulation.bias[-16:] = torch.randn(8).repeat_interleave(2)
    assert torch.allclose(block(x, emb), before, atol=1e-4) == cancels


def test_a_concatenated_label_has_weights_of_its_own_in_every_block():
    """Without those for the label, its half of the embedding, the output depends on the time alone."""
    model = awake(small(label="concat"))
    (x_t, t), half = inputs(), 4 * 16
    assert not torch.allclose(model(x_t, t, LABELS), model(x_t, t, UNKNOWN), atol=1e-4)
    for block in (module for module in model.modules() if isinstance(module, ResidualBlock)):
        assert block.modulation.in_features == 2 * half
        torch.nn.init.zeros_(block.modulation.weight[:, half:])
    assert torch.equal(model(x_t, t, LABELS), model(x_t, t, UNKNOWN))
    assert not torch.allclose(model(x_t, t, UNKNOWN), model(x_t, t + 500, UNKNOWN), atol=1e-4)


def test_an_unconditional_network_is_the_same_however_labels_would_come_in():
    names = [list(small(cardinalities=(), label=label).state_dict()) for label in ("add", "concat")]
    assert names[0] == names[1]
    assert not any(name.startswith("attributes") for name in names[0])


@pytest.mark.parametrize(
    ("side", "mults", "attended"),
    [(8, [1, 2], []), (24, [1, 2, 4], [2]), (28, [1, 2, 4], [2]), (64, [1, 2, 4, 4, 4], [3, 4])],
)
@pytest.mark.parametrize("shape", ["square", "tall"])
def test_the_levels_follow_the_size_of_the_pictures(side, mults, attended, shape):
    settings = UNetSettings().settled((3, side, side if shape == "square" else side // 2))
    assert (settings.channel_mults, settings.attention_levels) == (mults, attended)
    assert settings.settled((3, 99, 99)) == settings


@pytest.mark.parametrize("side", range(8, 129, 5))
def test_every_size_is_halved_until_few_positions_are_left(side):
    levels = len(UNetSettings().settled((1, side, side)).channel_mults)
    assert levels == 2 or 4 <= side / 2 ** (levels - 1) < 8
    patched = UNetSettings(patch=2).settled((1, 2 * side, 2 * side))
    assert patched.channel_mults == UNetSettings().settled((1, side, side)).channel_mults


def test_what_is_said_of_levels_stays():
    settings = UNetSettings(channel_mults=[1, 3], attention_levels=[0])
    assert settings.settled(SHAPE) == settings
    assert UNetSettings(channel_mults=[1, 2]).settled((3, 24, 24)).attention_levels == []


@given(st.integers(8, 128), st.integers(8, 128), st.sampled_from([1, 3, 4]))
def test_a_network_for_any_size_has_few_positions_and_loses_no_pixel(height, width, channels):
    """model=auto: attention and convolutions stay cheap, and a patch has no more numbers than its position can hold."""
    settings = AUTO.settled((channels, height, width))
    positions = -(-max(height, width) // settings.patch)
    assert positions <= 16 and (positions > 8 or settings.patch == 1)
    assert 3 * settings.patch**2 <= 2 * settings.channels
    assert settings.settled((channels, height, width)) == settings


@pytest.mark.parametrize("shape", [(1, 28, 28), (4, 32, 24), (3, 64, 64), (3, 9, 17)], ids=str)
def test_a_network_that_follows_from_the_size_paints_pictures_of_it(shape):
    model = awake(AUTO.build(shape, CARDINALITIES))
    x_t, t = inputs(2, shape)
    assert model(x_t, t, LABELS[:2]).shape == (2, *shape)
