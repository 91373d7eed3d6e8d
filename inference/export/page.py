"""A page in one file, with all that it needs inside: the files in page/, a network, its description, a runtime."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "page"
ON_PAGE = (
    "names.js",
    "phrases.js",
    "noise.js",
    "sampler.js",
    "packing.js",
    "engine.js",
    "picker.js",
    "png.js",
    "detail.js",
    "app.js",
)
IN_WORKER = ("names.js", "noise.js", "prior.js", "sampler.js", "packing.js", "worker.js")


def assembled(description: dict[str, Any], network: bytes, runtime: tuple[bytes, bytes]) -> bytes:
    """The page in UTF-8.

    description : as description.describe makes it
    network     : ONNX
    runtime     : the script and the binary of onnxruntime-web
    """
    library, binary = runtime
    script, style, worker = scripts(ON_PAGE), read("style.css"), library.decode("utf-8") + "\n" + scripts(IN_WORKER)
    parts = {
        "POLICY": html.escape(policy(script, style)),
        "TITLE": html.escape(description["title"]),
        "STYLE": style,
        "SCRIPT": script,
        "DESCRIPTION": embedded({**description, "about": about(description)}),
        "WORKER": packed(worker.encode("utf-8")),
        "RUNTIME": packed(binary),
        "NETWORK": packed(planes(network)),
    }
    return re.sub(r"\{\{([A-Z]+)\}\}", lambda match: parts[match[1]], read("index.html")).encode("utf-8")


def read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def scripts(names: tuple[str, ...]) -> str:
    return "\n".join(map(read, names))


def about(description: dict[str, Any]) -> str:
    weights = f"weights {description['checkpoint']}, trained on {description['dataset']}, step {description['step']:,}"
    return f"Made with DDPM-CFG from {weights}. sample.py from_image=FILE reproduces a downloaded picture."


def policy(script: str, style: str) -> str:
    """A content security policy: no request to anywhere, and no code but that of the page and of its workers."""
    return (
        f"default-src 'none'; script-src {digest(script)} blob: 'wasm-unsafe-eval'; style-src {digest(style)}; "
        "worker-src blob:; img-src blob: data:; base-uri 'none'; form-action 'none'"
    )


def digest(text: str) -> str:
    """The source expression that allows an inline script or style with this content, and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode()}'"


def embedded(value: Any) -> str:
    """JSON that no name in it can break out of: a script element ends at "</script", and this has no "<"."""
    return json.dumps(value).replace("<", "\\u003c")


def planes(content: bytes) -> bytes:
    """All bytes at even places, then those at odd ones: halves of half-precision floats compress better apart."""
    return content[::2] + content[1::2]


def packed(content: bytes) -> str:
    """Compressed bytes as text, seven bits to a character, after their number and a colon.

    Base64 has six bits in a byte, and would make a file that is a sixth larger. NUL, carriage return and "<", which
    HTML changes or takes for a tag, stand as the characters 128 further on, so that the lowest seven bits count. As
    none is beyond Latin-1, a browser holds and reads the text in one byte for each character.
    """
    small = zlib.compress(content, 9)
    bits = np.unpackbits(np.frombuffer(small, dtype=np.uint8))
    bits = np.pad(bits, (0, -len(bits) % 7)).reshape(-1, 7)
    text = (np.packbits(bits, axis=1) >> 1).tobytes().decode("ascii")
    return f"{len(small)}:" + text.translate({code: 128 + code for code in (0, 13, ord("<"))})
