"""What becomes of many damaged files, each read in a process that may die of it.

Starting an interpreter per file would take minutes, so one process imports the readers and forks for each file, or for
a run of files where none may die: ``python -m tests.sources.guarded.fates RUN``, paths on standard input.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

ROOT = Path(__file__).parents[3]
FEW = 16  # values that are told one by one
MEMORY = 256 << 20  # bytes
SECONDS = 10  # that any one file may take (promise P4)


@dataclass(frozen=True)
class Fate:
    """What reading a whole file came to.

    Attributes
    ----------
    values : dict of str to list, str or None
        By address, all values of a few, a hash of type, shape and bytes of more, None for what can't be shown. Empty
        when the file was refused.
    reasons : dict of str to str
        Why what can't be shown can't, by address.
    warnings : tuple of str
        Of the listing.
    code, error : str
        Of the FileError with which it was refused.
    died : str
        The signal that ended the process.
    """

    values: dict[str, list[Any] | str | None] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    code: str = ""
    error: str = ""
    died: str = ""


def digest(array: np.ndarray[Any, Any]) -> str:
    """A hash of an array's type, shape and bytes."""
    return hashlib.sha256(f"{array.dtype.name}{array.shape}".encode() + array.tobytes()).hexdigest()


def fates(paths: Sequence[Path], run: int = 1) -> list[Fate]:
    """The fate of each file; ``run`` files share a process, and its death is that of all of them."""
    command = [sys.executable, "-W", "error", "-m", "tests.sources.guarded.fates", str(run)]
    done = subprocess.run(command, input="\n".join(map(str, paths)), capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    found = [Fate(**json.loads(line)) for line in done.stdout.splitlines()]
    assert len(found) == len(paths)
    return found


def _main() -> None:
    from nnscope.sources.guarded import hdf5, tiff  # noqa: F401 - so that forks have them

    run = int(sys.argv[1])
    paths = sys.stdin.read().splitlines()
    for start in range(0, len(paths), run):
        _fork(paths[start : start + run])


def _fork(paths: list[str]) -> None:
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        _read_all(paths, write)
    os.close(write)
    with os.fdopen(read) as lines:
        told = lines.read().splitlines()
    status = os.waitpid(child, 0)[1]
    if status and not os.WIFSIGNALED(status):
        raise SystemExit(f"another exception than FileError: {paths}")
    died = json.dumps({"died": signal.Signals(os.WTERMSIG(status)).name}) if status else ""
    for line in [died] * len(paths) if status else told:
        print(line)


def _read_all(paths: list[str], write: int) -> None:
    from nnscope.core.errors import FileError
    from nnscope.sources.guarded.limits import limit_process

    limit_process(MEMORY)
    with os.fdopen(write, "w") as out:
        for path in paths:
            signal.setitimer(signal.ITIMER_REAL, SECONDS)
            try:
                fate = _read(path)
            except FileError as error:
                fate = {"code": error.code, "error": str(error)}
            print(json.dumps(fate), file=out)
    os._exit(0)


def _read(path: str) -> dict[str, object]:
    from nnscope.sources.base import full_region
    from nnscope.sources.guarded.formats import open_here

    source = open_here(path)
    try:
        listing = source.listing()
        readable = [info for info in listing.tensors if not info.unreadable]
        values = {info.address: None if info.unreadable else "" for info in listing.tensors}
        for info in readable:
            array = source.reader(info.address).read(full_region(info.shape))
            values[info.address] = array.ravel().tolist() if array.size <= FEW else digest(array)
        reasons = {info.address: info.unreadable for info in listing.tensors if info.unreadable}
        return {"values": values, "reasons": reasons, "warnings": listing.warnings}
    finally:
        source.close()


if __name__ == "__main__":
    _main()
