"""Folders of runs that nobody asked to keep, after their processes were killed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

import pytest

from nnscope.store.runs.passing import hold, passing_folder, release

if TYPE_CHECKING:
    from pathlib import Path

HOLDER = (
    "import sys; from nnscope.store.runs.passing import hold; hold(sys.argv[1]); print(flush=True); sys.stdin.read()"
)


@pytest.mark.skipif(sys.platform == "win32", reason="nobody can attach there")
def test_what_a_killed_training_left_is_removed_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left, needed, other = (tmp_path / name for name in ("nnscope-run-left", "nnscope-run-needed", "mine"))
    linked = tmp_path / "nnscope-run-link"
    for folder in (left, needed, other):
        folder.mkdir()
        (folder / "seg-000001.h5").touch()
    linked.symlink_to(other)
    for path in (left, needed, other):
        os.utime(path, (0, 0))
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(needed)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    first = passing_folder()
    assert not left.exists()
    assert needed.exists()
    assert other.exists()
    assert linked.is_symlink()
    assert first.exists()
    os.utime(first, (0, 0))
    holder.kill()  # SIGKILL
    holder.communicate()
    second = passing_folder()
    assert not needed.exists()
    assert first.exists()  # this process holds it
    release(first)
    hold(second)
    release(second)
    release(second)
    passing_folder()
    assert not first.exists()
    assert second.exists()  # it is new
