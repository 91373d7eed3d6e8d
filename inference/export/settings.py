"""The settings of scripts/export.py."""

from __future__ import annotations

from typing import ClassVar, Literal

from conf import Settings, Text, setting
from data import AnyDataset
from data.base import data_root
from inference.weights import with_folder


class ExportSettings(Settings):
    """Weights for use without Python: python scripts/export.py dataset=cryptopunks format=html out=punks.html"""

    program: ClassVar[str] = "export"
    dataset: AnyDataset | None = None
    checkpoint: Text | None = setting(
        None, "weights (.safetensors); null takes the newest run on the data set, else the pretrained ones"
    )
    format: Literal["html", "onnx"] = setting(
        "html",
        "html: a page in one file that samples in any browser; onnx: a folder with the network and its description",
    )
    out: Text | None = setting(
        None, "file (html) or folder (onnx) to write, which must not exist; null names it after the data set"
    )
    data_root: Text = data_root()

    @classmethod
    def expanded(cls, overrides: list[str]) -> list[str]:
        return with_folder(cls, overrides)
