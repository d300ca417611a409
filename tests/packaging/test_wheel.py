"""The wheel holds every file of the package and works where nothing else of the project is.

It is built from a copy of the tree and installed into an environment of its own. The dependencies are not downloaded
again: a ``.pth`` file leads to those of the running environment (whose own, editable nnscope is found by another
``.pth`` file, which is not read there).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.architecture.modules import PACKAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


def _shipped() -> Iterator[tuple[str, str]]:
    """(path in the checkout, path in the wheel) of every file that must be in the wheel."""
    for folder, package in PACKAGES.items():
        for file in sorted((ROOT / folder).rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                inside = file.relative_to(ROOT / folder).as_posix()
                yield f"{folder}/{inside}", f"{package.replace('.', '/')}/{inside}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy so that the checkout stays clean."""
    tree = tmp_path_factory.mktemp("tree")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    for folder in PACKAGES:
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tree / "assets" / "__pycache__").mkdir()  # what an import leaves must not be shipped
    (tree / "assets" / "__pycache__" / "stale.pyc").touch()
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tree / "dist"), str(tree)]
    _run(command, cwd=tree)
    (built,) = (tree / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a clean environment with the wheel in it."""
    folder = tmp_path_factory.mktemp("clean")
    _run([sys.executable, "-m", "venv", "--without-pip", str(folder)], cwd=folder)
    python = folder / "bin" / "python"
    (site,) = folder.glob("lib/python*/site-packages")
    install = ["-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", "--no-compile", str(wheel)]
    _run([sys.executable, *install], cwd=folder)
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"])
    return python


def _run(command: list[str], cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "DISPLAY")}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout.strip()


def test_every_file_is_in_the_wheel_and_no_other(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == {inside for _, inside in _shipped()}


def test_licence_and_readme_are_in_the_wheel(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (licence,) = (name for name in archive.namelist() if name.endswith("LICENSE"))
    (metadata,) = (name for name in archive.namelist() if name.endswith("METADATA"))
    assert b"nnscope contributors" in archive.read(licence)
    assert b"License-Expression: BSD-3-Clause" in archive.read(metadata)


def test_nothing_comes_from_the_checkout(python: Path, tmp_path: Path) -> None:
    code = """
import importlib
for name in ("nnscope", "nnscope.core", "nnscope.shaders", "nnscope.assets", "nnscope_plugins.digits"):
    print(importlib.import_module(name).__file__)
"""
    files = _run([str(python), "-c", code], cwd=tmp_path).splitlines()
    assert len(files) == 5
    assert all(Path(file).is_relative_to(python.parents[1]) for file in files)


def test_plugins_are_found(python: Path, tmp_path: Path) -> None:
    code = "from nnscope.core.plugins import loaded_plugins; print(*sorted(loaded_plugins().registry.models))"
    assert _run([str(python), "-c", code], cwd=tmp_path).split() == ["digits-cnn", "digits-vit"]


def test_a_picture_is_rendered(python: Path, tmp_path: Path) -> None:
    out = tmp_path / "picture.png"
    render = ["render", "demo:digits-cnn", "stem.0.weight", "-o", str(out), "--size", "320x240"]
    _run([str(python.with_name("nnscope")), *render], cwd=tmp_path)
    assert out.read_bytes().startswith(b"\x89PNG")
