"""Light and dark: a palette for each, made from `nnscope.core.frame.Theme`, and one style sheet that speaks of it.

A new style sheet makes Qt lay out every widget anew, which takes a tenth of a second for this window even when the
sheet is empty. So it is set once, with roles of the palette in place of colours (`TOKENS`), and a change of theme is a
change of palette. Qt remembers for each widget which colours the roles had, so widgets are made to look them up again.
Roles that nothing in this window is painted with stand for the tints that Qt has no word for.
"""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING

from PyQt6.QtCore import QDir, Qt
from PyQt6.QtGui import QColor, QGuiApplication, QPalette

from nnscope.core.assets import assets_folder
from nnscope.core.frame import DARK, LIGHT
from nnscope.gui import fonts
from nnscope.gui.stylesheet import STYLE

_APPLIED = "nnscope-theme"  # property of the application: the name of the theme it has

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QApplication

    from nnscope.core.frame import Colour, Theme

TOKENS = {
    "ground": "shadow",
    "panel": "window",
    "line": "mid",
    "text": "window-text",
    "secondary": "placeholder-text",
    "faint": "bright-text",
    "accent": "link",
    "accent_hover": "link-visited",
    "on_accent": "tooltip-text",
    "control": "button",
    "hover": "midlight",
    "pressed": "dark",
    "handle": "light",
    "selected": "highlight",
    "checked": "alternate-base",
    "popup": "tooltip-base",
}
WARNING = "rgba(171, 131, 53, 21%)"  # seen on a light ground as on a dark one


def resolve_theme(preference: str) -> Theme:
    """The theme of a preference: ``"light"``, ``"dark"``, or ``"system"``, which asks the desktop (dark if unknown)."""
    if preference in ("light", "dark"):
        return LIGHT if preference == "light" else DARK
    hints = QGuiApplication.styleHints()
    return LIGHT if hints is not None and hints.colorScheme() == Qt.ColorScheme.Light else DARK


def apply_theme(application: QApplication, theme: Theme) -> None:
    """Give the application the theme's palette, and the first time its font and style sheet."""
    before = application.property(_APPLIED)
    if before == theme.name:
        return
    application.setProperty(_APPLIED, theme.name)
    if before is None:
        QDir.setSearchPaths("nnscope", [str(assets_folder() / "icons")])
        application.setStyle("Fusion")
        application.setFont(fonts.interface())
        application.setPalette(palette(theme))
        application.setStyleSheet(style_sheet())
    else:
        application.setPalette(palette(theme))
        _look_up_again(application)


def palette(theme: Theme) -> QPalette:
    """The Qt palette of a theme."""
    role = QPalette.ColorRole
    faint = mix(theme.panel, theme.secondary, 0.6)
    made = QPalette()
    for where, colour in {
        role.Window: theme.panel,
        role.Base: theme.panel,
        role.AlternateBase: mix(theme.panel, theme.accent, 0.20),
        role.Button: mix(theme.panel, theme.text, 0.07),
        role.Midlight: mix(theme.panel, theme.text, 0.11),
        role.Dark: mix(theme.panel, theme.text, 0.16),
        role.Light: mix(theme.panel, theme.text, 0.22),
        role.Mid: theme.line,
        role.Shadow: theme.ground,
        role.ToolTipBase: mix(theme.panel, theme.text, 0.04),
        role.WindowText: theme.text,
        role.Text: theme.text,
        role.ButtonText: theme.text,
        role.ToolTipText: theme.ground if theme.name == "dark" else theme.panel,
        role.BrightText: faint,
        role.PlaceholderText: theme.secondary,
        role.Highlight: mix(theme.panel, theme.accent, 0.28),
        role.HighlightedText: theme.text,
        role.Accent: theme.accent,
        role.Link: theme.accent,
        role.LinkVisited: mix(theme.accent, theme.text, 0.15),
    }.items():
        made.setColor(where, QColor(*colour))
    for where in (role.Text, role.ButtonText, role.WindowText):
        made.setColor(QPalette.ColorGroup.Disabled, where, QColor(*faint))
    return made


def style_sheet() -> str:
    """The style sheet of both themes."""
    roles = {token: f"palette({role})" for token, role in TOKENS.items()}
    return Template(STYLE).substitute(roles, warning=WARNING, small=f"{fonts.SMALL}px")


def _look_up_again(application: QApplication) -> None:
    """Make widgets forget the colours that they found in the style sheet."""
    style = application.style()
    assert style is not None
    for widget in application.allWidgets():
        style.unpolish(widget)
        style.polish(widget)


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """Colour ``share`` of the way from ``a`` to ``b``."""
    red, green, blue = (round(p + (q - p) * share) for p, q in zip(a, b, strict=True))
    return red, green, blue
