"""Shortcuts are changed in their list: at once, at the next start, and never two commands with one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from PyQt6 import sip
from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import QApplication

from nnscope.core.settings import load_preferences, settings_path
from nnscope.gui.dialogs.key_field import KeyField, pressed
from nnscope.gui.dialogs.shortcuts import ShortcutList

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.gui.conftest import Bench

pytestmark = [pytest.mark.gui, pytest.mark.gl]

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def dialog(bench: Bench) -> Iterator[ShortcutList]:
    bench.qtbot.keyClick(bench.window, Qt.Key.Key_Slash, CTRL)
    found = bench.window.findChild(ShortcutList)
    assert found is not None
    bench.until(found.isVisible)
    yield found
    if not sip.isdeleted(found):
        found.close()
    bench.until(lambda: bench.window is None or bench.window.findChild(ShortcutList) is None)


@pytest.fixture
def press(bench: Bench, dialog: ShortcutList) -> Callable[..., None]:
    """Press keys as the new shortcut of a command."""

    def run(id: str, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
        dialog.select(id)
        bench.qtbot.keyClick(dialog.list, Qt.Key.Key_Return)
        (field,) = dialog.findChildren(KeyField)
        bench.qtbot.keyClick(field, key, modifiers)
        bench.until(lambda: not dialog.findChildren(KeyField))

    return run


def keys(bench: Bench, id: str) -> str:
    return bench.window.actions_table[id].shortcut().toString()


def test_new_keys_count_at_once_and_are_remembered(
    bench: Bench, dialog: ShortcutList, press: Callable[..., None]
) -> None:
    press("panes_2", Qt.Key.Key_F6)
    assert keys(bench, "panes_2") == "F6" == dialog.shown()["panes_2"]
    assert dialog.note.text() == "Two panes has F6 now."
    assert load_preferences().keys == {"panes_2": "F6"}
    dialog.close()
    with bench.qtbot.waitActive(bench.window):
        bench.window.activateWindow()
    bench.qtbot.keyClick(bench.window, Qt.Key.Key_2, CTRL)
    assert len(bench.controller.workspace.state.panes) == 1
    bench.qtbot.keyClick(bench.window, Qt.Key.Key_F6)
    assert len(bench.controller.workspace.state.panes) == 2


def test_a_conflict_is_a_sentence_and_swaps_on_choice(
    bench: Bench, dialog: ShortcutList, press: Callable[..., None]
) -> None:
    press("save_picture", Qt.Key.Key_O, CTRL)
    assert dialog.note.text() == "Ctrl+O is the shortcut of Open. Swap them, and Open has Ctrl+S."
    assert (keys(bench, "save_picture"), keys(bench, "open_file")) == ("Ctrl+S", "Ctrl+O")
    assert dialog.swap.isVisible()
    dialog.swap.click()
    assert (keys(bench, "save_picture"), keys(bench, "open_file")) == ("Ctrl+O", "Ctrl+S")
    assert not dialog.swap.isVisible()
    assert load_preferences().keys == {"save_picture": "Ctrl+O", "open_file": "Ctrl+S"}


def test_who_does_not_swap_changes_nothing(bench: Bench, dialog: ShortcutList, press: Callable[..., None]) -> None:
    press("save_picture", Qt.Key.Key_O, CTRL)
    dialog.select("undo")
    assert not dialog.swap.isVisible()
    assert keys(bench, "save_picture") == "Ctrl+S"
    assert load_preferences().keys == {}


@pytest.mark.parametrize(
    ("key", "modifiers", "shortcut"),
    [
        (Qt.Key.Key_Backspace, NONE, ""),
        (Qt.Key.Key_Escape, NONE, "Ctrl+Z"),
        (Qt.Key.Key_Tab, NONE, "Ctrl+Z"),
        (Qt.Key.Key_Return, NONE, "Ctrl+Z"),
        (Qt.Key.Key_Escape, CTRL, "Ctrl+Esc"),
    ],
    ids=["none", "leave", "tab", "return", "escape-with-ctrl"],
)
def test_keys_of_the_field_and_of_the_window(
    bench: Bench, press: Callable[..., None], key: Qt.Key, modifiers: Qt.KeyboardModifier, shortcut: str
) -> None:
    press("undo", key, modifiers)
    assert keys(bench, "undo") == shortcut


def test_one_or_all_go_back(bench: Bench, dialog: ShortcutList, press: Callable[..., None]) -> None:
    assert not dialog.reset_all.isEnabled()
    press("undo", Qt.Key.Key_F7)
    press("redo", Qt.Key.Key_F8)
    dialog.select("undo")
    dialog.reset.click()
    assert (keys(bench, "undo"), keys(bench, "redo")) == ("Ctrl+Z", "F8")
    assert not dialog.reset.isEnabled()
    dialog.reset_all.click()
    assert keys(bench, "redo") == "Ctrl+Shift+Z"
    assert load_preferences().keys == {}


def test_going_back_to_keys_that_another_has_is_a_conflict(
    bench: Bench, dialog: ShortcutList, press: Callable[..., None]
) -> None:
    press("undo", Qt.Key.Key_F7)
    press("redo", Qt.Key.Key_Z, CTRL)
    dialog.select("undo")
    dialog.reset.click()
    assert "Ctrl+Z is the shortcut of Redo" in dialog.note.text()
    dialog.swap.click()
    assert (keys(bench, "undo"), keys(bench, "redo")) == ("Ctrl+Z", "F7")


@pytest.mark.parametrize(
    ("text", "some", "others"),
    [
        ("pict", {"save_picture", "copy_picture"}, {"open_file"}),
        ("ctrl+shift", {"open_folder", "redo", "palette"}, {"open_file", "undo"}),
        ("", {"open_file", "undo", "about"}, set()),
    ],
    ids=["words", "keys", "nothing"],
)
def test_the_list_is_searched(dialog: ShortcutList, text: str, some: set[str], others: set[str]) -> None:
    dialog.query.setText(text)
    assert some <= dialog.shown().keys()
    assert not others & dialog.shown().keys()


def test_the_list_stays_one(bench: Bench, dialog: ShortcutList) -> None:
    bench.window.actions_table["shortcuts"].trigger()
    assert len(bench.window.findChildren(ShortcutList)) == 1


def test_tips_follow(bench: Bench, press: Callable[..., None]) -> None:
    assert bench.window.toolbar.scientific.toolTip().endswith("(S)")
    press("scientific", Qt.Key.Key_F9)
    assert bench.window.toolbar.scientific.toolTip().endswith("(F9)")


@pytest.mark.parametrize(
    ("key", "modifiers", "text", "keys"),
    [
        (Qt.Key.Key_Question, SHIFT, "?", "?"),
        (Qt.Key.Key_A, SHIFT, "A", "Shift+A"),
        (Qt.Key.Key_Space, SHIFT, " ", "Shift+Space"),
        (Qt.Key.Key_Plus, SHIFT | CTRL, "+", "Ctrl++"),
        (Qt.Key.Key_5, Qt.KeyboardModifier.KeypadModifier, "5", "5"),
        (Qt.Key.Key_F3, SHIFT, "", "Shift+F3"),
    ],
    ids=["symbol", "letter", "space", "symbol-with-ctrl", "keypad", "function"],
)
def test_shift_counts_where_it_is_not_what_makes_the_character(
    bench: Bench, key: Qt.Key, modifiers: Qt.KeyboardModifier, text: str, keys: str
) -> None:
    assert pressed(QKeyEvent(QEvent.Type.KeyPress, key, modifiers, text)) == keys


def test_modifiers_alone_are_waited_out(bench: Bench, dialog: ShortcutList) -> None:
    dialog.select("undo")
    dialog.edit()
    (field,) = dialog.findChildren(KeyField)
    bench.qtbot.keyClick(field, Qt.Key.Key_Control, CTRL)
    assert dialog.findChildren(KeyField) == [field]
    dialog.query.setFocus()  # going elsewhere leaves things as they are
    QApplication.processEvents()
    bench.until(lambda: not dialog.findChildren(KeyField))
    assert keys(bench, "undo") == "Ctrl+Z"


def test_a_strange_settings_file_keeps_the_defaults(request: pytest.FixtureRequest) -> None:
    strange = {"undo": "U", "redo": "nonsense", "open_file": "Ctrl+S", "panes_1": 7, "view:gone": "9"}
    settings_path().parent.mkdir(parents=True, exist_ok=True)
    settings_path().write_text(json.dumps({"keys": strange}))
    bench = request.getfixturevalue("bench")
    found = {id: keys(bench, id) for id in ("undo", "redo", "open_file", "save_picture", "panes_1")}
    assert found == {
        "undo": "U",
        "redo": "Ctrl+Shift+Z",
        "open_file": "Ctrl+O",
        "save_picture": "Ctrl+S",
        "panes_1": "Ctrl+1",
    }
