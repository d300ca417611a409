"""Writing a file so that its name never holds half of it (promise P21).

The bytes go to a temporary file in the same folder, are synced, and take the name by `os.replace`, which is atomic
within a file system. Whatever goes wrong before leaves the old file as it was and nothing behind.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from collections.abc import Iterator


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Make ``path`` hold exactly ``data``.

    Raises
    ------
    NnscopeError
        If the folder does not exist or can't be written, or the disk is full.
    """
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(data)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary file beside ``path``, which takes that name when the block ends, and goes when it raises.

    Raises
    ------
    NnscopeError
        If the folder does not exist or can't be written, or the disk is full; for any `OSError` of the block too.
    """
    target = Path(path)
    try:
        with _temporary(target) as temporary:
            yield temporary
            _sync(temporary)
            os.chmod(temporary, _mode(target))
            os.replace(temporary, target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise NnscopeError(f"The file could not be written: {reason}.", str(target), "Choose another place.") from error


@contextmanager
def _temporary(target: Path) -> Iterator[Path]:
    """An empty file in the folder of ``target``, gone after the block unless it was moved."""
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:64]}.", suffix=".part", dir=target.parent)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(name)


def _sync(path: Path) -> None:
    """Have the file's bytes on the disk before its name is."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _mode(target: Path) -> int:
    """The old file's permissions, else what the umask gives a new file (`mkstemp` makes it private)."""
    try:
        return target.stat().st_mode & 0o777
    except OSError:
        umask = os.umask(0)
        os.umask(umask)
        return 0o666 & ~umask
