"""What a training reports: progress bar, log, TensorBoard scalars and pictures, status file."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from data.images import grid, save_png
from runtime.device import hardware
from runtime.version import code_version
from training.clock import Clock
from training.previews import Previews
from training.run import Run, now
from training.trainer import StepResult, Trainer

log = logging.getLogger("train")
STATUS_EVERY_S = 2.0
FLUSH_EVERY_S = 2  # of the scalars, so that curves can be followed while they grow
STEP_COST = 3  # of a training step in forward passes: the gradient takes about two
HELD_OUT, GRIDS = "held-out loss", "sample grids"  # what a training does beside its steps


class Averages:
    """Averages since the last report, kept on the device so that no step waits for them."""

    def __init__(self, buckets: int, T: int, device: torch.device):
        self.buckets, self.T, self.device = buckets, T, device
        self.reset()

    def reset(self) -> None:
        self.curves: dict[str, Tensor] = {}  # sum and count of each
        self.by_t = torch.zeros(2, self.buckets, device=self.device)  # the same of the loss, for ranges of t
        self.norm, self.steps, self.seconds = torch.zeros((), device=self.device), 0, 0.0

    def add(self, result: StepResult, seconds: float) -> None:
        for name, values in result.curves.items():
            both = torch.stack([values.sum(), torch.full_like(values, 1.0).sum()])
            self.curves[name] = self.curves[name] + both if name in self.curves else both
        if result.t is not None:
            bucket = (result.t - 1) * self.buckets // self.T
            self.by_t[0].index_add_(0, bucket, result.losses)
            self.by_t[1].index_add_(0, bucket, torch.ones_like(result.losses))
        self.norm += result.grad_norm
        self.steps += 1
        self.seconds += seconds


class Monitor:
    """Reports on a trainer. Every process adds to the averages; the main one alone prints and writes."""

    def __init__(self, run: Run, trainer: Trainer, validation, first_step: int, clock: Clock):
        self.run, self.trainer, self.clock = run, trainer, clock
        self.loop = trainer.settings.train
        T = trainer.diffusion.schedule.T
        self.averages = Averages(self.loop.loss_buckets, T, trainer.here.device)
        self.status = {
            "state": "running", "step": first_step, "steps": round(clock.total(first_step)), "started": now(),
            "device": str(trainer.here.device), "processes": trainer.here.world_size,
            "dataset": trainer.data.name, **trainer.how._asdict(),
        }  # fmt: skip
        self.took: dict[str, float] = {}  # seconds, by what the training does beside its steps
        self.session = {
            "first_step": first_step, "last_step": first_step, "seconds": 0.0, "code": code_version(),
            "torch": torch.__version__, "hardware": hardware(trainer.here.device), **trainer.how._asdict(),
            "threads": torch.get_num_threads(), "processes": trainer.here.world_size,
        }  # fmt: skip
        self.status["sessions"] = [*run.sessions(), self.session]
        self.last_status = 0.0
        self.writer, self.bar = None, None
        if trainer.here.is_main:
            self.writer = SummaryWriter(str(run.path), purge_step=first_step + 1, flush_secs=FLUSH_EVERY_S)
            self.bar = tqdm(
                total=self.status["steps"], initial=first_step, unit="step", disable=None, dynamic_ncols=True
            )
            self._prepare_validation(validation)
            self.previews = Previews(trainer, self.held_out)
            of_teacher = 2 * trainer.settings.distill.steps_of_teacher if trainer.settings.distill.on else 0
            self.passes = {HELD_OUT: len(self.held_out) * (1 + of_teacher), GRIDS: 2 * self.previews.evaluations}

    # -- every step -----------------------------------------------------------------------------------

    def after_step(self, done: int, result: StepResult, seconds: float) -> None:
        """`done` steps are finished, the last of them with `result`, in `seconds`."""
        self.averages.add(result, seconds)
        if self.bar is not None:
            self.bar.total = round(self.clock.total(done))
            self.bar.update()
        if done % self.loop.log_every == 0 or self.clock.over(done):
            self._report(done, result.lr)

    def validate(self, done: int) -> float | None:
        """The held-out loss where it is due, in the main process and where pictures are held out; else None."""
        if self.writer is None or not self.clock.due(self.loop.validate_every, done) or not len(self.held_out):
            return None
        with self._doing(HELD_OUT, done):
            return self._validate(done)

    def preview(self, done: int, stopping: Callable[[], bool] = lambda: False) -> None:
        """Sample, where that is due.

        stopping : whether a stop was requested; the grids that are left are then left out
        """
        if self.writer is not None and self.clock.due(self.loop.preview_every, done):
            with self._doing(GRIDS, done):
                self._preview(done, stopping)

    @contextlib.contextmanager
    def _doing(self, what: str, done: int) -> Iterator[None]:
        """The status says so meanwhile, for no step is taken."""
        began = time.perf_counter()
        self.bar.set_postfix_str(what)
        self.write_status(doing=what)
        yield
        self.took[what] = time.perf_counter() - began
        self.write_status(doing="", seconds_left=self._seconds_left(done, first=done + 1))

    def _seconds_left(self, done: int, first: int) -> float | None:
        """Of all steps after `done`, and of held-out losses and sample grids after step `first` or a later one.

        None before the first report. What was never done yet is estimated by its number of forward passes.
        """
        speed, total = self.status.get("images_per_second"), round(self.clock.total(done))
        if speed is None:
            return None
        seconds = (total - done) * self.loop.batch_size / speed
        for doing, every in ((HELD_OUT, self.loop.validate_every), (GRIDS, self.loop.preview_every)):
            if every > 0 and first <= total:
                times = -(-total // every) - (first - 1) // every  # at every multiple of `every`, and at the end
                seconds += times * self.took.get(doing, self.passes[doing] / (STEP_COST * speed))
        return seconds

    def _report(self, done: int, lr: float) -> None:
        a = self.averages
        sums, counts = self.trainer.here.sum(torch.stack(list(a.curves.values()), dim=1)).tolist()
        images = counts[0]
        values = {
            **{name: total / count for name, total, count in zip(a.curves, sums, counts, strict=True)},
            "optim/lr": lr,
            "optim/grad_norm": a.norm.item() / a.steps,
            "speed/images_per_second": images / a.seconds,
        }
        for b, (loss, count) in enumerate(zip(*self.trainer.here.sum(a.by_t).tolist(), strict=True)):
            first, last = -(-b * a.T // a.buckets) + 1, -(-(b + 1) * a.T // a.buckets)  # rounded up
            if count:
                values[f"loss_by_t/{first:04d}-{last:04d}"] = loss / count
        self.session |= {"last_step": done, "seconds": self.session["seconds"] + a.seconds}
        a.reset()
        if self.writer is None:
            return
        for name, value in values.items():
            self.writer.add_scalar(name, value, done)
        speed = values["speed/images_per_second"]
        total = round(self.clock.total(done))
        self.bar.set_postfix_str(f"loss {values['loss/train']:.4f}, {speed:.0f} images/s")
        message = "step %d/%d  loss %.4f  grad %.3f  lr %.2e  %.0f images/s"
        log.debug(message, done, total, values["loss/train"], values["optim/grad_norm"], lr, speed)
        self.status |= {"step": done, "steps": total, "loss": values["loss/train"]}
        self.status |= {"images_per_second": speed}
        self.status |= {"seconds_left": self._seconds_left(done, first=done)}
        if time.monotonic() - self.last_status > STATUS_EVERY_S:
            self.write_status()

    def write_status(self, **changes) -> None:
        self.status |= changes
        self.last_status = time.monotonic()
        if self.writer is not None:
            self.run.write_status(**self.status)

    def flush(self) -> None:
        """Put the scalars on disk, so that a checkpoint is never ahead of them."""
        if self.writer is not None:
            self.writer.flush()

    def close(self) -> None:
        if self.writer is not None:
            self.bar.close()
            self.writer.close()

    # -- held-out loss on fixed noise -----------------------------------------------------------------

    def _prepare_validation(self, validation) -> None:
        rows = torch.arange(min(len(validation), self.loop.validation_images))
        self.held_out = validation.select(rows).to(self.trainer.here.device)
        self.draws = self.trainer.objective.held_out_draws(self.held_out.trained_on)

    @torch.no_grad()
    def _validate(self, done: int) -> float:
        """Loss of the EMA weights on held-out images with whole labels, always with the same times and noise."""
        trainer, losses = self.trainer, []
        device, objective = trainer.here.device, trainer.objective
        network = trainer.evaluated(trainer.ema.model, trainer.how._replace(compile=False))
        at_once = max(1, self.loop.batch_size // (trainer.here.world_size * self.loop.accumulate))  # as in training
        for rows in torch.arange(len(self.held_out)).split(at_once):
            batch, draws = self.held_out.batch(rows), (noise[rows].to(device) for noise in self.draws)
            values = objective.losses(objective.updates[0], network, batch.x_0, batch.cond, *draws)
            losses.append(values["loss/train"])
        loss = torch.cat(losses).mean().item()
        self.writer.add_scalar("loss/held_out", loss, done)
        self.status["held_out_loss"] = loss
        log.info("step %d/%d  held-out loss %.5f", done, round(self.clock.total(done)), loss)
        return loss

    # -- pictures -------------------------------------------------------------------------------------

    def _preview(self, done: int, stopping: Callable[[], bool]) -> None:
        """Grids of raw and of EMA weights, at each w of the previews."""
        for kind, model in (("raw", self.trainer.model), ("ema", self.trainer.ema.model)):
            for w in self.previews.options:
                if stopping():
                    break
                picture = grid(self.previews.sample(model.eval(), w), self.previews.columns, scale=2)
                self.writer.add_image(f"samples_{kind}/w_{w:g}", picture, done)
                save_png(picture, self.run.samples / f"step-{done:08d}-{kind}-w{w:g}.png")
        self.trainer.model.train()


class Screen(logging.Handler):
    """Prints log records without tearing the progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(self.format(record), file=sys.stderr)


@contextlib.contextmanager
def logging_to(run: Run, is_main: bool):
    """Log to the run's file and to the screen; beside a progress bar, without the lines of every report."""
    handlers: list[logging.Handler] = [logging.NullHandler()]
    if is_main:
        screen, file = Screen(), logging.FileHandler(run.log, encoding="utf-8")
        screen.setLevel(logging.INFO if sys.stderr.isatty() else logging.DEBUG)
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        handlers = [screen, file]
    root = logging.getLogger()
    before = root.level, root.handlers
    root.handlers = handlers
    root.setLevel(logging.INFO)
    log.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.setLevel(before[0])
        root.handlers = before[1]
        for handler in handlers:
            handler.close()
