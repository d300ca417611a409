"""The tool bar: how the picture is made at the left, panes and scientific mode at the right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QKeySequence
from PyQt6.QtWidgets import QSizePolicy, QToolBar, QToolButton, QWidget

from nnscope.gui.text import Label
from nnscope.gui.toolbar.choice import SWATCH, Choice
from nnscope.gui.toolbar.switch import Switch

if TYPE_CHECKING:
    from PyQt6.QtGui import QAction

    from nnscope.core.frame import Theme
    from nnscope.gui.actions import ActionTable

PANES = ("panes_1", "panes_2", "panes_4")


class ToolBar(QToolBar):
    """Its choices emit ``chosen``; its buttons are actions of the table."""

    def __init__(self, actions: ActionTable, parent: QWidget | None = None) -> None:
        super().__init__("Tools", parent)
        self.setObjectName("tools")
        self.setMovable(False)
        self.setIconSize(QSize(16, 16))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.view = Choice("View", 120)
        self.normalisation = Choice("Normalisation", 116)
        self.colours = Choice("Colours", 150)
        self.colours.setIconSize(SWATCH)
        self.reduction = Choice("Zoomed out, a cell shows", 104)
        self.rays = Choice("Along each ray", 130)
        self._choice_actions: list[QAction] = []
        self.scientific = Switch("SCIENTIFIC")
        self._fill(actions)
        scientific = actions["scientific"]
        scientific.changed.connect(lambda: self._tell_keys(scientific))
        self._tell_keys(scientific)

    def apply(self, theme: Theme) -> None:
        """Colour what paints itself."""
        self.scientific.apply(theme)

    def show_choices(self, shown: bool, flat: bool, rayed: bool) -> None:
        """Those for what is shown, if anything is.

        Parameters
        ----------
        shown : bool
        flat : bool
            It has cells of two dimensions, lifted or not, and zoomed out each shows many values.
        rayed : bool
            It is made of values along rays.
        """
        *common, blocks, blocks_choice, rays, rays_choice = self._choice_actions
        groups = (common, shown), ((blocks, blocks_choice), shown and flat), ((rays, rays_choice), shown and rayed)
        for actions, visible in groups:
            for action in actions:
                action.setVisible(visible)

    def _tell_keys(self, scientific: QAction) -> None:
        keys = scientific.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        self.scientific.setToolTip("Leave every aesthetic step out of the picture" + (f" ({keys})" if keys else ""))

    def _fill(self, actions: ActionTable) -> None:
        choices = (("View", self.view), ("Scale", self.normalisation), ("Colours", self.colours))
        for name, choice in (*choices, ("Blocks", self.reduction), ("Rays", self.rays)):
            label = Label(name, "secondary")
            label.setContentsMargins(8, 0, 4, 0)
            label.setBuddy(choice)
            self._choice_actions += [_added(self.addWidget(label)), _added(self.addWidget(choice))]
        space = QWidget()
        space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(space)
        self.addAction(actions["reset_camera"])
        self.addSeparator()
        for name in PANES:
            self.addAction(actions[name])
        self.addSeparator()
        self.addWidget(self.scientific)
        for button in self.findChildren(QToolButton):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.scientific.clicked.connect(actions["scientific"].trigger)


def _added(action: QAction | None) -> QAction:
    assert action is not None
    return action
