"""What is kept on disk: the state that training resumes from, and the weights that pictures are sampled with.

Nothing read here is ever executed: states are loaded with `weights_only`, weights are safetensors.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import safetensors
import safetensors.torch
import torch
from torch import Tensor

log = logging.getLogger(__name__)

FORMAT = "ddpm-cfg weights 1"
STATE_FORMAT = "ddpm-cfg state 2"


class CheckpointError(ValueError):
    """A checkpoint is missing, damaged or of another kind, or could not be written."""


def write_atomically(path: Path, write: Callable[[BinaryIO], Any]) -> None:
    """Have `write` fill a temporary file beside `path`, flush it to the disk, then rename it to `path`.

    Whoever reads `path`, also after a crash or a full disk, finds the old content whole or the new one whole.
    """
    part = path.with_name(f".{path.name}.part")  # the same after a crash: no litter, and one writer holds the lock
    try:
        with part.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


# -- training state -----------------------------------------------------------------------------------------


def save_state(path: Path, state: dict) -> None:
    """Write tensors and plain values; what was at `path` before is kept as `*.previous`.

    Raises CheckpointError where the disk refuses; the earlier file then stays as it was.
    """
    new = path.with_suffix(".new")
    try:
        write_atomically(new, lambda file: torch.save({"format": STATE_FORMAT, **state}, file))
        if path.exists():
            path.replace(previous(path))
        new.replace(path)
    except (OSError, RuntimeError) as error:  # torch reports a failed write as RuntimeError
        new.unlink(missing_ok=True)
        there = path.exists() or previous(path).exists()
        kept = "the previous one is intact" if there else "there is none before it"
        raise CheckpointError(
            f"{path}: the checkpoint could not be written ({error}); {kept}; free some space"
        ) from error


def set_damaged_aside(path: Path) -> None:
    """Rename the newest state if it is damaged and there is one before it, which the next save would replace by it."""
    if path.exists() and previous(path).exists():
        try:
            torch.load(path, map_location="meta", weights_only=True)
        except Exception:
            path.replace(path.with_suffix(".damaged" + path.suffix))


def previous(path: Path) -> Path:
    return path.with_suffix(".previous" + path.suffix)


def load_state(path: Path) -> dict | None:
    """The newest good state at `path`, or the one before it if that is damaged; None where there is neither."""
    damage = None
    for candidate in (path, previous(path)):
        if not candidate.exists():
            continue
        try:
            state = torch.load(candidate, map_location="cpu", weights_only=True)
            if not isinstance(state, dict) or state.get("format") != STATE_FORMAT or "step" not in state:
                raise CheckpointError(
                    f"{candidate}: no training state of this version; go on with the version that wrote it, or start "
                    "another run"
                )
            return state
        except CheckpointError:
            raise
        except Exception as error:  # a damaged pickle can raise nearly anything
            damage = CheckpointError(
                f"{candidate}: damaged, or not a training state ({_first_line(error)}); nothing in it was executed. "
                "Remove it, or start another run"
            )
            log.warning("%s", damage)
    if damage is not None:
        raise damage
    return None


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:120] or type(error).__name__


# -- weights ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WeightsInfo:
    """All that is needed beside the tensors to sample pictures without the data set.

    config  : the resolved training configuration, as plain values
    schema  : the condition schema as JSON
    palette : (K, C) nested lists of colours, or None
    places  : which colours each pixel has in training pictures, as data.palette.Palette writes it, or None
    prior   : the label prior as JSON, or None
    whole_hash : where it was trained on a part of the training split, data_hash of all of it
    splits  : the rule by which pictures were held out from their training, and from any that it started from
    latents : of a diffusion in latents, the same of the autoencoder, whose tensors the file has too, and its hash
    """

    config: dict
    schema: str
    palette: list[list[int]] | None
    image_shape: list[int]
    dataset: str
    data_hash: str
    step: int
    places: str | None = None
    prior: str | None = None
    splits: str = "id % 20: 7 validation, 13 test"  # of weights from before rules were recorded
    latents: dict | None = None
    whole_hash: str | None = None


def save_weights(path: Path, tensors: dict[str, Tensor], info: WeightsInfo) -> None:
    """Write one safetensors file with `info` as JSON in its header. Raises CheckpointError on a full disk."""
    metadata = {"format": FORMAT, "info": json.dumps(asdict(info))}
    content = safetensors.torch.save({name: t.detach().cpu().contiguous() for name, t in tensors.items()}, metadata)
    try:
        write_atomically(path, lambda file: file.write(content))
    except OSError as error:
        raise CheckpointError(f"{path}: the weights could not be written ({error}); free some space") from error


def read_info(path: Path) -> WeightsInfo:
    """The header alone: cheap, whatever the size of the file. Raises CheckpointError."""
    if not path.is_file():
        raise CheckpointError(
            f"checkpoint={path}: no such file; name a .safetensors file, such as runs/.../checkpoints/ema.safetensors"
        )
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except (safetensors.SafetensorError, OSError) as error:
        raise CheckpointError(
            f"checkpoint={path}: damaged, or no safetensors file ({_first_line(error)}); other formats are not read, "
            "since they could run code"
        ) from error
    if metadata.get("format") != FORMAT:
        raise CheckpointError(
            f"checkpoint={path}: a safetensors file of another kind, not weights that train.py wrote; use one of those"
        )
    try:
        return WeightsInfo(**json.loads(metadata["info"]))
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"checkpoint={path}: its description cannot be read ({error}); train again") from error


def load_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a weights file, as float32."""
    try:
        return {name: tensor.float() for name, tensor in safetensors.torch.load_file(path).items()}
    except (safetensors.SafetensorError, OSError) as error:
        raise CheckpointError(f"checkpoint={path}: damaged ({_first_line(error)}); use another copy") from error


def file_hash(path: Path) -> str:
    """The first 16 hexadecimal digits of the file's SHA-256: which weights a picture was sampled with."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
