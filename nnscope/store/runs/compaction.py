"""Joining small segments into larger ones, and thinning old frames when a run outgrows its room.

Sixteen neighbours of the same span become one, as long as it stays small enough to be read at a stroke: a run of any
length has few files, and each record is rewritten a handful of times. The joined segment is published before its parts
are removed, so that at every moment each record is in a whole segment.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nnscope.store.runs.decode import Segment
from nnscope.store.runs.encode import encode
from nnscope.store.runs.folder import SegmentFile, publish, read_segment
from nnscope.store.runs.seal import Seal, sealed, unsealed

if TYPE_CHECKING:
    from nnscope.store.runs.record import StepRecord

AT_ONCE = 16  # segments that become one


def join_tail(segments: list[SegmentFile], most_bytes: int) -> list[SegmentFile]:
    """Join the last segments as often as there are enough of one span; the segments afterwards.

    Parameters
    ----------
    segments : list of SegmentFile
        All of the run, in order.
    most_bytes : int
        Of a joined segment, about.
    """
    while True:
        tail = segments[-AT_ONCE:]
        spans = {file.last - file.first for file in tail}
        if len(tail) < AT_ONCE or len(spans) > 1 or sum(_size(file) for file in tail) > most_bytes:
            return segments
        segments = [*segments[:-AT_ONCE], _joined(tail)]


def thin(segments: list[SegmentFile], most_bytes: int, bare: set[SegmentFile]) -> None:
    """Drop every second frame of the largest older segments until the run fits; statistics and numbers stay.

    The newest segment is left as it is. Each segment tells how many of its frames were dropped.

    Parameters
    ----------
    segments : list of SegmentFile
        All of the run, in order.
    most_bytes : int
        Of the whole run.
    bare : set of SegmentFile
        Those that have no frame to spare; kept up to date.
    """
    sizes = {file: _size(file) for file in segments}
    while sum(sizes.values()) > most_bytes:
        older = [file for file in segments[:-1] if file not in bare]
        if not older:
            return
        largest = max(older, key=lambda file: (sizes[file], -file.first))
        if not _halve_frames(largest):
            bare.add(largest)
        sizes[largest] = _size(largest)


def _joined(files: list[SegmentFile]) -> SegmentFile:
    records: list[StepRecord] = []
    thinned = 0
    for file in files:
        seal, found, dropped = _read(file)
        records += found
        thinned += dropped
    joined = SegmentFile.of(files[0].path.parent, files[0].first, files[-1].last)
    _publish(joined, seal.run, records, thinned)
    for file in files:
        file.path.unlink(missing_ok=True)
    return joined


def _halve_frames(file: SegmentFile) -> bool:
    """Write a segment anew without every second of the steps that have frames; whether there was more than one."""
    seal, records, thinned = _read(file)
    spare = [i for i, record in enumerate(records) if record.frames][1::2]
    for i in spare:
        thinned += len(records[i].frames)
        records[i] = replace(records[i], frames={})
    if spare:
        _publish(file, seal.run, records, thinned)
    return bool(spare)


def _read(file: SegmentFile) -> tuple[Seal, list[StepRecord], int]:
    seal, content = unsealed(read_segment(file), str(file.path))
    segment = Segment(content, str(file.path))
    try:
        return seal, list(segment.records()), segment.contents.thinned
    finally:
        segment.close()


def _publish(file: SegmentFile, run: bytes, records: list[StepRecord], thinned: int) -> None:
    steps = [record.step for record in records]
    seal = Seal(run, file.first, file.last, min(steps), max(steps))
    publish(file.path, sealed(seal, encode(records, thinned)))


def _size(file: SegmentFile) -> int:
    return Path(file.path).stat().st_size
