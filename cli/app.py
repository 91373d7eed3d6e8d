"""Programs configured by Hydra: what is typed becomes checked settings, and errors become one line."""

from __future__ import annotations

import functools
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from cli.help import explain
from conf import Settings
from runtime.distributed import rank
from runtime.settings import COMPOSITION_ERRORS, CONF, WRITTEN, check_written, in_words, quote, register

EXPECTED = (ValueError, OSError, FloatingPointError, *COMPOSITION_ERRORS)
REFUSED = {  # flags of Hydra that are not safe, or not whole
    "--experimental-rerun": "reads a pickle, which can run code; give the settings again",
    "--shell-completion": "is not offered; --help lists all settings",
    "-sc": "is not offered; --help lists all settings",
}

Main = Callable[[Settings, list[str]], None]


def command(cls: type[Settings]) -> Callable[[Main], Callable[[], None]]:
    """Decorate an entry point: `main(settings, overrides)` becomes the program of these settings.

    What a person can fix is reported in one line with exit status 2. Set HYDRA_FULL_ERROR=1 for a traceback.
    """

    def decorate(main: Main) -> Callable[[], None]:
        whole = False

        def task(cfg: DictConfig) -> None:
            for handler in logging.getLogger().handlers:
                handler.setFormatter(logging.Formatter("%(message)s"))  # without Hydra's prefix
            with _one_line(cls, whole):  # here already, for Hydra would add a line of its own
                settings = cls.parse(OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True))
                main(settings, list(HydraConfig.get().overrides.task))

        program = hydra.main(version_base="1.3", config_path=str(CONF), config_name=cls.program)(task)

        @functools.wraps(main)
        def run() -> None:
            nonlocal whole
            whole = os.environ.get("HYDRA_FULL_ERROR") == "1"
            with _one_line(cls, whole):
                sys.argv[1:] = check(sys.argv[1:], cls)
            register(cls)
            try:
                with _one_line(cls, whole), _environment("HYDRA_FULL_ERROR", "1"):
                    if {"--help", "-h"} & set(sys.argv[1:]):
                        print(explain(cls))  # Hydra would compose first, and list each of its groups: a second
                    else:
                        program()  # which raises to us what it would print
            except BrokenPipeError:  # the reader, such as `head`, has seen enough
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            except KeyboardInterrupt:
                sys.exit(130)  # as shells expect after Ctrl-C

        return run

    return decorate


def check(arguments: Sequence[str], cls: type[Settings]) -> list[str]:
    """The arguments as Hydra takes them. Raises ValueError for what is no setting of `cls` and no flag."""
    parser = get_args_parser()
    parser.error = _flag_error
    flags = parser._option_string_actions  # Hydra's own list
    typed = [quote(argument) for argument in arguments]
    values = {i + 1 for i, flag in enumerate(typed) if flag in flags and flags[flag].nargs != 0}
    for i, argument in enumerate(typed):
        flag = argument.partition("=")[0]
        if flag in REFUSED:
            raise ValueError(f"{argument}: {REFUSED[flag]}")
        if i not in values and argument.startswith("-") and flag not in flags:
            raise ValueError(_dashed(arguments[i], typed[i + 1] if i + 1 < len(typed) else ""))
    given = [i for i in range(len(typed)) if i not in values and not typed[i].startswith("-")]
    for i in given if not {"--config-name", "-cn", "--config-dir", "-cd", "--config-path", "-cp"} & set(typed) else []:
        check_written(typed[i], cls)
    others = [argument for i, argument in enumerate(typed) if i not in given]
    parser.parse_args(others)
    return [*cls.expanded([typed[i] for i in given]), *others]


def _flag_error(message: str) -> NoReturn:
    raise ValueError(message)


def _dashed(argument: str, after: str) -> str:
    """What to say of a dash before what is no flag, given the argument after it."""
    key, equals, value = argument.lstrip("-").partition("=")
    follows = after if not equals and after and "=" not in after and not after.startswith("-") else None
    if not equals and follows is None:
        return f"{argument}: no such flag; {WRITTEN}"
    whole, value = (argument, value) if equals else (f"{argument} {follows}", follows)
    return f"{whole}: settings are written key=value, without dashes: {key.replace('-', '_')}={value}"


@contextmanager
def _one_line(cls: type[Settings], whole: bool) -> Iterator[None]:
    """What a person can fix ends the program with one line, which names the rank of a process above the first.

    whole : show the traceback instead
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except EXPECTED as error:
        if whole:
            raise
        speaker = f" (rank {rank()})" if rank() else ""
        print(f"{Path(sys.argv[0]).name}{speaker}: {in_words(error, cls)}", file=sys.stderr)
        sys.exit(2)


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name)
        if before is not None:
            os.environ[name] = before
