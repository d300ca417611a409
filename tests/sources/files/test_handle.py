"""The guarded file: what is refused before it is read, what is noticed while it is open, and closing."""

from __future__ import annotations

import errno
import os
import socket
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nnscope.core.errors import FileError
from nnscope.sources.files.handle import FileHandle, FileSection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "file"
    file.write_bytes(bytes(range(100)))
    return file


@pytest.fixture
def handle(path: Path) -> Iterator[FileHandle]:
    opened = FileHandle(path)
    yield opened
    opened.close()


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(path))


SPECIAL: dict[str, tuple[Callable[[Path], object], str]] = {
    "fifo": (os.mkfifo, "not-a-file"),
    "socket": (_socket, "not-a-file"),
    "folder": (os.mkdir, "directory"),
    "zeros": (lambda p: p.symlink_to("/dev/zero"), "not-a-file"),
    "terminal": (lambda p: p.symlink_to("/dev/ptmx"), "not-a-file"),
    "missing": (lambda p: None, "not-found"),
    "dangling-link": (lambda p: p.symlink_to("nowhere"), "not-found"),
    "link-loop": (lambda p: p.symlink_to(p.name), "link"),
    "below-a-file": (lambda p: None, "not-found"),
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize("kind", SPECIAL)
def test_what_is_no_regular_file_is_refused(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make, code = SPECIAL[kind]
    path = tmp_path / "x"
    make(path)
    with pytest.raises(FileError) as caught:
        FileHandle(path / "y" if kind == "below-a-file" else path)
    assert caught.value.code == code


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000])
def test_impossible_names(name: str) -> None:
    with pytest.raises(FileError, match="name"):
        FileHandle(name)


def test_a_file_that_may_not_be_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(FileError) as caught:
        FileHandle(path)
    assert caught.value.code == "no-permission"


def test_links_are_followed_only_where_allowed(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(path)
    FileHandle(link).close()
    with pytest.raises(FileError) as caught:
        FileHandle(link, follow_links=False)
    assert caught.value.code == "link"


def test_reads_exactly_what_is_asked(handle: FileHandle) -> None:
    assert handle.read(10, 5) == bytes(range(10, 15))
    assert handle.read(100, 0) == b""


@pytest.mark.parametrize(("offset", "length"), [(99, 2), (0, 1 << 62), (1 << 62, 1), (-1, 1), (0, -1)])
def test_reads_beyond_the_end_are_refused_before_allocation(handle: FileHandle, offset: int, length: int) -> None:
    with pytest.raises(FileError) as caught:
        handle.read(offset, length)
    assert caught.value.code == "truncated"


CHANGES: dict[str, Callable[[Path], object]] = {
    "truncated": lambda p: os.truncate(p, 50),
    "emptied": lambda p: os.truncate(p, 0),
    "appended": lambda p: p.open("ab").write(b"x"),
    "written": lambda p: (p.write_bytes(bytes(100)), os.utime(p, ns=(0, 12345))),
    "replaced": lambda p: ((p.parent / "n").write_bytes(bytes(range(100))), os.replace(p.parent / "n", p)),
    "removed": os.remove,
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_on_disk_is_noticed(change: str, handle: FileHandle, path: Path) -> None:
    assert handle.read(0, 1) == b"\0"
    CHANGES[change](path)
    with pytest.raises(FileError) as caught:
        handle.read(0, 100)
    assert caught.value.code == "changed"


def test_the_version_says_whether_the_content_may_differ(path: Path) -> None:
    versions = []
    for time in (1, 1, 2):
        os.utime(path, ns=(time, time))
        handle = FileHandle(path)
        versions.append(handle.version)
        handle.close()
    assert versions[0] == versions[1] != versions[2]
    assert all(0 <= version < 1 << 63 for version in versions)


def test_closing_is_idempotent_and_final(handle: FileHandle) -> None:
    handle.close()
    handle.close()
    with pytest.raises(FileError) as caught:
        handle.read(0, 1)
    assert caught.value.code == "closed"


def test_closing_waits_for_reads_under_way(handle: FileHandle) -> None:
    out = np.zeros(4, np.uint8)
    before = len(os.listdir("/proc/self/fd"))
    with handle.reading() as fill:
        handle.close()
        fill(out, 1)
    assert out.tolist() == [1, 2, 3, 4]
    assert len(os.listdir("/proc/self/fd")) == before - 1


def test_sections_count_from_their_start(handle: FileHandle) -> None:
    out = np.zeros(2, np.uint8)
    with FileSection(handle, 20, 10).reading() as fill:
        fill(out, 3)
    assert out.tolist() == [23, 24]


def test_many_threads_read_at_once(handle: FileHandle) -> None:
    wrong: list[int] = []

    def read(start: int) -> None:
        for _ in range(200):
            if handle.read(start, 3) != bytes(range(start, start + 3)):
                wrong.append(start)

    threads = [threading.Thread(target=read, args=(start,)) for start in range(0, 80, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
