"""PyTorch's operators in those of ONNX, as far as the networks of models/ use them.

A new operator is a function `(graph, node, *arguments) -> names of values` and a line in `OPERATORS`. Of the arguments,
a string names a value of the graph, a tensor is a constant, and everything else is what the network was called with.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx

Value = str  # the name of a value in the graph
WHOLE = 2**63 - 1  # the end of a slice that has none


def shape(node: fx.Node) -> list[int]:
    """Of what a node returns, -1 in the place of the batch."""
    return [size if isinstance(size, int) else -1 for size in node.meta["val"].shape]


def reshape(graph, node: fx.Node, x: Value, *_: Any) -> Value:
    return graph.add("Reshape", x, np.array(shape(node), dtype=np.int64))


def same(graph, node: fx.Node, x: Value, *_: Any, **__: Any) -> Value:
    return x


def add(graph, node: fx.Node, a: Value | Tensor, b: Value | Tensor) -> Value:
    return graph.add("Add", *alike(node, a, b))


def multiply(graph, node: fx.Node, a: Value | Tensor, b: Value | Tensor) -> Value:
    return graph.add("Mul", *alike(node, a, b))


def alike(node: fx.Node, *values: Any) -> list[Any]:
    """Numbers among `values` as constants of the type that the node returns."""
    return [v if isinstance(v, str | Tensor) else torch.tensor(v, dtype=node.meta["val"].dtype) for v in values]


def silu(graph, node: fx.Node, x: Value) -> Value:
    return graph.add("Mul", x, graph.add("Sigmoid", x))


def gelu(graph, node: fx.Node, x: Value, approximate: str = "none") -> Value:
    return graph.add("Gelu", x, approximate=approximate)


def sine(graph, node: fx.Node, x: Value) -> Value:
    return graph.add("Sin", x)


def cosine(graph, node: fx.Node, x: Value) -> Value:
    return graph.add("Cos", x)


def cast(graph, node: fx.Node, x: Value, *_: Any) -> Value:
    return graph.cast(x, node.meta["val"].dtype)


def at_least(graph, node: fx.Node, x: Value, bound: int) -> Value:
    return graph.add("GreaterOrEqual", x, torch.tensor(bound, dtype=node.args[0].meta["val"].dtype))


def where(graph, node: fx.Node, condition: Value, a: Any, b: Any) -> Value:
    return graph.add("Where", condition, *alike(node, a, b))


def linear(graph, node: fx.Node, x: Value, weight: Tensor, bias: Tensor) -> Value:
    if node.meta["val"].ndim == 2:
        return graph.add("Gemm", x, weight, bias, transB=1)
    return graph.add("Add", graph.add("MatMul", x, graph.add("Transpose", weight, perm=[1, 0])), bias)


def convolution(graph, node: fx.Node, x: Value, weight: Tensor, bias: Tensor, stride=(1, 1), padding=(0, 0)) -> Value:
    return graph.add("Conv", x, weight, bias, strides=list(stride), pads=[*padding, *padding])


def group_norm(graph, node: fx.Node, x: Value, groups: int, weight: Tensor, bias: Tensor, eps: float, *_) -> Value:
    """ONNX has it as one operator from version 21 on; the norm of each group as if it were one channel is the same."""
    channels, ones = len(node.meta["val"][0]), torch.ones(groups)
    rows = graph.add("Reshape", x, np.array([0, groups, -1]))
    normed = graph.add("InstanceNormalization", rows, ones, torch.zeros(groups), epsilon=eps)
    whole = graph.add("Reshape", normed, np.array(shape(node)))
    per_channel = np.array([channels, *[1] * (node.meta["val"].ndim - 2)])
    scaled = graph.add("Mul", whole, graph.add("Reshape", weight, per_channel))
    return graph.add("Add", scaled, graph.add("Reshape", bias, per_channel))


def layer_norm(graph, node: fx.Node, x: Value, over: list[int], weight=None, bias=None, eps=1e-5, *_) -> Value:
    weight = torch.ones(over) if weight is None else weight
    return graph.add("LayerNormalization", x, weight, *([] if bias is None else [bias]), axis=-len(over), epsilon=eps)


def attention(graph, node: fx.Node, q: Value, k: Value, v: Value) -> Value:
    """softmax(q k^T / sqrt(d)) v (Vaswani et al. 2017, equation 1)."""
    ndim, scale = node.meta["val"].ndim, torch.tensor(1 / math.sqrt(node.args[0].meta["val"].shape[-1]))
    transposed = [*range(ndim - 2), ndim - 1, ndim - 2]
    scores = graph.add("MatMul", graph.add("Mul", q, scale), graph.add("Transpose", k, perm=transposed))
    return graph.add("MatMul", graph.add("Softmax", scores, axis=-1), v)


def permute(graph, node: fx.Node, x: Value, order: list[int]) -> Value:
    return graph.add("Transpose", x, perm=list(order))


def unsqueeze(graph, node: fx.Node, x: Value, dim: int) -> Value:
    return graph.add("Unsqueeze", x, np.array([dim]))


def concatenate(graph, node: fx.Node, parts: list[Value], dim: int = 0) -> Value:
    return graph.add("Concat", *parts, axis=dim)


def slice_(graph, node: fx.Node, x: Value, dim: int = 0, start: int = 0, end: int = WHOLE, step: int = 1) -> Value:
    if (start, end, step) == (0, WHOLE, 1):
        return x
    return graph.add("Slice", x, *(np.array([n]) for n in (start, end, dim, step)))


def chunk(graph, node: fx.Node, x: Value, count: int, dim: int = 0) -> list[Value]:
    sizes = np.array([part.shape[dim] for part in node.meta["val"]])
    return graph.add_many("Split", len(sizes), x, sizes, axis=dim)


def unbind(graph, node: fx.Node, x: Value, dim: int = 0) -> list[Value]:
    count = len(node.meta["val"])
    parts = graph.add_many("Split", count, x, np.ones(count, dtype=np.int64), axis=dim)
    return [graph.add("Squeeze", part, np.array([dim])) for part in parts]


def item(graph, node: fx.Node, parts: list[Value], at: int) -> Value:
    return parts[at]


def rows_of(graph, node: fx.Node, table: Tensor, rows: Value, *_: Any) -> Value:
    return graph.add("Gather", table, rows)


def total(graph, node: fx.Node, x: Value, dims: list[int], keepdim: bool = False) -> Value:
    return graph.add("ReduceSum", x, np.array(dims), keepdims=int(keepdim))


def pad(graph, node: fx.Node, x: Value, sizes: list[int], mode: str = "constant", value: float | None = None) -> Value:
    """PyTorch names the border of the last dimension first, ONNX that before each dimension, then that after each."""
    assert mode == "constant", mode
    zeros = [0] * (node.meta["val"].ndim - len(sizes) // 2)
    around = np.array([*zeros, *sizes[-2::-2], *zeros, *sizes[::-2]], dtype=np.int64)
    return graph.add("Pad", x, around, torch.tensor(value or 0.0))


def nearest(graph, node: fx.Node, x: Value, size: Any, scales: list[float]) -> Value:
    """Whole factors; the rounding is PyTorch's."""
    factors = torch.tensor([1.0, 1.0, *scales])
    return graph.add(
        "Resize", x, None, factors, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"
    )


