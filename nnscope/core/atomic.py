"""Writing a file so that its name never holds half of it (promise P21).

The bytes go to a temporary file in the same folder, are synced, and take the name by `os.replace`, which is atomic
within a file system. Whatever goes wrong before leaves the old file as it was and nothing behind.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from nnscope.core.errors import NnscopeError


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Make ``path`` hold exactly ``data``.

    Raises
    ------
    NnscopeError
        If the folder does not exist or can't be written, or the disk is full.
    """
    target = Path(path)
    try:
        _write(target, data)
    except OSError as error:
        reason = error.strerror or str(error)
        raise NnscopeError(f"The file could not be written: {reason}.", str(target), "Choose another place.") from error


def _write(target: Path, data: bytes) -> None:
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name[:64]}.", suffix=".part", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, _mode(target))
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _mode(target: Path) -> int:
    """The old file's permissions, else what the umask gives a new file (`mkstemp` makes it private)."""
    try:
        return target.stat().st_mode & 0o777
    except OSError:
        umask = os.umask(0)
        os.umask(umask)
        return 0o666 & ~umask
