"""The run directory: everything that one training writes, and the rules for continuing it."""

from __future__ import annotations

import contextlib
import datetime
import json
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import filelock
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser

from runtime.checkpoint import write_atomically
from training.settings import TrainSettings

log = logging.getLogger(__name__)

# What may differ when a run is continued: where and how long, but not what is learned from what.
MAY_CHANGE = re.compile(
    r"run|name|resume|device|precision|compile|channels_last|data_root|dataset\.path|"
    r"train\.(steps|minutes|patience|accumulate|keep|log_every|validate_every|preview_every|"
    r"checkpoint_every|preview\..*)"
)
NOT_NAMED = re.compile(r"\+*(dataset|dataset\.path|data_root|device|name|resume)=")  # in the names of runs
TAGS = ("name", "conditional")  # that tell the options of a group apart
LOCK_WAIT_S = 0.5  # `held` takes the lock for an instant, which must not refuse a training
NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


class Run:
    """Paths below one run directory, and who may write there."""

    def __init__(self, path: Path | str):
        self.path = Path(path)
        self.config = self.path / "config.yaml"
        self.status = self.path / "status.json"
        self.log = self.path / "train.log"
        self.samples = self.path / "samples"
        self.state = self.path / "checkpoints" / "state.pt"
        self.weights = self.path / "checkpoints" / "ema.safetensors"

    def kept(self, step: int) -> Path:
        """The weights that train.keep keeps of a step."""
        return self.weights.with_stem(f"ema-{step:08d}")

    def __str__(self) -> str:
        return self.path.as_posix()

    @property
    def exists(self) -> bool:
        return self.config.is_file()

    def refuse_foreign(self) -> None:
        """Raise ValueError where the path cannot become a run directory without touching other files."""
        if self.path.exists() and not self.path.is_dir():
            raise ValueError(f"run={self}: a file stands there; name a folder")
        foreign = (p for p in self.path.rglob("*") if p.is_file() and p.name != ".lock" and p.suffix != ".part")
        if not self.exists and any(foreign):
            raise ValueError(f"run={self}: holds files but no config.yaml, so it is no run; name a new folder")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Make the directory and hold it alone; the lock dies with the process, however it dies."""
        try:
            for folder in (self.samples, self.state.parent):
                folder.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(self.path / ".lock", timeout=LOCK_WAIT_S)
            lock.acquire()
        except filelock.Timeout:
            raise ValueError(
                f"run={self}: another training is writing there; wait until it ends, or name another folder"
            ) from None
        except OSError as error:
            raise ValueError(f"run={self}: cannot be written ({error.strerror}); name another folder") from error
        try:
            yield
        finally:
            lock.release()

    @property
    def held(self) -> bool:
        """Whether a process is writing there now; not so where this process may not even try the lock."""
        if not (self.path / ".lock").exists():
            return False
        try:
            with filelock.FileLock(self.path / ".lock", timeout=0):
                return False
        except filelock.Timeout:
            return True
        except OSError:
            return False

    def read_config(self) -> dict:
        """The settings of this run as plain values, and under "overrides" what was typed. Raises ValueError."""
        try:
            config = yaml.safe_load(self.config.read_text(encoding="utf-8"))
            return {**config, "overrides": [str(typed) for typed in config.get("overrides") or []]}
        except (OSError, UnicodeError, yaml.YAMLError, AttributeError, TypeError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ValueError(
                f"{self.config.as_posix()}: cannot be read ({reason}); restore it, or start another run"
            ) from error

    def sessions(self) -> list[dict]:
        """What the status file says of each process that trained here: steps, seconds of training, code, hardware."""
        try:
            return list(json.loads(self.status.read_text(encoding="utf-8"))["sessions"])
        except (OSError, ValueError, LookupError, TypeError):
            return []

    def write_config(self, cfg: dict) -> None:
        text = yaml.safe_dump(cfg, sort_keys=False, allow_unicode=True)
        write_atomically(self.config, lambda file: file.write(text.encode("utf-8")))

    def write_status(self, **status: Any) -> None:
        """Replace the status file. A full disk must not end a training, so failure is only logged."""
        status = {"pid": os.getpid(), "updated": now(), **status}
        try:
            write_atomically(self.status, lambda file: file.write(json.dumps(status, indent=2).encode("utf-8")))
        except OSError as error:
            log.warning("%s: not written (%s)", self.status, error.strerror)


def now() -> str:
    return datetime.datetime.now().astimezone().isoformat(timespec="seconds")


def settings_in(config: dict, run: Run) -> TrainSettings:
    """The settings in a run's configuration, which records besides what was typed. Raises ValueError."""
    try:
        return TrainSettings.parse({name: value for name, value in config.items() if name != "overrides"})
    except ValueError as error:
        raise ValueError(f"{run.config.as_posix()}: {error}; restore it, or start another run") from error