def to_patches(graph, node: fx.Node, x: Value, side: int) -> Value:
    """PyTorch has a patch's pixels inside each channel, ONNX's SpaceToDepth the channels inside each pixel."""
    _, channels, height, width = shape(node)
    split = graph.add("Reshape", x, np.array([-1, channels // side**2, height, side, width, side]))
    return reshape(graph, node, graph.add("Transpose", split, perm=[0, 1, 3, 5, 2, 4]))


def to_pixels(graph, node: fx.Node, x: Value, side: int) -> Value:
    return graph.add("DepthToSpace", x, blocksize=side, mode="CRD")


OPERATORS: dict[str, Callable] = {
    "aten.add.Tensor": add,
    "aten.cat.default": concatenate,
    "aten.chunk.default": chunk,
    "aten.conv2d.default": convolution,
    "aten.cos.default": cosine,
    "aten.dropout.default": same,
    "aten.embedding.default": rows_of,
    "aten.ge.Scalar": at_least,
    "aten.gelu.default": gelu,
    "aten.group_norm.default": group_norm,
    "aten.layer_norm.default": layer_norm,
    "aten.linear.default": linear,
    "aten.mul.Tensor": multiply,
    "aten.pad.default": pad,
    "aten.permute.default": permute,
    "aten.pixel_shuffle.default": to_pixels,
    "aten.pixel_unshuffle.default": to_patches,
    "aten.reshape.default": reshape,
    "aten.scaled_dot_product_attention.default": attention,
    "aten.silu.default": silu,
    "aten.sin.default": sine,
    "aten.slice.Tensor": slice_,
    "aten.sum.dim_IntList": total,
    "aten.to.dtype": cast,
    "aten.unbind.int": unbind,
    "aten.unflatten.int": reshape,
    "aten.unsqueeze.default": unsqueeze,
    "aten.upsample_nearest2d.vec": nearest,
    "aten.view.default": reshape,
    "aten.where.ScalarOther": where,
    "getitem": item,
}
