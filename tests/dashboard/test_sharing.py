"""Sharing weights from the Generate page, without a browser."""

from pathlib import Path

from dashboard import sharing
from inference.export.network import ExportRefused
from tests.dashboard.apps import open_page


def test_a_page_of_the_chosen_weights_is_made_for_download(tiny, monkeypatch):
    asked = []
    monkeypatch.setattr(sharing, "page_of", lambda pipe, weights, root: asked.append(weights) or b"x" * 1_200_000)
    app = open_page("generate", **{"generate.weights": tiny})
    assert not asked and not app.get("download_button")
    app.button(key="share").click().run()
    assert not app.exception and not app.error and asked == [Path(tiny)]
    assert [button.label for button in app.get("download_button")] == ["Download the page, 1.2 MB"]


def test_what_is_missing_for_it_is_said_in_one_line(tiny, monkeypatch):
    def refuse(*_):
        raise ExportRefused("export needs the package onnx")

    monkeypatch.setattr(sharing, "page_of", refuse)
    app = open_page("generate", **{"generate.weights": tiny})
    app.button(key="share").click().run()
    assert not app.exception and not app.get("download_button")
    assert [error.value for error in app.error] == ["export needs the package onnx"]
