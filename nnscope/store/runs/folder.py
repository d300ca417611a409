"""The folder of a run: how its files are named, read, and get their names.

A segment is named by the flushes it holds: ``seg-000007.h5``, or ``seg-000001-000016.h5`` when several were joined. It
is written under a hidden name, synced and renamed, and the folder is synced after it: no name ever holds half of one.
Where a joined segment and its parts are both there, because the program ended in between, the parts don't count.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nnscope.core.atomic import write_atomically
from nnscope.core.errors import FileError

META = "meta.json"
FORMAT = "nnscope-run"
MOST_BYTES = 512 << 20  # of a segment that is read
MOST_RANKS = 4096  # that are looked for
_RANK = re.compile(r"rank(0|[1-9]\d{0,5})")
_SEGMENT = re.compile(r"seg-(\d{6,12})(?:-(\d{6,12}))?\.h5")


@dataclass(frozen=True, slots=True, order=True)
class SegmentFile:
    """A segment by its name: the flushes ``first`` to ``last``."""

    first: int
    last: int
    path: Path = field(compare=False)

    @classmethod
    def of(cls, folder: Path, first: int, last: int) -> SegmentFile:
        """The one with these flushes."""
        name = f"seg-{first:06d}.h5" if first == last else f"seg-{first:06d}-{last:06d}.h5"
        return cls(first, last, folder / name)


@dataclass(frozen=True, slots=True)
class Meta:
    """What is known of a run from its start.

    Attributes
    ----------
    run : bytes
        16 random bytes that its segments carry too.
    created : float
        Seconds since the epoch.
    model : str
        Name of the model's class.
    modules : tuple of (str, str)
        Path and class name of each module.
    notes : tuple of str
        Sentences to be shown with the run.
    last : int
        The last flush, once the run was closed; 0 before.
    ranks : int
        Number of processes that train together, each with a run of its own.
    lost : tuple of str
        Sentences on what was recorded and could not be written.
    """

    run: bytes
    created: float
    model: str = ""
    modules: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    last: int = 0
    ranks: int = 1
    lost: tuple[str, ...] = ()


def is_run(path: str | os.PathLike[str]) -> bool:
    """Whether a folder is a recorded run, of one process or several, whole or damaged."""
    return is_single_run(path) or bool(ranks_of(path))


def is_single_run(path: str | os.PathLike[str]) -> bool:
    """Whether a folder is the run of one process, whole or damaged."""
    folder = Path(path)
    try:
        return folder.is_dir() and (_is_meta(folder / META) or bool(segments_of(folder)))
    except OSError:
        return False


def rank_folder(folder: Path, rank: int) -> Path:
    """Where a rank of a training of several processes records."""
    return folder / f"rank{rank}"


def ranks_of(path: str | os.PathLike[str]) -> dict[str, Path]:
    """Folders of the ranks in a run of several processes, by name, in order; empty for any other folder."""
    if not Path(path).is_dir():
        return {}
    try:
        with os.scandir(path) as entries:
            names = [entry.name for entry in entries if _RANK.fullmatch(entry.name) and not entry.is_symlink()]
    except OSError:
        return {}
    folders = {name: Path(path) / name for name in sorted(names, key=lambda name: int(name[4:]))[:MOST_RANKS]}
    return {name: folder for name, folder in folders.items() if is_single_run(folder)}


def absent_ranks(path: str | os.PathLike[str]) -> list[str]:
    """Names of ranks that belong to a run of several processes and aren't there."""
    found, count = ranks_of(path), 0
    for folder in found.values():
        with contextlib.suppress(FileError):
            count = max(count, read_meta(folder).ranks)
    return [f"rank{number}" for number in range(min(count, MOST_RANKS)) if f"rank{number}" not in found]


