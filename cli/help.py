"""The text of --help, made of the declared settings and of the choices in conf/."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from pydantic.fields import FieldInfo

from conf import Settings, fields, groups
from runtime.settings import CONF

WIDTH = 26


def explain(cls: type[Settings]) -> str:
    """All settings of a program and of its groups, with defaults and explanations."""
    lines = [_headline(cls), "", "Settings are given as key=value, groups as group=option.", "", *_table(cls, "")]
    chosen = defaults(cls)
    for group, options in groups(cls).items():
        presets = [path for path in sorted((CONF / group).glob("*.yaml")) if path.stem not in options]
        listing = [(option, _headline(member), list(_table(member, f"{group}."))) for option, member in options.items()]
        for option, what, table in [*listing, *((path.stem, headline(path), []) for path in presets)]:
            mark = " (default)" if option == chosen.get(group) else ""
            lines += ["", f"{group}={option}{mark}: {what}", *table]
    if "experiment" in chosen:
        lines += ["", *(f"experiment={p.stem}: {headline(p)}" for p in sorted((CONF / "experiment").glob("*.yaml")))]
    lines += ["", "Also: --cfg job shows the settings as they stand, --multirun key=a,b runs one job for each value."]
    return "\n".join(lines)


def defaults(cls: type[Settings]) -> dict[str, str | None]:
    """The option that conf/<program>.yaml chooses for each group."""
    entries = yaml.safe_load((CONF / f"{cls.program}.yaml").read_text(encoding="utf-8"))["defaults"]
    pairs = (next(iter(entry.items())) for entry in entries if isinstance(entry, dict))
    return {group: option for group, option in pairs if not group.startswith("override ")}


def headline(path: Path) -> str:
    """The first comment of a configuration file, without Hydra's package directive."""
    comments = re.findall(r"^# (?!@)(.*)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return comments[0] if comments else ""


def _headline(cls: type[Settings]) -> str:
    return (cls.__doc__ or "").strip().split("\n")[0]


def _table(cls: type[Settings], prefix: str) -> Iterator[str]:
    for name, field in fields(cls).items():
        if field.description:
            yield f"  {prefix + name:<{WIDTH}} {field.description}{_choices(field)} [{_default(field)}]"


def _choices(field: FieldInfo) -> str:
    """The words that a setting can be, unless its explanation names them."""
    words = [str(word) for word in get_args(field.annotation)] if "Literal" in str(get_origin(field.annotation)) else []
    return f": {', '.join(words)}" if words and not all(word in field.description for word in words) else ""


def _default(field: FieldInfo) -> Any:
    value = field.get_default(call_default_factory=True)
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else value
