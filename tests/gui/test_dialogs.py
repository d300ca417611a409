"""Palette, shortcut list, about: made from the action table, complete, and gone when closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QLabel, QToolButton, QWidget

from nnscope.gui.actions import ACTIONS
from nnscope.gui.dialogs.about import AboutDialog
from nnscope.gui.dialogs.palette import CommandPalette
from nnscope.gui.dialogs.shortcuts import ShortcutList

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gui.conftest import Bench

pytestmark = [pytest.mark.gui, pytest.mark.gl]


def test_palette_runs_what_was_typed(bench: Bench, checkpoint: Path) -> None:
    bench.open(checkpoint)
    bench.qtbot.keyClick(bench.window, Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier | _SHIFT)
    palette = bench.window.findChild(CommandPalette)
    assert palette is not None
    bench.qtbot.keyClicks(palette.query, "two pan")
    bench.qtbot.keyClick(palette.query, Qt.Key.Key_Return)
    assert len(bench.controller.workspace.state.panes) == 2
    bench.until(lambda: bench.window.findChild(CommandPalette) is None)


def test_palette_leaves_out_what_cannot_be_done(bench: Bench) -> None:
    bench.window.actions_table["palette"].trigger()
    palette = bench.window.findChild(CommandPalette)
    assert palette is not None
    shown = [palette.list.item(row).text() for row in range(palette.list.count())]
    assert "Save picture" not in shown
    assert "Open" in shown
    palette.close()


def test_shortcut_list_has_every_key(bench: Bench) -> None:
    bench.qtbot.keyClick(bench.window, Qt.Key.Key_Slash, Qt.KeyboardModifier.ControlModifier)
    dialog = bench.window.findChild(ShortcutList)
    assert dialog is not None
    assert {spec.keys for spec in ACTIONS if spec.keys} <= set(dialog.shown().values())
    dialog.close()
    bench.until(lambda: bench.window.findChild(ShortcutList) is None)


def test_about_names_the_renderer(bench: Bench, checkpoint: Path) -> None:
    bench.open(checkpoint)
    bench.window.actions_table["about"].trigger()
    dialog = bench.window.findChild(AboutDialog)
    assert dialog is not None
    assert bench.window.canvas.renderer
    assert bench.window.canvas.renderer in {label.text() for label in dialog.findChildren(QLabel)}
    dialog.close()


def test_no_key_is_given_twice() -> None:
    keys = [spec.keys for spec in ACTIONS if spec.keys]
    assert len(keys) == len(set(keys))
    assert len({spec.id for spec in ACTIONS}) == len(ACTIONS)


def test_everything_that_takes_the_keyboard_has_a_name(bench: Bench, checkpoint: Path) -> None:
    bench.open(checkpoint)
    bench.settle()
    nameless = [
        widget
        for widget in bench.window.findChildren(QWidget)
        if widget.isVisible()
        and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not (widget.accessibleName() or getattr(widget, "text", str)() or _named_by_action(widget))
        and not widget.objectName().startswith("qt_")
    ]
    assert [f"{type(w).__name__} in {type(w.parent()).__name__}" for w in nameless] == []


def _named_by_action(widget: QWidget) -> bool:
    return isinstance(widget, QToolButton) and widget.defaultAction() is not None


_SHIFT = Qt.KeyboardModifier.ShiftModifier
