"""The steps of a recorded run: play, and go from one to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscope.gui.comparing import ask_to_compare
from nnscope.gui.flow import show_flow

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QWidget

    from nnscope.gui.timeline.player import Player
    from nnscope.scene.controller import Controller


class StepCommands:
    """See `nnscope.gui.actions`."""

    def __init__(self, controller: Controller, player: Player, window: QWidget) -> None:
        self._window = window
        self._timeline = controller.timeline
        self._controller = controller
        self._workspace = controller.workspace
        self._player = player

    def play(self) -> None:
        """Play the run, or pause."""
        self._player.toggle()

    def loop(self) -> None:
        """Begin anew after the last step, or end there."""
        self._player.loop = not self._player.loop

    def next_step(self) -> None:
        """Go to the next step at which the tensor was kept."""
        self._player.stop()
        self._timeline.move(1)

    def previous_step(self) -> None:
        """Go to the one before."""
        self._player.stop()
        self._timeline.move(-1)

    def first_step(self) -> None:
        """Go to the first step at which the tensor was kept."""
        self._player.stop()
        self._timeline.to_end(last=False)

    def last_step(self) -> None:
        """Go to the newest step, and stay there while the run grows."""
        self._player.stop()
        self._timeline.to_end(last=True)

    def begin_range(self) -> None:
        """Play and export from the step that is shown."""
        self._player.ranges.begin(self._source, self._timeline.chosen())

    def end_range(self) -> None:
        """Play and export up to the step that is shown."""
        self._player.ranges.end(self._source, self._timeline.chosen())

    def whole_range(self) -> None:
        """Play and export all steps."""
        self._player.ranges.choose(self._source, None, None)

    @property
    def _source(self) -> str:
        """The run whose steps these are."""
        return self._timeline.led(self._workspace.pane.source)

    def compare(self) -> None:
        """Show the tensor of the active pane at another step too, and what changed since."""
        ask_to_compare(self._controller, self._window)

    def gradient_flow(self) -> None:
        """Show how gradients flow through the layers over the steps."""
        show_flow(self._controller)
