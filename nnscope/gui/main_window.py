"""The window: puts the parts together and passes on what they emit."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QByteArray, QPoint, Qt
from PyQt6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QGuiApplication
from PyQt6.QtWidgets import QApplication, QMainWindow, QMenu

from nnscope.core.text import plain
from nnscope.gui.actions import ActionTable
from nnscope.gui.central import Central
from nnscope.gui.commands import Commands
from nnscope.gui.commands.file import FileCommands
from nnscope.gui.commands.help import HelpCommands
from nnscope.gui.commands.model import ModelCommands
from nnscope.gui.commands.record import RecordCommands
from nnscope.gui.commands.space import SpaceCommands
from nnscope.gui.commands.steps import StepCommands
from nnscope.gui.commands.view import ViewCommands
from nnscope.gui.commands.window import WindowCommands
from nnscope.gui.dock import Panel
from nnscope.gui.drop import dropped_paths
from nnscope.gui.failures import FailureList
from nnscope.gui.filming import FilmSaver
from nnscope.gui.fitting.fitter import Fitter
from nnscope.gui.flow import go_to_column
from nnscope.gui.flying import HINT, Flying
from nnscope.gui.inspector.panel import Inspector
from nnscope.gui.menus import Menus
from nnscope.gui.motion import Motion
from nnscope.gui.openings import Openings
from nnscope.gui.pointer import Pointer
from nnscope.gui.preferences import Memory
from nnscope.gui.presenter import Presenter
from nnscope.gui.previews import Previews
from nnscope.gui.saving import PictureSaver
from nnscope.gui.status.bar import StatusBar
from nnscope.gui.theme import apply_theme, resolve_theme
from nnscope.gui.timeline.bar import TimelineBar
from nnscope.gui.timeline.player import Player
from nnscope.gui.toolbar.bar import ToolBar
from nnscope.gui.training import Trainings
from nnscope.gui.tree.panel import TreePanel
from nnscope.gui.turning import Turning
from nnscope.gui.welcome import WelcomePage
from nnscope.scene.controller import first_tensor
from nnscope.views.splat_shares import strongest_under

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nnscope.core.errors import Failure
    from nnscope.core.layout import Layout
    from nnscope.core.registry import ModelSpec
    from nnscope.core.request import Scalar
    from nnscope.core.tensor import Listing
    from nnscope.engine.protocol import Engine
    from nnscope.gui.canvas import Canvas, FrameSource
    from nnscope.gui.poster import Poster
    from nnscope.scene.controller import Controller

SIZE = (1440, 900)
SIDES = {"model": 396, "inspector": 312}
LEAST = {"model": 220, "inspector": 276}


class MainWindow(QMainWindow):
    """Shows a controller's scene until it is closed; closing it closes the controller and the canvas."""

    def __init__(
        self,
        controller: Controller,
        canvas: Canvas,
        frames: FrameSource,
        models: Sequence[ModelSpec],
        poster: Poster,
    ) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAcceptDrops(True)
        self.setWindowTitle("nnscope")
        self.controller = controller
        self.canvas = canvas
        self._frames = frames
        self._poster = poster
        self._openings = Openings(controller)
        self.memory = Memory(self.show_failure_later)
        self.previews = Previews(models, self.show_failure_later)
        self.tree = TreePanel(controller.library)
        self.inspector = Inspector()
        self.failures = FailureList()
        self.central = Central(WelcomePage(models), canvas.native)
        self.saver = PictureSaver(controller, canvas, frames, self)
        self.films = FilmSaver(controller, canvas, poster, self)
        self.status = StatusBar(frames.rate, lambda: [*self._openings.jobs(), *self.films.jobs(), *controller.jobs])
        self.motion = Motion(controller, canvas)
        self.turning = Turning(controller, self.motion, self)
        self.flying = Flying(controller, canvas.native, self.motion)
        self.player = Player(controller, self)
        self.trainings = Trainings(controller, self)
        self.fitter = Fitter(controller, self)
        self.commands = self._make_commands()
        keys = self.memory.now.keys
        self.actions_table = ActionTable(self, canvas.native, self.commands, controller.views_for(), keys)
        self.toolbar = ToolBar(self.actions_table)
        self.timeline = TimelineBar(controller, self.player, self.actions_table)
        self.menus = self._make_menus()
        self.panels = self._make_panels()
        self.pointer = Pointer(controller, canvas.native, self.motion)
        self._lay_out()
        self.presenter = Presenter(controller, self)
        self._connect_parts()
        self.choose_theme(self.memory.now.theme)
        self._restore()
        self.presenter.refresh()

    # -- opening

    def open_paths(self, paths: Sequence[str]) -> None:
        """Open files, folders or demo models, and show them."""
        for path in paths:
            key = self.controller.open(path)
            self._openings.add(key)
            self.source_listed(key)
        self.status.jobs.jobs_changed()

    def show_engine(self, key: str, engine: Engine) -> None:
        """Show what an engine made elsewhere holds: values captured in the process that opened the window."""
        self.controller.adopt(key, engine)
        self.central.show_canvas()

    def source_listed(self, key: str) -> None:
        """A source has come or gone: bring one that was asked for to the front, the welcome page when none is left."""
        source = self.controller.library.sources.get(key)
        waits = source is not None and source.status.get("training") is True and not source.infos
        if source is not None and source.listing is not None and key in self._openings and not waits:
            self._openings.drop(key)
            self._show_first(key, source.listing)
            if not self.fitter.owns(key):
                self.memory.opened(key)
            self._show_recent()
            self.central.show_canvas()
            self.fitter.listed(key)
        if not self.controller.library.sources:
            self.central.show_welcome()

    def when_first_picture(self, run: Callable[[], None]) -> None:
        """Call ``run`` once, as soon as a frame with a picture in it is on the screen."""

        def swapped() -> None:
            if self._frames.has_picture:
                self.canvas.painted.disconnect(swapped)
                run()

        self.canvas.painted.connect(swapped)

    def _show_first(self, key: str, listing: Listing) -> None:
        """Who opens something wants to see it."""
        first, wanted = first_tensor(listing), self.trainings.first_shown(key, listing)
        if first is not None and (wanted or self.controller.workspace.pane.source != key):
            self.controller.show(key, wanted or first.address)

    def close_source(self, key: str) -> None:
        """Close a source."""
        self._openings.drop(key)
        if key:
            self.controller.close_source(key)

    def show_tensor(self, source: str, address: str) -> None:
        """Show a tensor in the active pane."""
        self.controller.show(source, address)
        self.central.show_canvas()

    # -- problems

    def show_failure(self, failure: Failure) -> None:
        """Add an entry to the error panel, and open it."""
        self.failures.add(failure)
        self.panels["problems"].show()

    def show_failure_later(self, failure: Failure) -> None:
        """The same, from any thread and at any time."""
        self._poster.post(lambda: self.show_failure(failure))

    # -- looks and keys

    def remember_keys(self) -> None:
        """Shortcuts were changed."""
        self.memory.update(keys=self.actions_table.bindings.remembered())

    def choose_theme(self, preference: str) -> None:
        """``"system"``, ``"light"`` or ``"dark"``, remembered."""
        self.memory.update(theme=preference)
        self.actions_table.check(**{f"theme_{name}": name == preference for name in ("system", "light", "dark")})
        self._apply_theme()

    def _apply_theme(self) -> None:
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        theme = resolve_theme(self.memory.now.theme)
        apply_theme(application, theme)
        parts = (self.toolbar, self.timeline, self.central, self.tree, self.inspector, self.failures, self.status)
        for part in (self.actions_table, *parts):
            part.apply(theme)
        for panel in self.panels.values():
            panel.apply(theme)
        self.controller.theme = theme

    # -- what Qt calls

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: N802 - Qt's name
        """Files are welcome."""
        if event is not None and dropped_paths(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802 - Qt's name
        """Open what was dropped."""
        if event is not None:
            event.acceptProposedAction()
            self.open_paths(dropped_paths(event.mimeData()))

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802 - Qt's name
        """End everything: jobs, processes, timers, the canvas (promise P22)."""
        self._remember()
        self.hide()  # what is still being read may take a moment to end
        self.saver.stop()
        self.films.stop()
        self.fitter.stop()
        self.presenter.close()
        self.timeline.stop()
        self.status.stop()
        self.tree.stop()
        self.controller.close()
        self._poster.close()
        self.canvas.close()
        super().closeEvent(event)

    # -- putting together

    def _make_commands(self) -> Commands:
        return Commands(
            FileCommands(self, self.controller, self.saver, self.films),
            ViewCommands(self.controller, self.inspector),
            SpaceCommands(self.controller, self.turning, self.flying, self.motion),
            WindowCommands(self),
            ModelCommands(self.controller, self.tree, self.fitter, self),
            StepCommands(self.controller, self.player, self),
            RecordCommands(self, self.controller, self.trainings),
            HelpCommands(self, lambda: self.canvas.renderer),
        )

    def _make_menus(self) -> Menus:
        bar = self.menuBar()
        assert bar is not None
        return Menus(bar, self.actions_table, lambda path: self.open_paths([path]))

    def _make_panels(self) -> dict[str, Panel]:
        contents = (("model", "Model", self.tree), ("inspector", "Inspector", self.inspector))
        panels = {name: Panel(name, title, widget, self) for name, title, widget in contents}
        for name, width in LEAST.items():
            panels[name].setMinimumWidth(width)
        panels["problems"] = Panel("problems", "Problems", self.failures, self)
        return panels

    def _lay_out(self) -> None:
        area = Qt.DockWidgetArea
        self.addToolBar(self.toolbar)
        self.addToolBar(Qt.ToolBarArea.BottomToolBarArea, self.timeline)
        self.setStatusBar(self.status)
        self.setCentralWidget(self.central)
        self.addDockWidget(area.LeftDockWidgetArea, self.panels["model"])
        self.addDockWidget(area.RightDockWidgetArea, self.panels["inspector"])
        self.addDockWidget(area.BottomDockWidgetArea, self.panels["problems"])
        for corner, side in (
            (Qt.Corner.BottomLeftCorner, area.LeftDockWidgetArea),
            (Qt.Corner.BottomRightCorner, area.RightDockWidgetArea),
        ):
            self.setCorner(corner, side)
        self.resize(*SIZE)
        sides = [self.panels[name] for name in SIDES]
        self.resizeDocks(sides, list(SIDES.values()), Qt.Orientation.Horizontal)
        self.panels["problems"].hide()

    def _connect_parts(self) -> None:
        controller, model = self.controller, self.commands.model
        self.tree.chosen.connect(self.show_tensor)
        self.tree.wanted.connect(controller.request_stats)
        self.tree.menu.connect(self._show_tree_menu)
        self.central.banner.restart.connect(controller.restart)
        self._connect_welcome()
        self._connect_toolbar()
        self._connect_inspector()
        self._connect_space()
        self.central.live.sample.connect(model.choose_sample)
        self._connect_training()
        self.failures.changed.connect(self.status.show_problems)
        self.status.problems.clicked.connect(self.actions_table["show_problems"].trigger)
        for part in (self.saver, self.films, self.fitter):
            part.failed.connect(self.show_failure)
            part.saved.connect(lambda path: self.status.show_hover(f"Saved {plain(path, 0)}"))
        self.fitter.fitted.connect(lambda path: self.open_paths([path]))
        self.films.changed.connect(self.status.jobs.jobs_changed)
        for name, panel in self.panels.items():
            id = {"model": "show_tree"}.get(name, f"show_{name}")
            panel.visibilityChanged.connect(lambda shown, id=id: self.actions_table.check(**{id: shown}))
        hints = QGuiApplication.styleHints()
        if hints is not None:
            hints.colorSchemeChanged.connect(self._apply_theme)

    def _connect_training(self) -> None:
        bar = self.central.live
        bar.train.connect(lambda on: self.trainings.start() if on else self.trainings.stop())
        bar.record.connect(self.commands.record.record)
        bar.detach.connect(self.commands.record.detach)
        self.trainings.began.connect(lambda address: self.open_paths([address]))

    def _connect_welcome(self) -> None:
        page = self.central.welcome
        page.open_path.connect(lambda path: self.open_paths([path]))
        page.open_file.connect(self.commands.file.open_file)
        page.open_folder.connect(self.commands.file.open_folder)

    def _connect_toolbar(self) -> None:
        update = self.controller.workspace.update_pane
        self.toolbar.view.chosen.connect(self.commands.view.choose_view)
        self.toolbar.normalisation.chosen.connect(lambda name: update(normalisation=name, limits=None))
        self.toolbar.colours.chosen.connect(lambda name: update(colours=name))
        self.toolbar.rays.chosen.connect(self.commands.view.choose_rays)
        self.toolbar.reduction.chosen.connect(lambda name: update(reduction=name, limits=None))

    def _connect_inspector(self) -> None:
        controller, inspector = self.controller, self.inspector
        inspector.histogram.limits.connect(controller.set_limits)
        inspector.histogram.reset.connect(controller.reset_limits)
        inspector.layout_box.chosen.connect(self._choose_layout)
        inspector.spectrum.wanted.connect(self.commands.model.spectrum)
        inspector.codes.clicked.connect(self.fitter.coder.ask)

    def _connect_space(self) -> None:
        self.pointer.faced.connect(lambda pane, face: self.commands.space.look(face, pane))
        self.pointer.centred.connect(self.turning.turn)
        self.pointer.clicked.connect(lambda *_: go_to_column(self.controller))
        self.pointer.clicked.connect(self._list_gaussians)
        self.inspector.space.looked.connect(self._look)
        self.inspector.space.projected.connect(self.commands.space.project)
        self.inspector.options.changed.connect(self._set_option)
        slicing, space = self.inspector.cut, self.commands.space
        slicing.plane.connect(space.choose_plane)
        slicing.moved.connect(space.move_cut)
        slicing.clipped.connect(space.clip)
        slicing.faced.connect(space.face_camera)
        slicing.beside.connect(space.beside)
        self.flying.changed.connect(lambda on: self.actions_table.check(fly=on))
        self.flying.changed.connect(lambda on: self.status.show_hover(HINT if on else ""))

    def _list_gaussians(self, x: float, y: float) -> None:
        drawn = self.controller.drawn()
        if drawn is not None:
            self.inspector.gaussians.show_list(*strongest_under(drawn.composed.frame, x + 0.5, y + 0.5))

    def _look(self, field: str, value: Any) -> None:
        """Change a field of `SpaceLook`; a slider's way is one step of undo."""
        if field == "mode":
            self.commands.view.choose_rays(str(value))
            return
        workspace = self.controller.workspace
        workspace.update_pane(merge=f"look {field}", space=replace(workspace.pane.space, **{field: value}))

    def _set_option(self, name: str, value: Scalar) -> None:
        """Change a setting of the view; a picture of another grid is fitted anew."""
        workspace, before = self.controller.workspace, self.controller.resolved()
        settings = tuple(sorted({**dict(workspace.pane.settings), name: value}.items()))
        workspace.update_pane(merge=f"setting {name}", settings=settings)
        after = self.controller.resolved()
        if before is not None and after is not None and before.grid != after.grid:
            workspace.update_pane(merge=f"setting {name}", camera=None, pin=None)

    def _choose_layout(self, layout: Layout, sliding: bool) -> None:
        """A slider keeps the camera; another arrangement fits anew."""
        if sliding:
            self.controller.workspace.update_pane(merge="layout", layout=layout)
        else:
            self.controller.workspace.update_pane(layout=layout, camera=None, orbit=None, pin=None)

    def _show_tree_menu(self, source: str, address: str, at: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        clipboard = QApplication.clipboard()
        if address and clipboard is not None:
            _entry(menu, "Copy address", lambda: clipboard.setText(address))
            _entry(menu, "Show in the next pane", lambda: self._show_beside(source, address))
            menu.addSeparator()
        _entry(menu, "Close source", lambda: self.close_source(source))
        menu.popup(at)

    def _show_beside(self, source: str, address: str) -> None:
        """In the pane after the active one, made when there is none."""
        controller = self.controller
        if len(controller.workspace.state.panes) == 1:
            controller.split(2)
        state = controller.workspace.state
        controller.show(source, address, (state.active + 1) % len(state.panes))
        self.central.show_canvas()

    def _show_recent(self) -> None:
        recent = self.memory.now.recent
        self.menus.show_recent(recent)
        self.central.welcome.show_recent([path for path in recent if not path.startswith("demo:")])

    # -- between runs

    def _restore(self) -> None:
        remembered = self.memory.now
        self._show_recent()
        if remembered.geometry:
            self.restoreGeometry(_bytes(remembered.geometry))
        if remembered.layout:
            self.restoreState(_bytes(remembered.layout))
            self.panels["problems"].hide()
            self.timeline.hide()

    def _remember(self) -> None:
        self.memory.update(geometry=_text(self.saveGeometry()), layout=_text(self.saveState()))


def _entry(menu: QMenu, text: str, run: Callable[[], object]) -> None:
    action = menu.addAction(text)
    assert action is not None
    action.triggered.connect(lambda: run())


def _bytes(text: str) -> QByteArray:
    return QByteArray.fromBase64(text.encode())


def _text(data: QByteArray) -> str:
    return base64.b64encode(data.data()).decode()
