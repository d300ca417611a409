"""The source tree as modules and imports, read from its syntax and without importing any of it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Folders of the checkout and the packages they are.
PACKAGES = {
    "nnscope": "nnscope",
    "shaders": "nnscope.shaders",
    "assets": "nnscope.assets",
    "plugins": "nnscope_plugins",
}


@dataclass(frozen=True)
class Import:
    """One imported module.

    Attributes
    ----------
    target : str
        Dotted name. A string that is the name of a module of ours counts as an import inside a function, for that is
        how tables of lazily loaded modules are written.
    line : int
    eager : bool
        Run when the module is imported, and not inside a function.
    typing : bool
        Under ``if TYPE_CHECKING:``, so never run.
    """

    target: str
    line: int
    eager: bool
    typing: bool


@dataclass(frozen=True)
class Module:
    """A source file under the name it is imported by."""

    name: str
    path: Path
    tree: ast.Module
    lines: int
    imports: tuple[Import, ...]

    @property
    def room(self) -> str:
        """``"core"``, ``"gui"`` …; ``"plugins"``; for a file at the top of the package its own name."""
        parts = self.name.split(".")
        if parts[0] == "nnscope_plugins":
            return "plugins"
        return parts[1] if len(parts) > 1 else "nnscope"


def read_modules(root: Path) -> dict[str, Module]:
    """Every module of the packages under ``root``, by name."""
    files = {
        _module_name(file.relative_to(root / folder), package): file
        for folder, package in PACKAGES.items()
        for file in sorted((root / folder).rglob("*.py"))
        if folder != "nnscope" or not _is_mapped(file.relative_to(root / folder))
    }
    return {name: _read(name, file, frozenset(files)) for name, file in files.items()}


def _is_mapped(path: Path) -> bool:
    """Whether it is the copy of a mapped folder, as in an unpacked wheel."""
    return path.parts[0] in ("shaders", "assets")


def _module_name(path: Path, package: str) -> str:
    parts = [*path.parts[:-1], path.stem] if path.stem != "__init__" else path.parts[:-1]
    return ".".join((package, *parts))


def _read(name: str, path: Path, known: frozenset[str]) -> Module:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text, str(path))
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    found = _imports(tree.body, package, known, eager=True, typing=False)
    imports = tuple(item for item in found if item.target != "nnscope" or not _asks_version_only(tree))
    return Module(name, path, tree, text.count("\n"), imports)


def _imports(
    nodes: list[ast.AST] | list[ast.stmt], package: str, known: frozenset[str], *, eager: bool, typing: bool
) -> Iterator[Import]:
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for target in _targets(node, package, known):
                yield Import(target, node.lineno, eager, typing)
        elif isinstance(node, ast.Constant) and node.value in known and "." in node.value:
            yield Import(node.value, node.lineno, False, typing)
        elif isinstance(node, ast.If) and _is_type_checking(node.test):
            yield from _imports(node.body, package, known, eager=eager, typing=True)
            yield from _imports(node.orelse, package, known, eager=eager, typing=typing)
        else:
            inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            children = list(ast.iter_child_nodes(node))
            yield from _imports(children, package, known, eager=eager and not inside, typing=typing)


def _targets(node: ast.Import | ast.ImportFrom, package: str, known: frozenset[str]) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = node.module or ""
    if node.level:
        parents = package.split(".")
        start = parents[: len(parents) - node.level + 1]
        base = ".".join([*start, base]) if base else ".".join(start)
    # `from package import module` means the module, `from module import name` the module before it.
    # A name such as `__version__` belongs to the package as such, which is imported before any of its modules.
    names = [alias.name for alias in node.names if not alias.name.startswith("__")]
    return sorted({full if (full := f"{base}.{name}") in known else base for name in names})


def _asks_version_only(tree: ast.Module) -> bool:
    """Whether all that the module takes from ``nnscope`` itself is what any package has, such as ``__version__``."""
    taken = [n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and ast.unparse(n.value) == "nnscope"]
    from_imports = (n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module == "nnscope")
    taken += [alias.name for node in from_imports for alias in node.names]
    return all(name.startswith("__") for name in taken)


def _is_type_checking(test: ast.expr) -> bool:
    return ast.unparse(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
