"""Which weights: those named, the newest of the runs, or the pretrained ones."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from conf import Settings, option
from data import DATASETS
from runtime.checkpoint import CheckpointError, WeightsInfo, file_hash, read_info
from runtime.settings import literal, options

log = logging.getLogger(__name__)

DEFAULT_DATASET = "cryptopunks"
WEIGHTS = "**/checkpoints/ema.safetensors"
PRETRAINED = Path(__file__).resolve().parent.parent / "checkpoints"


def choose_checkpoint(checkpoint: str | None, dataset: str | None) -> Path:
    """The weights named, else the newest run on the data set, else the pretrained ones. Raises ValueError.

    Weights that were not named come with a path from the working directory, where they lie below it.
    """
    if checkpoint is None:
        return from_here(find_checkpoint(dataset or DEFAULT_DATASET))
    path = Path(checkpoint)
    trained_on = read_info(path).dataset
    if dataset not in (None, trained_on):
        raise ValueError(f"checkpoint={path}: trained on {trained_on}, not on dataset={dataset}; leave dataset out")
    return path


def with_folder(cls: type[Settings], overrides: list[str], runs: Path = Path("runs")) -> list[str]:
    """`overrides` with dataset=NAME as dataset.path=NAME where weights were trained on a folder of that name.

    cls : the settings of a program with a group `dataset`

    Raises ValueError for a name that is neither that of a data set nor of such a folder.
    """
    found, ours = [], options(cls, "dataset")
    for override in overrides:
        key, name = override.partition("=")[::2]
        if key != "dataset" or name in (*ours, "null", ""):
            found.append(override)
            continue
        known = {info.dataset for info in available(runs).values()} - {*ours}
        if name not in known and known:
            raise ValueError(f"{override}: unknown; choose one of {', '.join([*ours, *sorted(known)])}")
        found += ["dataset=folder", f"dataset.path={literal(name)}"] if known else [override]
    return found


def from_here(path: Path) -> Path:
    """A path below the working directory as it is typed there, any other as it is."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def available(runs: Path = Path("runs"), pretrained: Path = PRETRAINED) -> dict[Path, WeightsInfo]:
    """All weights and what their headers say: those of runs, newest first, then the pretrained ones.

    Files that are damaged or of another kind are left out.
    """
    infos = {}
    for path in [*sorted(runs.glob(WEIGHTS), key=_modified, reverse=True), *sorted(pretrained.glob("*.safetensors"))]:
        with contextlib.suppress(CheckpointError):
            infos[path] = read_info(path)
    return infos


def _modified(path: Path) -> float:
    """When a file was written; 0 for one that has just gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def find_weights(
    digest: str,
    first: Path,
    runs: Path = Path("runs"),
    pretrained: Path = PRETRAINED,
    argument: str = "checkpoint",
) -> Path:
    """The weights with this hash: `first` if it is the one, else among runs and pretrained. Raises CheckpointError.

    argument : the setting by which a person may name others
    """
    for path in [first, *pretrained.glob("*.safetensors"), *runs.glob(WEIGHTS)]:
        if path.is_file() and file_hash(path) == digest:
            return path
    raise CheckpointError(
        f"{argument}: no weights with the hash {digest}, which made the picture, in {runs}/ or {pretrained.name}/; "
        f"they may have been trained further since. Name others with {argument}=FILE"
    )


def _alone(info: WeightsInfo, dataset: str) -> bool:
    """Whether weights generate pictures like these from noise alone, as upsampler and autoencoder do not."""
    model = info.config.get("model", {}).get("name")
    return info.dataset == dataset and info.config.get("upsample") is None and model != "autoencoder"


def trained_by(dataset: str) -> str:
    """The settings of train.py for a data set: those of a folder of pictures, for a name that is none of ours."""
    ours = {option(cls) for cls in DATASETS}
    return f"dataset={dataset}" if dataset in ours else f"dataset=folder dataset.path={dataset}"


def find_checkpoint(dataset: str, runs: Path = Path("runs"), pretrained: Path = PRETRAINED) -> Path:
    """The newest weights among the runs on `dataset`, else the pretrained ones. Raises CheckpointError."""
    damaged: list[CheckpointError] = []
    found = None
    for path in [*sorted(runs.glob(WEIGHTS), key=_modified, reverse=True), pretrained / f"{dataset}.safetensors"]:
        try:
            if path.exists() and _alone(read_info(path), dataset):
                found = path
                break
        except CheckpointError as error:
            damaged.append(error)
    if damaged:
        log.warning("left out: %s%s", damaged[0], f"; and {len(damaged) - 1} more" if damaged[1:] else "")
    if found is None:
        raise CheckpointError(
            f"dataset={dataset}: no weights yet, neither below {runs}/ nor in {pretrained.name}/; "
            f"train some with: python train.py {trained_by(dataset)}"
        )
    return found