def choose_run(settings: TrainSettings, overrides: list[str]) -> tuple[Run, dict]:
    """The run directory for this command, and the configuration that holds: the saved one where there is one.

    Without `run` the name is runs/<dataset>/<time>-<name>, where <name> has the settings of the command line.
    """
    cfg = {**settings.plain(), "overrides": list(overrides)}
    if settings.run is None:
        return new_run(settings, overrides), cfg
    run = Run(settings.run)
    run.refuse_foreign()
    if not run.exists:
        return run, cfg
    if settings.resume == "never":
        raise ValueError(f"run={run}: holds a run already and resume=never; name a new folder, or use resume=auto")
    return run, continued_config(run.read_config(), cfg, overrides)


def new_run(settings: TrainSettings, overrides: list[str]) -> Run:
    """A run directory that does not exist yet."""
    time = datetime.datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    parent = Path("runs") / settings.dataset.collection
    typed = [o.split("=")[0].split(".")[-1] + "-" + o.partition("=")[2] for o in overrides if not NOT_NAMED.match(o)]
    name = NOT_IN_NAMES.sub("-", settings.name or "_".join(typed) or settings.model.name)[:100].strip("-")
    candidates = (f"{time}-{name}" + (f"-{i}" if i else "") for i in range(10_000))
    return Run(next(parent / c for c in candidates if not (parent / c).exists()))


def continued_config(saved: dict, cfg: dict, overrides: list[str]) -> dict:
    """The saved configuration with the changes of this command line, also among the recorded overrides.

    Raises ValueError for a change that would make it another training.
    """
    merged = _filled(saved, cfg) | {"run": cfg["run"], "resume": cfg["resume"]}
    for override in OverridesParser.create().parse_overrides(overrides):
        key = override.key_or_group
        try:
            given, before = lookup(cfg, key), lookup(saved, key)
        except KeyError:  # not a setting but a collection of them, such as an experiment
            given, before = override.value(), None
        as_before = before
        if isinstance(before, dict) and isinstance(given, dict):  # a group, of which null stands for what was settled
            as_before = _filled(before, given)
            given = {name: as_before.get(name) if value is None else value for name, value in given.items()}
        if given == as_before or override.input_line in saved["overrides"]:  # the same choice as at its beginning
            continue
        # The file of a teacher or an autoencoder, whose content is looked at again.
        moved = given and before and (key == "autoencoder" or (key == "init_from" and cfg["distill"]["name"] != "none"))
        if not (moved or MAY_CHANGE.fullmatch(key)):
            raise ValueError(
                f"{key}={_brief(given)}: this run started with {_brief(before)}, and continuing cannot change that; "
                "leave it out, or start another run"
            )
        *parents, leaf = key.split(".")
        lookup(merged, ".".join(parents))[leaf] = given
        kept = [typed for typed in merged["overrides"] if typed.partition("=")[0] != key]
        merged["overrides"] = [*kept, override.input_line]
    return merged


def _filled(saved: dict, defaults: dict) -> dict:
    """`saved`, with defaults for settings that did not exist when it was saved.

    A group set to another option, such as another data set, has other settings and takes none of these.
    """
    filled = {**defaults, **saved}
    for key, value in saved.items():
        default = defaults.get(key)
        if isinstance(value, dict) and isinstance(default, dict):
            same = all(value.get(tag, default.get(tag)) == default.get(tag) for tag in TAGS)
            filled[key] = _filled(value, default) if same else value
    return filled


def lookup(cfg: dict, key: str) -> Any:
    """The entry at a dotted key; the whole configuration for the empty key. Raises KeyError."""
    for part in filter(None, key.split(".")):
        if not isinstance(cfg, dict):
            raise KeyError(key)
        cfg = cfg[part]
    return cfg


def _brief(value: Any) -> str:
    return str(value.get("name", "...")) if isinstance(value, dict) else str(value)
