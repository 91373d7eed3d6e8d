"""What the entry points share: Hydra, quoting of attribute lists, folders for results, and errors of one line."""

from __future__ import annotations

import datetime
import functools
import itertools
import logging
import os
import re
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import hydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from cli import help as explain

TEXT_KEYS = ("attrs", "negative", "prompt", "edit")  # settings whose commas belong to the text and are no sweep
HELP = ("--help", "-h")
TAKING = (  # Hydra's flags with a value
    "--cfg", "-c", "--package", "-p", "--config-path", "-cp", "--config-name", "-cn", "--config-dir", "-cd",
    "--experimental-rerun", "--info", "-i",
)  # fmt: skip
FLAGS = (
    *HELP, *TAKING, "--hydra-help", "--version", "--resolve", "--run", "-r", "--multirun", "-m", "--shell-completion",
    "-sc",
)  # fmt: skip
WRITTEN = 'settings are written key=value, and a value with spaces needs quotes, as in "attrs=top hat"'
EXPECTED = (ValueError, OSError, FloatingPointError, MissingMandatoryValue)


def quote_overrides(arguments: list[str], keys: tuple[str, ...] = TEXT_KEYS) -> list[str]:
    """Quote the values of `keys` so that Hydra takes them as they are; leave every other argument alone.

    `attrs=male,glasses` would be a sweep to Hydra, and `attrs=female,-hat` or `attrs=3D glasses` may not parse.
    A value in brackets or already in quotes is left to Hydra's own grammar.
    """
    return [_quote(argument, keys) for argument in arguments]


def _quote(argument: str, keys: tuple[str, ...]) -> str:
    match = re.fullmatch(rf"(\+{{0,2}}(?:{'|'.join(keys)}))=(.*)", argument, flags=re.DOTALL)
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
        traceback = False

        def report(error: Exception) -> None:
            if traceback:
                raise error
            _report(error, config_name)

        @functools.wraps(main)
        def task(cfg: DictConfig) -> None:
            for handler in logging.getLogger().handlers:
                handler.setFormatter(logging.Formatter("%(message)s"))  # without Hydra's prefix
            try:
                main(cfg)
            except BrokenPipeError:
                raise
            except EXPECTED as error:  # here already, for Hydra would add a line of its own
                report(error)

        program = hydra.main(version_base="1.3", config_path=str(explain.CONF), config_name=config_name)(task)

        @functools.wraps(main)
        def run() -> None:
            nonlocal traceback
            traceback = os.environ.get("HYDRA_FULL_ERROR") == "1"
            try:
                check(sys.argv[1:], config_name)
            except ValueError as error:
                report(error)
            sys.argv[1:] = quote_overrides(sys.argv[1:])
            explain.register()
            try:
                with _environment("HYDRA_FULL_ERROR", "1"):  # so that Hydra raises to us what it would print
                    program()
            except BrokenPipeError:  # the reader, such as `head`, has seen enough
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            except KeyboardInterrupt:
                sys.exit(130)  # as shells expect after Ctrl-C
            except (HydraException, OmegaConfBaseException) as error:
                report(error)

        return run

    return decorate


def script(
    main: Callable[[dict[str, list[str]], list[str]], None], own: Sequence[str], explanation: str | None
) -> None:
    """Run a script whose arguments are key=value: those in `own`, each with all its values, and those of sample.py.

    -h prints the explanation; errors are those of `in_one_line`.
    """
    given: dict[str, list[str]] = {key: [] for key in own}
    others = []
    for argument in sys.argv[1:]:
        key, equals, value = argument.partition("=")
        if key in given and equals:
            given[key].append(value)
        else:
            others.append(argument)
    if set(HELP) & set(others):
        print((explanation or "").strip())
        return

    def checked() -> None:
        check(others, "sample", own, HELP)
        main(given, others)

    in_one_line(checked)


def check(
    arguments: Sequence[str], config_name: str, own: Collection[str] = (), flags: Collection[str] = FLAGS
) -> None:
    """Refuse, before Hydra does so in words of its own, what is no setting of conf/<config_name>.yaml and no flag.

    own : names that a script takes besides; they are offered too where a name is nearly one of them

    Raises ValueError.
    """
    elsewhere = {"--config-path", "-cp", "--config-name", "-cn", "--config-dir", "-cd"} & set(arguments)
    names = None if elsewhere else {*explain.known(config_name), *own}
    for before, argument, after in zip(["", *arguments], arguments, [*arguments[1:], ""], strict=False):
        if argument.startswith("-"):
            if argument.partition("=")[0] not in flags:
                raise ValueError(_dashed(argument, after))
        elif before not in TAKING:
            _check_written(argument)
            key = argument.partition("=")[0]
            plain = re.fullmatch(r"(?!hydra\b)[\w.]+", key)  # Hydra knows best what +key, ~key and group@package mean
            if plain and names is not None and key not in names:
                raise ValueError(_unknown(key, config_name, own))


