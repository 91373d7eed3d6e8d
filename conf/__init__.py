"""Settings: each is declared once, in the class that uses it, with its type, default, range and explanation.

    class DDIM(Settings):
        name: Literal["ddim"] = "ddim"
        eta: float = setting(0.0, "0 is deterministic, 1 equals ddpm", ge=0, le=1)

Validation, the words of a refusal, --help, the widgets of the dashboard and the record in a picture follow from it.
The YAML files beside this one hold choices only: which option of a group a program takes, and experiments.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, Self, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo
from rapidfuzz import fuzz

MAX_SEED = 2**62
MAX_WEIGHT = 20.0  # of guidance; with more, pictures are noise
MOST_LINES = 100  # of one message
Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "fp32", "tf32", "bf16"]


def setting(default: Any, why: str, **limits: Any) -> Any:
    """A field of `Settings`: its default, what it does, and ge, gt, le, lt, min_length or max_length."""
    return Field(default, description=why, **limits)


class Refusal(ValueError):
    """Settings that cannot be, in one line that begins with the name of the setting."""


class Refusals(ValueError):
    """Several things for a person to fix, told at once, a line for each.

    head  : what they are wrong with
    lines : each says where it is, what is wrong, and what to do
    """

    def __init__(self, head: str, lines: Sequence[str]):
        super().__init__(head, tuple(lines))  # from which pickle makes it again, on its way to another process
        self.head, self.lines = head, tuple(lines)

    def __str__(self) -> str:
        if len(self.lines) == 1:
            return f"{self.head}: {self.lines[0]}"
        shown, more = self.lines[:MOST_LINES], len(self.lines) - MOST_LINES
        rest = [f"  and {more:,} more"] if more > 0 else []
        return "\n".join([f"{self.head}: {len(self.lines):,} things to fix", *(f"  {line}" for line in shown), *rest])


class Settings(BaseModel):
    """A group of settings. Making one raises Refusal, a ValueError, for what is not allowed or not known.

    program   : the entry point that these are the settings of, without ".py"; conf/<program>.yaml has its choices
    chosen_as : what the group is set to on the command line to choose this class; its `name` if left out
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    program: ClassVar[str] = ""
    chosen_as: ClassVar[str] = ""

    def __init__(self, **given: Any):
        try:
            super().__init__(**given)
        except ValidationError as error:
            raise Refusal(_refusal(error, type(self), given).replace("\n", "\\n")) from None

    @classmethod
    def parse(cls, given: Any, group: str = "") -> Self:
        """The settings in plain values, such as those that Hydra composes; `group` is put before their names."""
        if not isinstance(given, dict):
            raise Refusal(f"{group or 'settings'}={_brief(given)}: must be settings with names")
        try:
            return cls(**given)
        except Refusal as refusal:
            raise Refusal(f"{group}.{refusal}" if group else str(refusal)) from None

    @classmethod
    def expanded(cls, overrides: list[str]) -> list[str]:
        """The arguments that these stand for, such as all that a picture was sampled with for from_image=PICTURE."""
        return overrides

    @classmethod
    def open_fields(cls) -> list[str]:
        """The settings below which any name may stand."""
        return [name for name, field in cls.model_fields.items() if get_origin(field.annotation) is dict]

    def replace(self, **changes: Any) -> Self:
        """The same with some changed, checked like any."""
        return type(self)(**{**{name: getattr(self, name) for name in type(self).model_fields}, **changes})

    def plain(self) -> dict[str, Any]:
        """As values that JSON and YAML know."""
        return self.model_dump(mode="json")


