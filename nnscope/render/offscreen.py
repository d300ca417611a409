"""Pictures with neither a display nor Qt: the same frames, the same pixels as in the window."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nnscope.core.errors import NnscopeError
from nnscope.core.frame import Rect
from nnscope.render.egl import EglContext
from nnscope.render.warming import frames

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    import numpy as np

    from nnscope.core.frame import Frame
    from nnscope.render.renderer import Renderer


class Offscreen:
    """Draws many frames with one context and one tile atlas; use it as a context manager, in one thread.

    Raises
    ------
    NnscopeError
        If OpenGL can't be used here; it says what to install.
    """

    def __init__(self) -> None:
        self._egl = EglContext()
        self._canvas: Any = None
        self._renderer: Renderer | None = None
        self._mirror: np.ndarray | None = None  # the array that has the pixels drawn last

    def __enter__(self) -> Offscreen:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def draw(self, frame: Frame) -> np.ndarray:
        """The pixels of a frame: uint8, shape (height, width, 4), opaque, row 0 on top."""
        self._mirror = None
        with self.renderer() as renderer:
            renderer.draw(frame)
            return renderer.read()

    def refresh(self, frame: Frame, pixels: np.ndarray) -> Rect:
        """Bring an array up to date with a frame, and tell where it was written.

        Only what changed is written, if the array is the one of the call before and nothing else was drawn since.

        Parameters
        ----------
        frame : Frame
        pixels : ndarray of uint8, shape (height, width, 4), C-contiguous
            Blue, green, red and opacity, as windows have them; row 0 on top.
        """
        mirror, self._mirror = self._mirror, None
        with self.renderer() as renderer:
            changed = renderer.draw(frame)
            if mirror is not pixels:
                changed = Rect(0, 0, frame.width, frame.height)
            renderer.read_into(pixels, changed, "bgra")
        self._mirror = pixels
        return changed

    def warm_up(self) -> Iterator[None]:
        """Make what the first picture needs, step by step; `nnscope.render.warming.load_libraries` comes before."""
        for frame in frames():
            yield
            self.draw(frame)

    @property
    def driver(self) -> str:
        """What OpenGL runs on; empty before the first frame."""
        return self._renderer.driver if self._renderer is not None else ""

    @contextmanager
    def renderer(self) -> Iterator[Renderer]:
        """The renderer, while its context is current."""
        self._egl.make_current()
        try:
            yield self._ready()
        finally:
            self._egl.release()

    def close(self) -> None:
        """Free everything. Idempotent."""
        if self._renderer is not None:
            with self.renderer() as renderer:
                renderer.close()
            self._renderer = None
        self._egl.close()

    def _ready(self) -> Renderer:
        """The renderer, made at the first use; VisPy sends its commands to the canvas that was set last."""
        context, make = _vispy()
        if self._canvas is None:
            self._canvas = context.FakeCanvas()
        context.set_current_canvas(self._canvas)
        if self._renderer is None:
            self._renderer = make()
        return self._renderer


def render_offscreen(frame: Frame) -> np.ndarray:
    """One frame: uint8, shape (height, width, 4), opaque, row 0 on top. See `Offscreen` for many.

    Raises
    ------
    NnscopeError
        If OpenGL can't be used here, or the frame is too large.
    """
    with Offscreen() as screen:
        return screen.draw(frame)


def _vispy() -> tuple[Any, type[Renderer]]:
    """VisPy loads libGL when it is imported, and may not find it."""
    try:
        from vispy.gloo import context

        from nnscope.render.renderer import Renderer
    except (OSError, RuntimeError) as error:
        raise NnscopeError(
            "The library libGL.so.1 can't be loaded.", remedy="Install the packages libgl1 libgl1-mesa-dri."
        ) from error
    return context, Renderer
