"""Exporting a film of the canvas while the window goes on.

Pictures are composed of what the canvas showed when the export began (`nnscope.scene.filming`), and drawn by its own
renderer between other events; threads convert and encode them. The export is a job in the status line, with its
progress and a button to cancel it. Nothing is left of a film that is cancelled or fails.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

from nnscope.core.errors import Failure, NnscopeError
from nnscope.core.text import plain
from nnscope.export.animation import AnimationWriter
from nnscope.export.clip import Clip
from nnscope.export.image import picture_metadata
from nnscope.gui.timers import every
from nnscope.scene.filming import Filming, Screen
from nnscope.scene.shots import shots

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from PyQt6.QtWidgets import QWidget

    from nnscope.gui.canvas import Canvas
    from nnscope.gui.poster import Poster
    from nnscope.scene.controller import Controller
    from nnscope.scene.shots import Motion, Shot

PACE = 5  # ms between two looks whether the next picture can be drawn


@dataclass(slots=True)
class Shooting:
    """A film that is being made; looks like `nnscope.scene.jobs.JobInfo`."""

    path: str
    clip: Clip
    shots: list[Shot]
    filming: Filming
    screen: Screen
    text: str
    started: float
    cancel: Callable[[], None]
    done: int = 0
    writer: AnimationWriter | None = None
    rgba: np.ndarray | None = None  # of the shot before the next

    @property
    def total(self) -> int:
        """Pictures."""
        return len(self.shots)


class FilmSaver(QObject):
    """One film at a time. ``saved`` carries the path, ``failed`` a `Failure`, ``changed`` tells of the job."""

    saved = pyqtSignal(str)
    failed = pyqtSignal(object)
    changed = pyqtSignal()

    def __init__(self, controller: Controller, canvas: Canvas, poster: Poster, window: QWidget) -> None:
        super().__init__(window)
        self._controller = controller
        self._canvas = canvas
        self._poster = poster
        self._now: Shooting | None = None
        self._timer = every(self, PACE, self._go_on)

    def jobs(self) -> list[Shooting]:
        """The film that is being made, if one is."""
        return [] if self._now is None else [self._now]

    def save(self, path: str, clip: Clip, motion: Motion) -> None:
        """Begin a film of what the canvas shows now; one that is being made is given up."""
        self.cancel()
        controller, state = self._controller, self._controller.workspace.state
        drawn = controller.drawn()
        camera = drawn.composed.orbit if drawn is not None else None
        try:
            wanted = shots(self._kept(), motion)
        except NnscopeError as error:
            self.failed.emit(Failure.of(error))
            return
        filming = Filming(controller.library, self._poster.post, state, camera)
        text, now = f"Exporting {plain(Path(path).name, 64)}", time.monotonic()
        self._now = Shooting(path, clip, wanted, filming, self._screen(clip), text, now, self.cancel)
        self._timer.start()
        self.changed.emit()

    def cancel(self) -> None:
        """Not wanted any more; nothing is left behind."""
        shooting = self._end()
        if shooting is not None and shooting.writer is not None:
            shooting.writer.cancel()
            shooting.writer.join()

    def stop(self) -> None:
        """The window closes."""
        self.cancel()

    def _kept(self) -> np.ndarray:
        return self._controller.timeline.kept_here()

    def _screen(self, clip: Clip) -> Screen:
        """As large as on the canvas, but for the size: as `nnscope.gui.saving` does it."""
        (width, height), (across, down) = clip.size, self._canvas.size
        magnify = 1.0 if (width, height) == (across, down) else min(width / across, height / down)
        scale = self._canvas.native.devicePixelRatioF() * magnify
        return Screen(width, height, scale, magnify, self._controller.theme)

    def _go_on(self) -> None:
        shooting = self._now
        if shooting is None:
            return
        try:
            if shooting.done < shooting.total:
                self._shoot(shooting)
            elif shooting.writer is not None and shooting.writer.over:
                self._finish(shooting.writer)
        except NnscopeError as error:
            self.cancel()
            self.failed.emit(Failure.of(error))

    def _shoot(self, shooting: Shooting) -> None:
        """The next picture, as soon as it can be had."""
        at = shooting.done
        if shooting.rgba is None or shooting.shots[at] != shooting.shots[max(0, at - 1)]:
            if shooting.writer is not None and not shooting.writer.ready:
                return
            frame = shooting.filming.frame(shooting.shots[at], shooting.screen)
            if frame is None:
                return
            shooting.rgba = self._canvas.picture(frame)
        if shooting.writer is None:
            shooting.writer = AnimationWriter(shooting.path, self._told(shooting))
        if shooting.writer.offer(shooting.rgba):
            shooting.done += 1
            self.changed.emit()
        if shooting.done == shooting.total:
            shooting.writer.end()

    def _told(self, shooting: Shooting) -> Clip:
        """The clip with what the file says of itself."""
        state = self._controller.workspace.state
        told = picture_metadata((state.pane.address,), shooting.filming.recipe, state.scientific)
        comment = "; ".join(told[name] for name in ("Recipe", "Mode"))
        return Clip(shooting.clip.size, shooting.clip.fps, {"title": plain(state.pane.address), "comment": comment})

    def _finish(self, writer: AnimationWriter) -> None:
        writer.wait()
        shooting = self._end()
        if shooting is not None:
            self.saved.emit(shooting.path)

    def _end(self) -> Shooting | None:
        self._timer.stop()
        shooting, self._now = self._now, None
        if shooting is not None:
            shooting.filming.close()
            self.changed.emit()
        return shooting