def _dashed(argument: str, after: str) -> str:
    """What to say of a dash before what is no flag, given the argument after it."""
    key, equals, value = argument.lstrip("-").partition("=")
    follows = after if not equals and after and "=" not in after and not after.startswith("-") else None
    if not equals and follows is None:
        return f"{argument}: no such flag; {WRITTEN}"
    told, value = (argument, value) if equals else (f"{argument} {follows}", follows)
    return f"{told}: settings are written key=value, without dashes: {key.replace('-', '_')}={value}"


def _check_written(argument: str) -> None:
    """Raises ValueError for an argument that Hydra's grammar does not take."""
    key, equals, _ = argument.partition("=")
    if (not equals and not argument.startswith("~")) or not key:
        raise ValueError(f"{argument}: no setting; {WRITTEN}")
    try:
        OverridesParser.create().parse_overrides(quote_overrides([argument]))
    except HydraException:
        remedy = "a value with brackets, quotes and the like needs two kinds of quotes, as in \"out='a[1]'\""
        raise ValueError(f"{argument}: cannot be read; {remedy}") from None


def _unknown(key: str, config_name: str, own: Collection[str] = ()) -> str:
    closest = ", ".join(explain.closest(key, config_name, own))
    return f"{key}: no such setting; closest: {closest}; {config_name}.py --help explains them all"


def key_of(override: str) -> str:
    """The setting that an argument names: "w" of "w=3", "sampler.eta" of "+sampler.eta=0"."""
    return override.lstrip("+~").partition("=")[0]


def refuse(arguments: Sequence[str], reasons: dict[str, str]) -> None:
    """Raises ValueError for an argument whose setting has a reason not to be given."""
    for argument in arguments:
        if key_of(argument) in reasons:
            raise ValueError(f"{argument}: {reasons[key_of(argument)]}")


def in_one_line(main: Callable[[], None]) -> None:
    """Run a script; what a person can mend is reported in one line, with exit status 1."""
    try:
        main()
    except (*EXPECTED, HydraException, OmegaConfBaseException) as error:
        raise SystemExit(f"{Path(sys.argv[0]).name}: {one_line(error, 'sample')}") from None


def number_list(name: str, text: str, count: int | None = None, least: int = 0) -> list[int]:
    """Whole numbers of at least `least`, with commas; `count` of them, if it is given. Raises ValueError."""
    parts = text.split(",")
    good = all(part.strip().isdecimal() and int(part) >= least for part in parts)
    if not good or count not in (None, len(parts)):
        wanted = "a whole number" if count == 1 else f"{count or 'some'} whole numbers with commas"
        wanted += f" of at least {least}" if least else ""
        example = ",".join(map(str, range(4, 4 + (count or 3))))
        raise ValueError(f"{name}={text}: must be {wanted}, such as {name}={example}")
    return [int(part) for part in parts]


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


@contextmanager
def new_folder(out: str | None, parent: Path, name: str) -> Iterator[Path]:
    """The folder `out`, or <parent>/<time>-<name> if it is None, made and empty; taken away again if it stays so.

    Raises ValueError rather than write among other files, or where nothing can be written.
    """
    if out is None:
        stem = f"{datetime.datetime.now():%Y-%m-%d_%H-%M-%S}-{name}"
        candidates = (parent / (stem + (f"-{i}" if i else "")) for i in itertools.count())
        folder = next(candidate for candidate in candidates if not candidate.exists())
    else:
        folder = Path(str(out))
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        if folder.is_dir() and any(folder.iterdir()):
            raise ValueError(f"out={folder}: holds files already; name a new folder, nothing was touched")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"out={folder}: cannot be written ({error.strerror}); name another folder") from error
    try:
        yield folder
    finally:
        for path in made:
            if not any(path.iterdir()):
                path.rmdir()


def _report(error: Exception, config_name: str) -> None:
    """Say what is wrong in one line, once, and exit."""
    if os.environ.get("RANK", "0") == "0":  # of several processes, one speaks
        print(f"{Path(sys.argv[0]).name}: {one_line(error, config_name)}", file=sys.stderr)
    sys.exit(2)


def one_line(error: Exception, config_name: str) -> str:
    """What a person should know of an error in settings of conf/<config_name>.yaml, in one line."""
    return "; ".join(line.strip() for line in _text(error, config_name).splitlines() if line.strip())


def _text(error: Exception, config_name: str) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, MissingMandatoryValue):
        return f"{error.full_key}: has no default; give it as {error.full_key}=FILE"
    if isinstance(error, MissingConfigException) and error.options:
        group, _, option = error.missing_cfg_file.rpartition("/")
        return f"{group}={option}: unknown; choose one of {', '.join(error.options)}"
    unknown = re.match(r"Could not override '(.*?)'", str(error))
    if unknown:
        if unknown[1] in explain.names(config_name):
            return (
                f"{unknown[1]}: a setting of another option of its group than the one chosen; leave it out, or choose "
                "that option; see --help"
            )
        return _unknown(unknown[1], config_name)
    return str(error)
