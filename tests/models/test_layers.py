"""The parts of the U-Net, each against an independent way to compute the same."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from models.layers import Downsample, ResidualBlock, SelfAttention, Upsample, norm, zero


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def randomised(layer: nn.Module) -> nn.Module:
    """Random values in every parameter, those that start at zero included."""
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.3)
    return layer


def pass_through(conv: nn.Conv2d) -> None:
    """Make a 3 x 3 convolution copy its input."""
    nn.init.dirac_(conv.weight)
    nn.init.zeros_(conv.bias)


@pytest.mark.parametrize(("channels", "head_dim"), [(16, 16), (16, 8), (32, 4)])
def test_attention_is_that_of_torch(channels, head_dim):
    """Pre-norm, projections, attention over all pixels and a residual, by multi_head_attention_forward."""
    layer = randomised(SelfAttention(channels, head_dim))
    x = torch.randn(2, channels, 3, 5)
    sequence = F.group_norm(x, 8, layer.norm.weight, layer.norm.bias).flatten(2).permute(2, 0, 1)  # (pixels, B, C)
    attended, _ = F.multi_head_attention_forward(
        sequence,
        sequence,
        sequence,
        embed_dim_to_check=channels,
        num_heads=channels // head_dim,
        in_proj_weight=layer.qkv.weight[:, :, 0, 0],
        in_proj_bias=layer.qkv.bias,
        bias_k=None,
        bias_v=None,
        add_zero_attn=False,
        dropout_p=0.0,
        out_proj_weight=layer.out.weight[:, :, 0, 0],
        out_proj_bias=layer.out.bias,
    )
    assert_close(layer(x), x + attended.permute(1, 2, 0).reshape(x.shape), rtol=1e-4, atol=1e-4)


def test_attention_is_a_softmax_over_all_pixels():
    """softmax(q k / sqrt(d)) v, written out for one head and one image."""
    layer, x = randomised(SelfAttention(8, 8)).double(), torch.randn(1, 8, 2, 3, dtype=torch.float64)
    q, k, v = layer.qkv(layer.norm(x)).reshape(3, 8, 6)
    weights = torch.stack([torch.exp(q[:, i] @ k / 8**0.5) for i in range(6)])
    attended = (weights / weights.sum(dim=1, keepdim=True)) @ v.T  # (pixels, channels)
    out = layer.out.weight[:, :, 0, 0] @ attended.T + layer.out.bias[:, None]
    assert_close(layer(x), x + out.reshape(x.shape), rtol=1e-9, atol=1e-9)


def test_attention_does_not_know_where_a_pixel_is():
    layer, x = randomised(SelfAttention(16, 8)), torch.randn(1, 16, 4, 4)
    order = torch.randperm(16)
    shuffled = x.flatten(2)[:, :, order].reshape(x.shape)
    assert_close(layer(shuffled).flatten(2), layer(x).flatten(2)[:, :, order], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("channels", "head_dim"), [(24, 16), (8, 32)])
def test_head_dim_that_does_not_divide_the_channels_is_refused(channels, head_dim):
    with pytest.raises(ValueError, match=f"model.head_dim={head_dim} .* {channels} channels.* divisor") as refused:
        SelfAttention(channels, head_dim)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("c_in", "c_out"), [(16, 16), (8, 24)])
def test_residual_block_starts_as_its_skip(c_in, c_out):
    block = ResidualBlock(c_in, c_out, embed_dim=12, dropout=0.0)
    x, emb = torch.randn(2, c_in, 4, 4), torch.randn(2, 12)
    assert_close(block(x, emb), x if c_in == c_out else block.skip(x), rtol=0, atol=0)


@pytest.mark.parametrize(("c_in", "c_out"), [(16, 16), (8, 24)])
def test_residual_block_is_two_convolutions_around_an_adaptive_group_norm(c_in, c_out):
    """AdaGN(h, y) = y_s GroupNorm(h) + y_b (Dhariwal & Nichol 2021, section 3), here with y_s = 1 + scale."""
    block = randomised(ResidualBlock(c_in, c_out, embed_dim=12, dropout=0.0)).double()
    x, emb = torch.randn(3, c_in, 4, 4).double(), torch.randn(3, 12).double()
    weights = dict(block.named_parameters())

    def group_norm(h, name):
        grouped = h.reshape(len(h), 8, -1)
        grouped = (grouped - grouped.mean(2, keepdim=True)) / (grouped.var(2, keepdim=True, correction=0) + 1e-5).sqrt()
        return grouped.reshape(h.shape) * weights[f"{name}.weight"].view(-1, 1, 1) + weights[f"{name}.bias"].view(
            -1, 1, 1
        )

    def swish(h):
        return h / (1 + torch.exp(-h))

    h = F.conv2d(swish(group_norm(x, "norm_in")), weights["conv_in.weight"], weights["conv_in.bias"], padding=1)
    y = swish(emb) @ weights["modulation.weight"].T + weights["modulation.bias"]
    y_s, y_b = 1 + y[:, :c_out, None, None], y[:, c_out:, None, None]
    h = swish(y_s * group_norm(h, "norm_out") + y_b)
    h = F.conv2d(h, weights["conv_out.weight"], weights["conv_out.bias"], padding=1)
    assert_close(block(x, emb), block.skip(x) + h, rtol=1e-9, atol=1e-9)


def test_dropout_acts_in_training_only():
    block = randomised(ResidualBlock(8, 8, embed_dim=4, dropout=0.5))
    x, emb = torch.randn(1, 8, 4, 4), torch.randn(1, 4)
    assert not torch.allclose(block(x, emb), block(x, emb))
    block.eval()
    assert torch.equal(block(x, emb), block(x, emb))


def test_upsample_repeats_every_pixel_before_its_convolution():
    layer, x = Upsample(8), torch.randn(2, 8, 3, 5)
    pass_through(layer.conv)
    assert_close(layer(x), x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3), rtol=0, atol=0)


def test_downsample_halves_the_size():
    layer, x = Downsample(8), torch.randn(2, 8, 6, 10)
    assert layer(x).shape == (2, 8, 3, 5)
    pass_through(layer.conv)
    assert_close(layer(x), x[:, :, ::2, ::2], rtol=0, atol=0)


def test_zero_silences_a_layer():
    assert not zero(nn.Conv2d(8, 8, 3, padding=1))(torch.randn(1, 8, 4, 4)).any()


@pytest.mark.parametrize("channels", [4, 12, 20])
def test_channels_that_do_not_divide_into_groups_are_refused(channels):
    with pytest.raises(ValueError, match=rf"{channels} channels .* model\.channels .* multiple of 8") as refused:
        norm(channels)
    assert "\n" not in str(refused.value)
