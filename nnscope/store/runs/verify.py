"""How much of a run is whole, and a new run of what is. Looks at seals only, and so is safe on runs from anywhere."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from nnscope.core.errors import FileError, NnscopeError
from nnscope.store.runs.folder import (
    Meta,
    SegmentFile,
    absent_ranks,
    gaps,
    is_single_run,
    publish,
    ranks_of,
    read_meta,
    read_segment,
    segments_of,
    sync_folder,
    write_meta,
)
from nnscope.store.runs.losses import Loss, Stretch, losses
from nnscope.store.runs.seal import Seal, sealed, unsealed

WHOLE, UNREADABLE, LOSSY = 0, 1, 3  # exit codes


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found.

    Attributes
    ----------
    segments : tuple of (SegmentFile, Seal)
        Those that are whole.
    damaged : tuple of (str, str)
        Name of a file that is not, and why.
    missing : tuple of (int, int)
        First and last number of flushes that are not there.
    meta : Meta or None
    losses : tuple of Loss
        Flushes that can't be read, damaged or missing, with what is known of their steps; of one process.
    """

    segments: tuple[tuple[SegmentFile, Seal], ...]
    damaged: tuple[tuple[str, str], ...]
    missing: tuple[tuple[int, int], ...]
    meta: Meta | None
    losses: tuple[Loss, ...] = ()

    @property
    def code(self) -> int:
        """0 whole, 3 something is lost, 1 nothing can be read."""
        if not self.segments and (self.damaged or self.missing or self.meta is None):
            return UNREADABLE
        return LOSSY if self.damaged or self.missing or self.lost else WHOLE

    @property
    def lost(self) -> tuple[str, ...]:
        """Sentences on what was recorded and never written."""
        return self.meta.lost if self.meta is not None else ()

    @property
    def steps(self) -> tuple[int, int] | None:
        """Least and greatest step of what is whole."""
        seals = [seal for _, seal in self.segments]
        return (min(s.least_step for s in seals), max(s.greatest_step for s in seals)) if seals else None


def verify(folder: str | os.PathLike[str]) -> Verdict:
    """Look at every byte of a run; of several processes, at all of theirs.

    Raises
    ------
    FileError
        If the folder is no run.
    """
    ranks = ranks_of(folder)
    if ranks:
        return _together({name: verify(inner) for name, inner in ranks.items()}, absent_ranks(folder))
    if not is_single_run(folder):
        raise FileError("no-run", "This folder is no recorded run.", str(folder))
    meta, damaged = None, []
    try:
        meta = read_meta(Path(folder))
    except FileError as error:
        damaged.append(("meta.json", error.what))
    whole: list[tuple[SegmentFile, Seal]] = []
    files = segments_of(Path(folder))
    for file in files:
        try:
            seal, _ = unsealed(read_segment(file), str(file.path))
            _check(seal, file, meta, whole[0][1] if whole else None)
        except FileError as error:
            damaged.append((file.path.name, error.what))
        else:
            whole.append((file, seal))
    last = max([meta.last if meta else 0, *(file.last for file in files)])
    lost = losses([Stretch(seal.first, seal.last, seal.least_step, seal.greatest_step) for _, seal in whole], last)
    return Verdict(tuple(whole), tuple(damaged), gaps(files, meta.last if meta else 0), meta, lost)


def recover(folder: str | os.PathLike[str], target: str | os.PathLike[str]) -> Verdict:
    """Make a new run of all segments that are whole; what is there stays as it is.

    Returns
    -------
    Verdict
        Of the run that was given; the new one is whole.

    Raises
    ------
    FileError
        If the folder is no run or nothing of it can be read.
    NnscopeError
        If the new folder exists or can't be written.
    """
    verdict, new = verify(folder), Path(target)
    if verdict.code == UNREADABLE:
        raise FileError("unreadable-run", "Nothing of this run can be read.", str(folder))
    ranks = ranks_of(folder)
    try:
        new.mkdir(parents=True)
        for name, inner in ranks.items():
            if verify(inner).code != UNREADABLE:
                recover(inner, new / name)
        if ranks:
            return verdict
        meta = verdict.meta or Meta(os.urandom(16), Path(folder).stat().st_mtime)
        meta = replace(meta, run=os.urandom(16), notes=(*meta.notes, *_losses(verdict)), last=0, lost=())
        for number, (file, seal) in enumerate(verdict.segments, 1):
            _, content = unsealed(read_segment(file), str(file.path))
            placed = SegmentFile.of(new, number, number)
            publish(placed.path, sealed(replace(seal, run=meta.run, first=number, last=number), content))
        write_meta(new, replace(meta, last=len(verdict.segments)))
        sync_folder(new)
    except OSError as error:
        what = f"The new run can't be written: {error.strerror or error}."
        raise NnscopeError(what, str(target), "Choose a folder that does not exist yet.") from error
    return verdict


def _together(ranks: dict[str, Verdict], absent: list[str]) -> Verdict:
    """What was found of all ranks; what is missing of one is told by its name."""
    damaged = [(f"{name}/{file}", why) for name, found in ranks.items() for file, why in found.damaged]
    for name, found in ranks.items():
        damaged += [(name, loss.sentence) for loss in found.losses]
    damaged += [(name, "This rank is missing.") for name in absent]
    damaged += [(name, why) for name, found in ranks.items() for why in found.lost]
    segments = tuple(segment for found in ranks.values() for segment in found.segments)
    meta = next((replace(found.meta, lost=()) for found in ranks.values() if found.meta), None)
    return Verdict(segments, tuple(damaged), (), meta)


def _check(seal: Seal, file: SegmentFile, meta: Meta | None, other: Seal | None) -> None:
    run = meta.run if meta is not None else other.run if other is not None else seal.run
    if (seal.first, seal.last) != (file.first, file.last) or seal.run != run:
        raise FileError("segment-foreign", "It belongs to another place or another run.", str(file.path))


def _losses(verdict: Verdict) -> list[str]:
    lost = [f"{name} of the run it was recovered from was damaged" for name, _ in verdict.damaged]
    absent = [f"flushes {a} to {b} of the run it was recovered from were missing" for a, b in verdict.missing]
    return [*(f"{text}." for text in (*lost, *absent)), *verdict.lost]
