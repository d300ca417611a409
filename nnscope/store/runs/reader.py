"""Reading a run, also while it grows: what each step left behind, found again by step and address.

Segments never change under their names but to lose old frames, so that what a segment says of itself is kept once it is
known. A segment that is not as it was written is left out and named; the others stay readable. A segment that goes away
while it is looked for has been joined with others: the folder is looked through again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from nnscope.core.errors import FileError
from nnscope.store.runs.decode import Contents, FrameAt, Segment
from nnscope.store.runs.encode import FIELDS
from nnscope.store.runs.folder import Meta, SegmentFile, gaps, is_single_run, read_meta, read_segment, segments_of
from nnscope.store.runs.losses import Stretch, losses
from nnscope.store.runs.record import LEVEL, RAW
from nnscope.store.runs.seal import unsealed

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterator

    from nnscope.core.statistics import TensorStats
    from nnscope.core.tensor import TensorInfo
    from nnscope.store.runs.record import Frame

T = TypeVar("T")
Kept = dict[int, tuple["TensorInfo", FrameAt]]
"""What was kept of a tensor at each step."""

OPEN_SEGMENTS = 4  # kept in memory


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Numbers over the steps of a run, in the order in which they were recorded.

    Attributes
    ----------
    steps : ndarray of int64, shape (n,)
    values : ndarray of float64, shape (n,)
    """

    steps: np.ndarray
    values: np.ndarray