def _text(value: Any) -> Any:
    """Numbers as they were typed."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _request(value: Any) -> Any:
    """The elements of a list with commas between them."""
    if isinstance(value, list) and all(isinstance(part, str | int | float) for part in value):
        return ",".join(str(part) for part in value)
    return _text(value)


Text = Annotated[str, BeforeValidator(_text)]  # what a person writes: a name, a path
Request = Annotated[str, BeforeValidator(_request)]  # names of attributes, which may come as a list too


def one_of(classes: Sequence[type[Settings]], tag: str = "name") -> Any:
    """The type of a group that can be each of these, told apart by the field `tag`; in Python, a name alone will do."""

    def named(value: Any) -> Any:
        return {tag: value} if isinstance(value, str) else value

    return Annotated[Union[tuple(classes)], Field(discriminator=tag), BeforeValidator(named)]  # noqa: UP007


# -- what a class of settings says of itself -----------------------------------------------------------------------
# Kept once known, for every override that is typed asks for it again.


def members(annotation: Any) -> list[type[Settings]]:
    """The classes of settings that a field of this type can hold."""
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return [annotation]
    return [found for part in get_args(annotation) for found in members(part)] if _is_union(annotation) else []


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType, Annotated)


def option(cls: type[Settings]) -> str:
    """What a group is set to for this class; empty for settings that only stand together."""
    named = cls.model_fields.get("name")
    return cls.chosen_as or (
        str(named.default) if named is not None and get_origin(named.annotation) is Literal else ""
    )


@cache
def groups(cls: type[Settings]) -> Mapping[str, Mapping[str, type[Settings]]]:
    """The groups among the fields of a class, each with its options."""
    found = {name: {option(c): c for c in members(field.annotation)} for name, field in cls.model_fields.items()}
    return {name: options for name, options in found.items() if options and all(options)}


@cache
def fields(cls: type[Settings], before: str = "") -> Mapping[str, FieldInfo]:
    """Every single setting by its dotted name, without those of groups."""
    found: dict[str, FieldInfo] = {}
    for name, field in cls.model_fields.items():
        if name in groups(cls):
            continue
        nested = members(field.annotation)
        found |= fields(nested[0], f"{before}{name}.") if nested else {f"{before}{name}": field}
    return found


@cache
def names(cls: type[Settings]) -> frozenset[str]:
    """All that can stand before the = on the command line."""
    found = set(fields(cls))
    for group, options in groups(cls).items():
        found |= {group, *(f"{group}.{name}" for member in options.values() for name in names(member))}
    return frozenset(found)


def closest(typed: str, cls: type[Settings]) -> list[str]:
    """The three settings nearest to what was typed."""

    def likeness(name: str) -> float:
        last = fuzz.ratio(typed.rpartition(".")[2], name.rpartition(".")[2])  # "lr" may mean optim.lr
        return max(fuzz.ratio(typed, name), last - 1)  # of two that fit as well, the one that fits as a whole

    return sorted(names(cls), key=lambda name: (-likeness(name), name))[:3]


def allowed(annotation: Any, limits: Sequence[Any] = ()) -> str:
    """In words, what a field of this type takes: "a whole number from 1 to 5"."""
    origin, args = get_origin(annotation), get_args(annotation)
    if len(found := members(annotation)) and option(found[0]):
        return "one of " + ", ".join(map(option, found))
    if origin is Annotated:
        return allowed(args[0], [*limits, *args[1:]])
    if origin in (Union, types.UnionType):
        return " or ".join("null" if part is type(None) else allowed(part, limits) for part in args)
    if origin is Literal:
        return "one of " + ", ".join(_shown(value) for value in args)
    if origin is list:
        several = f"a list in brackets of{_length(limits)} {_plural(allowed(args[0]))}"
        return several.replace("more some of", "more of")
    if origin is dict:
        return "values by name"
    kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    if annotation in (int, float):
        return kinds[annotation] + _range(limits)
    return kinds.get(annotation, "settings with names" if found else "another value")


def _number(bound: float) -> str:
    return f"{bound:,}" if isinstance(bound, int) else f"{bound:g}"


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plural(words: str) -> str:
    for one, many in (("a whole number", "whole numbers"), ("a number", "numbers"), ("one of", "some of")):
        words = many + words.removeprefix(one) if words.startswith(one) else words
    return words


def _length(limits: Sequence[Any]) -> str:
    low = next((x.min_length for x in limits if isinstance(x, annotated_types.MinLen)), 0)
    high = next((x.max_length for x in limits if isinstance(x, annotated_types.MaxLen)), None)
    return f" {low}" if low == high else " one or more" if low == 1 else ""


def bounds(limits: Sequence[Any]) -> dict[str, Any]:
    """The ge, gt, le and lt among the limits of a field, its `metadata`."""
    limits = [inner for x in limits for inner in (x.metadata if isinstance(x, FieldInfo) else [x])]
    return {name: getattr(x, name) for x in limits for name in ("ge", "gt", "le", "lt") if hasattr(x, name)}


def _range(limits: Sequence[Any]) -> str:
    ends = bounds(limits)
    low, high = (_number(ends[name]) if name in ends else None for name in ("ge", "le"))
    if low and high:
        return f" from {low} to {high}"
    words = [f"of at least {low}" if low else "", f"above {ends['gt']:g}" if "gt" in ends else ""]
    words += [f"of at most {high}" if high else "", f"below {ends['lt']:g}" if "lt" in ends else ""]
    joined = " and ".join(filter(None, words))
    return f" {joined}" if joined else ""


# -- refusals ------------------------------------------------------------------------------------------------------


def _refusal(error: ValidationError, cls: type[Settings], given: dict[str, Any]) -> str:
    """The first fault that pydantic found, in one line: what was given, what is allowed, what to do."""
    fault = error.errors()[0]
    if not fault["loc"]:  # a rule about several settings, which its own words name
        return str(fault["ctx"]["error"])
    name = str(fault["loc"][0])
    if name not in cls.model_fields:
        return f"{name}: no such setting{_instead(name, cls)}"
    value, field = given.get(name), cls.model_fields[name]
    reason = fault.get("ctx", {}).get("error")
    if isinstance(reason, Refusal):
        return f"{name}.{reason}"
    if isinstance(reason, ValueError):
        return f"{name}={_brief(value)}: {reason}"
    choices, nested = allowed(field.annotation, field.metadata), members(field.annotation)
    if nested and not option(nested[0]):
        example = f"{name}.{next(iter(fields(nested[0])))}"
        return f"{name}={_brief(value)}: holds several settings; give them one by one, as in {example}=VALUE"
    if choices.startswith("one of"):
        return f"{name}={_brief(_tag_in(value))}: unknown; choose {choices}"
    return f"{name}={_brief(value)}: must be {choices}"


def _instead(name: str, cls: type[Settings]) -> str:
    """What there is in the place of a setting that there is not."""
    belongs = f" of {option(cls)}" if option(cls) else ""
    known = [other for other in closest(name, cls) if other != "name"]
    return belongs + (f"; closest: {', '.join(known)}" if known else ", which has none")


def _tag_in(value: Any) -> Any:
    """Of a group, the name that chooses among its options."""
    return value.get("name", value.get("conditional", value)) if isinstance(value, dict) else value


def _brief(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
