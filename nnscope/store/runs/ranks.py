"""Runs of several processes: each rank writes a run of its own, in a folder of the run, and all are read as one.

Rank 3 of a training records into ``RUN/rank3``; nothing is shared between processes, so none waits for another and
none's end harms the others'. Names are those of the rank with its own before them, as in ``rank3.layer.weight``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from nnscope.core.errors import FileError
from nnscope.store.runs.folder import absent_ranks, ranks_of
from nnscope.store.runs.reader import RunReader, Series

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterable

    from nnscope.core.statistics import TensorStats
    from nnscope.core.tensor import TensorInfo
    from nnscope.store.runs.decode import FrameAt
    from nnscope.store.runs.folder import Meta, SegmentFile
    from nnscope.store.runs.reader import Kept
    from nnscope.store.runs.record import Frame

T = TypeVar("T")

_NOTHING = Series(np.empty(0, np.int64), np.empty(0))


def open_run(folder: str | os.PathLike[str]) -> Run:
    """The reader of a run, of one process or of several.

    Raises
    ------
    FileError
        If the folder is no run, or nothing of it can be read.
    """
    return RankedReader(folder) if ranks_of(folder) else RunReader(folder)


class RankedReader:
    """The runs of several ranks as one, with what `RunReader` has; from any thread.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    FileError
        If the folder holds no run of a rank, or nothing of any can be read.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self._ranks: dict[str, RunReader] = {}
        self._unreadable: dict[str, str] = {}
        self._meet()
        if not self._ranks:
            raise FileError("unreadable-run", "Nothing of this run can be read.", str(folder), "It is lost.")

    def refresh(self) -> bool:
        """Look for what has come since, other ranks among it; whether anything has."""
        grown = [run.refresh() for run in self._ranks.values()]
        return self._meet() or any(grown)

    @property
    def meta(self) -> Meta | None:
        """What is known of the first rank's run, with the modules of all."""
        known = [(name, run.meta) for name, run in self._ranks.items() if run.meta is not None]
        if not known:
            return None
        modules = tuple((_within(name, path), kind) for name, meta in known for path, kind in meta.modules)
        notes = [f"{name} is missing: its process has recorded nothing here." for name in absent_ranks(self.folder)]
        notes += [f"{name}: {note}" for name, meta in known for note in (*meta.notes, *meta.lost)]
        return replace(known[0][1], modules=modules, notes=tuple(notes), lost=())

    @property
    def troubles(self) -> dict[str, str]:
        """Name of a file → why it is not read."""
        told = {f"{name}/{file}": why for name, run in self._ranks.items() for file, why in run.troubles.items()}
        return {**self._unreadable, **told}

    @property
    def missing(self) -> tuple[tuple[int, int], ...]:
        """First and last number of flushes of a rank that should be there and aren't."""
        return tuple(gap for run in self._ranks.values() for gap in run.missing)

    @property
    def losses(self) -> tuple[str, ...]:
        """Which flushes of which rank can't be read, and which steps with them, as sentences."""
        return tuple(f"{name}: {loss}" for name, run in self._ranks.items() for loss in run.losses)

    @property
    def looks(self) -> int:
        """At how many steps a rank recorded tensors, at most."""
        return max(run.looks for run in self._ranks.values())

    @property
    def thinned(self) -> int:
        """Frames that were dropped to save room."""
        return sum(run.thinned for run in self._ranks.values())

    @property
    def steps(self) -> np.ndarray:
        """All steps of any rank, ascending; int64."""
        return np.unique(np.concatenate([run.steps for run in self._ranks.values()]))

    @property
    def scalar_names(self) -> tuple[str, ...]:
        """Names of numbers, rank after rank."""
        return tuple(_within(name, scalar) for name, run in self._ranks.items() for scalar in run.scalar_names)

    @property
    def files(self) -> tuple[SegmentFile, ...]:
        """The segments that are read."""
        return tuple(file for run in self._ranks.values() for file in run.files)

    def tensors(self) -> dict[str, TensorInfo]:
        """Each tensor by its address, as it was when it was last recorded."""
        infos = [_placed(name, info) for name, run in self._ranks.items() for info in run.tensors().values()]
        return {info.address: info for info in infos}

    def scalar(self, name: str) -> Series:
        """A number that a rank gave to `step`, where it was given."""
        return self._of(name, lambda run, inner: run.scalar(inner), _NOTHING)

    def times(self) -> Series:
        """When each step was first recorded by a rank, in seconds since the epoch."""
        found = [run.times() for run in self._ranks.values()]
        steps, first = np.unique(np.concatenate([series.steps for series in found]), return_index=True)
        return Series(steps, np.concatenate([series.values for series in found])[first])

    def series(self, address: str, field: str) -> Series:
        """A field of the statistics of a tensor (see `TensorStats`) over the steps; see `RunReader.series`."""
        return self._of(address, lambda run, inner: run.series(inner, field), _NOTHING)

    def history(self, address: str) -> dict[str, np.ndarray]:
        """All fields of the statistics of a tensor (see `TensorStats`) over the steps, each float64 of shape (n,)."""
        nothing = next(iter(self._ranks.values())).history("")
        return self._of(address, lambda run, inner: run.history(inner), nothing)

    def kept(self, address: str) -> Series:
        """The pyramid level at which a tensor was kept, at the steps at which it was; see `RunReader.kept`."""
        return self._of(address, lambda run, inner: run.kept(inner), _NOTHING)

    def frame_steps(self, address: str) -> np.ndarray:
        """The steps at which a tensor was kept; int64, in the order in which they were recorded."""
        return self.kept(address).steps

    def frames_of(self, addresses: Collection[str]) -> dict[str, Kept]:
        """By address of some tensors, by step: the tensor and what was kept of it, the newest of equal steps."""
        found: dict[str, Kept] = {address: {} for address in addresses}
        for name, run in self._ranks.items():
            inner = [address.removeprefix(f"{name}.") for address in addresses if address.startswith(f"{name}.")]
            for address, kept in run.frames_of(inner).items():
                found[_within(name, address)] = {step: (_placed(name, info), at) for step, (info, at) in kept.items()}
        return found

    def newest_kept(self) -> dict[str, tuple[int, TensorInfo, FrameAt]]:
        """By address of each tensor that was kept: the newest step, the tensor and what was kept of it."""
        found = {}
        for name, run in self._ranks.items():
            for step, info, at in run.newest_kept().values():
                placed = _placed(name, info)
                found[placed.address] = step, placed, at
        return found

    def frame(self, address: str, step: int | None = None) -> tuple[int, TensorInfo, Frame] | None:
        """Step, tensor and what was kept of it at ``step``, the newest one for None; None if nothing was."""
        name, _, inner = address.partition(".")
        found = self._ranks[name].frame(inner, step) if name in self._ranks else None
        return None if found is None else (found[0], _placed(name, found[1]), found[2])

    def statistics(self, address: str, step: int | None = None) -> TensorStats | None:
        """The statistics of a tensor at ``step``, the newest for None; None if there are none."""
        return self._of(address, lambda run, inner: run.statistics(inner, step), None)

    def close(self) -> None:
        """Let go of what is kept in memory."""
        for run in self._ranks.values():
            run.close()

    def _meet(self) -> bool:
        """Read ranks that have come since; whether any has."""
        before = len(self._ranks)
        for name, folder in ranks_of(self.folder).items():
            if name not in self._ranks:
                try:
                    self._ranks[name] = RunReader(folder)
                    self._unreadable.pop(name, None)
                except FileError as error:
                    self._unreadable[name] = error.what
        self._ranks = {name: self._ranks[name] for name in sorted(self._ranks, key=lambda name: int(name[4:]))}
        return len(self._ranks) > before

    def _of(self, address: str, ask: Callable[[RunReader, str], T], nothing: T) -> T:
        name, _, inner = address.partition(".")
        return ask(self._ranks[name], inner) if name in self._ranks else nothing


def _within(rank: str, name: str) -> str:
    return f"{rank}.{name}" if name else rank


def _placed(rank: str, info: TensorInfo) -> TensorInfo:
    aliases: Iterable[str] = info.aliases
    return replace(info, address=_within(rank, info.address), aliases=tuple(_within(rank, name) for name in aliases))


Run = RunReader | RankedReader
"""A run of one process or of several."""
