"""The attention view in the window: heads by keys, settings that fit the picture anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PyQt6.QtCore import Qt

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gui.conftest import Bench

pytestmark = [pytest.mark.gui, pytest.mark.gl]

SHAPE = (2, 3, 9, 9)  # layers, heads, queries, keys


@pytest.fixture
def heads(bench: Bench, tmp_path: Path) -> Bench:
    x = np.random.default_rng(0).random(SHAPE).astype(np.float32)
    np.save(tmp_path / "heads.npy", x / x.sum(-1, keepdims=True))
    bench.open(tmp_path / "heads.npy")
    bench.controller.workspace.update_pane(view="attention", layout=None)
    bench.settle()
    return bench


def _subject(bench: Bench) -> str:
    drawn = bench.controller.drawn()
    assert drawn is not None
    return drawn.composed.frame.subtitle.rpartition("·")[2].strip()


def test_heads_by_keys(heads: Bench) -> None:
    seen = [_subject(heads)]
    for key in (Qt.Key.Key_BracketRight,) * 4 + (Qt.Key.Key_BracketLeft,) * 2:
        heads.press(key)
        heads.settle()
        seen.append(_subject(heads))
    assert seen == [
        "6 heads",
        *(f"axis 0 {layer}, axis 1 {head}" for layer, head in ((0, 0), (0, 1), (0, 2), (1, 0), (0, 2), (0, 1))),
    ]
    heads.controller.workspace.undo()
    heads.settle()
    assert _subject(heads) == "6 heads"


def test_a_setting_that_changes_the_grid_fits_the_picture_anew(heads: Bench) -> None:
    controller, options = heads.controller, heads.window.inspector.options
    controller.workspace.update_pane(settings=(("show", "head"),))
    heads.settle()
    controller.zoom(400, 400, 4.0)
    heads.settle()
    assert controller.workspace.pane.camera is not None
    options.changed.emit("squarings", 3)
    assert controller.workspace.pane.camera is not None
    options.changed.emit("show", "mean")
    heads.settle()
    assert controller.workspace.pane.camera is None
    assert _subject(heads) == "mean over 3 heads"
