"""The diffusion transformer: each part against an independent way to compute it, and what reaches the output."""

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from models.dit import Block, DiT, DiTSettings, grid_positions
from models.embeddings import sinusoidal_embedding
from tests.models.helpers import awake

SHAPE, CARDINALITIES = (3, 8, 12), (3, 2, 4)
LABELS = torch.tensor([[0, 0, 0], [1, 1, 1], [2, -1, 3], [-1, -1, -1]])
UNKNOWN = torch.full((4, 3), -1)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def small(shape=SHAPE, cardinalities=CARDINALITIES, **settings) -> DiT:
    defaults = {"patch": 2, "width": 24, "depth": 2, "heads": 2, "map_channels": 0}
    return DiTSettings(**defaults | settings).build(shape, cardinalities)


def block(dim: int = 24, **settings) -> Block:
    """With random weights everywhere, float64, in evaluation mode."""
    made = Block(dim, DiTSettings(**{"heads": 3} | settings)).double().eval()
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.3)
    return made


def inputs(n: int = 4, shape=SHAPE):
    return torch.randn(n, *shape), torch.randint(1, 1001, (n,))


def recorded(module: nn.Module) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """A list that fills with (first input, output) whenever the module is evaluated."""
    calls = []
    module.register_forward_hook(lambda _, args, out: calls.append((args[0], out)))
    return calls


@pytest.mark.parametrize("cardinalities", [(), (10,), (3, 2, 4)], ids=str)
@pytest.mark.parametrize(
    ("shape", "patch"), [((1, 28, 28), 4), ((3, 24, 24), 2), ((4, 8, 24), 8), ((2, 5, 7), 1), ((3, 6, 6), 6)], ids=str
)
@pytest.mark.parametrize("map_channels", [0, 3])
def test_output_has_the_shape_of_the_picture(shape, patch, cardinalities, map_channels):
    model = awake(small(shape, cardinalities, patch=patch, width=8, map_channels=map_channels))
    cond = torch.zeros(2, len(cardinalities), dtype=torch.int64)
    assert model(*inputs(2, shape), cond).shape == (2, *shape)


def test_untrained_network_returns_zero():
    """adaLN-Zero: the output and every modulation start at zero, the last one included."""
    model = small(map_channels=4)
    assert not model(*inputs(), LABELS).any()
    assert not any(p.any() for p in model.modulation.parameters())


def test_positions_are_computed_not_stored():
    assert "positions" not in small().state_dict()


def test_untrained_blocks_are_the_identity():
    model, h = small(depth=3), torch.randn(4, 24, 24)
    assert len(model.blocks) == 3
    for each in model.blocks:
        assert torch.equal(each(h, torch.randn(4, 24)), h)


# -- parts, computed in another way --------------------------------------------------------------------------------


def normed(h: torch.Tensor) -> torch.Tensor:
    """Layer norm over the last axis, without weights."""
    centred = h - h.mean(dim=-1, keepdim=True)
    return centred / (centred.square().mean(dim=-1, keepdim=True) + 1e-6).sqrt()


