"""The texts of the dashboard in French. A text that is not here stays in English."""

from __future__ import annotations

LANGUAGES = ("English", "Français")
FRENCH: dict[str, str] = {}


def translated(text: str, language: str) -> str:
    return FRENCH.get(text, text) if language == "Français" else text
