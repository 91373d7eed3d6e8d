"""Pixel art in the browser: every pixel becomes a whole number of them, and nothing blurs it."""

from __future__ import annotations

import base64
import html
import io
import re
import zipfile
from collections.abc import Sequence
from typing import Any

import streamlit as st
from torch import Tensor

from data.images import enlarge, save_gif, save_png

STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding: 3.2rem clamp(1rem, 3vw, 3rem) 4rem; }
.gallery { display: flex; flex-wrap: wrap; gap: 12px; align-items: flex-start; }
.gallery figure { margin: 0; }
.gallery img, .sheet img, [data-testid="stImage"] img { image-rendering: pixelated; display: block; }
.gallery img { border-radius: 3px; background: repeating-conic-gradient(#ccc 0 25%, #fff 0 50%) 0 0 / 12px 12px; }
.gallery figcaption { font-size: 0.8rem; opacity: 0.75; padding-top: 4px; overflow-wrap: anywhere; }
.chart { margin: 0 0 8px; }
.chart img { display: block; max-width: 100%; border-radius: 6px; }
.chart figcaption { font-size: 0.8rem; opacity: 0.75; padding-top: 4px; }
.sheet { display: flex; overflow-x: auto; padding-bottom: 6px; }
.sheet .rows { flex: none; padding-right: 10px; }
.sheet .rows div { display: flex; align-items: center; justify-content: end; font-size: 0.8rem; opacity: 0.75;
                   white-space: nowrap; }
.sheet img { flex: none; max-width: none; }
.matrix { border-collapse: separate; border-spacing: 10px; }
.matrix td, .matrix th { border: none; padding: 0; font-weight: normal; font-size: 0.8rem; text-align: left; }
.matrix th { opacity: 0.75; white-space: nowrap; }
.matrix .gallery { gap: 4px; flex-wrap: nowrap; }
.matrix small { opacity: 0.75; }
.summary { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.summary td, .summary th { border: none; border-bottom: 1px solid rgba(128, 128, 128, 0.25); padding: 5px 28px 5px 0;
                           font-size: 0.9rem; font-weight: normal; text-align: left; vertical-align: top; }
.summary thead th { font-weight: 600; overflow-wrap: anywhere; min-width: 5rem; }
.summary tbody th { opacity: 0.75; }
.lines { font-size: 0.9rem; overflow-wrap: anywhere; }
.lines div { margin-bottom: 6px; }
.values { display: grid; grid-template-columns: minmax(6.5rem, max-content) minmax(0, 1fr); gap: 12px 24px;
          align-items: center; font-size: 0.9rem; }
.values .name { max-width: 14rem; overflow-wrap: anywhere; }
.values small { display: block; font-size: 0.8rem; opacity: 0.75; }
.values .mark { display: inline-block; margin-left: 8px; padding: 0 7px; border-radius: 9px; font-size: 0.75rem;
                background: rgba(222, 145, 20, 0.28); }
.values .gallery { gap: 6px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 0.85rem; }
.legend i { display: inline-block; width: 14px; height: 4px; border-radius: 2px; margin: 0 7px 3px 0; }
.attributes { border-collapse: collapse; }
.attributes td { padding: 2px 12px 2px 0; border: none; white-space: nowrap; }
.attributes .bar { width: 70px; height: 8px; border-radius: 4px; background: rgba(128, 128, 128, 0.25); }
.attributes .bar div { height: 8px; border-radius: 4px; background: #5b8e7d; }
.attributes .missed .bar div { background: #c8553d; }
.st-key-before { border-bottom: 1px solid rgba(128, 128, 128, 0.25); padding-bottom: 12px; }
/* Narrow windows: lists stay two abreast, and the button that starts is always at hand. */
@media (max-width: 640px) {
  [class*="st-key-two-abreast"] [data-testid="stHorizontalBlock"] { flex-wrap: nowrap; }
  [class*="st-key-two-abreast"] [data-testid="stColumn"] { min-width: 0; flex: 1 1 0; }
  [class*="st-key-action-"] { position: fixed; bottom: 0; left: 0; z-index: 99; width: 100vw; padding: 10px 1rem;
                              backdrop-filter: blur(8px); }
  [data-testid="stMainBlockContainer"] { padding-bottom: 7rem; }
}
</style>"""


# What Streamlit itself writes into the box for uploads has no translation of its own.
FRENCH_STYLE = """<style>
[data-testid="stFileUploaderDropzoneInstructions"] *,
[data-testid="stFileUploaderDropzone"] [data-testid="stBaseButton-secondary"] p { font-size: 0; }
[data-testid="stFileUploaderDropzoneInstructions"]::after { content: "PNG, GIF, BMP, JPEG ou WEBP, 20 Mo au plus";
                                                            font-size: 0.875rem; opacity: 0.7; }
[class*="st-key-data-upload"] [data-testid="stFileUploaderDropzoneInstructions"]::after { content: "ZIP"; }
[data-testid="stFileUploaderDropzone"] [data-testid="stBaseButton-secondary"] p::after { content: "Choisir un fichier";
                                                                                         font-size: 0.875rem; }
</style>"""


def style(language: str = "English") -> None:
    st.html(STYLE)
    if language == "Français":
        st.html(FRENCH_STYLE)


def plain(text: str) -> str:
    """Text for st.error, st.caption and the like, which read Markdown and LaTeX: here every sign means itself."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)


def error(message: str) -> None:
    """What a person can fix, in one line."""
    st.error(plain(" ".join(message.split())), icon=":material/error:")


def png(image: Tensor, scale: int = 1, settings: dict[str, Any] | None = None) -> bytes:
    """A (C, H, W) uint8 picture as a PNG file, with `settings` inside."""
    file = io.BytesIO()
    save_png(enlarge(image, scale), file, settings)
    return file.getvalue()


def gif(frames: Tensor, rate: float) -> bytes:
    """(N, C, H, W) uint8 as an animation of `rate` frames a second."""
    file = io.BytesIO()
    save_gif(frames, file, 1, rate)
    return file.getvalue()


def archive(files: dict[str, bytes]) -> bytes:
    """Files by name, in one ZIP."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def source(content: bytes) -> str:
    """The address of a picture file that holds the file itself."""
    return f"data:image/{'gif' if content[:3] == b'GIF' else 'png'};base64,{base64.b64encode(content).decode()}"


def img(content: bytes, width: int, alt: str = "") -> str:
    """HTML of a picture file, `width` pixels wide."""
    return f'<img src="{source(content)}" width="{width}" alt="{html.escape(alt)}">'


def figures(pictures: Sequence[Tensor], scale: int, captions: Sequence[str] = ()) -> str:
    """HTML of (C, H, W) uint8 pictures in a row that wraps."""
    captions = list(captions) or [""] * len(pictures)
    cells = [
        f"<figure>{img(png(picture), picture.shape[-1] * scale, caption)}"
        + (f"<figcaption>{html.escape(caption)}</figcaption>" if caption else "")
        + "</figure>"
        for picture, caption in zip(pictures, captions, strict=True)
    ]
    return f'<div class="gallery">{"".join(cells)}</div>'


def gallery(pictures: Sequence[Tensor], scale: int, captions: Sequence[str] = (), place=None) -> None:
    (place or st).html(figures(pictures, scale, captions))


def figure(content: bytes, caption: str) -> None:
    """A chart or a sheet as it is, or as wide as the page where that is narrower."""
    st.html(
        f'<figure class="chart"><img src="{source(content)}" alt="{html.escape(caption)}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def animation(content: bytes, width: int) -> None:
    """A GIF file, `width` pixels wide."""
    st.html(f'<div class="gallery">{img(content, width, "animation")}</div>')


def sheet(content: bytes, size: tuple[int, int], rows: Sequence[str], scale: int) -> None:
    """A grid of samples with what its rows show before them; on narrow windows it scrolls.

    size : width and height of the picture file, in pixels
    """
    width, height = size
    each = height * scale / max(len(rows), 1)
    names = "".join(f'<div style="height:{each:.2f}px">{html.escape(row)}</div>' for row in rows)
    st.html(f'<div class="sheet"><div class="rows">{names}</div>{img(content, width * scale)}</div>')


def matrix(heads: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]], corner: str = "") -> None:
    """A table of HTML cells with a head for each column and each row; on narrow windows it scrolls."""
    top = "".join(f"<th>{html.escape(head)}</th>" for head in heads)
    body = "".join(
        f"<tr><th>{html.escape(name)}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>" for name, cells in rows
    )
    st.html(
        f'<div class="sheet"><table class="matrix"><tr><th>{html.escape(corner)}</th>{top}</tr>{body}</table></div>'
    )


def summary(heads: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> None:
    """A table of texts with a head for each column and each row; on narrow windows it scrolls."""
    top = "".join(f"<th>{html.escape(head)}</th>" for head in ["", *heads])
    body = "".join(
        f"<tr><th>{html.escape(name)}</th>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>"
        for name, cells in rows
    )
    st.html(
        f'<div class="sheet"><table class="summary"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def lines(texts: Sequence[str]) -> None:
    """Texts one below the other, each as it is."""
    st.html(f'<div class="lines">{"".join(f"<div>{html.escape(text)}</div>" for text in texts)}</div>')


def rows(entries: Sequence[tuple[str, str, str, str]]) -> None:
    """A name with a note below it and, if any, a mark beside it; and to the right HTML, as of `figures`."""
    cells = "".join(
        f'<div class="name">{html.escape(name)}{f"""<span class="mark">{html.escape(mark)}</span>""" if mark else ""}'
        f"<small>{html.escape(note)}</small></div><div>{content}</div>"
        for name, note, mark, content in entries
    )
    st.html(f'<div class="values">{cells}</div>')


def attribute_bars(attributes: Sequence[tuple[str, float]]) -> None:
    """What was asked for, and how likely the classifier holds it that a picture shows it."""
    rows = "".join(
        f'<tr class="{"met" if share >= 0.5 else "missed"}"><td>{"✓" if share >= 0.5 else "✗"}</td>'
        f"<td>{html.escape(name)}</td><td><div class='bar'><div style='width:{100 * share:.0f}%'></div></div></td>"
        f"<td>{100 * share:.0f} %</td></tr>"
        for name, share in attributes
    )
    st.html(f'<table class="attributes">{rows}</table>')


def legend(names: Sequence[str], colours: Sequence[str]) -> None:
    """Which colour stands for what, once for several figures."""
    entries = "".join(
        f'<span><i style="background:{colours[i % len(colours)]}"></i>{html.escape(name)}</span>'
        for i, name in enumerate(names)
    )
    st.html(f'<div class="legend">{entries}</div>')


def fitting_scale(images: Sequence[Tensor]) -> int:
    """How many pixels wide a pixel is shown, so that few pictures are large and many are not too many."""
    wanted = 192 if len(images) <= 2 else 120 if len(images) <= 16 else 72  # four stand side by side
    return max(1, wanted // images[0].shape[-1])
