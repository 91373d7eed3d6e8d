"""How a network is computed: what it changes, who chooses, and that a resumed run goes on as it began."""

import functools
import json

import pytest
import torch

from data import PixelFaces
from diffusion.gaussian import GaussianDiffusion
from runtime.device import CompileError, Compute, computed, lay_out
from runtime.distributed import Processes
from tests.conftest import TINY
from training import compute
from training.compute import as_before, fastest, fastest_threads, threads_before
from training.trainer import Trainer

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)
PLAIN = Compute("bf16")


@pytest.fixture
def settings(compose, monkeypatch):
    """Of a training, on a GPU that computes in bf16: settings("compile=true")."""
    monkeypatch.setattr(compute, "pick_precision", lambda name, device: "bf16" if name == "auto" else name)
    monkeypatch.setattr(compute, "computes_bf16", lambda device: True)
    return lambda *overrides: compose("train", overrides)


@pytest.fixture
def built(compose):
    def trainer(*overrides):
        return Trainer(compose("train", [*TINY, *overrides]), PixelFaces(count=120).load(), Processes(0, 1, CPU))

    return trainer


def timed(**gains: float):
    """A clock on which a step takes a second, times the gain of each part of a Compute; and what it timed."""
    seen = []

    def seconds(how: Compute) -> float:
        seen.append(how)
        return gains.get("compile", 1) ** how.compile * gains.get("channels_last", 1) ** how.channels_last

    return seconds, seen


# -- who chooses ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("last", [0.8, 1.2])
@pytest.mark.parametrize("compiled", [0.5, 1.5])
def test_on_cuda_each_choice_is_taken_where_a_step_is_faster(settings, last, compiled):
    seconds, _ = timed(channels_last=last, compile=compiled)
    how, why = fastest(settings(), CUDA, seconds)
    assert how == Compute("bf16", compiled < 1, last < 1)
    assert why["compile"].startswith(f"{min(last, 1):.3g} s a step without it, ")


def test_what_was_asked_for_is_not_timed(settings):
    seconds, seen = timed(channels_last=0.5, compile=0.5)
    asked = settings("compile=false", "channels_last=true", "precision=fp32")
    assert fastest(asked, CUDA, seconds)[0] == Compute("fp32", False, True) and not seen


def test_a_gpu_that_cannot_compile_trains_without(settings):
    def seconds(how):
        if how.compile:
            raise CompileError("compile=true: PyTorch cannot compile here (no C compiler); use compile=false")
        return 1.0

    how, why = fastest(settings(), CUDA, seconds)
    assert how == PLAIN and "no C compiler" in why["compile"]


def test_where_compilation_was_asked_for_and_cannot_be_had_one_line_says_so(settings):
    def fails(how):
        raise CompileError("compile=true: no compiler here; leave it out")

    with pytest.raises(CompileError, match="no compiler here"):
        fastest(settings("compile=true"), CUDA, fails)


def test_on_the_cpu_nothing_is_compiled_unless_it_is_asked_for(settings):
    seconds, seen = timed(channels_last=0.5, compile=0.5)
    assert fastest(settings("precision=fp32"), CPU, seconds)[0] == Compute() and not seen
    assert fastest(settings("precision=fp32", "compile=true"), CPU, seconds)[0].compile


@pytest.fixture
def threads(monkeypatch):
    """How many threads PyTorch is told to use, of six at first: threads[0]."""
    number = [6]
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: number[0])
    monkeypatch.setattr(torch, "set_num_threads", lambda count: number.__setitem__(0, count))
    return number


@pytest.mark.parametrize(
    ("seconds", "best", "timed"),
    [
        ({6: 1.0, 3: 1.3}, 6, 2),
        ({6: 1.0, 3: 0.6, 1: 0.8}, 3, 3),
        ({6: 3.0, 3: 2.0, 1: 1.0}, 1, 3),
        ({6: 1.0, 3: 1.1, 1: 1.5}, 3, 3),
    ],
    ids=["all of them", "half", "one", "half, for twice as many gain little"],
)
def test_there_are_as_many_threads_as_are_worth_it(threads, seconds, best, timed):
    seen = []
    reason = fastest_threads(lambda: seen.append(threads[0]) or seconds[threads[0]])
    assert threads[0] == best and len(seen) == timed and f"{seconds[best]:.3g} s a step with {best}" in reason


