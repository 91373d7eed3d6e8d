"""Widgets that several pages share: what is asked for, and how it is drawn."""

from __future__ import annotations

import functools
import random
from typing import Any

import streamlit as st

from conditions.schema import ConditionSchema
from dashboard.asking import Choice, slot_choices
from dashboard.state import KEPT, say
from inference.comparison import settings_of
from runtime.checkpoint import WeightsInfo
from runtime.factory import SAMPLERS
from runtime.settings import MAX_SEED

STEPS = {"ddpm": 50}  # what a sampler wants where it is not content with the usual number


@functools.cache
def usual() -> tuple[str, int]:
    """Sampler and steps of sample.py where nothing is said."""
    settings = settings_of(())
    return settings["sampler"]["name"], settings["steps"]


def sampler_and_steps(places, key: str, T: int, **how: Any) -> dict[str, Any]:
    """Both widgets, each in its place; the number of steps goes with the sampler."""
    names, (sampler, steps) = list(SAMPLERS), usual()
    sampler = places[0].selectbox(
        say("Sampler"), names, index=names.index(sampler), key=f"{key}.sampler", **how, **KEPT
    )
    default = min(STEPS.get(sampler, steps), T)
    chosen = places[1].number_input(say("Steps"), 1, T, default, key=f"{key}.steps.{default}.{T}", **how, **KEPT)
    return {"sampler": sampler, "steps": chosen}


def label(choice: Choice, unasked: str) -> str:
    """An entry of a slot's list, in words."""
    if choice.kind == "any":
        return unasked
    if choice.kind == "none":
        return say("none")
    if choice.kind == "group":
        return say("any {group}", group=choice.name)
    if choice.kind == "not group":
        return say("no {group}", group=choice.name.removeprefix("-"))
    return choice.name


def slots(schema: ConditionSchema, key: str, unasked: str | None = None) -> str:
    """One control for each slot; what was chosen, as a request. `unasked` stands for choosing nothing."""
    asked, nothing = [], unasked or say("any")
    places = st.columns(2)
    for i, (name, choices) in enumerate(slot_choices(schema).items()):
        chosen = places[i % 2].selectbox(
            name.capitalize(), choices, format_func=lambda choice: label(choice, nothing), key=f"{key}.{name}",
            filter_mode="contains", **KEPT,
        )  # fmt: skip
        asked += [chosen.name] if chosen and chosen.name else []
    return ",".join(asked)


def request(info: WeightsInfo, key: str) -> dict[str, Any]:
    """What is asked for, by slots or by a phrase: settings of sample.py."""
    schema = ConditionSchema.from_json(info.schema)
    if not len(schema):
        st.caption(say("These weights were trained without labels; nothing can be asked for."))
        return {}
    ways = ("slots", "phrase", "names")
    titles = {"slots": say("By slot"), "phrase": say("By phrase"), "names": say("By names")}
    way = st.segmented_control(
        say("Ask"), ways, default="slots", required=True, format_func=titles.get, key=f"{key}.way", **KEPT,
        label_visibility="collapsed",
    )  # fmt: skip
    if way == "phrase":
        hint = say("a woman with wild blonde hair and 3D glasses, without a hat")
        text = st.text_area(say("Phrase, in English or French"), key=f"{key}.phrase", placeholder=hint, **KEPT)
        return {"prompt": text.strip() or None}
    if way == "names":
        hint = "male, hat:5 | glasses * 2"
        text = st.text_input(say("Names, weights and several conditions"), key=f"{key}.names", placeholder=hint, **KEPT)
        return {"attrs": text.strip() or None}
    return {"attrs": slots(schema, f"{key}.{info.dataset}") or None}


def drawing(info: WeightsInfo, key: str, most: int = 64) -> dict[str, Any]:
    """How it is drawn: settings of sample.py, as a row of widgets has them."""
    T = info.config["diffusion"]["T"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        w = st.number_input(
            "w", 0.0, 100.0, 3.0, 0.5, format="%.1f", key=f"{key}.w", width=110,
            help=say("Guidance: 0 ignores the request, 1 is the plain model, more insists"), **KEPT,
        )  # fmt: skip
        walk = sampler_and_steps((st, st), key, T, width=150)
        n = st.number_input(say("Pictures"), 1, most, min(4, most), key=f"{key}.n", width=110, **KEPT)
        seed = seed_of(key)
    return {"w": w, **walk, "seed": seed, "n": n}


def seed_of(key: str) -> int:
    """The first seed, with a button that rolls another."""

    def roll() -> None:
        st.session_state[f"{key}.seed"] = random.randrange(1_000_000)

    seed = st.number_input(say("First seed"), 0, min(MAX_SEED, 2**53 - 1), key=f"{key}.seed", width=140, **KEPT)
    st.button("", icon=":material/casino:", key=f"{key}.roll", on_click=roll, help=say("Another seed"))
    return seed
