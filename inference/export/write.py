"""From weights to files that need no Python: a page, or a folder with the network and its description."""

from __future__ import annotations

import json
from pathlib import Path

from inference.export.description import describe
from inference.export.network import ExportRefused, require_onnx, to_onnx
from inference.export.page import assembled, read
from inference.export.settings import ExportSettings
from inference.export.web_runtime import BINARY, ONNXRUNTIME_WEB, SCRIPT
from inference.pipeline import Pipeline
from inference.refusals import teacher_of
from inference.weights import choose_checkpoint
from runtime.checkpoint import file_hash, load_tensors, write_atomically
from runtime.factory import build_model
from runtime.folders import new_folder

FOLDER = Path("exports")


def exported(settings: ExportSettings) -> list[Path]:
    """Write what the settings say; the files. Raises ValueError, before anything is written, where that cannot be."""
    require_onnx()
    weights = choose_checkpoint(settings.checkpoint, settings.dataset and settings.dataset.collection)
    pipe = Pipeline.load(weights, "cpu")
    if settings.format == "onnx":
        return write_onnx(settings.out, pipe, weights)
    out = Path(settings.out) if settings.out else FOLDER / f"{pipe.info.dataset}.html"
    refuse_existing(out)
    content = page_of(pipe, weights, Path(settings.data_root))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        refuse_existing(out)  # also what was written there meanwhile
        write_atomically(out, lambda file: file.write(content))
    except OSError as error:
        raise ValueError(f"out={out}: cannot be written ({error.strerror}); name another file") from error
    return [out]


def page_of(pipe: Pipeline, weights: Path, data_root: Path) -> bytes:
    """The page that samples with `pipe`, read from `weights`. Raises ValueError where something for it is missing."""
    require_onnx()
    network = network_of(pipe, weights)
    runtime = ONNXRUNTIME_WEB.read(data_root, (SCRIPT, BINARY))
    return assembled(describe(pipe, weights), network, tuple(runtime))


def write_onnx(out: str | None, pipe: Pipeline, weights: Path) -> list[Path]:
    """The network, its description, and what its inputs and outputs are."""
    with new_folder(out, FOLDER, pipe.info.dataset) as folder:
        content = {
            "model.onnx": network_of(pipe, weights),
            "model.json": json.dumps(describe(pipe, weights)).encode("utf-8"),
            "README.md": read("onnx.md").encode("utf-8"),
        }
        for name, data in content.items():
            (folder / name).write_bytes(data)
        return [folder / name for name in content]


def network_of(pipe: Pipeline, weights: Path) -> bytes:
    """The network of these weights as ONNX. Raises ExportRefused for what cannot be exported."""
    if not pipe.recipe.is_diffusion:
        name = pipe.recipe.model.name
        raise ExportRefused(f"checkpoint={weights}: model={name} cannot be exported; take weights of a diffusion model")
    if pipe.space is not None:
        raise ExportRefused(
            f"checkpoint={weights}: a diffusion in latents, whose decoder exports lack; take weights of pixels"
        )
    if pipe.recipe.upsample is not None:
        raise ExportRefused(
            f"checkpoint={weights}: an upsampler, with a small picture as an input that exported networks lack; take "
            "weights that generate from noise alone"
        )
    if pipe.recipe.distill.on:
        raise ExportRefused(
            f"checkpoint={weights}: distilled, with w as an input that exported networks lack; take {teacher_of(pipe)}"
        )
    if file_hash(weights) != pipe.checkpoint:
        raise ExportRefused(f"checkpoint={weights}: a training wrote new weights there meanwhile; export them again")
    model = build_model(pipe.recipe, pipe.image_shape, pipe.schema, pipe.palette)
    model.load_state_dict(load_tensors(weights))
    return to_onnx(model, pipe.image_shape, len(pipe.schema))


def refuse_existing(out: Path) -> None:
    if out.exists():
        raise ValueError(f"out={out}: exists already; name another file, nothing was touched")
