"""Hydra without work that changes nothing: composing was a fifth of all that the tests compute."""

import copy
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import pytest
from hydra._internal import defaults_list
from hydra._internal.defaults_list import _create_interpolation_map
from hydra._internal.hydra import Hydra
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins

from runtime import settings
from runtime.settings import CONF


@contextmanager
def quicker_hydra() -> Iterator[None]:
    """Hydra copies all of its store each time, composes every program twice, first to see whether hydra.mode is set,
    prepares for choices that refer to others, which lists of defaults with a ${...} alone have, parses the files of its
    own package and of conf/ again, and every override as often as it stands in a test.
    """
    with pytest.MonkeyPatch.context() as patch:
        Plugins.instance()  # which finds the sources
        kept: dict[tuple, Any] = {}  # until a default changes
        for source in map(SourcesRegistry.instance().types.get, ("file", "pkg", "structured")):
            patch.setattr(source, "load_config", read_once(kept, source.load_config))
        patch.setattr(ConfigStore, "__deepcopy__", lambda store, memo: store, raising=False)
        patch.setattr(Hydra, "get_mode", lambda *_, **__: None)
        patch.setattr(defaults_list, "_create_interpolation_map", choices)
        patch.setattr(OverridesParser, "parse_rule", parsed_once(OverridesParser.parse_rule))
        patch.setattr(settings, "hydra_compose", composed_once(kept, settings.hydra_compose))
        patch.setattr(ConfigStore, "store", emptying(kept, ConfigStore.store))
        yield


def choices(overrides: Any, defaults: Any, *others: Any) -> Any:
    refer = any(not default.is_self() and default.is_interpolation() for default in defaults)
    return _create_interpolation_map(overrides, defaults, *others) if refer else None


def read_once(kept: dict[tuple, Any], load: Callable) -> Callable:
    """Of the files of Hydra and of conf/, and of defaults; each time a new copy, which pickle makes soonest."""

    def read(source: Any, config_path: str) -> Any:
        if source.path not in (str(CONF), "hydra.conf", ""):
            return load(source, config_path)
        key = (source.path, source.provider, config_path)
        if key not in kept:
            kept[key] = pickle.dumps(load(source, config_path))
        return pickle.loads(kept[key])

    return read


def parsed_once(parse: Callable) -> Callable:
    results: dict[str, Override] = {}

    @wraps(parse)
    def parse_rule(parser: OverridesParser, text: str, rule: str) -> Any:
        if text not in results:
            found = parse(parser, text, rule)
            if rule != "override":
                return found
            results[text] = found
        return copy.copy(results[text])  # the loader is set on it later

    return parse_rule


def composed_once(kept: dict[tuple, Any], compose: Callable) -> Callable:
    """The same program with the same overrides; who asks turns it into plain values, and leaves it as it is."""

    def hydra_compose(program: str, overrides: list[str]) -> Any:
        key = (program, *overrides)
        if key not in kept:
            kept[key] = compose(program, overrides=overrides)
        return kept[key]

    return hydra_compose


def emptying(kept: dict[tuple, Any], store: Callable) -> Callable:
    """With another default, what was kept is no longer true."""

    @wraps(store)
    def stored(self: ConfigStore, *args: Any, **kwargs: Any) -> None:
        kept.clear()
        store(self, *args, **kwargs)

    return stored