@pytest.mark.parametrize(("heads", "mlp_ratio"), [(1, 1), (3, 4), (6, 2)])
def test_block_is_attention_and_an_mlp_each_shifted_scaled_and_gated(heads, mlp_ratio):
    """Peebles & Xie 2023, figure 3, with torch's own multi-head attention."""
    ours = block(heads=heads, mlp_ratio=mlp_ratio)
    h, emb = torch.randn(2, 5, 24).double(), torch.randn(2, 24).double()
    attention = nn.MultiheadAttention(24, heads, batch_first=True).double()
    attention.load_state_dict({
        "in_proj_weight": ours.qkv.weight, "in_proj_bias": ours.qkv.bias,
        "out_proj.weight": ours.out.weight, "out_proj.bias": ours.out.bias,
    })  # fmt: skip
    six = (emb @ ours.modulation.weight.T + ours.modulation.bias).view(2, 6, 1, 24)
    shift, scale, gate = six[:, 0], six[:, 1], six[:, 2]
    tokens = normed(h) * (1 + scale) + shift
    expected = h + gate * attention(tokens, tokens, tokens, need_weights=False)[0]
    shift, scale, gate = six[:, 3], six[:, 4], six[:, 5]
    first, _, last = ours.mlp
    inner = (normed(expected) * (1 + scale) + shift) @ first.weight.T + first.bias
    inner = inner * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (inner + 0.044715 * inner**3))) / 2  # GELU's approximation
    assert inner.shape == (2, 5, mlp_ratio * 24)
    expected = expected + gate * (inner @ last.weight.T + last.bias)
    assert_close(ours(h, emb), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("part", [2, 5], ids=["attention", "mlp"])
def test_dropout_acts_on_each_branch_in_training_only(part):
    """With the gate of one branch open, a part of `dropout` of its outputs is zero and the others are scaled up."""
    ours, rate = block(dropout=0.25), 0.25
    nn.init.zeros_(ours.modulation.weight)
    nn.init.zeros_(ours.modulation.bias)
    ours.modulation.bias.data.view(6, 24)[part] = 1.0
    h, emb = torch.randn(20, 30, 24).double(), torch.randn(20, 24).double()
    whole = ours(h, emb) - h
    assert (whole != 0).all() and torch.equal(ours(h, emb) - h, whole)
    dropped = ours.train()(h, emb) - h
    kept = dropped != 0
    assert abs(kept.double().mean() - (1 - rate)) < 5 * (rate * (1 - rate) / kept.numel()) ** 0.5
    assert_close(dropped[kept], whole[kept] / (1 - rate), rtol=1e-9, atol=1e-9)


def test_dropout_reaches_the_blocks_of_the_network():
    model = awake(small(dropout=0.5))
    x_t, t = inputs()
    assert not torch.allclose(model(x_t, t, LABELS), model(x_t, t, LABELS))
    model.eval()
    assert torch.equal(model(x_t, t, LABELS), model(x_t, t, LABELS))


@pytest.mark.parametrize("patch", [1, 2, 4])
def test_patches_are_those_of_unfold_and_fold(patch):
    """Torch's im2col puts a patch's channels, rows and columns in the same order, and patches row by row."""
    model = awake(small(patch=patch, map_channels=2))
    stem, head = recorded(model.stem), recorded(model.head)
    x_t, t = inputs()
    output = model(x_t, t, LABELS)
    joined = torch.cat([x_t, model.map(LABELS)], dim=1)
    assert torch.equal(stem[0][0], F.unfold(joined, patch, stride=patch).transpose(1, 2))
    assert torch.equal(output, F.fold(head[0][1].transpose(1, 2), SHAPE[1:], patch, stride=patch))


def test_tokens_get_their_positions_and_every_block_time_and_label():
    """From the picture to the first block, from block to block, and from the last block to the head."""
    model, close = awake(small(depth=3)), {"rtol": 1e-4, "atol": 1e-5}
    stem, head, blocks = recorded(model.stem), recorded(model.head), [recorded(each) for each in model.blocks]
    embs = []
    for each in model.blocks:
        each.register_forward_pre_hook(lambda _, args: embs.append(args[1]))
    x_t, t = inputs()
    model(x_t, t, LABELS)
    emb = model.time.mlp(sinusoidal_embedding(t, 24)) + model.attributes(LABELS)
    emb = emb * torch.sigmoid(emb)
    assert len(embs) == 3
    for found in embs:
        assert_close(found, emb, **close)
    assert_close(blocks[0][0][0], stem[0][1] + model.positions, **close)
    for before, after in pairwise(blocks):
        assert torch.equal(after[0][0], before[0][1])
    shift, scale = (emb @ model.modulation.weight.T + model.modulation.bias).view(4, 2, 1, 24).unbind(1)
    assert_close(head[0][0], normed(blocks[-1][0][1]) * (1 + scale) + shift, **close)


def test_positions_are_those_of_row_and_column():
    found = grid_positions(3, 5, 16).view(3, 5, 16)
    for y in range(3):
        for x in range(5):
            row, column = (sinusoidal_embedding(torch.tensor([p]), 8)[0] for p in (y, x))
            assert torch.equal(found[y, x], torch.cat([row, column]))


# -- what reaches the output ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [2, 3])
def test_only_positions_tell_where_a_patch_is(axis):
    """Without them, a picture moved by one patch around the edge gives the output moved likewise; with them, not."""
    model = awake(small()).eval()
    x_t, t = inputs()

    def deviation():
        return (model(x_t.roll(2, axis), t, LABELS) - model(x_t, t, LABELS).roll(2, axis)).abs().max()

    assert deviation() > 1e-3
    model.positions.zero_()
    assert deviation() < 1e-5


def test_every_pixel_depends_on_every_other():
    model = awake(small(patch=4)).eval()
    x_t, t = inputs(1)
    x_t.requires_grad_()
    for corner in ((0, 0, 0), (2, -1, -1)):
        (gradient,) = torch.autograd.grad(model(x_t, t, LABELS[:1])[0][corner], x_t)
        assert (gradient != 0).all()


# -- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("settings", "shape", "message"), [
    ({"patch": 5}, (3, 24, 20), "model.patch=5: must divide the image size, 24 x 20; choose one of 1, 2, 4"),
    ({"patch": 3}, (3, 24, 20), "model.patch=3: must divide the image size, 24 x 20; choose one of 1, 2, 4"),
    ({"patch": 5}, (3, 24, 25), "model.patch=5: must divide the image size, 24 x 25; choose one of 1"),
    ({"width": 26}, SHAPE, "model.width=26: must be a multiple of 4 and of model.heads=2, such as 24"),
    ({"width": 40, "heads": 6}, SHAPE, "model.width=40: must be a multiple of 4 and of model.heads=6, such as 36"),
    ({"width": 4, "heads": 6}, SHAPE, "model.width=4: must be a multiple of 4 and of model.heads=6, such as 12"),
], ids=str)  # fmt: skip
def test_widths_and_patches_that_do_not_divide_are_refused_with_a_remedy(settings, shape, message):
    with pytest.raises(ValueError) as refused:
        small(shape, **settings)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"patch": 0}, "patch=0: must be a whole number from 1 to 256"),
        ({"dropout": 1.0}, "dropout=1.0: must be a number from 0 to 0.999"),
        ({"depth": 2.5}, "depth=2.5: must be a whole number from 1 to 256"),
    ],
)
def test_impossible_settings_are_refused_in_one_line(settings, message):
    with pytest.raises(ValueError) as refused:
        DiTSettings(**settings)
    assert str(refused.value) == message