class RunReader:
    """A recorded run, from any thread.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    FileError
        If the folder is no run, or nothing of it can be read.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.meta: Meta | None = None
        self.troubles: dict[str, str] = {}  # name of a file → why it is not read
        self._lock = threading.RLock()
        self._files: list[SegmentFile] = []
        self._known: dict[SegmentFile, Contents] = {}
        self._open: OrderedDict[SegmentFile, Segment] = OrderedDict()
        if not is_single_run(folder):
            raise FileError("no-run", "This folder is no recorded run.", str(folder))
        self.refresh()
        if self.meta is None and not self._known:
            raise FileError("unreadable-run", "Nothing of this run can be read.", str(folder), "It is lost.")

    def refresh(self) -> bool:
        """Look for what has come since; whether anything has."""
        with self._lock:
            before = list(self._files)
            self._read_meta()
            self._again(self._look_through)
            return before != self._files

    @property
    def missing(self) -> tuple[tuple[int, int], ...]:
        """First and last number of flushes that should be there and aren't."""
        return gaps(self._files, self.meta.last if self.meta is not None else 0)

    @property
    def losses(self) -> tuple[str, ...]:
        """Which flushes can't be read, and which steps with them, as sentences."""
        with self._lock:
            files = [(file, self._known[file]) for file in self._files if file in self._known]
            last = max([self.meta.last if self.meta else 0, *(file.last for file in self._files)])
        whole = [_stretch(file, contents) for file, contents in files if len(contents.steps)]
        return tuple(loss.sentence for loss in losses(whole, last))

    @property
    def looks(self) -> int:
        """At how many steps tensors were recorded."""
        steps = [contents.steps[np.unique(contents.at[:, 0])] for contents in self._contents()]
        return len(np.unique(_joined(steps, np.int64)))

    @property
    def thinned(self) -> int:
        """Frames that were dropped to save room."""
        return sum(contents.thinned for contents in self._contents())

    @property
    def steps(self) -> np.ndarray:
        """All steps, in the order in which they were recorded; int64."""
        return _joined([contents.steps[~contents.late] for contents in self._contents()], np.int64)

    @property
    def scalar_names(self) -> tuple[str, ...]:
        """Names of numbers, in the order in which they first came."""
        return tuple(dict.fromkeys(name for contents in self._contents() for name in contents.names))

    def tensors(self) -> dict[str, TensorInfo]:
        """Each tensor by its address, as it was when it was last recorded."""
        return {info.address: info for contents in self._contents() for info in contents.tensors}

    def scalar(self, name: str) -> Series:
        """A number that was given to `step`, where it was given."""
        found = []
        for contents in self._contents():
            if name in contents.names:
                column = contents.names.index(name)
                given = contents.given[:, column]
                found.append((contents.steps[given], contents.scalars[given, column]))
        return _series(found)

    def series(self, address: str, field: str) -> Series:
        """A field of the statistics of a tensor (see `TensorStats`) over the steps.

        Raises
        ------
        KeyError
            If there is no such field.
        """
        if field not in FIELDS:
            raise KeyError(field)
        found = []
        for contents in self._contents():
            entries = _entries(contents, address)
            found.append((contents.steps[contents.at[entries, 0]], contents.values[entries, FIELDS.index(field)]))
        return _series(found)

    def history(self, address: str) -> dict[str, np.ndarray]:
        """All fields of the statistics of a tensor (see `TensorStats`) over the steps, each float64 of shape (n,)."""
        found = [contents.values[_entries(contents, address)] for contents in self._contents()]
        table = np.concatenate(found) if found else np.empty((0, len(FIELDS)))
        return {name: table[:, column] for column, name in enumerate(FIELDS)}

    def frame_steps(self, address: str) -> np.ndarray:
        """The steps at which a tensor was kept; int64, in the order in which they were recorded."""
        return self.kept(address).steps

    def times(self) -> Series:
        """When each step was recorded, in seconds since the epoch."""
        return _series([(c.steps[~c.late], c.times[~c.late]) for c in self._contents()])

    def kept(self, address: str) -> Series:
        """The pyramid level at which a tensor was kept, at the steps at which it was: 0 for all values of it, NaN for
        what is no level (see `Frame`).
        """
        found = []
        for contents in self._contents():
            frames = [at for at in contents.frames if contents.tensors[at.tensor].address == address]
            levels = [float(at.level) if at.form in (RAW, LEVEL) else np.nan for at in frames]
            found.append((contents.steps[[at.row for at in frames]], np.array(levels, np.float64)))
        return _series(found)

    def frames_of(self, addresses: Collection[str]) -> dict[str, Kept]:
        """By address of some tensors, by step: the tensor and what was kept of it, the newest of equal steps."""
        found: dict[str, Kept] = {address: {} for address in addresses}
        for contents in self._contents():
            wanted = {number: info for number, info in enumerate(contents.tensors) if info.address in found}
            for at in contents.frames if wanted else ():
                if at.tensor in wanted:
                    found[wanted[at.tensor].address][int(contents.steps[at.row])] = wanted[at.tensor], at
        return found

    @property
    def files(self) -> tuple[SegmentFile, ...]:
        """The segments that are read."""
        with self._lock:
            return tuple(file for file in self._files if file in self._known)

    def newest_kept(self) -> dict[str, tuple[int, TensorInfo, FrameAt]]:
        """By address of each tensor that was kept: the newest step, the tensor and what was kept of it."""
        found: dict[str, tuple[int, TensorInfo, FrameAt]] = {}
        for contents in reversed(self._contents()):
            for at in reversed(contents.frames):
                info = contents.tensors[at.tensor]
                if info.address not in found:
                    found[info.address] = int(contents.steps[at.row]), info, at
        return found

    def frame(self, address: str, step: int | None = None) -> tuple[int, TensorInfo, Frame] | None:
        """Step, tensor and what was kept of it at ``step``, the newest one for None; None if nothing was."""
        with self._lock:
            return self._again(lambda: self._frame(address, step))

    def statistics(self, address: str, step: int | None = None) -> TensorStats | None:
        """The statistics of a tensor at ``step``, the newest for None; None if there are none."""
        with self._lock:
            return self._again(lambda: self._statistics(address, step))

    def close(self) -> None:
        """Let go of what is kept in memory."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()

    def _frame(self, address: str, step: int | None) -> tuple[int, TensorInfo, Frame] | None:
        found = self._find(address, step)
        if found is None:
            return None
        at_step, info, file, at = found
        return at_step, info, self._segment(file).frame(at)

    def _find(self, address: str, step: int | None) -> tuple[int, TensorInfo, SegmentFile, FrameAt] | None:
        for file, contents in self._newest_first():
            for at in reversed(contents.frames):
                info, at_step = contents.tensors[at.tensor], int(contents.steps[at.row])
                if info.address == address and step in (None, at_step):
                    return at_step, info, file, at
        return None

    def _statistics(self, address: str, step: int | None) -> TensorStats | None:
        for file, contents in self._newest_first():
            entries = _entries(contents, address)
            if step is not None:
                entries = entries[contents.steps[contents.at[entries, 0]] == step]
            if len(entries):
                return self._segment(file).statistics(int(entries[-1]))
        return None

    def _contents(self) -> list[Contents]:
        with self._lock:
            return [self._known[file] for file in self._files if file in self._known]

    def _newest_first(self) -> Iterator[tuple[SegmentFile, Contents]]:
        return ((file, self._known[file]) for file in reversed(self._files) if file in self._known)

    def _look_through(self) -> None:
        self._files = segments_of(self.folder)
        for file in [file for file in self._known if file not in self._files]:
            del self._known[file]
        for file in self._files:
            if file not in self._known and file.path.name not in self.troubles:
                try:
                    self._segment(file)
                except FileError as error:
                    if error.code == "gone":
                        raise
                    self.troubles[file.path.name] = str(error)

    def _segment(self, file: SegmentFile) -> Segment:
        """The segment, from memory if it is open."""
        found = self._open.get(file)
        if found is None:
            where = str(file.path)
            seal, content = unsealed(read_segment(file), where)
            if (seal.first, seal.last) != (file.first, file.last) or not self._mine(seal.run):
                raise FileError("segment-foreign", "It belongs to another place or another run.", where)
            found = self._open[file] = Segment(content, where)
            self._known[file] = found.contents
        self._open.move_to_end(file)
        while len(self._open) > OPEN_SEGMENTS:
            self._open.popitem(last=False)[1].close()
        return found

    def _mine(self, run: bytes) -> bool:
        return self.meta is None or self.meta.run == run

    def _read_meta(self) -> None:
        try:
            self.meta = read_meta(self.folder)
            self.troubles.pop("meta.json", None)
        except FileError as error:
            self.troubles["meta.json"] = str(error)

    def _again(self, work: Callable[[], T]) -> T:
        """Do it, and once more after another look if a segment was joined meanwhile."""
        for _ in range(8):
            try:
                return work()
            except FileError as error:
                if error.code != "gone":
                    raise
                self._look_through()
        return work()


def _stretch(file: SegmentFile, contents: Contents) -> Stretch:
    """What a segment holds; numbers come in time, and say more of it than looks at tensors, which come late."""
    steps = contents.steps if contents.late.all() else contents.steps[~contents.late]
    return Stretch(file.first, file.last, int(steps.min()), int(steps.max()))


def _entries(contents: Contents, address: str) -> np.ndarray:
    numbers = [number for number, info in enumerate(contents.tensors) if info.address == address]
    return np.flatnonzero(np.isin(contents.at[:, 1], numbers))


def _series(found: list[tuple[np.ndarray, np.ndarray]]) -> Series:
    steps, values = ([pair[i] for pair in found] for i in range(2))
    return Series(_joined(steps, np.int64), _joined(values, np.float64))


def _joined(arrays: list[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate(arrays).astype(dtype) if arrays else np.empty(0, dtype)
