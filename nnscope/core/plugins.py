"""Plugins: found through the entry-point group ``nnscope.plugins``, listed without importing them (promise P24).

A plugin is a module with a function ``register(registry)`` that fills a `Registry`. Each one registers into a registry
of its own that is merged when all went well: a plugin that fails, at import or later, is disabled and named and leaves
nothing behind, and the others go on. Plugins are ordinary Python: they run with the rights of whoever starts nnscope.

Run from a source tree that isn't installed, the shipped plugins are found as well: there the package
``nnscope_plugins`` is the folder ``plugins/`` beside ``nnscope/``.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from nnscope.core.errors import NnscopeError
from nnscope.core.registry import ModelSpec, Registry

if TYPE_CHECKING:
    from collections.abc import Iterable

GROUP = "nnscope.plugins"
DEMO = "demo:"  # what the address of a registered model begins with
SHIPPED = (("digits", "nnscope_plugins.digits"),)
_PACKAGE = "nnscope_plugins"


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin as listed.

    Attributes
    ----------
    name : str
        Name of its entry point.
    module : str
        The module with ``register``.
    error : str
        Why it is disabled, as a sentence; empty when it isn't.
    details : str
        The traceback, to be shown on demand.
    """

    name: str
    module: str
    error: str = ""
    details: str = ""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of loading: everything registered, and each plugin with what went wrong, if anything did."""

    registry: Registry
    plugins: tuple[Plugin, ...]


def list_plugins() -> tuple[Plugin, ...]:
    """All plugins there are, sorted by name. Imports none of them."""
    found = dict(SHIPPED)
    found.update((entry.name, entry.value) for entry in entry_points(group=GROUP))
    return tuple(Plugin(name, module) for name, module in sorted(found.items()))


def load_plugins(plugins: Iterable[Plugin]) -> Loaded:
    """Import and register each plugin; one that fails is disabled and the others go on."""
    registry = Registry()
    return Loaded(registry, tuple(_load(plugin, registry) for plugin in plugins))


@cache
def loaded_plugins() -> Loaded:
    """All plugins there are, loaded once per process."""
    return load_plugins(list_plugins())


def find_model(name: str) -> ModelSpec:
    """The model registered as ``name``.

    Raises
    ------
    NnscopeError
        If there is none; the sentence lists those there are.
    """
    loaded = loaded_plugins()
    if name in loaded.registry.models:
        return loaded.registry.models[name]
    known = ", ".join(f"{DEMO}{model}" for model in sorted(loaded.registry.models)) or "none"
    broken = "".join(
        f" The plugin {plugin.name} is disabled: {plugin.error}" for plugin in loaded.plugins if plugin.error
    )
    raise NnscopeError("There is no demo model of this name.", f"{DEMO}{name}", f"There are: {known}.{broken}")


def _load(plugin: Plugin, registry: Registry) -> Plugin:
    own = Registry()
    try:
        _map_source_tree()
        importlib.import_module(plugin.module).register(own)
        registry.merge(own)
    except (Exception, SystemExit) as error:  # whatever a plugin does wrong, it is only the plugin that stops
        reason = str(error) if isinstance(error, NnscopeError) else f"{type(error).__name__}: {error}"
        return Plugin(plugin.name, plugin.module, reason, traceback.format_exc())
    return plugin


def _map_source_tree() -> None:
    """In a source tree, make ``nnscope_plugins`` the folder of that tree, whatever is installed elsewhere."""
    root = Path(__file__).resolve().parents[2]
    folder = root / "plugins"
    init = folder / "__init__.py"
    if _PACKAGE in sys.modules or not (init.is_file() and (root / "pyproject.toml").is_file()):
        return
    spec = importlib.util.spec_from_file_location(_PACKAGE, init, submodule_search_locations=[str(folder)])
    assert spec is not None  # a file that exists and ends in .py has a loader
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[_PACKAGE] = module
    spec.loader.exec_module(module)
