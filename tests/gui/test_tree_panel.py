"""The model tree as a widget: 200 000 tensors, statistics for visible rows only, menus."""

from __future__ import annotations

import itertools
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from PyQt6.QtCore import QModelIndex, QTimer
from PyQt6.QtTest import QAbstractItemModelTester

from nnscope.core.tensor import Listing, TensorInfo
from nnscope.gui.tree.panel import TreePanel
from nnscope.scene.library import Library

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot

    from tests.gui.conftest import Bench

pytestmark = pytest.mark.gui


def library(names: list[str]) -> Library:
    made: Any = Library()
    infos = tuple(TensorInfo(name, (3, 4), "float32", nbytes=48) for name in names)
    listing = Listing("/tmp/big.safetensors", "memory", infos)
    infos_by_name = {info.address: info for info in infos}
    made.sources["big"] = SimpleNamespace(key="big", listing=listing, infos=infos_by_name, versions={})
    return made


@pytest.fixture
def panel(qtbot: QtBot) -> Callable[[list[str]], TreePanel]:
    """A panel over tensors of these names."""

    def make(names: list[str]) -> TreePanel:
        made = TreePanel(library(names))
        qtbot.addWidget(made)
        made.resize(400, 600)
        made.show()
        made.rebuild()
        qtbot.waitUntil(lambda: made.model.rowCount() == 1, timeout=30_000)
        return made

    return make


@pytest.mark.parametrize(("pattern", "count"), [("t{}", 200_000), ("layers.{1}.block{2}.t{0}.weight", 60_000)], ids=str)
def test_a_great_many_tensors_never_stall_the_window(qtbot: QtBot, panel: Any, pattern: str, count: int) -> None:
    names = [pattern.format(i, i % 500, i % 7) for i in range(count)]
    beats: list[float] = []
    timer = QTimer()
    timer.timeout.connect(lambda: beats.append(time.perf_counter()))
    timer.start(2)
    made = panel(names)
    qtbot.wait(100)
    timer.stop()
    gaps = [b - a for a, b in itertools.pairwise(beats)]
    assert len(beats) > 20
    assert sorted(gaps)[len(gaps) * 9 // 10] < 0.05
    assert made.model.node(made.model.index(0, 0)).count == count
    index = made.model.find("big", names[count // 2])
    assert made.model.node(index).info.address == names[count // 2]
    made.stop()


def test_the_model_keeps_qts_rules(qtbot: QtBot, panel: Any) -> None:
    made = panel(["a.b.weight", "a.b.bias", "a.c", "d", "d:output", "x" * 10_000, ""])
    tester = QAbstractItemModelTester(made.model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    made.model.sort(0)
    made.model.sort(-1)
    made.filter.setText("a.")
    qtbot.waitUntil(lambda: not made.model.find("big", "d").isValid(), timeout=5000)
    made.filter.setText("nothing like it")
    qtbot.waitUntil(lambda: not made.tree.isVisible(), timeout=5000)
    made.stop()
    del tester


def test_statistics_are_asked_for_visible_rows_only(qtbot: QtBot, panel: Any) -> None:
    asked: set[str] = set()
    made = panel([f"t{i}" for i in range(900)])
    made.wanted.connect(lambda source, address: asked.add(address))
    made.tree.notice()
    qtbot.waitUntil(lambda: bool(asked), timeout=5000)
    assert len(asked) < 60
    assert "t0" in asked
    scroll = made.tree.verticalScrollBar()
    scroll.setValue(scroll.maximum())
    qtbot.waitUntil(lambda: "t899" in asked, timeout=5000)
    assert len(asked) < 120
    made.stop()


def test_what_was_open_stays_open(qtbot: QtBot, panel: Any) -> None:
    made = panel(["a.b.weight", "a.c", "z.y.weight"])
    index = made.model.index(0, 0, made.model.index(0, 0))
    assert index.data() == "a"
    made.tree.expand(index)
    made.rebuild()
    again = made.model.index(0, 0, made.model.index(0, 0))
    assert made.tree.isExpanded(again)
    assert not made.tree.isExpanded(made.model.index(1, 0, made.model.index(0, 0)))
    made.stop()


def test_selection_follows_without_telling(qtbot: QtBot, panel: Any) -> None:
    made = panel(["a.b.weight", "a.c"])
    told: list[str] = []
    made.chosen.connect(lambda source, address: told.append(address))
    made.show_current("big", "a.c")
    assert made.tree.currentIndex() == made.model.find("big", "a.c")
    assert told == []
    made.tree.setCurrentIndex(made.model.find("big", "a.b.weight"))
    assert told == ["a.b.weight"]
    made.show_current("big", "")
    assert made.tree.currentIndex() == QModelIndex()
    made.stop()


@pytest.mark.gl
def test_right_click_offers_what_a_row_can_do(bench: Bench, checkpoint: Any) -> None:
    from PyQt6.QtCore import QPoint
    from PyQt6.QtWidgets import QMenu

    key = bench.open(checkpoint)
    bench.window.tree.menu.emit(key, "odd", QPoint(10, 10))
    menu = next(m for m in bench.window.findChildren(QMenu) if m.isVisible())
    texts = [action.text() for action in menu.actions() if action.text()]
    assert texts == ["Copy address", "Show in the next pane", "Close source"]
    menu.actions()[1].trigger()
    menu.close()
    bench.settle()
    assert [pane.address for pane in bench.controller.workspace.state.panes][1] == "odd"


def test_a_tensor_of_a_run_that_grows_has_its_present_shape(panel: Any) -> None:
    made = panel(["flow"])
    opened = made._library.sources["big"]
    opened.infos["flow"] = TensorInfo("flow", (5, 24), "float64", nbytes=960)
    index = made.model.find("big", "flow")
    assert [index.siblingAtColumn(column).data() for column in (1, 4, 5)] == ["5×24", "float64", "960 B"]
    made.stop()
