"""From the scene's state to the widgets: one object that listens, gathers changes, and fills in.

Changes come in bursts (a drag, a training step); they are gathered and shown once per turn of the event loop. What
depends on the drawn picture (legend, recipe) follows the canvas at a slower pace.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject

from nnscope.core.picture import TilePicture
from nnscope.core.space import Camera3D
from nnscope.core.text import plain
from nnscope.gui.inspector.space_box import SpaceFacts
from nnscope.gui.subscriptions import Subscriptions
from nnscope.gui.timers import once
from nnscope.gui.toolbar import offers
from nnscope.gui.tree.panel import summary
from nnscope.scene.timeline import OVER_STEPS

if TYPE_CHECKING:
    from nnscope.gui.main_window import MainWindow
    from nnscope.scene.controller import Controller
    from nnscope.scene.drawing import Drawn
    from nnscope.scene.hover import Hover
    from nnscope.scene.library import OpenSource
    from nnscope.scene.resolve import Resolved
    from nnscope.scene.state import PaneState, WorkspaceState

PACE = 80  # ms between two looks at what the canvas has drawn


class Presenter(QObject):
    """Keeps a window's widgets true to a controller."""

    def __init__(self, controller: Controller, window: MainWindow) -> None:
        super().__init__(window)
        self._controller = controller
        self._window = window
        self._soon = once(self, 0, self.refresh)
        self._later = once(self, PACE, self._show_drawn)
        self._drawn: object = None
        self._subscriptions = Subscriptions()
        self._listen()

    def close(self) -> None:
        """Stop listening."""
        self._subscriptions.close()
        self._soon.stop()
        self._later.stop()

    def refresh(self) -> None:
        """Fill everything in now."""
        controller, window = self._controller, self._window
        pane = controller.workspace.pane
        resolved = controller.resolved() if window.central.on_canvas else None
        self._show_choices(pane, resolved)
        self._show_live(pane)
        self._show_actions(pane, resolved)
        self._show_inspector(pane, resolved)
        window.tree.show_current(pane.source, pane.address)
        source = controller.library.sources.get(pane.source)
        window.central.banner.show_trouble(pane.source, source.dead if source else "", warnings_of(source))
        name = f"{plain(pane.address, 80)} – " if pane.address else ""
        window.setWindowTitle(f"{name}nnscope")

    def _listen(self) -> None:
        controller, connect = self._controller, self._subscriptions.connect
        connect(controller.workspace.changed, self._changed)
        connect(controller.listing_changed, self._listed)
        connect(controller.timeline_changed, lambda source: self._window.tree.show_growth())
        connect(controller.stats_changed, self._stats_arrived)
        connect(controller.spectrum_changed, lambda source, address: self._soon.start())
        connect(controller.status_changed, self._told)
        connect(controller.jobs_changed, self._window.status.jobs.jobs_changed)
        connect(controller.controlled, self._window.trainings.controlled)
        connect(controller.hover_changed, self._hovered)
        connect(controller.failed, self._window.show_failure)
        connect(controller.redraw, self._redraw)
        self._window.central.currentChanged.connect(lambda: self._soon.start())

    def _changed(self, old: WorkspaceState, new: WorkspaceState) -> None:
        """A drag of the camera comes sixty times a second and moves nothing but the picture."""
        if _still(old) == _still(new):
            self._show_history()
        else:
            self._soon.start()

    def _show_history(self) -> None:
        history = self._controller.workspace
        self._window.actions_table.enable(undo=history.can_undo, redo=history.can_redo)

    def _told(self, source: str) -> None:
        self._window.pointer.renew()
        self._soon.start()

    def _redraw(self) -> None:
        self._window.canvas.redraw()
        if not self._later.isActive():
            self._later.start()

    def _listed(self, source: str) -> None:
        library = self._controller.library
        self._window.tree.rebuild()
        self._window.panels["model"].note.setText(summary(library))
        self._window.central.welcome.show_running(library.sources)
        self._window.source_listed(source)
        self._soon.start()

    def _stats_arrived(self, source: str, address: str) -> None:
        self._window.tree.show_statistics(source, address)
        pane = self._controller.workspace.pane
        if source == pane.source and address.startswith(pane.address):  # of a run also at a step
            self._soon.start()

    def _hovered(self, hover: Hover | None) -> None:
        self._window.status.show_hover(hover.text if hover is not None else "")

    def _show_choices(self, pane: PaneState, resolved: Resolved | None) -> None:
        bar, controller = self._window.toolbar, self._controller
        scientific = controller.workspace.state.scientific
        bar.view.offer(offers.views(controller.views_for()))
        bar.view.choose(pane.view)
        coloured = resolved is not None and resolved.view.coloured
        bar.normalisation.offer(offers.normalisations(scientific))
        bar.normalisation.choose(offers.effective_normalisation(pane, resolved))
        bar.colours.offer(*offers.colour_maps())
        bar.colours.choose(resolved.style.name if resolved is not None and resolved.style else pane.colours)
        bar.reduction.offer(offers.REDUCTIONS)
        bar.reduction.choose(pane.reduction)
        bar.rays.offer(offers.rays(scientific))
        bar.rays.choose(resolved.space.mode if resolved is not None else pane.space.mode)
        for choice in (bar.normalisation, bar.colours, bar.reduction):
            choice.setEnabled(not coloured)
        view = resolved.space_view if resolved is not None else None
        flat, rayed = view is None or not view.deep, view is not None and "mode" in view.looks
        bar.show_choices(resolved is not None, flat, rayed)
        bar.scientific.setChecked(scientific)

    def _show_live(self, pane: PaneState) -> None:
        source = self._controller.library.sources.get(pane.source)
        live = self._window.trainings.state()
        previews = self._window.previews.of(pane.source, len(live.samples)) if live is not None else None
        self._window.central.live.show_state(live, previews)
        self._window.status.device.setText(str(source.status.get("device", "cpu")) if source else "cpu")

    def _show_actions(self, pane: PaneState, resolved: Resolved | None) -> None:
        controller, actions = self._controller, self._window.actions_table
        state = controller.workspace.state
        panes = len(state.panes)
        shown = resolved is not None
        source = controller.library.sources.get(pane.source)
        live = self._window.trainings.state()
        self._show_history()
        actions.enable(
            close_source=source is not None,
            save_picture=shown,
            export_animation=resolved is not None and self._moves(pane, resolved),
            copy_picture=shown,
            compare_source=resolved is not None,
            next_pane=panes > 1,
            link=panes > 1,
            spectrum=shown and resolved is not None and resolved.info.ndim >= 2,
            fit_field=shown and resolved is not None and resolved.info.ndim >= 2,
            compare_codes=shown and resolved is not None and resolved.info.ndim >= 2,
            train=live is not None and live.can_train,
            record=live is not None and live.can_train and not live.training,
            detach=live is not None and live.attached,
            next_sample=live is not None and bool(live.samples),
            previous_sample=live is not None and bool(live.samples),
            restart=source is not None and bool(source.dead),
        )
        actions.check(
            scientific=state.scientific,
            link=state.linked,
            panes_1=panes == 1,
            panes_2=panes == 2,
            panes_4=panes == 4,
        )
        self._show_space_actions(pane, resolved)
        for choice in controller.views_for():
            actions.enable(**{f"view:{choice.name}": not choice.refusal})
            actions.check(**{f"view:{choice.name}": choice.name == pane.view})

    def _moves(self, pane: PaneState, resolved: Resolved) -> bool:
        """Whether there are pictures for a film."""
        stepped = self._controller.timeline.stepped(pane.source) is not None and resolved.info.kind not in OVER_STEPS
        return resolved.dimensions == 3 or stepped

    def _show_space_actions(self, pane: PaneState, resolved: Resolved | None) -> None:
        actions, view = self._window.actions_table, resolved.space_view if resolved is not None else None
        cuts = view is not None and "cut" in view.looks
        cutting = cuts and resolved is not None and resolved.space.cut is not None
        actions.enable(**{spec.id: view is not None for spec in actions.specs if spec.menu == "Space"})
        actions.enable(cut=cuts, cut_axis=cuts, face_camera=cuts, beside=cuts)
        actions.enable(cut_on=cutting, cut_back=cutting, thicker=cutting, thinner=cutting)
        actions.check(cut=cutting, parallel=view is not None and pane.orbit is not None and not pane.orbit.fov)

    def _show_inspector(self, pane: PaneState, resolved: Resolved | None) -> None:
        inspector = self._window.inspector
        if resolved is None:
            inspector.show_nothing()
            return
        drawn = self._fresh_drawn(resolved)
        picture = drawn.composed.picture if drawn is not None else None
        level = drawn.composed.level if drawn is not None else 0
        legend = resolved.legend(picture, level)
        inspector.show_resolved(resolved, legend, picture, pane.limits is not None)
        self._show_space(resolved, drawn)
        known = self._controller.library.spectra.get((pane.source, resolved.info.address))
        matrix = resolved.info.ndim >= 2 and 0 not in resolved.info.shape and not resolved.info.unreadable
        inspector.show_spectrum(known[1] if known is not None else None, matrix)

    def _show_space(self, resolved: Resolved, drawn: Drawn | None) -> None:
        if resolved.dimensions != 3:
            self._window.inspector.show_space(None)
            return
        picture, camera = (drawn.composed.picture, drawn.composed.orbit) if drawn is not None else (None, None)
        shown = None if isinstance(picture, TilePicture) else picture
        self._window.inspector.show_space(SpaceFacts(resolved, camera, shown))

    def _show_drawn(self) -> None:
        """The canvas has drawn something: legend and recipe may be other ones."""
        drawn = self._controller.drawn()
        facts = None if drawn is None else (drawn.composed.picture, drawn.composed.level, drawn.resolved.normalisation)
        if facts != self._drawn:
            self._drawn = facts
            self._soon.start()

    def _fresh_drawn(self, resolved: Resolved) -> Drawn | None:
        """What the pane drew, if it was this tensor in this view."""
        drawn = self._controller.drawn()
        if drawn is None or drawn.resolved.info.address != resolved.info.address:
            return None
        return drawn if drawn.resolved.view is resolved.view else None


def _still(state: WorkspaceState) -> WorkspaceState:
    """The state without what moves while one looks around; of a camera in space, the projection stays."""

    def still(pane: PaneState) -> PaneState:
        return replace(pane, camera=None, orbit=None if pane.orbit is None else Camera3D(fov=pane.orbit.fov))

    return replace(state, panes=tuple(still(pane) for pane in state.panes))


def warnings_of(source: OpenSource | None) -> tuple[str, ...]:
    """What was survived in a file or a recorded run; a model that runs tells of itself elsewhere."""
    listing = source.listing if source is not None else None
    return listing.warnings if listing is not None and listing.format != "live" else ()
