"""The training loop: build, resume, step, report, save; stop when asked to, and lose nothing."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from pathlib import Path
from typing import NamedTuple

import torch

from data.base import Splits
from runtime.checkpoint import WeightsInfo, load_state, previous, save_state, save_weights, set_damaged_aside
from runtime.device import hardware, pick_precision
from runtime.distributed import processes
from runtime.factory import build_splits
from runtime.latents import LatentSpace
from runtime.memory import out_of_memory_as, refuse_impossible
from runtime.version import code_version
from training.clock import Clock
from training.init_from import begin, inherited
from training.monitor import Monitor, logging_to
from training.patience import Patience, refuse_vain
from training.run import Run, choose_run, settings_in
from training.settings import TrainSettings
from training.trainer import Trainer

log = logging.getLogger("train")
AGAIN = b"\nstopping after this step, and saving; end the process with SIGKILL to lose what came after the last save\n"


class StopRequest:
    """SIGINT and SIGTERM request a stop after the current step, before which the run is saved.

    Asking again changes nothing: who presses Ctrl-C twice wants to get out, and not to lose the work.
    """

    def __init__(self):
        self.signal: signal.Signals | None = None

    def __enter__(self) -> StopRequest:
        self.before = {}
        if threading.current_thread() is threading.main_thread():  # elsewhere Python allows no handlers
            self.before = {s: signal.signal(s, self._note) for s in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_) -> None:
        for s, handler in self.before.items():
            signal.signal(s, handler)

    def _note(self, number: int, frame) -> None:
        if self.signal is not None:
            os.write(2, AGAIN)  # to stderr; print cannot be called while it is interrupted itself
        self.signal = self.signal or signal.Signals(number)


class Outcome(NamedTuple):
    run: Run
    stopped_by: signal.Signals | None  # None where the run finished


def train(settings: TrainSettings, overrides: list[str]) -> Outcome:
    """Train until the last step or a signal. `overrides` is what was typed, for the record.

    Nothing is written before data, model and settings have proved usable. Raises ValueError for settings, data or
    checkpoints that cannot be used, and FloatingPointError for a loss that is not finite.
    """
    with contextlib.ExitStack() as stack:
        here = stack.enter_context(processes(settings.device))
        run, config = here.on_main(lambda: choose_run(settings, overrides))
        begins, untrained = here.on_main(lambda: (not run.exists, not _has_state(run)))  # it is made below
        settings = settings_in(config, run)
        splits = build_splits(settings.dataset, settings.data_root, settings.cfg.conditional)
        space, splits = _in_latents(settings, splits, here.device)
        train = splits.train
        refuse_vain(settings.train, len(splits.validation))
        settings = inherited(settings, overrides, train.palette) if begins else settings
        settings = settings.settled(train)
        config |= {name: getattr(settings, name).plain() for name in ("dataset", "model", "diffusion", "optim")}
        refuse_impossible(settings, train.x_shape, train.schema, train.palette, here.device, here.world_size)
        trainer = Trainer(settings, splits, here, space)
        begun = begin(trainer, Path(settings.init_from)) if settings.init_from and untrained else ""
        here.on_main(lambda: _take(run, config, stack))
        state = load_state(run.state)
        step = state["step"] if state else 0
        clock = Clock(settings.train, here, state["elapsed"] if state else 0.0)
        patience = Patience(settings.train, here, clock, **(state or {}).get("patience", {}))
        if clock.over(step) or patience.over:
            if here.is_main:
                more = "train.steps" if step >= settings.train.steps else "train.minutes"
                more = "train.patience" if patience.over else more
                print(f"{run}: finished at step {step}; to train further, add {more}=MORE")
            return Outcome(run, None)
        if state:
            trainer.load(state)
        else:
            with _enough_memory(settings):
                trainer.settle()
        stack.enter_context(logging_to(run, here.is_main))
        _announce(run, trainer, step, begun)
        monitor = Monitor(run, trainer, splits.validation, step, clock)
        stack.callback(monitor.close)
        return Outcome(run, _loop(run, trainer, monitor, step, clock, patience))


def _has_state(run: Run) -> bool:
    """Whether something was saved, be it the state before the last, which a kill may have left alone."""
    return run.state.exists() or previous(run.state).exists()


def _in_latents(settings: TrainSettings, splits: Splits, device: torch.device) -> tuple[LatentSpace | None, Splits]:
    """The autoencoder, where there is one, and the splits with the latents of their pictures."""
    if settings.autoencoder is None:
        return None, splits
    space = LatentSpace.load(Path(settings.autoencoder), splits.train).to(device)
    pick_precision(settings.precision, device)  # on CUDA it decides whether products round to TF32
    return space, space.encoded(splits)


def _take(run: Run, config: dict, stack: contextlib.ExitStack) -> None:
    """Hold the run directory, in one process, and make it ready for all to read."""
    stack.enter_context(run.locked())
    set_damaged_aside(run.state)
    run.write_config(config)


def _loop(
    run: Run, trainer: Trainer, monitor: Monitor, step: int, clock: Clock, patience: Patience
) -> signal.Signals | None:
    monitor.write_status()
    with StopRequest() as stop:  # also while the last status is written, which says that the run was saved
        try:
            clock.start()
            step = _steps(run, trainer, monitor, step, clock, patience, stop)
        except BaseException as error:
            monitor.write_status(state="failed", message=f"{type(error).__name__}: {error}")
            raise
        finished = clock.over(step) or patience.over
        monitor.write_status(state="finished" if finished else "stopped", step=step)
    if patience.over:
        log.info("the held-out loss was lowest, %.5f, %d validations ago", patience.best, patience.since)
    if finished:
        log.info("finished: weights in %s", run.weights.as_posix())
    else:
        log.info("stopped and saved at step %d; continue with: python train.py run=%s", step, run)
    return None if finished else stop.signal or signal.SIGTERM


def _steps(
    run: Run, trainer: Trainer, monitor: Monitor, step: int, clock: Clock, patience: Patience, stop: StopRequest
) -> int:
    """Train until the end or a stop, and say after which step that was."""
    here, every = trainer.here, trainer.settings.train.checkpoint_every
    while not (clock.over(step) or patience.over):
        began = time.perf_counter()
        with _enough_memory(trainer.settings):
            result = trainer.step(step, clock.total(step))
        step += 1
        clock.read()
        monitor.after_step(step, result, time.perf_counter() - began)
        stopping = here.any(stop.signal is not None)
        better = patience.note(step, monitor.validate(step)) if patience.on or not stopping else False
        saving = step % every == 0 or clock.over(step) or stopping or patience.over
        keeping = step in trainer.settings.train.keep
        if saving or better or keeping:
            trainer.check()
        if here.is_main and keeping:
            save_ema(run.kept(step), trainer, step)
        if here.is_main and (better or (saving and patience.best is None)):
            save_ema(run.weights, trainer, step)  # first: a finished state is never trained again
        if here.is_main and saving:
            monitor.flush()
            save_state(run.state, _state(trainer, step, clock, patience))
        if stopping:
            break
        monitor.preview(step, lambda: stop.signal is not None)
    return step


def _enough_memory(settings: TrainSettings) -> contextlib.AbstractContextManager[None]:
    return out_of_memory_as(
        f"train.batch_size={settings.train.batch_size}: no memory for a step of that many images; go on with "
        f"train.accumulate={2 * settings.train.accumulate}, or begin another run with fewer"
    )


def _state(trainer: Trainer, step: int, clock: Clock, patience: Patience) -> dict:
    """What a training resumes from after `step` steps."""
    return {"step": step, "elapsed": clock.elapsed, "patience": patience.state(), **trainer.state()}


def save_ema(path: Path, trainer: Trainer, step: int) -> None:
    """Write the EMA weights, with all that is needed to use them."""
    data, space = trainer.data, trainer.space
    colours, places = data.palette.to_plain() if data.palette else (None, None)
    info = WeightsInfo(
        config=trainer.settings.plain(),
        schema=trainer.schema.to_json(),
        palette=colours,
        places=places,
        image_shape=list(data.image_shape),
        dataset=data.name,
        data_hash=data.hash,
        step=step,
        prior=trainer.prior and trainer.prior.to_json(),
        splits=trainer.splits,
        latents=space and space.info,
        whole_hash=data.whole_hash,
    )
    save_weights(path, {**trainer.ema.model.state_dict(), **(space.tensors() if space else {})}, info)


def _announce(run: Run, trainer: Trainer, step: int, begun: str) -> None:
    parameters = sum(p.numel() for p in trainer.model.parameters())
    threads = f", {torch.get_num_threads()} threads" if trainer.here.device.type == "cpu" else ""
    log.info("%s: %s", "continuing" if step else "run", run)
    log.info(
        "%s: %d images of %s; network of %.1f M parameters; %s on %s%s, %d process(es)",
        trainer.data.name, len(trainer.data), "x".join(map(str, trainer.data.x_shape)), parameters / 1e6,
        trainer.how, trainer.here.device, threads, trainer.here.world_size,
    )  # fmt: skip
    if trainer.threads:
        log.info("threads %d: %s", torch.get_num_threads(), trainer.threads)
    for name, reason in trainer.why.items():
        log.info("%s %s: %s", name, str(getattr(trainer.how, name)).lower(), reason)
    log.info("version %s, PyTorch %s, %s", code_version(), torch.__version__, hardware(trainer.here.device))
    if begun:
        log.info("%s", begun)
    log.info("watch it with: tensorboard --logdir %s", run.path.parent.as_posix())
