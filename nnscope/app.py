"""The composition root: controller, canvas and window, put together and run."""

from __future__ import annotations

import faulthandler
import os
import sys
import traceback
from typing import TYPE_CHECKING

from nnscope.native import may_have_graphics_card

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nnscope.core.frame import Frame
    from nnscope.engine.protocol import Engine
    from nnscope.gui.canvas import Canvas
    from nnscope.gui.exceptions import ExceptionHooks
    from nnscope.gui.main_window import MainWindow

DEMO = "demo:digits-cnn"


def run(
    paths: Sequence[str],
    on_first_picture: Callable[[], None] | None = None,
    engines: Mapping[str, Engine] | None = None,
) -> int:
    """Open the window on ``paths`` and return when it has closed.

    Parameters
    ----------
    paths : sequence of str
        Files, folders, ``demo:NAME`` or ``file.py:factory``. With none the welcome page is shown, and the demo model
        runs behind it.
    on_first_picture : callable, optional
        Called once, when the first frame with a picture in it has been drawn.
    engines : mapping of str to Engine, optional
        Engines made elsewhere, by the name to show them under; the window closes them.

    Returns
    -------
    int
        Exit code: 1 when no window can open here; the reason was said on stderr.
    """
    from nnscope.doctor import startup_problem

    problem = startup_problem()
    if problem is not None:  # Qt itself would abort the process (promise P19)
        print(f"nnscope: {problem}", file=sys.stderr)
        return 1
    from nnscope.gui.exceptions import ExceptionHooks

    if sys.stderr is not None:
        faulthandler.enable()  # a crash of a driver leaves at least a trace
    hooks = ExceptionHooks()
    hooks.install()  # before the application object exists (promise P18)
    try:
        return _run(hooks, paths, on_first_picture, engines or {})
    finally:
        hooks.remove()


def _run(
    hooks: ExceptionHooks,
    paths: Sequence[str],
    on_first_picture: Callable[[], None] | None,
    engines: Mapping[str, Engine],
) -> int:
    from nnscope.gui.application import make_application, run_application

    application = make_application()
    window = build_window(paths if paths or engines else [DEMO])
    hooks.listen(window.show_failure_later)
    if on_first_picture is not None:
        window.when_first_picture(on_first_picture)
    window.show()
    if paths:
        window.open_paths(paths)
    for key, engine in engines.items():
        window.show_engine(key, engine)
    return run_application(application, window.close)


def build_window(paths: Sequence[str] = ()) -> MainWindow:
    """A window with its controller and canvas, not shown yet. The application object must exist.

    ``paths`` are being opened, without being brought to the front, while the rest is put together.
    """
    from nnscope.core.errors import Failure
    from nnscope.gui.poster import Poster
    from nnscope.scene.controller import Controller

    poster = Poster()
    controller = Controller(poster.post)
    for path in paths:
        controller.open(path)

    def draw_failed(error: Exception) -> None:
        failure = Failure.of(error, "".join(traceback.format_exception(error)))
        poster.post(lambda: controller.failed.emit(failure))

    from nnscope.core.plugins import loaded_plugins
    from nnscope.gui.canvas import FrameSource
    from nnscope.gui.main_window import MainWindow

    frames = FrameSource(controller)
    canvas = make_canvas(frames.frame, draw_failed)
    models = tuple(loaded_plugins().registry.models.values())
    return MainWindow(controller, canvas, frames, models, poster)


def load_ahead() -> None:
    """Import what the first file and the first picture need; in any thread."""
    from nnscope.engine.opening import load_readers
    from nnscope.render.warming import load_libraries

    load_libraries()
    load_readers()


def make_canvas(
    source: Callable[[int, int, float], Frame], on_error: Callable[[Exception], None], kind: str = ""
) -> Canvas:
    """The canvas that suits this machine: with a graphics card Qt's OpenGL widget, without one an image.

    Parameters
    ----------
    source, on_error : callable
        As of `FrameCanvas` and `ImageCanvas`.
    kind : {"", "opengl", "image"}
        Which one; by default the environment's ``NNSCOPE_CANVAS``, else the one that suits.
    """
    kind = kind or os.environ.get("NNSCOPE_CANVAS", "")
    if kind == "image" or (kind != "opengl" and not may_have_graphics_card()):
        from nnscope.gui.image_canvas import ImageCanvas
        from nnscope.render.offscreen import Offscreen

        return ImageCanvas(source, on_error, Offscreen, load_ahead)
    from nnscope.render.canvas import FrameCanvas

    return FrameCanvas(source, on_error)
