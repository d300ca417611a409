"""Plugins are listed without being imported, and one that fails is disabled and named while others go on (P24)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nnscope.core.errors import NnscopeError
from nnscope.core.plugins import Plugin, find_model, list_plugins, load_plugins, loaded_plugins
from nnscope.core.registry import ModelSpec, ReaderSpec, Registry

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]

GOOD = """
from nnscope.core.registry import ModelSpec, ReaderSpec
def register(registry):
    registry.add_model("good", ModelSpec("good", "Good", "A good model.", dict))
    registry.add_reader("gguf", ReaderSpec("gguf", (".gguf",), open))
    registry.add_view("stripes", object())
    registry.add_source("run", open)
"""
LATE = """
from nnscope.core.registry import ModelSpec
def register(registry):
    registry.add_model("late", ModelSpec("late", "", "", dict))
    registry.add_source("walk", open)
"""
BAD = {
    "syntax": "def register(:\n",
    "missing import": "import nowhere_to_be_found\n",
    "no register": "x = 1\n",
    "raises": "def register(registry): 1 / 0\n",
    "exits": "import sys\nsys.exit(3)\n",
    "takes a name twice": (
        "from nnscope.core.registry import ModelSpec\n"
        "def register(registry):\n"
        "    for _ in 'ab': registry.add_model('twice', ModelSpec('twice', '', '', dict))\n"
    ),
    "takes the name of another": (
        "from nnscope.core.registry import ModelSpec\n"
        "def register(registry):\n"
        "    registry.add_source('mine', open)\n"
        "    registry.add_model('good', ModelSpec('good', '', '', dict))\n"
    ),
    "fails half way": (
        "from nnscope.core.registry import ModelSpec\n"
        "def register(registry):\n"
        "    registry.add_model('half', ModelSpec('half', '', '', dict))\n"
        "    registry.add_nothing()\n"
    ),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("plugin_"):
            del sys.modules[name]


def plugin(folder: Path, name: str, text: str) -> Plugin:
    (folder / f"plugin_{name}.py").write_text(text)
    return Plugin(name, f"plugin_{name}")


def test_a_good_plugin_registers_all_it_offers(folder: Path) -> None:
    loaded = load_plugins([plugin(folder, "good", GOOD)])
    registry = loaded.registry
    assert [p.error for p in loaded.plugins] == [""]
    assert (list(registry.models), list(registry.readers)) == (["good"], ["gguf"])
    assert (list(registry.views), list(registry.sources)) == (["stripes"], ["run"])
    assert registry.models["good"].factory() == {}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_a_bad_plugin_is_disabled_and_the_others_go_on(folder: Path, text: str) -> None:
    listed = [plugin(folder, "good", GOOD), plugin(folder, "bad", text), plugin(folder, "late", LATE)]
    loaded = load_plugins(listed)
    good, bad, late = loaded.plugins
    assert (good.error, late.error) == ("", "")
    assert bad.name == "bad"
    assert bad.error
    assert "Traceback" in bad.details
    assert set(loaded.registry.models) == {"good", "late"}
    assert set(loaded.registry.sources) == {"run", "walk"}  # nothing of the bad one is left


def test_listing_imports_nothing() -> None:
    code = (
        "import sys\n"
        "from nnscope.core.plugins import list_plugins\n"
        "names = [p.name for p in list_plugins()]\n"
        "assert 'digits' in names, names\n"
        "assert not [m for m in sys.modules if m.startswith('nnscope_plugins')]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_loading_the_shipped_plugins_is_cheap() -> None:
    code = (
        "import sys\n"
        "from nnscope.core.plugins import find_model\n"
        "assert find_model('digits-cnn').weights.is_file()\n"
        "heavy = {'torch', 'numpy', 'sklearn', 'safetensors'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_the_shipped_plugin_is_found_from_a_source_tree() -> None:
    assert "digits" in [found.name for found in list_plugins()]
    loaded = loaded_plugins()
    assert [found.error for found in loaded.plugins if found.name == "digits"] == [""]
    assert {"digits-cnn", "digits-vit"} <= set(loaded.registry.models)
    assert loaded_plugins() is loaded
    import nnscope_plugins.digits

    assert Path(nnscope_plugins.digits.__file__).is_relative_to(ROOT / "plugins")


def test_an_unknown_model_names_those_there_are() -> None:
    with pytest.raises(NnscopeError, match=r"There are: .*demo:digits-cnn, demo:digits-vit"):
        find_model("digits")


def test_an_unknown_model_names_plugins_that_are_disabled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load_plugins([plugin(folder, "bad", BAD["raises"])])
    monkeypatch.setattr("nnscope.core.plugins.loaded_plugins", lambda: loaded)
    with pytest.raises(NnscopeError, match="The plugin bad is disabled: ZeroDivisionError: division by zero"):
        find_model("digits-cnn")


def test_a_registry_takes_all_or_nothing() -> None:
    mine, other = Registry(), Registry()
    spec = ModelSpec("m", "", "", dict)
    mine.add_model("m", spec)
    other.add_reader("r", ReaderSpec("r", (".r",), open))
    other.add_model("m", spec)
    with pytest.raises(NnscopeError, match="A model of this name is registered already"):
        mine.merge(other)
    assert mine.readers == {}