def test_threads_that_are_given_are_not_timed(threads, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "6")
    assert fastest_threads(lambda: pytest.fail("timed")) is None
    threads_before({"threads": 2})
    assert threads[0] == 6


def test_a_resumed_run_has_the_threads_that_it_began_with(threads):
    threads_before({})
    assert threads[0] == 6
    threads_before({"threads": 12})
    assert threads[0] == 6
    threads_before({"threads": 2})
    assert threads[0] == 2


@pytest.mark.parametrize(
    ("state", "device", "expected"),
    [
        ({"precision": "bf16", "compile": True, "channels_last": True}, CUDA, Compute("bf16", True, True)),
        ({"precision": "fp32", "compile": False, "channels_last": False}, CUDA, Compute("fp32")),
        ({"precision": "bf16", "compile": True, "channels_last": True}, CPU, Compute("bf16", False, True)),
        ({"precision": "bf16"}, CUDA, Compute("bf16")),
    ],
    ids=["as it began", "also where slower", "on another device", "of an earlier version"],
)
def test_a_resumed_run_goes_on_as_it_began(settings, state, device, expected):
    assert as_before(state, settings(), device)[0] == expected


def test_what_is_typed_when_resuming_counts(settings):
    state = {"precision": "bf16", "compile": True, "channels_last": True}
    assert as_before(state, settings("compile=false"), CUDA)[0] == Compute("bf16", False, True)


def test_how_a_run_computes_is_logged_recorded_and_kept(train_tiny, in_tmp):
    run = train_tiny("train.steps=1", "run=run", "channels_last=true")
    status = json.loads(run.status.read_text())
    assert (status["channels_last"], status["compile"], status["sessions"][0]["channels_last"]) == (True, False, True)
    log = run.log.read_text()
    assert "channels_last true: as asked for" in log and "fp32, channels last on cpu" in log


# -- what is timed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("at_once", "seconds"), [(True, [1.0, 3.0, 4.0]), (False, [1.0, 3.0, 4.0, *8 * [5.0]])])
def test_passes_of_training_are_timed_and_leave_no_trace(built, monkeypatch, at_once, seconds):
    """On a clock that only passes move: the first one, which prepares and compiles, does not count.

    A gradient, a layout or a random number that were left behind would make the run another one than without.
    """
    trainer, clock, passing, seen = built("train.accumulate=2"), [50.0], iter(seconds), []
    trainer.checks_at_once = at_once  # False on a GPU, whose passes are short

    def loss_at(self, net, x_0, cond, t, eps):
        clock[0] += next(passing)
        kernel = next(p for p in trainer.model.parameters() if p.ndim == 4 and min(p.shape[1:3]) > 1)
        seen.append((x_0, cond, t, eps, kernel.is_contiguous(memory_format=torch.channels_last)))
        return original(self, net, x_0, cond, t, eps)

    original = GaussianDiffusion.loss_at
    monkeypatch.setattr(GaussianDiffusion, "loss_at", loss_at)
    monkeypatch.setattr("training.trainer.time.perf_counter", lambda: clock[0])
    state, layout = torch.get_rng_state(), [p.stride() for p in trainer.model.parameters()]
    assert trainer._seconds(Compute(channels_last=True)) == 3.0
    assert next(passing, None) is None and all(row[-1] for row in seen)
    batch = trainer.data.batch(trainer.order.indices(0)[:4])  # the first of the parts that fit into memory
    for x_0, cond, t, eps, _ in seen:
        assert torch.equal(x_0, batch.x_0) and torch.equal(cond, batch.cond)
        assert torch.equal(t, seen[0][2]) and torch.equal(eps, seen[0][3])
    assert all(p.grad is None for p in trainer.model.parameters())
    assert torch.equal(state, torch.get_rng_state())
    assert [p.stride() for p in trainer.model.parameters()] == layout


def test_a_gpu_is_waited_for_before_the_clock_is_read(built, monkeypatch):
    """It computes behind the host: without that, a pass seems to take as long as its launch."""
    trainer, waited = built(), []
    monkeypatch.setattr(torch.cuda, "synchronize", waited.append)
    trainer._wait()
    assert not waited
    trainer.here = Processes(0, 1, CUDA)
    trainer._wait()
    assert waited == [CUDA]


