"""Writing a run: records are gathered and flushed as sealed segments, which are joined when there are many.

What was flushed is on the disk and stays readable whatever happens next; what was not is at most one flush, a second by
default. The first thing that goes wrong (a full disk, an I/O error, a folder that is gone) ends the recording: the
writer says why once, in `trouble`, and takes no further record. It raises nothing, for it works for a training loop.
"""

from __future__ import annotations

import errno
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nnscope.core.errors import FileError, NnscopeError
from nnscope.store.runs.compaction import join_tail, thin
from nnscope.store.runs.encode import encode
from nnscope.store.runs.folder import Meta, SegmentFile, is_run, is_single_run, publish, rank_folder, write_meta
from nnscope.store.runs.seal import Seal, sealed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnscope.store.runs.record import StepRecord


@dataclass(frozen=True, slots=True)
class Limits:
    """How a run is written.

    Attributes
    ----------
    seconds : float
        A record is on the disk so long after it was appended, if `flush_if_due` is called often enough.
    segment : int
        Bytes of records that are flushed at once, whenever they came.
    joined : int
        Bytes of a segment up to which segments are joined.
    folder : int
        Bytes that the folder may have; old frames are thinned beyond.
    """

    seconds: float = 1.0
    segment: int = 16 << 20
    joined: int = 64 << 20
    folder: int = 8 << 30


class RunWriter:
    """Writes a new run; for one thread.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    model : str
    modules : sequence of (str, str)
        See `Meta`.
    limits : Limits
    rank : (int, int) or None
        Of this process, and how many train together, where it is not the only one: it records in a folder of its own
        inside ``folder``.

    Raises
    ------
    NnscopeError
        If the folder holds something already or can't be written.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        model: str = "",
        modules: tuple[tuple[str, str], ...] = (),
        limits: Limits | None = None,
        rank: tuple[int, int] | None = None,
    ) -> None:
        self.run = Path(folder)
        self.folder = self.run if rank is None else rank_folder(self.run, rank[0])
        self.trouble = ""
        self.flushed: int | None = None  # the newest step that is on the disk
        self._limits = limits or Limits()
        self._meta = Meta(os.urandom(16), time.time(), model, modules, ranks=1 if rank is None else rank[1])
        self._gathered: list[StepRecord] = []
        self._bytes = 0
        self._oldest = 0.0
        self._segments: list[SegmentFile] = []
        self._bare: set[SegmentFile] = set()
        self._begin()

    def append(self, record: StepRecord) -> None:
        """Take a record; it is flushed when so many bytes have come together."""
        if self.trouble:
            return
        if not self._gathered:
            self._oldest = time.monotonic()
        self._gathered.append(record)
        self._bytes += record.nbytes
        if self._bytes >= self._limits.segment:
            self.flush()

    def flush_if_due(self) -> None:
        """Flush if the oldest record has waited for its time."""
        if self._gathered and time.monotonic() - self._oldest >= self._limits.seconds:
            self.flush()

    def flush(self) -> None:
        """Have all records on the disk; afterwards `flushed` is the newest step, or `trouble` says why not."""
        if not self._gathered or self.trouble:
            return
        records, self._gathered, self._bytes = self._gathered, [], 0
        try:
            self._write(records)
            self.flushed = next((r.step for r in reversed(records) if not r.late), self.flushed)
            self._tidy()
        except (OSError, NnscopeError, MemoryError, RuntimeError, ValueError) as error:
            self._stop(error)

    def close(self, lost: Sequence[str] = ()) -> None:
        """Flush, and note in ``meta.json`` that nothing comes after, and what was ``lost``. Idempotent."""
        self.flush()
        if self.trouble or self._meta.last or not (self._segments or lost):
            return
        last = self._segments[-1].last if self._segments else 0
        self._meta = replace(self._meta, last=last, lost=tuple(lost))
        try:
            write_meta(self.folder, self._meta)
        except NnscopeError as error:
            self._stop(error)

    def _begin(self) -> None:
        check_vacant(self.run, self.folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _refused(self.folder, error) from error
        write_meta(self.folder, self._meta)

    def _write(self, records: list[StepRecord]) -> None:
        number = self._segments[-1].last + 1 if self._segments else 1
        file = SegmentFile.of(self.folder, number, number)
        steps = [record.step for record in records]
        publish(file.path, sealed(Seal(self._meta.run, number, number, min(steps), max(steps)), encode(records)))
        self._segments.append(file)

    def _tidy(self) -> None:
        self._segments = join_tail(self._segments, self._limits.joined)
        thin(self._segments, self._limits.folder, self._bare)

    def _stop(self, error: BaseException) -> None:
        reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        if isinstance(error, FileError):
            reason = error.what
        kept = "nothing was recorded" if self.flushed is None else f"all up to step {self.flushed} is kept"
        self.trouble = f"Recording to {self.folder} stopped: {reason.rstrip('.')}; {kept}. Training goes on."
        self._gathered, self._bytes = [], 0


def check_vacant(run: Path, folder: Path) -> None:
    """Look whether a run can be begun in ``folder``, that of ``run`` or of a rank inside it; changes nothing.

    Raises
    ------
    NnscopeError
        If there is something already, or it can't be looked at or made.
    """
    if folder != run and is_single_run(run):
        what = "The folder holds a recorded run of one process already."
        raise NnscopeError(what, str(run), "Choose another name for this run.")
    try:
        filled = folder.exists() and any(folder.iterdir())
        parent = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
        wrong = errno.ENOTDIR if not parent.is_dir() else 0 if os.access(parent, os.W_OK | os.X_OK) else errno.EACCES
        if wrong:
            raise OSError(wrong, os.strerror(wrong))
    except OSError as error:
        raise _refused(folder, error) from error
    if filled:
        what = "holds a recorded run already" if is_run(folder) else "is not empty"
        raise NnscopeError(f"The folder {what}.", str(folder), "Choose another name for this run.")


def _refused(folder: Path, error: OSError) -> NnscopeError:
    what = f"The run can't be recorded here: {error.strerror or error}."
    return NnscopeError(what, str(folder), "Choose another folder.")
