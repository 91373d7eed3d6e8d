"""The text of --help, made of the comments in conf/, so that a setting is explained where it is set."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from omegaconf import OmegaConf

CONF = Path(__file__).resolve().parent / "conf"
SETTING = re.compile(r"(?P<indent> *)(?P<key>[A-Za-z]\w*):(?: (?P<value>.*?))??(?:  # (?P<why>.*))?")
WIDTH = 26


def settings(path: Path) -> list[tuple[str, str, str]]:
    """(dotted key, default, explanation) of each explained setting in one configuration file."""
    found, parents = [], []
    for line in path.read_text(encoding="utf-8").splitlines():
        match = SETTING.fullmatch(line)
        if not match:
            continue
        depth = len(match["indent"]) // 2
        parents[depth:] = [match["key"]]
        if match["why"]:
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
    for entry in yaml.safe_load(primary.read_text(encoding="utf-8"))["defaults"]:
        group, chosen = next(iter(entry.items())) if isinstance(entry, dict) else (entry, None)
        if not (CONF / group).is_dir() or group.startswith("override"):
            continue
        for path in sorted((CONF / group).glob("*.yaml")):
            mark = " (default)" if path.stem == chosen else ""
            lines += ["", f"{group}={path.stem}{mark}: {headline(path)}"]
            lines += _table(settings(path), f"{group}.") if group != "experiment" else []
    lines += ["", "Also: --cfg job shows the settings as they stand, --multirun key=a,b runs one job for each value."]
    return "\n".join(lines).replace("$", "$$") + "\n"  # Hydra fills the text in as a string.Template


def _table(rows: list[tuple[str, str, str]], prefix: str) -> list[str]:
    return [f"  {prefix + key:<{WIDTH}} {why} [{default}]" for key, default, why in rows]


def names() -> list[str]:
    """Every explained setting of every configuration file, as it is typed on the command line."""
    keys = set()
    for path in CONF.rglob("*.yaml"):
        group = path.parent.relative_to(CONF).as_posix()
        keys |= {key if group == "." else f"{group}.{key}" for key, *_ in settings(path)}
    return sorted(keys)


def register() -> None:
    """Make `${explain:name}` available in configuration files."""
    OmegaConf.register_new_resolver("explain", explain, replace=True)
