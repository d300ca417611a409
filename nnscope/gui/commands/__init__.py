"""What actions do: thin calls of the controller and the window, one class a menu."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnscope.gui.commands.file import FileCommands
    from nnscope.gui.commands.help import HelpCommands
    from nnscope.gui.commands.model import ModelCommands
    from nnscope.gui.commands.record import RecordCommands
    from nnscope.gui.commands.space import SpaceCommands
    from nnscope.gui.commands.steps import StepCommands
    from nnscope.gui.commands.view import ViewCommands
    from nnscope.gui.commands.window import WindowCommands


@dataclass(frozen=True, slots=True)
class Commands:
    """The commands of one window."""

    file: FileCommands
    view: ViewCommands
    space: SpaceCommands
    window: WindowCommands
    model: ModelCommands
    steps: StepCommands
    record: RecordCommands
    help: HelpCommands

    def of(self, menu: str) -> object:
        """The object whose methods carry out the entries of a menu."""
        if menu in ("View/Theme", "View/Panels"):
            return self.window
        if menu == "Model/Steps":
            return self.steps
        by_menu = {"File": self.file, "View": self.view, "Space": self.space, "Model": self.model}
        return {**by_menu, "Record": self.record, "Help": self.help}[menu.partition("/")[0]]
