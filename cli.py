"""What the entry points share: Hydra, the quoting of attribute lists, and errors of one line."""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import hydra
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

CONF = Path(__file__).resolve().parent / "conf"
LIST_KEYS = ("attrs", "negative")  # settings whose commas separate names and are no sweep
EXPECTED = (ValueError, OSError, FloatingPointError)


def quote_overrides(arguments: list[str], keys: tuple[str, ...] = LIST_KEYS) -> list[str]:
    """Quote the values of `keys` so that Hydra takes them as they are; leave every other argument alone.

    `attrs=male,glasses` would be a sweep to Hydra, and `attrs=female,-hat` or `attrs=3D glasses` may not parse.
    A value in brackets or already in quotes is left to Hydra's own grammar.
    """
    return [_quote(argument, keys) for argument in arguments]


def _quote(argument: str, keys: tuple[str, ...]) -> str:
    match = re.fullmatch(r"(\+{0,2}(?:%s))=(.*)" % "|".join(keys), argument, flags=re.DOTALL)
    if not match:
        return argument
    key, value = match.groups()
    bracketed = value.startswith("[") and value.endswith("]")
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
    if bracketed or quoted or value == "null":
        return argument
    # In Hydra's grammar a quote is escaped by a backslash, and a run of backslashes before a quote is doubled.
    escaped = re.sub(r"(\\*)'", lambda m: m[1] * 2 + "\\'", value)
    escaped = re.sub(r"(\\+)$", lambda m: m[1] * 2, escaped)
    return f"{key}='{escaped}'"


def command(config_name: str) -> Callable[[Callable[[DictConfig], None]], Callable[[], None]]:
    """Decorate an entry point: `main(cfg)` becomes a program configured by conf/<config_name>.yaml.

    What a person can mend is reported in one line with exit status 2. Set HYDRA_FULL_ERROR=1 for a traceback.
    """

    def decorate(main: Callable[[DictConfig], None]) -> Callable[[], None]:
        @functools.wraps(main)
        def task(cfg: DictConfig) -> None:
            try:
                main(cfg)
            except EXPECTED as error:
                _exit(error)

        program = hydra.main(version_base="1.3", config_path=str(CONF), config_name=config_name)(task)

        @functools.wraps(main)
        def run() -> None:
            sys.argv[1:] = quote_overrides(sys.argv[1:])
            wanted = os.environ.get("HYDRA_FULL_ERROR")
            os.environ["HYDRA_FULL_ERROR"] = "1"  # so that Hydra raises to us what it would print in several lines
            try:
                program()
            except (HydraException, OmegaConfBaseException) as error:
                os.environ["HYDRA_FULL_ERROR"] = wanted or ""
                _exit(error)

        return run

    return decorate


def _exit(error: Exception) -> None:
    if os.environ.get("DDPM_CFG_TRACEBACK"):
        raise error
    text = error.args[0] if isinstance(error, KeyError) else str(error)
    if isinstance(error, OSError) and error.filename:
        text = f"{error.filename}: {error.strerror}"
    parts = [line.strip() for line in str(text).splitlines() if line.strip()]
    print(f"{Path(sys.argv[0]).name}: {'; '.join(parts)}", file=sys.stderr)
    sys.exit(2)
