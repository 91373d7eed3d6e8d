"""The texts of the dashboard in French. A text that is not here stays in English."""

from __future__ import annotations

from dashboard import french_diagnosis, french_pictures, french_training

LANGUAGES = ("English", "Français")
FRENCH = {**french_pictures.TEXTS, **french_training.TEXTS, **french_diagnosis.TEXTS}


def translated(text: str, language: str) -> str:
    return FRENCH.get(text, text) if language == "Français" else text
