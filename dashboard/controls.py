"""Widgets that several pages share. Their defaults, ranges and help are those of the declared settings."""

from __future__ import annotations

import functools
import random
from typing import Any, get_args

import streamlit as st

from conditions.schema import ConditionSchema
from conf import Settings, bounds, option
from dashboard.choices import Choice, slot_choices
from dashboard.explanations import explained
from dashboard.french_names import name_in
from dashboard.state import language, say
from dashboard.visits import persistent
from diffusion.sampling import FOR_OPEN_LABELS
from inference.settings import SampleSettings
from runtime.checkpoint import WeightsInfo
from runtime.factory import Recipe
from runtime.settings import compose, options

STEPS = {"ddpm": 50}  # for samplers that need more than the usual number
W = {"mnist": 2.0}  # for data sets on which less than the usual guidance was measured to be best
SAFE = 2**53 - 1  # the largest whole number that a browser keeps exact


@functools.cache
def defaults() -> SampleSettings:
    """The settings of sample.py where nothing is typed."""
    return compose(SampleSettings)


# -- one widget for one declared setting ---------------------------------------------------------------------------


def declared(settings: Settings, name: str) -> tuple[Any, Any]:
    """Where the setting with this dotted name is declared, a FieldInfo, and its value."""
    *parents, last = name.split(".")
    owner = functools.reduce(getattr, parents, settings)
    return type(owner).model_fields[last], getattr(owner, last)


def explain(settings: Settings, name: str) -> str:
    """Name and explanation of a declared setting, in the visitor's language."""
    field, _ = declared(settings, name)
    return f"`{name}`: {explained(type(settings).program, name, field.description or '', language())}"


def number(settings: Settings, name: str, label: str, key: str, place: Any = st, most: int | None = None, **how: Any):
    """A number, its range as declared. One that may be left out is None while nothing is typed.

    most    : a limit of the page, below the declared one
    how     : for st.number_input, such as another `value`
    """
    field, value = declared(settings, name)
    whole = int in (field.annotation, *get_args(field.annotation))
    kind, ends = (int, bounds(field.metadata)) if whole else (float, bounds(field.metadata))
    low, high = ends.get("ge", ends.get("gt")), ends.get("le", ends.get("lt"))
    caps = [cap for cap in (high, most, SAFE if whole else None) if cap is not None]
    how = {"value": None if value is None else kind(value), "help": explain(settings, name)} | how
    return place.number_input(
        label, None if low is None else kind(low), kind(min(caps)) if caps else None, **how, **persistent(key)
    )


def switch(settings: Settings, name: str, label: str, key: str, place: Any = st, **how: Any) -> bool:
    """Whether something is so."""
    _, value = declared(settings, name)
    return place.toggle(label, **{"value": value, "help": explain(settings, name)} | how, **persistent(key))


def slider(settings: Settings, name: str, key: str, place: Any = st, **how: Any) -> float:
    """A number between its declared ends."""
    field, value = declared(settings, name)
    ends = bounds(field.metadata)
    how = {"value": float(value), "help": explain(settings, name)} | how
    return place.slider(name, float(ends["ge"]), float(ends["le"]), **how, **persistent(key))


def one_of(settings: Settings, name: str, label: str, key: str, place: Any = st, **how: Any) -> str:
    """One of the words that a setting takes."""
    field, value = declared(settings, name)
    words = list(get_args(field.annotation))
    how = {"help": explain(settings, name)} | how
    return place.selectbox(label, words, index=words.index(value), **how, **persistent(key))


def group(settings: Settings, name: str, label: str, key: str, place: Any = st, **how: Any) -> str | None:
    """One of the options of a group, such as the samplers; None where that is the default, and nothing was chosen."""
    names, value = options(type(settings), name), getattr(settings, name)
    names, index = (names, names.index(option(type(value)))) if value is not None else ([None, *names], 0)
    return place.selectbox(
        label, names, index=index, format_func=lambda chosen: chosen or say("automatic"), **how, **persistent(key)
    )


def two_abreast(key: str) -> list[Any]:
    """Two columns that stay side by side on narrow windows too, see view.py."""
    with st.container(key=f"two-abreast-{key}"):
        return st.columns(2)


# -- what is asked for ---------------------------------------------------------------------------------------------


