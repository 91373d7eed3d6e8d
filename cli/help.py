"""The text of --help, made of the comments in conf/, so that a setting is explained where it is set."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import yaml
from omegaconf import OmegaConf
from rapidfuzz import fuzz

CONF = Path(__file__).resolve().parent.parent / "conf"
SETTING = re.compile(r"(?P<indent> *)(?P<key>[A-Za-z]\w*):(?: (?P<value>.*?))??(?:  # (?P<why>.*))?")
WIDTH = 26


def settings(path: Path) -> list[tuple[str, str, str]]:
    """(dotted key, default, explanation) of each explained setting in one configuration file."""
    return [(key, default, why) for key, default, why in _lines(path) if why]


def _lines(path: Path) -> list[tuple[str, str, str | None]]:
    """The same of every setting, explained or not."""
    found, parents = [], []
    for line in path.read_text(encoding="utf-8").splitlines():
        match = SETTING.fullmatch(line)
        if not match:
            continue
        depth = len(match["indent"]) // 2
        parents[depth:] = [match["key"]]
        found.append((".".join(parents), match["value"], match["why"]))
    return found


def headline(path: Path) -> str:
    """The first comment of a configuration file, without Hydra's package directive."""
    comments = re.findall(r"^# (?!@)(.*)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return comments[0] if comments else ""


def explain(config_name: str) -> str:
    """All settings of conf/<config_name>.yaml and of its groups, with defaults and explanations."""
    primary = CONF / f"{config_name}.yaml"
    lines = [headline(primary), "", "Settings are given as key=value, groups as group=option.", ""]
    lines += _table(settings(primary), "")
    for group, chosen in groups(primary):
        for path in sorted((CONF / group).glob("*.yaml")):
            mark = " (default)" if path.stem == chosen else ""
            lines += ["", f"{group}={path.stem}{mark}: {headline(path)}"]
            lines += _table(settings(path), f"{group}.") if group != "experiment" else []
    lines += ["", "Also: --cfg job shows the settings as they stand, --multirun key=a,b runs one job for each value."]
    return "\n".join(lines).replace("$", "$$") + "\n"  # Hydra fills the text in as a string.Template


def _table(rows: list[tuple[str, str, str]], prefix: str) -> list[str]:
    return [f"  {prefix + key:<{WIDTH}} {why} [{default}]" for key, default, why in rows]


def names(config_name: str) -> list[str]:
    """Every explained setting of conf/<config_name>.yaml and of its groups, as it is typed on the command line."""
    primary = CONF / f"{config_name}.yaml"
    keys = {key for key, *_ in settings(primary)}
    for group, _ in groups(primary):
        keys |= {f"{group}.{key}" for path in (CONF / group).glob("*.yaml") for key, *_ in settings(path)}
    return sorted(keys)


def known(config_name: str) -> set[str]:
    """All that can stand before the = on the command line: settings, explained or not, groups, and their options'."""
    primary = CONF / f"{config_name}.yaml"
    keys = {key for key, *_ in _lines(primary)}
    for group, _ in groups(primary):
        keys |= {group} | {f"{group}.{key}" for path in (CONF / group).glob("*.yaml") for key, *_ in _lines(path)}
    return keys


def closest(typed: str, config_name: str, own: Iterable[str] = ()) -> list[str]:
    """The three names nearest to what was typed, among settings and groups of conf/<config_name>.yaml, and `own`."""
    candidates = {*names(config_name), *(group for group, _ in groups(CONF / f"{config_name}.yaml")), *own}
    return sorted(candidates, key=lambda name: (-_likeness(typed, name), name))[:3]


def _likeness(typed: str, name: str) -> float:
    """From 0 to 100. Of a setting in a group, its last part alone counts too: "lr" may mean optim.lr."""
    last = fuzz.ratio(typed.rpartition(".")[2], name.rpartition(".")[2])
    return max(fuzz.ratio(typed, name), last - 1)  # of two that fit as well, the one that fits as a whole


def groups(primary: Path) -> list[tuple[str, str | None]]:
    """(group, default option) of each group of settings that a configuration file draws on."""
    entries = yaml.safe_load(primary.read_text(encoding="utf-8"))["defaults"]
    pairs = [next(iter(entry.items())) for entry in entries if isinstance(entry, dict)]
    return [(group, option) for group, option in pairs if (CONF / group).is_dir()]


def register() -> None:
    """Make `${explain:name}` available in configuration files."""
    OmegaConf.register_new_resolver("explain", explain, replace=True)
