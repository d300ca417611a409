"""pyproject.toml says what the tree holds: every package, every entry point, and versions that the constraints meet."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

from tests.architecture.modules import PACKAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONSTRAINTS = (ROOT / "packaging" / "constraints.txt").read_text()


def _pins() -> dict[str, str]:
    lines = [line.partition("#")[0].strip() for line in CONSTRAINTS.splitlines()]
    return dict(line.split("==") for line in lines if line)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_package_is_written_down() -> None:
    found = [
        ".".join((package, *file.parent.relative_to(ROOT / folder).parts))
        for folder, package in PACKAGES.items()
        for file in (ROOT / folder).rglob("__init__.py")
    ]
    assert PROJECT["tool"]["setuptools"]["packages"] == sorted(found)


def test_every_folder_with_python_is_a_package() -> None:
    folders = {file.parent for folder in PACKAGES for file in (ROOT / folder).rglob("*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


@pytest.mark.parametrize("extra", ["", "test", "hf", "bench", "cuda12", "cuda13"])
def test_constraints_pin_and_meet_what_is_asked_for(extra: str) -> None:
    project = PROJECT["project"]
    asked = project["optional-dependencies"][extra] if extra else project["dependencies"]
    pins = _pins()
    for requirement in map(Requirement, asked):
        assert requirement.specifier.contains(pins[_normal(requirement.name)]), requirement


def test_constraints_are_exact_and_each_once() -> None:
    names = re.findall(r"^([\w.-]+)==[\w.]+$", CONSTRAINTS, re.MULTILINE)
    lines = [line for line in CONSTRAINTS.splitlines() if line and not line.startswith("#")]
    assert len(names) == len(lines) == len({_normal(name) for name in names})
    assert _pins()["torch"] == "2.13.0"


def test_entry_points_lead_somewhere() -> None:
    project = PROJECT["project"]
    modules = [target.partition(":")[0] for target in project["scripts"].values()]
    modules += project["entry-points"]["nnscope.plugins"].values()
    for module in modules:
        package, _, rest = module.partition(".")
        folder = next(folder for folder, name in PACKAGES.items() if name == package)
        path = ROOT / folder / rest.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__init__.py").exists(), module


def _imported(files: list[Path]) -> set[str]:
    """Names of the libraries that are imported anywhere in the files, less Python's own and ours."""
    names = {name for file in files for name in _modules_in(ast.parse(file.read_text()))}
    ours = {"nnscope", "nnscope_plugins", "tests", "bootstrap"}
    return {name.partition(".")[0] for name in names} - ours - sys.stdlib_module_names


def _modules_in(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


@pytest.mark.parametrize(
    ("folders", "extras"),
    [(tuple(PACKAGES), ("hf", "cuda12")), (("tests",), ("test", "bench", "hf", "cuda12"))],
    ids=["package", "tests"],
)
def test_every_library_that_is_imported_is_asked_for(folders: tuple[str, ...], extras: tuple[str, ...]) -> None:
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    project = PROJECT["project"]
    asked = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    known = {_normal(Requirement(line).name) for line in asked}
    of_import = {name: {_normal(dist) for dist in found} for name, found in packages_distributions().items()}
    of_import.setdefault("cupy", {"cupy-cuda12x"})  # installed on request only
    undeclared = {name for name in _imported(files) if not of_import.get(name, {name}) & known}
    assert undeclared == set()
