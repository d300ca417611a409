"""A regular file open for reading, guarded against everything that is not one.

Pipes, sockets, folders and devices are refused before a byte is read (promise P5). Bytes are read with ``pread``
from any thread, never through a memory map, which would kill the process when the file shrinks. Every group of
reads ends by asking whether the file is still the one that was opened; if not, its answer is thrown away.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from contextlib import contextmanager
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from nnscope.core.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Fill = Callable[[np.ndarray[Any, np.dtype[np.uint8]], int], None]
    """``fill(out, offset)`` fills a contiguous uint8 array with the bytes from ``offset`` on, or raises FileError."""

_KINDS = (
    (stat.S_ISDIR, "directory", "This is a folder, not a file."),
    (stat.S_ISFIFO, "not-a-file", "This is a pipe, not a file."),
    (stat.S_ISSOCK, "not-a-file", "This is a socket, not a file."),
    (stat.S_ISCHR, "not-a-file", "This is a device, not a file."),
    (stat.S_ISBLK, "not-a-file", "This is a device, not a file."),
)
_REASONS = {
    errno.ENOENT: ("not-found", "There is no such file."),
    errno.ENOTDIR: ("not-found", "There is no such file."),
    errno.EACCES: ("no-permission", "You may not read this file."),
    errno.EPERM: ("no-permission", "You may not read this file."),
    errno.ELOOP: ("link", "This is a link that leads nowhere or may not be followed."),
    errno.ENAMETOOLONG: ("not-found", "The name is too long for a file."),
    errno.EMFILE: ("too-many-files", "Too many files are open."),
    errno.ENFILE: ("too-many-files", "Too many files are open."),
}


class Section(Protocol):
    """Bytes that tensors lie in: a part of a file, or a member that was inflated into memory."""

    size: int

    def reading(self) -> Any:
        """A context manager whose value is a ``Fill``; leaving it raises FileError if the file has changed."""
        ...


class FileHandle:
    """A regular file, open until `close`, readable from any thread.

    Parameters
    ----------
    path : str or path-like
    follow_links : bool
        Whether the last component of ``path`` may be a symbolic link.

    Attributes
    ----------
    path : str
    size : int
        Bytes of the file when it was opened.
    version : int
        63-bit content version made of device, inode, size and modification time: equal while the file is unchanged.

    Raises
    ------
    FileError
        If it can't be opened or is no regular file.
    """

    def __init__(self, path: str | os.PathLike[str], *, follow_links: bool = True) -> None:
        self.path = os.fspath(path)
        self._fd = _open_regular(self.path, follow_links)
        status = os.fstat(self._fd)
        self._stamp = _stamp(status)
        self._lock = threading.Lock()
        self._readers = 0
        self._closed = False
        self.size = status.st_size
        self.version = int.from_bytes(blake2b(repr(self._stamp).encode(), digest_size=8).digest(), "big") >> 1

    def read(self, offset: int, length: int) -> bytes:
        """``length`` bytes from ``offset``; lengths beyond the end are refused before anything is allocated."""
        if offset < 0 or length < 0 or offset + length > self.size:
            raise FileError(
                "truncated",
                f"The file ends at byte {self.size}, but {length} bytes from byte {offset} are needed.",
                self.path,
                "It is cut short or damaged; fetch it again.",
                offset=self.size,
            )
        out = np.empty(length, np.uint8)
        with self.reading() as fill:
            fill(out, offset)
        return out.tobytes()

    @contextmanager
    def reading(self) -> Iterator[Fill]:
        """A group of reads. Leaving it raises FileError (``"changed"``) if the file is no longer the same."""
        fd = self._borrow()
        try:
            yield lambda out, offset: self._fill(fd, out, offset)
            self._check_unchanged(fd)
        finally:
            self._give_back()

    def close(self) -> None:
        """Release the file once reads under way have ended. Idempotent; later reads raise FileError (``"closed"``)."""
        with self._lock:
            self._closed = True
            self._close_if_idle()

    def _borrow(self) -> int:
        """The descriptor, kept open until given back: a closed number could come to mean another file."""
        with self._lock:
            if self._closed:
                raise FileError("closed", "The file has been closed.", self.path)
            self._readers += 1
            return self._fd

    def _give_back(self) -> None:
        with self._lock:
            self._readers -= 1
            self._close_if_idle()

    def _close_if_idle(self) -> None:
        if self._closed and not self._readers and self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _fill(self, fd: int, out: np.ndarray[Any, np.dtype[np.uint8]], offset: int) -> None:
        view = buffer_of(out)
        while view:
            try:
                count = os.preadv(fd, [view], offset)
            except OSError as error:
                raise _os_failure(error, self.path, offset) from None
            if not count:
                raise self._changed()
            view, offset = view[count:], offset + count

    def _check_unchanged(self, fd: int) -> None:
        try:
            same = _stamp(os.fstat(fd)) == self._stamp == _stamp(os.stat(self.path))
        except OSError:
            same = False
        if not same:
            raise self._changed()

    def _changed(self) -> FileError:
        return FileError("changed", "The file was changed or replaced while it was open.", self.path, "Open it again.")


class FileSection:
    """``size`` bytes of a file from byte ``start``."""

    __slots__ = ("handle", "size", "start")

    def __init__(self, handle: FileHandle, start: int, size: int) -> None:
        self.handle = handle
        self.start = start
        self.size = size

    @contextmanager
    def reading(self) -> Iterator[Fill]:
        """A group of reads with offsets counted from the section's start."""
        with self.handle.reading() as fill:
            yield lambda out, offset: fill(out, self.start + offset)


def buffer_of(data: np.ndarray[Any, np.dtype[np.uint8]]) -> memoryview:
    """The array's own bytes, writable; NumPy's stubs hide that an array is a buffer in Python 3.11."""
    return memoryview(data)  # type: ignore[arg-type]


def _open_regular(path: str, follow_links: bool) -> int:
    """A descriptor of a regular file. Its kind is asked before opening (opening a device can act on it) and after."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    try:
        _refuse_special(path, os.stat(path, follow_symlinks=follow_links))
        fd = os.open(path, flags if follow_links else flags | os.O_NOFOLLOW)
    except OSError as error:
        raise _os_failure(error, path) from None
    except ValueError:  # a NUL in the name
        raise FileError("not-found", "This is not a file name.", path) from None
    try:
        _refuse_special(path, os.fstat(fd))
    except BaseException:
        os.close(fd)
        raise
    return fd


def _refuse_special(path: str, status: os.stat_result) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    for is_kind, code, sentence in _KINDS:
        if is_kind(status.st_mode):
            raise FileError(code, sentence, path, "Name a file instead.")
    raise FileError("link", "This is a link, which is not followed here.", path)


def _os_failure(error: OSError, path: str, offset: int | None = None) -> FileError:
    code, sentence = _REASONS.get(error.errno or 0, ("io", f"The system can't read it: {error.strerror}."))
    return FileError(code, sentence, path, offset=offset)


def _stamp(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
