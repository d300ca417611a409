"""The rules of the house, each a function from the modules to the sentences that tell what breaks it.

- **Direction.** Rooms stand on levels (`LEVELS`) and import from their own level or from below. What is imported only
  for type checking counts too: an annotation is knowledge of the room above.
- **Cycles.** No modules that import each other when they are imported, and no rooms that need each other at run time
  (functions' imports count for rooms, type checking doesn't).
- **Heavy dependencies** are imported only in their room (`HOMES`), at whatever place in the file. Type checking is
  exempt here: it loads nothing, and core names arrays in annotations.
- **Plugins** see only what a plugin from elsewhere may use (`PLUGIN_INTERFACE`).
- **Size**: files, functions and parameter lists stay small, and no name says only that things are kept there.
"""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tests.architecture.modules import Import, Module

# Lowest first. `headless` is what the window is for people: what the command line and the Python interface stand on.
LEVELS = (
    ("core", "shaders", "assets"),
    ("arrays",),
    ("fields", "compute", "sources", "store"),
    ("views",),
    ("engine",),
    ("scene",),
    ("gui", "render", "export", "headless"),
)
TOP = len(LEVELS)  # the rest: composition root, command line, Python interface, doctor
TOP_ROOMS = ("nnscope", "cli", "plugins")  # packages of it; what else lies there is a file

# Dependency → the rooms, or packages in rooms, that may import it.
HOMES = {
    "cupy": ("arrays",),
    "numba": ("arrays",),
    "scipy": ("compute",),
    "sklearn": ("compute", "plugins"),
    "torch": ("fields", "sources.live", "engine.model_process", "plugins"),  # the process that a live model runs in
    "transformers": (),
    "h5py": ("store", "sources.guarded"),
    "tifffile": ("sources.guarded",),
    "zmq": ("engine",),
    "msgpack": ("engine",),
    "vispy": ("render",),
    "OpenGL": ("render",),
    "PyQt6": ("gui", "doctor"),  # the doctor's child process asks Qt whether it starts
    "superqt": ("gui",),
    "qtpy": (),
    "av": ("export",),
    "imageio": (),
    "matplotlib": ("export",),
    "typer": ("cli",),
    "rich": ("cli",),
}
NOT_IN_CORE = ("numpy", "ml_dtypes", "PIL")  # importing core costs nothing

PLUGIN_INTERFACE = ("nnscope", "nnscope.core", "nnscope.sources.base", "nnscope.views.base")

MAX_LINES = 450
MAX_FUNCTION_LINES = 60  # without the docstring
MAX_PARAMETERS = 8  # without self or cls
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "misc", "common"}

Modules = dict[str, "Module"]


def upward_imports(modules: Modules) -> Iterator[str]:
    """Imports of a room above."""
    for module, item in _ours(modules):
        target = modules[item.target]
        if module.room != "plugins" and target.room != "plugins" and _level(target) > _level(module):
            yield f"{_place(module, item)}: {module.room} is below {target.room}"


def plugin_imports(modules: Modules) -> Iterator[str]:
    """Imports between nnscope and its plugins that are not the plugin interface."""
    for module, item in _ours(modules):
        if module.room == "plugins" and not _within(item.target, ("nnscope_plugins", *PLUGIN_INTERFACE[1:])):
            yield f"{_place(module, item)}: {item.target} is not part of the plugin interface"
        if module.room != "plugins" and item.target.startswith("nnscope_plugins") and item.eager:
            yield f"{_place(module, item)}: nnscope works without this plugin"


def import_cycles(modules: Modules) -> Iterator[str]:
    """Modules that need each other to be imported, and rooms that need each other to run."""
    eager: dict[str, set[str]] = {name: set() for name in modules}
    rooms: dict[str, set[str]] = {}
    for module, item in _ours(modules):
        if item.typing or item.target == module.name:
            continue
        if item.eager and not _is_parent(item.target, module.name):
            eager[module.name].add(item.target)
        target = modules[item.target].room
        if module.room != target and _level(module) != TOP:
            rooms.setdefault(module.room, set()).add(target)
    for what, graph in (("modules", eager), ("rooms", rooms)):
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            yield f"cycle of {what}: {' ← '.join(error.args[1])}"


def misplaced_dependencies(modules: Modules) -> Iterator[str]:
    """Heavy libraries imported outside their room."""
    for module in modules.values():
        for item in module.imports:
            library = item.target.partition(".")[0]
            if not item.typing and not _may_import(module, library):
                homes = " and ".join(HOMES.get(library, ())) or "no room"
                yield f"{_place(module, item)}: {library} belongs in {homes}"


def oversized(modules: Iterable[Module]) -> Iterator[str]:
    """Files, functions and parameter lists beyond the limits."""
    for module in modules:
        if module.lines > MAX_LINES:
            yield f"{module.path}: {module.lines} lines, at most {MAX_LINES}"
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from (f"{module.path}:{node.lineno} {node.name}: {text}" for text in _oversized_function(node))


def empty_names(paths: Iterable[Path]) -> Iterator[str]:
    """Files and folders whose name says nothing."""
    return (f"{path}" for path in paths if EMPTY_NAMES & {part.partition(".")[0].lower() for part in path.parts})


def _oversized_function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    docstring = node.body[0] if ast.get_docstring(node, clean=False) else None
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if docstring is not None:
        lines -= (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
    if lines > MAX_FUNCTION_LINES:
        yield f"{lines} lines, at most {MAX_FUNCTION_LINES}"
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    count = sum(argument.arg not in ("self", "cls") for argument in arguments)
    if count > MAX_PARAMETERS:
        yield f"{count} parameters, at most {MAX_PARAMETERS}"


def _may_import(module: Module, library: str) -> bool:
    if library in NOT_IN_CORE:
        return module.room != "core"
    return library not in HOMES or _within(_in_house(module.name), HOMES[library])


def _in_house(name: str) -> str:
    """``"nnscope.sources.live.hooks"`` → ``"sources.live.hooks"``."""
    return name.replace("nnscope_plugins", "nnscope.plugins", 1).removeprefix("nnscope.")


def _within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _ours(modules: Modules) -> Iterator[tuple[Module, Import]]:
    return ((module, item) for module in modules.values() for item in module.imports if item.target in modules)


def _level(module: Module) -> int:
    return next((level for level, rooms in enumerate(LEVELS) if module.room in rooms), TOP)


def _is_parent(package: str, name: str) -> bool:
    """Importing ``name`` imports ``package`` anyway; that alone is no cycle."""
    return name.startswith(f"{package}.")


def _place(module: Module, item: Import) -> str:
    return f"{module.path}:{item.line} imports {item.target}"
