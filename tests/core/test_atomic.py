"""A name never holds half a file, and a failed write leaves nothing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from nnscope.core.atomic import write_atomically
from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from pathlib import Path


def test_content_and_replacement(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    for content in (b"", b"one", bytes(range(256)) * 999):
        write_atomically(target, content)
        assert target.read_bytes() == content
    assert os.listdir(tmp_path) == ["a.bin"]


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    write_atomically(tmp_path / "new", b"")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_permissions_of_an_old_file_are_kept(tmp_path: Path) -> None:
    target = tmp_path / "old"
    target.write_bytes(b"")
    target.chmod(0o640)
    write_atomically(target, b"x")
    assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(NnscopeError, match="No space left"):
        write_atomically(target, b"new")
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(NnscopeError, match="No such file"):
        write_atomically(tmp_path / "none" / "a", b"")
