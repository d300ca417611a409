"""From paths to engines, through files and through what plugins registered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from nnscope.core import plugins
from nnscope.core.errors import NnscopeError
from nnscope.core.plugins import Loaded
from nnscope.core.registry import Registry
from nnscope.engine.opening import is_live, open_engines, source_key
from nnscope.views.heatmap import Heatmap
from nnscope.views.registry import find_view, views
from tests.scene.sources import ArraySource

if TYPE_CHECKING:
    from pathlib import Path


class Negative(Heatmap):
    """A view as a plugin would bring it."""

    name = "negative"
    title = "Negative"


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Registry:
    registry = Registry()
    registry.add_view("negative", Negative())
    registry.add_view("heatmap", Negative())
    registry.add_source("memory", lambda path: ArraySource({"x": np.ones(3)}, path))
    for module in ("nnscope.core.plugins", "nnscope.views.registry"):
        monkeypatch.setattr(f"{module}.loaded_plugins", lambda: Loaded(registry, ()))
    return registry


def test_a_file_becomes_an_engine(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(4))
    (engine,) = open_engines(str(tmp_path / "x.npy"), inline=True)
    assert [info.address for info in engine.source.listing().tensors] == ["x"]
    engine.close()


def test_a_demo_shows_its_weights_under_its_own_name() -> None:
    (engine,) = open_engines("demo:digits-cnn", inline=True, live=False)
    assert engine.source.listing().path == "demo:digits-cnn"
    engine.close()


def test_a_plugins_source_is_opened_by_its_scheme(plugin: Registry) -> None:
    (engine,) = open_engines("memory:anything", inline=True)
    assert engine.source.listing().path == "memory:anything"
    assert source_key("memory:anything") == "memory:anything"
    engine.close()


def test_a_file_wins_over_a_scheme(plugin: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save(tmp_path / "memory.npy", np.arange(4))
    (tmp_path / "memory.npy").rename(tmp_path / "memory:file")
    (engine,) = open_engines("memory:file", inline=True)
    assert engine.source.listing().format == "npy"
    engine.close()


def test_plugins_views_are_in_the_menu_and_never_in_place_of_ours(plugin: Registry) -> None:
    ours = ["heatmap", "rgb", "volume", "voxels", "landscape", "section", "splats", "attention", "gradient-flow"]
    assert [view.name for view in views()] == [*ours, "plane", "signs", "negative"]
    assert find_view("negative").title == "Negative"
    assert find_view("heatmap").title == "Heat map"
    with pytest.raises(NnscopeError, match="no view"):
        find_view("kaleidoscope")


def test_keys_of_paths(tmp_path: Path) -> None:
    assert source_key("demo:digits-cnn") == "demo:digits-cnn"
    assert source_key(str(tmp_path / "a" / ".." / "x.npy")).endswith("x.npy")
    assert is_live("model.py:make")
    assert not is_live("model.safetensors")
    assert plugins.loaded_plugins().registry.models
