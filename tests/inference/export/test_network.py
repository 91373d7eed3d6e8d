"""Networks as ONNX, run by onnxruntime, beside PyTorch with the same half-precision weights."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from inference.export.network import ExportRefused, to_onnx
from inference.export.write import network_of
from inference.pipeline import Pipeline
from inference.weights import PRETRAINED
from models import DiTSettings, UNetSettings

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

AGREES = 1e-3
SMALL = {"channels": 8, "channel_mults": [1, 2], "blocks": 1, "attention_levels": [1], "head_dim": 8, "map_channels": 2}
NETWORKS = {  # settings, picture, values of each field, outputs, entries of a vector more
    "palette logits of patches, transparent and not square": (
        UNetSettings(**SMALL, patch=2), (4, 24, 32), (3, 2, 5), 11, 5
    ),
    "a border at the right and at the bottom": (
        UNetSettings(**SMALL | {"channel_mults": [1, 2, 2]}, patch=2), (4, 21, 34), (3, 2), None, 0
    ),
    "transformer": (DiTSettings(patch=4, width=24, depth=2, heads=2, map_channels=2), (3, 24, 24), (3, 2), None, 5),
    "unconditional and grey": (UNetSettings(**SMALL | {"attention_levels": []}), (1, 16, 16), (), None, 0),
}  # fmt: skip


def with_random_weights(model: nn.Module) -> nn.Module:
    """Also where training starts at zero, so that every part has a say; rounded to half precision."""
    generator = torch.Generator().manual_seed(0)
    for name, parameter in model.named_parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=generator)
        if name.endswith("table.weight"):
            parameter.data[0] = 0
        parameter.data = parameter.data.half().float()
    return model.eval()


def runs(content: bytes):
    """The network of an ONNX file as a denoiser."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options)

    def denoiser(x_t: torch.Tensor, t: torch.Tensor, cond: torch.Tensor) -> torch.Tensor:
        given = {"x_t": x_t.numpy(), "t": t.numpy(), "cond": cond.numpy()}
        named = {value.name: given[value.name] for value in session.get_inputs()}
        return torch.from_numpy(session.run(["output"], named)[0])

    return denoiser


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_agrees_with_pytorch_at_any_batch_size(name):
    settings, shape, cardinalities, outputs, extra = NETWORKS[name]
    model = with_random_weights(settings.build(shape, cardinalities, outputs, extra))
    before = copy.deepcopy(model.state_dict())
    exported = runs(to_onnx(model, shape, len(cardinalities)))
    generator = torch.Generator().manual_seed(1)
    spread = []
    for batch in (1, 3):
        x_t = torch.randn(batch, *shape, generator=generator)
        t = torch.randint(1, 1001, (batch,), generator=generator)
        known = [torch.randint(-1, count, (batch,), generator=generator) for count in cardinalities]
        cond = torch.stack(known, dim=1) if known else torch.zeros(batch, 0, dtype=torch.int64)
        with torch.no_grad():
            expected = model(x_t, t, cond)
        assert (exported(x_t, t, cond) - expected).abs().max() < AGREES
        spread.append(float(expected.std()))
    assert min(spread) > 0.05  # or agreement would mean nothing
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.state_dict().items())


@pytest.mark.parametrize("kind", ["exported", "exported_palette", "exported_folder"])
def test_whole_samplings_agree_after_quantisation(kind, request):
    """By the network that the file holds, from the same noise."""
    pipe, _, network = request.getfixturevalue(kind)
    seeds, names = range(32), pipe.schema.example()
    here, there = (each(names, seeds, w=3.0) for each in (pipe, replace(pipe, denoiser=runs(network))))
    assert here.equal(there) and len(here.flatten(1).unique(dim=0)) > 16


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cryptopunks", "mnist"])
def test_the_pretrained_weights_agree(name):
    path = PRETRAINED / f"{name}.safetensors"
    pipe = Pipeline.load(path, "cpu")
    exported = replace(pipe, denoiser=runs(network_of(pipe, path)))
    cond = pipe.schema.encode({"cryptopunks": "male,glasses", "mnist": "7"}[name])
    x_0 = pipe(cond, range(8), w=3.0).float() / 127.5 - 1
    for level in (1.0, 0.4, 0.1, 0.01):
        t = torch.full((len(x_0),), int(level * pipe.diffusion.schedule.T))
        x_t = pipe.diffusion.schedule.add_noise(x_0, t, torch.randn(x_0.shape, generator=torch.manual_seed(0)))
        asked = x_t, t, cond.expand(len(x_0), -1)
        assert (exported.denoiser(*asked) - pipe.denoiser(*asked)).abs().max() < AGREES
    here, there = (each(cond, range(50), w=3.0) for each in (pipe, exported))
    gap = (here.int() - there.int()).abs().flatten(1).amax(dim=1)
    assert (gap > (0 if pipe.palette else 1)).sum() == 0


class Unusual(nn.Module):
    def __init__(self, weight: float = 1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([weight]))

    def forward(self, x_t, t, cond):
        return torch.tan(x_t) * self.weight


def test_an_unknown_operator_is_refused_by_name():
    with pytest.raises(ExportRefused, match=r"aten\.tan\.default: .* add it to inference/export/operators\.py"):
        to_onnx(Unusual(), (1, 4, 4), 0)


def test_weights_beyond_half_precision_are_refused():
    with pytest.raises(ExportRefused, match="the weights weight go beyond half precision"):
        to_onnx(Unusual(1e6), (1, 4, 4), 0)


def test_weights_are_stored_in_half_precision(exported):
    onnx = pytest.importorskip("onnx")
    constants = onnx.load_from_string(exported.network).graph.initializer
    stored = {constant.name: onnx.numpy_helper.to_array(constant) for constant in constants}
    halves = sum(array.size for array in stored.values() if array.dtype == np.float16)
    singles = sum(array.size for array in stored.values() if array.dtype == np.float32)
    assert halves > 50 * singles
