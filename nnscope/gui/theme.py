"""Light and dark: the palette and the style sheet, both made from the tokens of `nnscope.core.frame.Theme`."""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING

from PyQt6.QtCore import QDir, Qt
from PyQt6.QtGui import QColor, QGuiApplication, QPalette

from nnscope.core.assets import assets_folder
from nnscope.core.frame import DARK, LIGHT
from nnscope.gui import fonts
from nnscope.gui.stylesheet import STYLE

_APPLIED = "nnscope-theme"  # property of the application: setting a style sheet takes a fifth of a second

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QApplication

    from nnscope.core.frame import Colour, Theme


def resolve_theme(preference: str) -> Theme:
    """The theme of a preference: ``"light"``, ``"dark"``, or ``"system"``, which asks the desktop (dark if unknown)."""
    if preference in ("light", "dark"):
        return LIGHT if preference == "light" else DARK
    hints = QGuiApplication.styleHints()
    return LIGHT if hints is not None and hints.colorScheme() == Qt.ColorScheme.Light else DARK


def apply_theme(application: QApplication, theme: Theme) -> None:
    """Give the application the theme's font, palette and style sheet, unless it has them."""
    if application.property(_APPLIED) == theme.name:
        return
    application.setProperty(_APPLIED, theme.name)
    QDir.setSearchPaths("nnscope", [str(assets_folder() / "icons")])
    application.setStyle("Fusion")
    application.setFont(fonts.interface())
    application.setPalette(palette(theme))
    application.setStyleSheet(Template(STYLE).substitute(tokens(theme)))


def palette(theme: Theme) -> QPalette:
    """The Qt palette of a theme."""
    made = QPalette()
    role = QPalette.ColorRole
    for where, colour in {
        role.Window: theme.panel,
        role.Base: theme.panel,
        role.AlternateBase: theme.ground,
        role.Button: theme.panel,
        role.ToolTipBase: mix(theme.panel, theme.text, 0.06),
        role.WindowText: theme.text,
        role.Text: theme.text,
        role.ButtonText: theme.text,
        role.ToolTipText: theme.text,
        role.BrightText: theme.text,
        role.PlaceholderText: theme.secondary,
        role.Highlight: mix(theme.panel, theme.accent, 0.28),
        role.HighlightedText: theme.text,
        role.Link: theme.accent,
        role.Accent: theme.accent,
        role.Mid: theme.line,
        role.Midlight: theme.line,
        role.Dark: theme.line,
        role.Light: theme.line,
        role.Shadow: theme.ground,
    }.items():
        made.setColor(where, QColor(*colour))
    faint = QColor(*mix(theme.panel, theme.secondary, 0.6))
    for where in (role.Text, role.ButtonText, role.WindowText):
        made.setColor(QPalette.ColorGroup.Disabled, where, faint)
    return made


def tokens(theme: Theme) -> dict[str, str]:
    """The colours and sizes that the style sheet speaks of."""
    colours = {
        "ground": theme.ground,
        "panel": theme.panel,
        "line": theme.line,
        "text": theme.text,
        "secondary": theme.secondary,
        "accent": theme.accent,
        "on_accent": theme.ground if theme.name == "dark" else theme.panel,
        "accent_hover": mix(theme.accent, theme.text, 0.15),
        "scientific": theme.scientific,
        "aesthetic": theme.aesthetic,
        "faint": mix(theme.panel, theme.secondary, 0.6),
        "control": mix(theme.panel, theme.text, 0.07),
        "hover": mix(theme.panel, theme.text, 0.11),
        "pressed": mix(theme.panel, theme.text, 0.16),
        "handle": mix(theme.panel, theme.text, 0.22),
        "selected": mix(theme.panel, theme.accent, 0.28),
        "checked": mix(theme.panel, theme.accent, 0.20),
        "warning": mix(theme.panel, theme.aesthetic, 0.16),
        "popup": mix(theme.panel, theme.text, 0.04),
    }
    return {name: QColor(*c).name() for name, c in colours.items()} | {"small": f"{fonts.SMALL}px"}


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """Colour ``share`` of the way from ``a`` to ``b``."""
    red, green, blue = (round(p + (q - p) * share) for p, q in zip(a, b, strict=True))
    return red, green, blue