def label(choice: Choice, unasked: str) -> str:
    """An entry of a slot's list, in words."""
    if choice.kind == "any":
        return unasked
    if choice.kind == "none":
        return say("none")
    name = name_in(choice.name.removeprefix("-"), language())
    if choice.kind == "group":
        return say("any {group}", group=name)
    if choice.kind == "not group":
        return say("no {group}", group=name)
    return name


def slots(schema: ConditionSchema, key: str, unasked: str | None = None) -> str:
    """One control for each slot; what was chosen, as a request. `unasked` stands for choosing nothing."""
    names, nothing, places = [], unasked or say("any"), two_abreast(key)
    for i, (name, choices) in enumerate(slot_choices(schema).items()):
        chosen = places[i % 2].selectbox(
            name_in(name, language()).capitalize(), choices, format_func=lambda choice: label(choice, nothing),
            filter_mode="contains", **persistent(f"{key}.{name}"),
        )  # fmt: skip
        names += [chosen.name] if chosen and chosen.name else []
    return ",".join(names)


def example(info: WeightsInfo) -> str:
    """A request with which guidance makes a difference: the first of those that trainings preview, or "any"."""
    return next(iter(Recipe.of(info.config).dataset.preview), "any")


def request(info: WeightsInfo, key: str, names: str | None = None) -> dict[str, Any]:
    """What is asked for, by slots, by a phrase or by names: settings of sample.py.

    names : what is asked for by name as long as nobody changes it
    """
    schema = ConditionSchema.from_json(info.schema)
    if not len(schema):
        st.caption(say("These weights were trained without labels; nothing can be asked for."))
        return {}
    titles = {"slots": say("By slot"), "phrase": say("By phrase"), "names": say("By names")}
    way = st.segmented_control(
        say("Ask"), list(titles), default="names" if names else "slots", required=True, format_func=titles.get,
        label_visibility="collapsed", **persistent(f"{key}.way"),
    )  # fmt: skip
    if way == "phrase":
        example = say("a woman with wild blonde hair and 3D glasses, without a hat")
        text = st.text_area(say("Phrase, in English or French"), placeholder=example, **persistent(f"{key}.phrase"))
        return {"prompt": text.strip() or None}
    if way == "names":
        text = st.text_input(
            say("Names, weights and several conditions"), names or "",
            placeholder="male, hat:5 | glasses * 2", help=explain(defaults(), "attrs"), **persistent(f"{key}.names"),
        )  # fmt: skip
        return {"attrs": text.strip() or None}
    return {"attrs": slots(schema, f"{key}.{info.dataset}") or None}


# -- how it is sampled ---------------------------------------------------------------------------------------------


def sampler_and_steps(places, key: str, info: WeightsInfo, **how: Any) -> dict[str, Any]:
    """Both widgets, each in its place; the default number of steps depends on the sampler."""
    usual, T = defaults(), Recipe.of(info.config).diffusion.T
    sampler = group(usual, "sampler", say("Sampler"), f"{key}.sampler", places[0], **how)
    default = None if sampler is None else min(STEPS.get(sampler, FOR_OPEN_LABELS["steps"]), T)
    steps = number(
        usual, "steps", say("Steps"), f"{key}.steps.{default}.{T}", places[1], most=T, value=default,
        placeholder=say("automatic"), **how,
    )  # fmt: skip
    return {"sampler": sampler, "steps": steps}


def usual_w(info: WeightsInfo) -> float:
    """The guidance to begin with."""
    recipe = Recipe.of(info.config)
    return W.get(info.dataset, defaults().w) if recipe.is_diffusion else 1.0


def sampling_options(info: WeightsInfo, key: str, most: int = 64) -> dict[str, Any]:
    """Guidance, seed and number of pictures: settings of sample.py, in a row of widgets."""
    usual, w = defaults(), usual_w(info)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        w = number(usual, "w", say("Guidance w"), f"{key}.w.{w:g}", value=w, step=0.5, format="%.1f", width=130)
        n = number(usual, "n", say("Pictures"), f"{key}.n", most=most, value=min(4, most), width=130, help=None)
        seed = first_seed(key)
    return {"w": w, "seed": seed, "n": n}


def first_seed(key: str) -> int:
    """The first seed, with a button that chooses another at random."""

    def another() -> None:
        st.session_state[f"{key}.seed"] = random.randrange(1_000_000)

    seed = number(defaults(), "seed", say("First seed"), f"{key}.seed", value="min", width=140)
    st.button("", icon=":material/casino:", key=f"{key}.another", on_click=another, help=say("Another seed"))
    return seed
