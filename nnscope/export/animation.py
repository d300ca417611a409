"""Animations: pictures go in, a file comes out, with rendering, conversion and encoding side by side.

Whoever renders adds pictures; a thread converts them for the format, another encodes them and writes the file. Few
pictures wait between them, so that memory does not depend on the length. The file gets its name when it is whole: after
a failure, or a `cancel`, nothing is left of it.
"""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol

from nnscope.core.atomic import replacing
from nnscope.core.errors import Cancelled, NnscopeError
from nnscope.export.clip import check_clip

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    import numpy as np

    from nnscope.export.clip import Clip

WAITING = 4  # pictures between two stages, at most
PATIENCE = 0.05  # seconds between two looks whether the file is still wanted


class Coder(Protocol):
    """A format; see `nnscope.export.coders`."""

    def begin(self, path: Path) -> None:
        """The file is to be written there."""
        ...

    def convert(self, rgba: np.ndarray) -> Any:
        """What `write` takes, of one picture."""
        ...

    def write(self, converted: Any) -> None:
        """The next picture."""
        ...

    def finish(self, check: Callable[[], None]) -> None:
        """There are no more: have all of it in the file. ``check`` raises when it is not wanted any more."""
        ...

    def close(self) -> None:
        """Let go of files, in whatever state."""
        ...


class _Line:
    """Things on their way from one thread to another, at most `WAITING`."""

    def __init__(self, stopped: threading.Event) -> None:
        self._things: SimpleQueue[Any] = SimpleQueue()
        self._room = threading.Semaphore(WAITING)
        self._stopped = stopped

    def offer(self, thing: Any) -> bool:
        """Hand over, if there is room."""
        if not self._room.acquire(blocking=False):
            return False
        self._things.put(thing)
        return True

    @property
    def has_room(self) -> bool:
        """Whether `offer` would hand over now, if nobody else does."""
        free = self._room.acquire(blocking=False)
        if free:
            self._room.release()
        return free

    def put(self, thing: Any) -> None:
        """Hand over as soon as there is room; raises `Cancelled` when nobody wants it any more."""
        while not self._room.acquire(timeout=PATIENCE):
            if self._stopped.is_set():
                raise Cancelled
        self._things.put(thing)

    def end(self) -> None:
        """Nothing more will come."""
        self._things.put(None)

    def __iter__(self) -> Iterator[Any]:
        while (thing := self._things.get()) is not None:
            if self._stopped.is_set():
                raise Cancelled
            yield thing
            self._room.release()


class AnimationWriter:
    """Writes one animation. As a context manager it waits for the file, or leaves nothing when the block raises.

    Parameters
    ----------
    path : path
        Its ending says the format: ``.mp4``, ``.gif``, ``.png`` or ``.apng``.
    clip : Clip

    Raises
    ------
    NnscopeError
        If there is no such format, or it does not have this size or rate.
    """

    def __init__(self, path: str | os.PathLike[str], clip: Clip) -> None:
        self._coder = _coder(check_clip(path, clip), clip)
        self._path, self._clip = path, clip
        self._stopped = threading.Event()
        self._pictures, self._converted = _Line(self._stopped), _Line(self._stopped)
        self._failure: BaseException | None = None
        self._ended = False
        self.written = 0
        self._threads = [threading.Thread(target=run, name="animation") for run in (self._convert, self._write)]
        for thread in self._threads:
            thread.start()

    @property
    def over(self) -> bool:
        """Whether nothing more happens: the file is there, or it failed or was cancelled."""
        return not any(thread.is_alive() for thread in self._threads)

    @property
    def ready(self) -> bool:
        """Whether there is room for a picture."""
        return self._pictures.has_room

    def add(self, rgba: np.ndarray) -> None:
        """The next picture, uint8, shape (height, width, 4), row 0 on top; not to be changed any more.

        Raises
        ------
        NnscopeError
            If the file can't be written, or the picture has another size than the animation.
        """
        self._check_picture(rgba)
        try:
            self._pictures.put(rgba)
        except Cancelled:
            self.wait()
            raise

    def offer(self, rgba: np.ndarray) -> bool:
        """As `add`, if there is room for one; never waits."""
        self._check_picture(rgba)
        return self._pictures.offer(rgba)

    def end(self) -> None:
        """There are no more pictures; does not wait for the file."""
        if not self._ended:
            self._ended = True
            self._pictures.end()

    def wait(self) -> None:
        """Wait until it is over.

        Raises
        ------
        NnscopeError
            If the file could not be written.
        """
        self.join()
        if self._failure is not None:
            raise self._failure

    def join(self) -> None:
        """Wait until it is over, however it ends."""
        for thread in self._threads:
            thread.join()

    def cancel(self) -> None:
        """Not wanted any more: ends soon, and nothing is left."""
        self._stopped.set()
        self.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is None:
            self.end()
            self.wait()
            return
        self.cancel()
        self.join()

    # the threads ----------------------------------------------------------------------------------------------

    def _convert(self) -> None:
        try:
            for rgba in self._pictures:
                self._converted.put(self._coder.convert(rgba))
        except BaseException as error:  # told where the pictures come from
            self._fail(error)
        finally:
            self._converted.end()

    def _write(self) -> None:
        try:
            with replacing(self._path) as part:
                self._fill(part)
        except BaseException as error:  # told where the pictures come from
            self._fail(error)

    def _fill(self, part: Path) -> None:
        coder = self._coder
        coder.begin(part)
        try:
            for converted in self._converted:
                coder.write(converted)
                self.written += 1
            self._check_wanted()
            coder.finish(self._check_wanted)
            self._check_wanted()
        finally:
            coder.close()

    def _fail(self, error: BaseException) -> None:
        if self._failure is None and not isinstance(error, Cancelled):
            self._failure = error
        self._stopped.set()

    def _check_wanted(self) -> None:
        if self._stopped.is_set():
            raise Cancelled

    def _check_picture(self, rgba: np.ndarray) -> None:
        if self._failure is not None:
            self.end()
            self.wait()
        width, height = self._clip.size
        if rgba.shape != (height, width, 4):
            raise NnscopeError(f"A picture of {rgba.shape} is none of an animation of {width}x{height}.")


def _coder(format: str, clip: Clip) -> Coder:
    from nnscope.export import coders  # only an animation pays for the import

    known: dict[str, Callable[[Clip], Coder]] = {"H.264": coders.Mp4, "GIF": coders.Gif, "APNG": coders.Apng}
    return known[format](clip)
