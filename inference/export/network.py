"""A network as ONNX: PyTorch traces it, `operators` says each of its operators in those of ONNX.

onnx is imported where it is used, for it is an optional package: see `require_onnx`.
"""

from __future__ import annotations

import copy
import importlib.util
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from inference.export.operators import OPERATORS

OPSET, IR_VERSION = 20, 9  # of ONNX: old enough for runtimes of 2024
SKIPPED = (  # shapes are those of the trace, with a free batch
    "aten._assert_tensor_metadata.default",
    "aten.sym_size.int",
)
LARGEST_HALF = 65504.0


class ExportRefused(ValueError):
    """Why a network cannot be exported; names the setting, and what to do."""


def require_onnx() -> None:
    """Raises ExportRefused where the optional package is not installed."""
    if importlib.util.find_spec("onnx") is None:
        raise ExportRefused('export needs the package onnx: python -m pip install -e ".[export]"')


def to_onnx(model: nn.Module, image_shape: Sequence[int], fields: int) -> bytes:
    """The network (x_t (B, C, H, W) float32, t (B,) int64, cond (B, fields) int64) -> (B, outputs, H, W) float32.

    Its parameters are kept as half-precision floats, and cast when a runtime loads them; computation is in float32.
    The batch is free. Raises ExportRefused for weights beyond half precision, or an operator that is not known here.
    """
    import onnx
    from onnx import TensorProto, helper

    network = with_plain_sums(copy.deepcopy(model).cpu().eval())
    example = torch.zeros(2, *image_shape), torch.ones(2, dtype=torch.int64), torch.zeros(2, fields, dtype=torch.int64)
    batch = torch.export.Dim("batch")
    with torch.no_grad():
        program = torch.export.export(network, example, dynamic_shapes=({0: batch},) * 3)
    graph = Graph()
    output = lowered(graph, program)
    sizes = dict(zip(("x_t", "t", "cond"), (image_shape, (), (fields,)), strict=True))
    kinds = {"x_t": TensorProto.FLOAT, "t": TensorProto.INT64, "cond": TensorProto.INT64}
    inputs = [helper.make_tensor_value_info(name, kinds[name], ["batch", *size]) for name, size in sizes.items()]
    result = helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", *[None] * 3])
    graph.nodes.append(helper.make_node("Identity", [output], ["output"]))
    made = helper.make_graph(graph.nodes, "denoiser", inputs, [result], graph.constants)
    onnx_model = helper.make_model(
        made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="ddpm-cfg"
    )
    onnx.checker.check_model(onnx_model)
    return onnx_model.SerializeToString()


class EmbeddingSum(nn.Module):
    """What EmbeddingBag computes, for which ONNX has no operator: rows (B, F) -> (B, E), their sum."""

    def __init__(self, bag: nn.EmbeddingBag):
        super().__init__()
        self.weight = bag.weight

    def forward(self, rows: Tensor) -> Tensor:
        return F.embedding(rows, self.weight).sum(dim=1)


def with_plain_sums(model: nn.Module) -> nn.Module:
    """The same network, changed in place, with EmbeddingSum where it has an EmbeddingBag of sums."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.EmbeddingBag) and child.mode == "sum":
                setattr(module, name, EmbeddingSum(child))
    return model


class Graph:
    """An ONNX graph as it grows."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._halves: dict[int, str] = {}  # names of the parameters that are there, by the identity of their tensor
        self._count = 0

    def add(self, kind: str, *inputs: str | Tensor | np.ndarray | None, **attributes: Any) -> str:
        """Append an operator with one result; its name."""
        return self.add_many(kind, 1, *inputs, **attributes)[0]

    def add_many(self, kind: str, count: int, *inputs: Any, **attributes: Any) -> list[str]:
        """Append an operator with `count` results; their names. None leaves an optional input out."""
        from onnx import helper

        names = ["" if x is None else x if isinstance(x, str) else self.constant(x) for x in inputs]
        results = [self._name(kind) for _ in range(count)]
        self.nodes.append(helper.make_node(kind, names, results, **attributes))
        return results

    def cast(self, x: str, dtype: torch.dtype) -> str:
        from onnx import helper

        return self.add("Cast", x, to=helper.np_dtype_to_tensor_dtype(torch.zeros(0, dtype=dtype).numpy().dtype))

    def constant(self, value: Tensor | np.ndarray) -> str:
        """The name of a constant; that of a parameter stands once, in half precision."""
        from onnx import numpy_helper

        if isinstance(value, nn.Parameter):
            if id(value) not in self._halves:
                name = self._name("parameter")
                self.constants.append(numpy_helper.from_array(value.detach().half().numpy(), name))
                self._halves[id(value)] = self.cast(name, torch.float32)
            return self._halves[id(value)]
        name = self._name("constant")
        array = value.detach().numpy() if isinstance(value, Tensor) else value
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{kind.lower()}_{self._count}"


def lowered(graph: Graph, program: torch.export.ExportedProgram) -> str:
    """Adds all of a traced network to `graph`; the name of its result."""
    signature, found = program.graph_signature, dict[fx.Node, Any]()
    inputs = iter(("x_t", "t", "cond"))
    for node in program.graph.nodes:
        if node.op == "placeholder":
            found[node] = _input(program, signature, node, inputs)
        elif node.op == "output":
            return found[node.args[0][0]]
        elif _target(node) in SKIPPED:
            found[node] = None
        else:
            found[node] = _lowered(graph, node, *fx.node.map_arg((node.args, node.kwargs), found.__getitem__))
    raise AssertionError("a traced network has an output")


def _input(program, signature, node: fx.Node, inputs) -> str | Tensor:
    """A parameter or buffer, or the name of what the network is called with."""
    if (parameter := signature.inputs_to_parameters.get(node.name)) is not None:
        value = program.state_dict[parameter]
        if float(value.detach().abs().max()) > LARGEST_HALF:
            raise ExportRefused(f"the weights {parameter} go beyond half precision; train again, with weight decay")
        return value if isinstance(value, nn.Parameter) else nn.Parameter(value)
    if (buffer := signature.inputs_to_buffers.get(node.name)) is not None:
        return program.state_dict[buffer] if buffer in program.state_dict else program.constants[buffer]
    return next(inputs)


def _lowered(graph: Graph, node: fx.Node, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """The value of one operator: computed here where nothing of it is an input, else its name in the graph."""
    if not _has_name(args) and not _has_name(list(kwargs.values())) and not _has_parameter(args):
        return node.target(*args, **kwargs)
    operator = OPERATORS.get(_target(node))
    if operator is None:
        raise ExportRefused(
            f"{_target(node)}: an operator of the network that is not known in ONNX; add it to "
            "inference/export/operators.py"
        )
    return operator(graph, node, *args, **kwargs)


def _has_name(values: Any) -> bool:
    return isinstance(values, str) or (isinstance(values, list | tuple) and any(map(_has_name, values)))


def _has_parameter(values: Sequence[Any]) -> bool:
    return any(isinstance(value, nn.Parameter) for value in values)


def _target(node: fx.Node) -> str:
    """Such as "aten.add.Tensor"."""
    return str(node.target) if isinstance(node.target, torch._ops.OpOverload) else node.target.__name__
