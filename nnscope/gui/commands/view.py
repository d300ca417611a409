"""The View menu: panes, camera, layout, scientific mode, undo."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nnscope.gui.inspector.presets import transposed
from nnscope.views.registry import arranger, dimensions, find_view, views

if TYPE_CHECKING:
    from nnscope.gui.inspector.panel import Inspector
    from nnscope.scene.controller import Controller

STEP = 1.5  # zoom by one key press


class ViewCommands:
    """See `nnscope.gui.actions`."""

    def __init__(self, controller: Controller, inspector: Inspector) -> None:
        self._controller = controller
        self._inspector = inspector

    def undo(self) -> None:
        """Take back the last change of view."""
        self._controller.workspace.undo()

    def redo(self) -> None:
        """Take back the last undo."""
        self._controller.workspace.redo()

    def scientific(self) -> None:
        """Switch scientific mode."""
        self._controller.toggle_scientific()

    def panes_1(self) -> None:
        """One pane."""
        self._controller.split(1)

    def panes_2(self) -> None:
        """Two panes side by side."""
        self._controller.split(2)

    def panes_4(self) -> None:
        """Four panes."""
        self._controller.split(4)

    def next_pane(self) -> None:
        """Make the next pane the active one."""
        state = self._controller.workspace.state
        self._controller.activate((state.active + 1) % len(state.panes))

    def link(self) -> None:
        """One camera and cursor for all panes, or one each."""
        state = self._controller.workspace.state
        self._controller.workspace.set(replace(state, linked=not state.linked))

    def reset_camera(self) -> None:
        """Fit the picture."""
        self._controller.reset_camera()

    def zoom_in(self) -> None:
        """Zoom into the middle of the active pane."""
        self._zoom(STEP)

    def zoom_out(self) -> None:
        """Zoom out of it."""
        self._zoom(1 / STEP)

    def transpose(self) -> None:
        """Exchange rows and columns."""
        resolved = self._controller.resolved()
        if resolved is not None and not resolved.view.coloured:
            self._controller.workspace.update_pane(layout=transposed(resolved.layout), camera=None, pin=None)

    def next_slice(self) -> None:
        """Show the next part of the tensor, such as the next head, or move the first slider on."""
        self._step(1)

    def previous_slice(self) -> None:
        """Show the part before, or move the slider back."""
        self._step(-1)

    def reset_limits(self) -> None:
        """Back to the normalisation's own domain."""
        self._controller.reset_limits()

    def choose_view(self, name: str) -> None:
        """Show the active pane's tensor in another view, if that applies."""
        refusal = {choice.name: choice.refusal for choice in self._controller.views_for()}.get(name, "unknown")
        if not refusal:
            self._controller.workspace.update_pane(view=name, stands_in=("", ""), layout=None, camera=None, pin=None)

    def dimension(self) -> None:
        """From a flat picture to one of three dimensions, and back."""
        pane = self._controller.workspace.pane
        flat = dimensions(find_view(pane.view)) == 2
        wanted = [view.name for view in views() if (dimensions(view) == 3) == flat]
        refused = {choice.name for choice in self._controller.views_for() if choice.refusal}
        name = next((name for name in wanted if name not in refused), "")
        if name:
            self.choose_view(name)

    def choose_rays(self, mode: str) -> None:
        """Make something else of the values along each ray of a volume."""
        workspace = self._controller.workspace
        workspace.update_pane(space=replace(workspace.pane.space, mode=mode), limits=None)

    def _step(self, by: int) -> None:
        resolved = self._controller.resolved()
        arranging = arranger(resolved.view) if resolved is not None else None
        if resolved is None or arranging is None:
            self._inspector.layout_box.step(by)
            return
        settings = arranging.stepped(resolved.info, self._controller.workspace.pane.settings, by)
        after = arranging.arranged(resolved.info, resolved.layout, settings)
        fresh = {} if after.grid == resolved.grid else {"camera": None, "pin": None}
        self._controller.workspace.update_pane(merge="part", settings=settings, **fresh)

    def _zoom(self, factor: float) -> None:
        drawn = self._controller.drawn()
        if drawn is not None:
            area = drawn.picture
            self._controller.zoom(area.x + area.w / 2, area.y + area.h / 2, factor)
