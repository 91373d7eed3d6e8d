"""Pages of the dashboard without a browser."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from dashboard.choices import slot_choices
from data.pixelfaces import SCHEMA

PAGES = ["data", "runs", "samples", "train", "generate", "edit", "compare", "evaluate"]


def show(name):
    """What AppTest runs; it is copied as text, so it stands alone."""
    import importlib

    from dashboard import view

    view.style()
    importlib.import_module(f"dashboard.pages.{name}").page()


def open_page(name, **state) -> AppTest:
    app = AppTest.from_function(show, kwargs={"name": name}, default_timeout=60)
    for key, value in state.items():
        app.session_state[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


def labelled(widgets, label):
    return next(widget for widget in widgets if widget.label == label)


def sampled(app: AppTest, name: str = "generate") -> AppTest:
    """Press the button, and wait as the page does."""
    labelled(app.button, "Generate").click().run()
    return finished(app, name)


def finished(app: AppTest, name: str = "generate") -> AppTest:
    """Wait until nothing is sampled any more."""
    while f"{name}.work" in app.session_state:
        app.session_state[f"{name}.work"].wait(60)
        app.run()
    return app


def choice(slot, name):
    """The entry of a slot's list that has this name."""
    return next(choice for choice in slot_choices(SCHEMA)[slot] if choice.name == name)


def generate(tiny, **state) -> AppTest:
    app = open_page("generate", **{"generate.weights": tiny}, **state)
    app.number_input(key="generate.n").set_value(2)
    return app
