"""A visit is taken up again after a reload, by the name in its address, and by no other."""

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import visits


def show():
    """What AppTest runs; it is copied as text, so it stands alone."""
    import streamlit as st

    from dashboard import visits

    visits.resume()
    st.number_input("w", 0.0, 9.0, 3.0, **visits.persistent("w"))
    st.session_state.setdefault("history", []).append(len(st.session_state.get("history", ())))
    st.button("press", key="pressed")
    visits.keep()


@pytest.fixture(autouse=True)
def none_yet():
    visits._visits().clear()


def visit(name: str | None = None) -> AppTest:
    app = AppTest.from_function(show)
    if name is not None:
        app.query_params["visit"] = name
    app.run()
    assert not app.exception
    return app


def test_choices_and_pictures_are_there_after_a_reload():
    app = visit()
    app.number_input[0].set_value(5.0).run()
    app.button[0].click().run()
    again = visit(app.session_state["visit"])
    assert again.number_input[0].value == 5.0 and again.session_state["history"] == [0, 1, 2, 3]
    assert app.session_state["history"] == [0, 1, 2]  # the two go separate ways
    assert visit().number_input[0].value == 3.0


def test_two_tabs_with_one_address_do_not_overwrite_each_other():
    first = visit()
    second = visit(first.session_state["visit"])
    first.number_input[0].set_value(5.0).run()
    second.number_input[0].set_value(7.0).run()
    assert visit(first.session_state["visit"]).number_input[0].value == 5.0


@pytest.mark.parametrize("name", ["", "../../x", "0" * 12, "<script>"])
def test_a_name_that_is_not_known_finds_nothing(name):
    visit().number_input[0].set_value(5.0).run()
    app = visit(name)
    assert app.number_input[0].value == 3.0 and app.session_state["visit"] != name


def test_the_visits_that_were_not_used_for_longest_are_forgotten(monkeypatch):
    monkeypatch.setattr(visits, "KEPT", 2)
    first, second = visit(), visit()
    first.run()
    visit()
    assert first.session_state["visit"] in visits._visits() and second.session_state["visit"] not in visits._visits()
