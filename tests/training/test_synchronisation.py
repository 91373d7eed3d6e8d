"""No step waits for the device: none reads a value from it, on which the shape of anything, or the host, depends.

A GPU computes behind the host. Reading one number waits until it has caught up; then it idles until the next launch.
The CPU stands for it here: reading raises. tests/test_cuda.py has PyTorch itself watch a GPU.
"""

from contextlib import contextmanager

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from data import PixelFaces
from diffusion.guidance import GUIDANCE, guided
from diffusion.inpainting import Edit
from diffusion.samplers import SAMPLERS
from diffusion.sampling import SamplingOptions, generate
from runtime.distributed import Processes
from tests.conftest import TINY
from tests.diffusion.spy import COND, DIFFUSION, SCHEDULE, UNKNOWN, X_T
from training.monitor import Averages
from training.trainer import CHECK_EVERY, Trainer

CPU = torch.device("cpu")
READS = {"_local_scalar_dense", "nonzero", "masked_select", "equal", "_unique2", "unique_dim", "unique_consecutive"}


class Reading(AssertionError):
    """A value was read from the device."""


class NoReading(TorchDispatchMode):
    """Raises where an operation reads values from the device: item, bool, int, float, or a mask as an index."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        indices = args[1] if name in ("index", "index_put", "index_put_") else ()
        masked = any(x is not None and x.dtype == torch.bool for x in indices)
        if name in READS or masked:
            raise Reading(name)
        return func(*args, **(kwargs or {}))


@pytest.fixture
def no_reading(monkeypatch):
    """A context in which reading raises; `tolist` and `numpy` pass by the dispatcher."""

    @contextmanager
    def watched():
        def refuse(self, *args, **kwargs):
            raise Reading("tolist or numpy")

        with monkeypatch.context() as patch, NoReading():
            patch.setattr(torch.Tensor, "tolist", refuse)
            patch.setattr(torch.Tensor, "numpy", refuse)
            yield

    return watched


READERS = {
    "item": lambda x: x.sum().item(),
    "bool": lambda x: bool(x.any()),
    "float": lambda x: float(x[0]),
    "tolist": lambda x: x.tolist(),
    "numpy": lambda x: x.numpy(),
    "mask": lambda x: x[x > 0],
    "assignment to a mask": lambda x: x.__setitem__(x > 0, torch.zeros(1)),
    "nonzero": lambda x: x.nonzero(),
    "unique": lambda x: x.unique(),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_whatever_reads_is_noticed(no_reading, read):
    x = torch.ones(3)
    with no_reading(), pytest.raises(Reading):
        read(x)


@pytest.mark.parametrize("overrides", [
    [], ["optim=muon", "train.accumulate=2"], ["diffusion.times=[100,500]", "diffusion.weighting=min_snr"],
    ["diffusion.prediction=palette"], ["cfg=off", "model.dropout=0.1"],
], ids=["usual", "muon in parts", "few times", "palette", "unconditional"])  # fmt: skip
def test_between_two_checks_no_training_step_reads_from_the_device(compose, no_reading, overrides):
    settings, here = compose("train", [*TINY, *overrides]), Processes(0, 1, CPU)
    splits = PixelFaces(count=120).load()
    trainer = Trainer(settings, splits if settings.cfg.conditional else splits.unconditional(), here)
    trainer.checks_at_once = False  # as on a GPU
    averages = Averages(8, trainer.diffusion.schedule.T, CPU)
    trainer.step(0, 100)  # makes what is made once
    with no_reading():
        for step in range(1, 3):
            averages.add(trainer.step(step, 100), 1.0)
    assert len(trainer._unchecked) == 3 < CHECK_EVERY


@pytest.mark.parametrize("guidance", GUIDANCE)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_no_sampling_step_reads_from_the_device(sampler, guidance):
    """The device "meta" has no values to read: whatever tries, raises."""
    cond, unknown = COND.to("meta"), UNKNOWN.to("meta")
    w = 0.5 if guidance().renoise_reference else 3.0
    denoise = guided(DIFFUSION, lambda x_t, t, cond: x_t, cond, ref_cond=unknown, w=w, guidance=guidance())
    options = SamplingOptions(sampler=sampler(), steps=3, refine=1)
    mask = torch.zeros(X_T.shape[-2:], device="meta")
    edit = Edit(X_T.to("meta"), 0.9, mask, resample=2)
    seeds, shape = range(len(X_T)), X_T.shape[1:]
    for edited in (None, edit):
        x_0 = generate(SCHEDULE, denoise, seeds, shape, options, "meta", edited)
        assert x_0.device.type == "meta" and x_0.shape == X_T.shape
