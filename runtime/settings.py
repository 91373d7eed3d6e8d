"""Composing: from what is typed to settings, by Hydra, for the command line, scripts and the dashboard alike."""

from __future__ import annotations

import re
import shlex
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, MissingConfigException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from conf import Refusals, Settings, closest, groups, names

CONF = Path(__file__).resolve().parent.parent / "conf"
# Settings whose commas belong to the text and are no sweep.
TEXT_KEYS = ("attrs", "negative", "prompt", "edit", "to")
COMPOSING = threading.Lock()  # Hydra composes one configuration at a time
COMPOSITION_ERRORS = (HydraException, OmegaConfBaseException)
WRITTEN = 'settings are written key=value, and a value with spaces needs quotes, as in "attrs=top hat"'

_STORED: dict[tuple[str | None, str], dict[str, Any]] = {}

S = TypeVar("S", bound=Settings)


def register(cls: type[Settings]) -> None:
    """Make the defaults of a program and of the options of its groups known to Hydra."""
    found = groups(cls)
    for group, options in found.items():
        for option, member in options.items():
            _store(group, option, member().model_dump())
    _store(None, f"{cls.program}_settings", {k: v for k, v in cls().model_dump().items() if k not in found})


def _store(group: str | None, name: str, node: dict[str, Any]) -> None:
    """Put defaults into Hydra's store, which converts them, where they are new: some depend on the environment."""
    if _STORED.get((group, name)) != node:
        ConfigStore.instance().store(group=group, name=name, node=node)
        _STORED[group, name] = node


def compose(cls: type[S], overrides: Sequence[str] = ()) -> S:
    """The settings of a program with these overrides. Raises ValueError, in one line."""
    register(cls)
    overrides = cls.expanded([quote(override) for override in overrides])
    for override in overrides:
        check_written(override, cls)
    try:
        with COMPOSING, _own_hydra(), initialize_config_dir(str(CONF), version_base="1.3"):
            cfg = hydra_compose(cls.program, overrides=overrides)
            return cls.parse(OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True))
    except COMPOSITION_ERRORS as error:
        raise ValueError(in_words(error, cls)) from error


@contextmanager
def _own_hydra() -> Iterator[None]:
    """Sets Hydra's application aside, which a script that composes is one itself."""
    running, GlobalHydra.instance().hydra = GlobalHydra.instance().hydra, None
    try:
        yield
    finally:
        GlobalHydra.instance().hydra = running


def options(cls: type[Settings], group: str) -> list[str]:
    """What a group can be set to: the classes that it can be, and the choices in conf/."""
    return sorted({*groups(cls).get(group, {}), *(path.stem for path in (CONF / group).glob("*.yaml"))})


def key_of(override: str) -> str:
    """The setting that an argument names: "w" of "w=3", "sampler.eta" of "+sampler.eta=0"."""
    return override.lstrip("+~").partition("=")[0]


# -- what people type ----------------------------------------------------------------------------------------------


def quote(argument: str, keys: Sequence[str] = TEXT_KEYS) -> str:
    """Quote the value of one of `keys` so that Hydra takes it as it is; leave every other argument alone.

    `attrs=male,glasses` would be a sweep to Hydra, and `attrs=female,-hat` or `attrs=3D glasses` may not parse.
    A value in brackets or already in quotes is left to Hydra's own grammar.
    """
    match = re.fullmatch(rf"(\+{{0,2}}(?:{'|'.join(keys)}))=(.*)", argument, flags=re.DOTALL)
    if not match:
        return argument
    key, value = match.groups()
    bracketed = value.startswith("[") and value.endswith("]")
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
    return argument if bracketed or quoted or value == "null" else f"{key}={quoted_text(value)}"


def quoted_text(value: str) -> str:
    """A text in Hydra's grammar: quotes escaped by a backslash, and a run of backslashes before a quote doubled."""
    escaped = re.sub(r"(\\*)'", lambda m: m[1] * 2 + "\\'", value)
    return "'" + re.sub(r"(\\+)$", lambda m: m[1] * 2, escaped) + "'"


def override(key: str, value: Any) -> str:
    """A setting with a plain value, as it is typed."""
    text = isinstance(value, str) and key in TEXT_KEYS  # which `quote` takes as it is
    return f"{key}={value if text else literal(value)}"


