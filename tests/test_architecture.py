"""Imports go down only, heavy libraries stay in their rooms, files stay small: see `tests.architecture.rules`."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.architecture import rules
from tests.architecture.modules import Module, read_modules

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]

# Folders of one machine, which mean nothing on another.
MACHINE_PATH = re.compile(r"(?<![\w.:/-])/(?:work|root|opt|home|Users)/\w")

HEAVY = (
    "numpy",
    "torch",
    "scipy",
    "sklearn",
    "PyQt6",
    "vispy",
    "OpenGL",
    "h5py",
    "zmq",
    "cupy",
    "numba",
    "PIL",
    "rich",
)


@cache
def _modules() -> dict[str, Module]:
    return read_modules(ROOT)


@pytest.fixture(scope="module", autouse=True)
def _trees_are_forgotten() -> Iterator[None]:
    """A million nodes that stayed would slow every garbage collection of the tests that follow."""
    yield
    _modules.cache_clear()


def _tracked() -> list[Path]:
    """The files that belong to the project, relative to the checkout."""
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode == 0:
        return [Path(line) for line in done.stdout.splitlines() if (ROOT / line).is_file()]
    folders = ("nnscope", "shaders", "assets", "plugins", "tests", "packaging")
    files = (file for folder in folders for file in (ROOT / folder).rglob("*") if file.is_file())
    return [file.relative_to(ROOT) for file in files if "__pycache__" not in file.parts]


def _report(found: object) -> None:
    lines = [str(line).replace(f"{ROOT}/", "") for line in found]  # type: ignore[attr-defined]
    assert not lines, "\n" + "\n".join(lines)


def test_imports_go_down_only() -> None:
    _report(rules.upward_imports(_modules()))


def test_no_cycle() -> None:
    _report(rules.import_cycles(_modules()))


def test_heavy_dependencies_stay_in_their_room() -> None:
    _report(rules.misplaced_dependencies(_modules()))


def test_plugins_use_the_public_interface() -> None:
    _report(rules.plugin_imports(_modules()))


def test_every_room_has_a_level() -> None:
    rooms = {module.room for module in _modules().values() if module.name.count(".") > 1 or _is_package(module)}
    known = {room for level in rules.LEVELS for room in level}
    assert rooms - known <= set(rules.TOP_ROOMS)


def _is_package(module: Module) -> bool:
    return module.path.name == "__init__.py"


def test_small_files_functions_and_parameter_lists() -> None:
    python = [ROOT / path for path in _tracked() if path.suffix == ".py"]
    others = (Module(str(p), p, ast.parse(text := p.read_text()), text.count("\n"), ()) for p in python)
    _report(rules.oversized(others))


def test_names_say_something() -> None:
    _report(rules.empty_names(_tracked()))


def test_packaging_folder_is_no_package() -> None:
    """A package of that name would hide PyPI's `packaging` from everything that runs in the checkout."""
    assert not (ROOT / "packaging" / "__init__.py").exists()


def test_no_path_of_a_machine_in_any_text() -> None:
    found = []
    for path in _tracked():
        data = (ROOT / path).read_bytes()
        if b"\0" not in data[:8192]:
            lines = enumerate(data.decode("utf-8", "replace").splitlines(), 1)
            found += [f"{path}:{number}: {line.strip()[:120]}" for number, line in lines if MACHINE_PATH.search(line)]
    _report(found)


@pytest.mark.parametrize("what", ["nnscope", "nnscope.core.*"])
def test_importing_costs_nothing(what: str) -> None:
    names = [name for name in _modules() if name.startswith("nnscope.core")] if what.endswith("*") else [what]
    imports = "".join(f"import {name}\n" for name in names)
    code = f"{imports}import sys\nprint(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


# --- the rules can fail ---------------------------------------------------------------------------------------------

BROKEN = {
    "upward": ("nnscope/core/a.py", "import nnscope.gui.window", rules.upward_imports),
    "upward, typing only": (
        "nnscope/core/a.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from nnscope.gui.window import Window",
        rules.upward_imports,
    ),
    "upward, by name": ("nnscope/views/a.py", "TABLE = {'x': 'nnscope.gui.window'}", rules.upward_imports),
    "upward, to the top": ("nnscope/gui/a.py", "from nnscope import app", rules.upward_imports),
    "upward, through the package": ("nnscope/gui/a.py", "import nnscope\nnnscope.launch()", rules.upward_imports),
    "upward, from the package": ("nnscope/gui/a.py", "from nnscope import launch", rules.upward_imports),
    "upward, relative": ("nnscope/core/a.py", "from ..gui import window", rules.upward_imports),
    "cycle of modules": ("nnscope/gui/other.py", "import nnscope.gui.window", rules.import_cycles),
    "cycle of rooms": ("nnscope/render/a.py", "def f():\n    import nnscope.gui.window", rules.import_cycles),
    "torch in the window": ("nnscope/gui/a.py", "def f():\n    import torch.nn", rules.misplaced_dependencies),
    "torch outside live": ("nnscope/sources/files/a.py", "import torch", rules.misplaced_dependencies),
    "Qt in the scene": ("nnscope/scene/a.py", "from PyQt6.QtCore import QObject", rules.misplaced_dependencies),
    "numpy in core": ("nnscope/core/a.py", "import numpy as np", rules.misplaced_dependencies),
    "plugin looks inside": ("plugins/p.py", "import nnscope.gui.window", rules.plugin_imports),
}
TREE = {
    "nnscope/__init__.py": "",
    "nnscope/app.py": "import nnscope.gui.window",
    "nnscope/core/__init__.py": "",
    "nnscope/gui/__init__.py": "",
    "nnscope/gui/window.py": "import PyQt6.QtWidgets\nfrom nnscope.gui import other\nimport nnscope.render",
    "nnscope/gui/about.py": "import nnscope\nprint(nnscope.__version__)",
    "nnscope/gui/other.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import nnscope.gui.window",
    "nnscope/render/__init__.py": "import vispy",
    "nnscope/sources/live/hooks.py": "import torch",
    "plugins/__init__.py": "import torch\nfrom nnscope.core import registry",
}


def _tree(folder: Path, files: dict[str, str]) -> dict[str, Module]:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return read_modules(folder)


def test_a_good_tree_breaks_no_rule(tmp_path: Path) -> None:
    modules = _tree(tmp_path, TREE)
    _report(line for _, _, rule in BROKEN.values() for line in rule(modules))


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_rule_is_found(tmp_path: Path, case: str) -> None:
    file, text, rule = BROKEN[case]
    assert list(rule(_tree(tmp_path, {**TREE, file: text})))


def test_size_is_found(tmp_path: Path) -> None:
    long = "def f(a, b, c, d, e, f, g, h, i):\n" + "    pass\n" * 60 + "\n" * 400
    found = "\n".join(rules.oversized(_tree(tmp_path, {**TREE, "nnscope/gui/a.py": long}).values()))
    assert all(part in found for part in ("461 lines", "61 lines", "9 parameters"))


@pytest.mark.parametrize("text", ["/" + "home/me/model.pt", 'open("/' + 'work/x")', "(/" + "opt/nn)"])
def test_machine_path_is_found(text: str) -> None:
    assert MACHINE_PATH.search(text)


@pytest.mark.parametrize("text", ["a/work/b", "https://host/home/x", "/usr/lib", "./opt/x", "framework/opt/"])
def test_other_paths_are_fine(text: str) -> None:
    assert not MACHINE_PATH.search(text)
