"""Light and dark: one style sheet for both, whose colours follow the palette at once and everywhere."""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING

import pytest
from PyQt6.QtCore import QEvent, QObject
from PyQt6.QtGui import QColor, QPalette
from PyQt6.QtWidgets import QApplication, QPushButton, QWidget

from nnscope.core.frame import DARK, LIGHT
from nnscope.gui.stylesheet import STYLE
from nnscope.gui.text import Label
from nnscope.gui.theme import TOKENS, mix, palette, style_sheet

if TYPE_CHECKING:
    from nnscope.core.frame import Colour, Theme
    from tests.gui.conftest import Bench

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])


class StyleChanges(QObject):
    """Counts the events by which Qt lays a widget out anew for a style sheet."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        self.count += event is not None and event.type() == QEvent.Type.StyleChange
        return False


def test_every_token_of_the_style_sheet_is_a_role() -> None:
    assert set(Template(STYLE).get_identifiers()) == {*TOKENS, "warning", "small"}
    assert len(set(TOKENS.values())) == len(TOKENS)
    assert "$" not in style_sheet()


@THEMES
def test_roles_hold_the_colours_of_the_theme(theme: Theme) -> None:
    made, role = palette(theme), QPalette.ColorRole
    shown = {where: _colour(made.color(where)) for where in role if where not in (role.NoRole, role.NColorRoles)}
    assert shown[role.Window] == theme.panel
    assert shown[role.Shadow] == theme.ground
    assert shown[role.Mid] == theme.line
    assert shown[role.Link] == theme.accent
    assert shown[role.PlaceholderText] == theme.secondary
    assert shown[role.Button] == mix(theme.panel, theme.text, 0.07)


@pytest.mark.gui
@pytest.mark.gl
def test_a_change_of_theme_lays_nothing_out(bench: Bench) -> None:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    bench.window.choose_theme("dark")
    sheet, changes = application.styleSheet(), StyleChanges()
    application.installEventFilter(changes)
    bench.window.choose_theme("light")
    application.removeEventFilter(changes)
    assert application.styleSheet() == sheet
    assert changes.count == 0


@pytest.mark.gui
@pytest.mark.gl
def test_widgets_old_and_new_have_the_colours_of_the_theme(bench: Bench) -> None:
    button, label = QPushButton("", bench.window), Label("", "secondary", bench.window)
    for theme in (LIGHT, DARK, LIGHT):
        bench.window.choose_theme(theme.name)
        made = QPushButton("", bench.window)
        control = mix(theme.panel, theme.text, 0.07)
        assert _middle(button) == _middle(made) == control
        assert _colour(label.palette().color(QPalette.ColorRole.WindowText)) == theme.secondary
        assert _colour(bench.window.central.welcome.grab().toImage().pixelColor(1, 1)) == theme.panel


def _middle(widget: QWidget) -> Colour:
    return _colour(widget.grab().toImage().pixelColor(widget.width() // 2, widget.height() // 2))


def _colour(colour: QColor) -> Colour:
    return colour.red(), colour.green(), colour.blue()