def literal(value: Any) -> str:
    """A plain value in Hydra's grammar. Raises ValueError for what is none."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{','.join(literal(part) for part in value)}]"
    if not isinstance(value, str):
        raise ValueError(f"{value!r}: no plain value")
    bare = re.fullmatch(r"(?!(?i:true|false|null|nan|inf)$)([A-Za-z_]|\.{0,2}/)[A-Za-z0-9_./-]*", value)
    return value if bare else quoted_text(value)


def command_line(program: str, overrides: Sequence[str]) -> str:
    """What runs a program with these overrides in a terminal, with no more quotes than it needs."""
    return shlex.join(["python", program, *map(unquoted, overrides)])


def unquoted(argument: str) -> str:
    """What `quote` made this argument of, where it did: "attrs=male,hat" of "attrs='male,hat'"."""
    match = re.fullmatch(r"([+\w]+)='(.*)'", argument, flags=re.DOTALL)
    bare = match and f"{match[1]}={match[2]}"
    return bare if bare and quote(bare) == argument else argument


def check_written(argument: str, cls: type[Settings]) -> None:
    """Raises ValueError for an argument that names no setting, or that Hydra's grammar does not take."""
    key, equals, value = argument.partition("=")
    if (not equals and not argument.startswith("~")) or not re.match(r"[+~]*[\w$'%(./]", key):
        raise ValueError(f"{argument}: no setting; {WRITTEN}")
    if argument.startswith("~"):
        raise ValueError(f"{argument}: every setting is needed; leave it out for its default")
    try:
        (parsed,) = OverridesParser.create().parse_overrides([argument])
    except HydraException:
        remedy = "a value with brackets, quotes and the like needs two kinds of quotes, as in \"out='a[1]'\""
        raise ValueError(f"{argument}: cannot be read; {remedy}") from None
    if key in (*groups(cls), "experiment") and not parsed.is_sweep_override() and not isinstance(parsed.value(), str):
        raise ValueError(f"{argument}: unknown; choose one of {', '.join(options(cls, key))}")
    if value.strip() == "{}" or key.lstrip("+") == "hydra":
        raise ValueError(f"{argument}: changes nothing; settings of a group are given one by one, as in train.steps=5")
    plain = re.fullmatch(r"(?!hydra\b)[\w.]+", key)  # Hydra knows best what +key, ~key and group@package mean
    if plain and key not in known(cls) and not any(key.startswith(f"{name}.") for name in cls.open_fields()):
        raise ValueError(unknown(key, cls))


@cache
def known(cls: type[Settings]) -> frozenset[str]:
    """All that can stand before the = on the command line, parts of nested settings and experiments included."""
    found = {*names(cls), *cls.model_fields}
    found |= {name.rpartition(".")[0] for name in found if "." in name}
    return frozenset(found) | {path.name for path in CONF.iterdir() if path.is_dir() and path.name == "experiment"}


def unknown(key: str, cls: type[Settings]) -> str:
    """What to say of a setting that there is not."""
    nearest = ", ".join(closest(key, cls))
    return f"{key}: no such setting; closest: {nearest}; {cls.program}.py --help explains them all"


# -- errors of Hydra in words --------------------------------------------------------------------------------------


def in_words(error: Exception, cls: type[Settings]) -> str:
    """What a person should know of an error, in one line; of several things to fix, in a line for each."""
    if isinstance(error, Refusals):
        return str(error)
    return "; ".join(line.strip() for line in _text(error, cls).splitlines() if line.strip())


def _text(error: Exception, cls: type[Settings]) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, option = str(error.missing_cfg_file).rpartition("/")
        return f"{group}={option}: unknown; choose one of {', '.join(options(cls, group) or error.options or [])}"
    if isinstance(error, OmegaConfBaseException) and error.full_key:
        return f"{error.full_key}: {str(error).splitlines()[0]}"
    text = str(error)
    if found := re.match(r"Ambiguous value for argument '(?:\+*)((.*?)=(.*?))'", text):
        return (
            f"{found[1]}: several values; write {found[2]}=[{found[3]}] for a list, or add --multirun for a run of each"
        )
    if found := re.match(r"Error merging override (.*)", text):
        return f"{found[1]}: cannot be; give a plain value, and those of a group one by one, as in train.steps=5"
    if found := re.match(r"Could not override '(.*?)'", text):
        return _missed(found[1], cls)
    return text


def _missed(key: str, cls: type[Settings]) -> str:
    """What to say of a setting that the composed configuration does not have."""
    group, _, setting = key.partition(".")
    having = [option for option, member in groups(cls).get(group, {}).items() if setting in names(member)]
    if not having:
        return unknown(key, cls)
    return f"{key}: a setting of {group}={' or '.join(having)}, which is not chosen; choose that, or leave it out"