def segments_of(folder: Path) -> list[SegmentFile]:
    """The segments that count, in order."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            match = _SEGMENT.fullmatch(entry.name)
            if match is not None:
                first = int(match[1])
                found.append(SegmentFile(first, int(match[2] or first), folder / entry.name))
    counted: list[SegmentFile] = []
    for file in sorted(found, key=lambda f: (f.first, -f.last)):
        if not counted or file.last > counted[-1].last:
            counted.append(file)
    return counted


def gaps(files: list[SegmentFile], last: int = 0) -> tuple[tuple[int, int], ...]:
    """First and last number of flushes that no file of these holds, up to ``last`` where that is known."""
    ends = [0, *(file.last for file in files)]
    begins = [*(file.first for file in files), max(last, ends[-1]) + 1]
    return tuple((end + 1, begin - 1) for end, begin in zip(ends, begins, strict=True) if begin > end + 1)


def read_segment(file: SegmentFile) -> bytes:
    """The bytes of a segment's file.

    Raises
    ------
    FileError
        If it is gone (``"gone"``), is no regular file or too large, or can't be read.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | getattr(os, "O_NOFOLLOW", 0)
    try:
        handle = os.open(file.path, flags)
    except FileNotFoundError:
        raise FileError("gone", "The segment is not there any more.", str(file.path)) from None
    except OSError as error:
        raise _unreadable(error, file.path) from error
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_BYTES:
            raise FileError("segment-damaged", "It is no segment of a run.", str(file.path))
        return _read_all(handle, found.st_size)
    except OSError as error:
        raise _unreadable(error, file.path) from error
    finally:
        os.close(handle)


def publish(path: Path, data: bytes) -> None:
    """Make the file ``path`` of these bytes, so that they survive whatever comes after.

    Raises
    ------
    OSError
        If anything goes wrong; the name then holds what it held before.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        with open(part, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have the folder's names reach the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_meta(folder: Path, meta: Meta) -> None:
    """Write ``meta.json``, with a digest of itself.

    Raises
    ------
    NnscopeError
        If it can't be written.
    """
    told: dict[str, Any] = {
        "format": FORMAT,
        "version": 1,
        "run": meta.run.hex(),
        "created": meta.created,
        "model": meta.model,
        "modules": meta.modules,
        "notes": meta.notes,
        "last": meta.last,
        "ranks": meta.ranks,
        "lost": meta.lost,
    }
    text = json.dumps({**told, "sha256": _digest(told)}, indent=1)
    write_atomically(folder / META, text.encode("utf-8", "surrogatepass"))


def read_meta(folder: Path) -> Meta:
    """What ``meta.json`` says.

    Raises
    ------
    FileError
        If it is missing or not as it was written.
    """
    where = str(folder / META)
    try:
        told = json.loads(_meta_text(folder / META))
        digest = told.pop("sha256")
        if digest != _digest(told) or told["format"] != FORMAT or told["version"] != 1:
            raise ValueError("its text is not what was written")
        modules = tuple((str(path), str(kind)) for path, kind in told["modules"])
        run, notes = bytes.fromhex(told["run"]), tuple(map(str, told["notes"]))
        ranks, lost = int(told.get("ranks", 1)), tuple(map(str, told.get("lost", ())))
        return Meta(run, float(told["created"]), str(told["model"]), modules, notes, int(told["last"]), ranks, lost)
    except OSError as error:
        raise FileError("no-meta", "The run's description is missing.", where) from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise FileError("meta-damaged", "The run's description is damaged.", where) from error


def _meta_text(path: Path) -> str:
    if not _is_meta(path):
        raise FileNotFoundError(path)
    with open(path, "rb") as file:
        return file.read(64 << 20).decode("utf-8", "surrogatepass")


def _is_meta(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _digest(told: dict[str, Any]) -> str:
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _read_all(handle: int, size: int) -> bytes:
    parts, at = [], 0
    while at < size:
        part = os.pread(handle, size - at, at)
        if not part:
            break
        parts.append(part)
        at += len(part)
    return b"".join(parts)


def _unreadable(error: OSError, path: Path) -> FileError:
    return FileError("unreadable", f"The segment can't be read: {error.strerror or error}.", str(path))
