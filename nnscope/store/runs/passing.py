"""Folders of runs that nobody asked to keep: removed by whoever ends last, or where that was killed, by the next.

A lock on the folder tells whether anybody still needs it. Each process that does holds one, and the system lets go of
it however the process ends.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from pathlib import Path

try:
    import fcntl
except ImportError:  # where there are no such locks nobody can attach either, and no run is passing
    fcntl = None  # type: ignore[assignment]

PREFIX = "nnscope-run-"
YOUNG = 60.0  # seconds that a folder is left alone, which may not be locked yet

_held: dict[str, int] = {}


def passing_folder() -> Path:
    """A new folder for a passing run, held by this process; those that were left behind are removed."""
    sweep()
    folder = tempfile.mkdtemp(prefix=PREFIX)
    hold(folder)
    return Path(folder)


def hold(folder: str | os.PathLike[str]) -> None:
    """Keep a folder from being removed by others as long as this process lives, or until `release`."""
    if fcntl is None or os.fspath(folder) in _held:
        return
    with contextlib.suppress(OSError):  # a folder that is gone needs no one to hold it
        handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        _held[os.fspath(folder)] = handle
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)


def release(folder: str | os.PathLike[str]) -> None:
    """Need a folder no more. Idempotent."""
    handle = _held.pop(os.fspath(folder), None)
    if handle is not None:
        os.close(handle)


def sweep() -> None:
    """Remove the folders of passing runs that are ours and that no process needs any more."""
    if fcntl is None:
        return
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX) and _is_left(entry):
                shutil.rmtree(entry.path, ignore_errors=True)


def _is_left(entry: os.DirEntry[str]) -> bool:
    """Whether a folder is this user's, not quite new, and held by nobody."""
    try:
        found = entry.stat(follow_symlinks=False)
        if not entry.is_dir(follow_symlinks=False) or found.st_uid != os.getuid():
            return False
        if time.time() - found.st_mtime < YOUNG:
            return False
        handle = os.open(entry.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # somebody holds it
        return False
    finally:
        os.close(handle)
    return True