def test_the_fastest_way_is_taken_by_the_steps_that_follow(built, monkeypatch):
    """Also where a step was taken before; and the log learns why."""
    trainer, last = built(), Compute(channels_last=True)
    before = trainer.net
    monkeypatch.setattr("training.trainer.fastest", lambda settings, device, seconds: (last, {"compile": str(device)}))
    trainer.settle()
    assert (trainer.how, trainer.why) == (last, {"compile": "cpu"}) and trainer.net is not before
    kernels = [p for model in (trainer.model, trainer.ema.model) for p in model.parameters() if p.ndim == 4]
    assert all(p.is_contiguous(memory_format=torch.channels_last) for p in kernels)


@pytest.mark.parametrize(
    ("here", "measured"), [(Processes(0, 1, CPU), 1), (Processes(0, 2, CPU), 0), (Processes(0, 1, CUDA), 0)], ids=str
)
def test_threads_are_counted_by_one_process_alone_on_a_cpu(built, monkeypatch, here, measured):
    """Of several processes, each measures while the others wait or compute, and would find another number."""
    trainer, timed = built(), []
    monkeypatch.setattr("training.trainer.fastest_threads", lambda seconds: timed.append(seconds) or "timings")
    monkeypatch.setattr("training.trainer.fastest", lambda *_: (trainer.how, trainer.why))
    monkeypatch.setattr(Processes, "on_main", lambda self, function: function())
    trainer.here = here
    trainer.settle()
    assert len(timed) == measured and trainer.threads == ("timings" if measured else None)


# -- what it changes --------------------------------------------------------------------------------------


def test_channels_last_reaches_the_network_and_changes_nothing_but_rounding(built):
    plain, last = built("optim.warmup=0"), built("optim.warmup=0", "channels_last=true")
    kernels, inputs = [p for p in last.model.parameters() if p.ndim == 4 and p.shape[1] > 1 and p.shape[2] > 1], []
    assert all(p.is_contiguous(memory_format=torch.channels_last) and not p.is_contiguous() for p in kernels)
    last.model.register_forward_pre_hook(lambda module, args: inputs.append(args[0]))
    for step in range(2):
        one, other = plain.step(step, 100), last.step(step, 100)
        torch.testing.assert_close(one.losses, other.losses, rtol=1e-3, atol=1e-5)
    assert inputs[0].is_contiguous(memory_format=torch.channels_last) and not inputs[0].is_contiguous()


def test_outside_of_the_network_pictures_lie_as_always():
    net = lay_out(torch.nn.Conv2d(3, 4, 3), True)
    out = computed(lambda x_t, t, cond: net(x_t), CPU, Compute(channels_last=True))(torch.rand(2, 3, 8, 8), None, None)
    assert out.is_contiguous() and not net.weight.is_contiguous()


def test_the_compiled_network_is_that_of_the_steps_and_not_of_reports(built, monkeypatch):
    compiled, calls = [], []

    def fake(network):
        compiled.append(network)
        return lambda *inputs: calls.append(len(inputs[0])) or network(*inputs)

    monkeypatch.setattr(torch, "compile", fake)
    trainer = built("compile=true")
    trainer.step(0, 100)
    assert compiled == [trainer.model] and calls == [8]
    trainer.denoiser(trainer.ema.model)
    assert len(compiled) == 1


def test_where_pytorch_cannot_compile_one_line_says_so(built, monkeypatch):
    def fake(network):
        def fail(*inputs):
            raise torch._dynamo.exc.BackendCompilerFailed(fake, RuntimeError("no compiler\nat all"), None)

        return fail

    monkeypatch.setattr(torch, "compile", fake)
    with pytest.raises(CompileError, match=r"^compile=true: PyTorch cannot compile here \(.*\); use compile=false$"):
        built("compile=true").step(0, 100)


@pytest.mark.slow
def test_a_compiled_training_is_the_same_up_to_rounding(built, monkeypatch):
    """Traced and differentiated as always, but not translated to C++, which takes minutes; test_cuda.py does all."""
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="aot_eager"))
    plain, fused = built("optim.warmup=0"), built("optim.warmup=0", "compile=true")
    for step in range(2):
        one, other = plain.step(step, 100), fused.step(step, 100)
        torch.testing.assert_close(one.losses, other.losses, rtol=1e-3, atol=1e-5)
