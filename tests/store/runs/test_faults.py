"""What a run survives: kills, every prefix of what is written, a full disk, I/O errors, a folder that is taken away."""

from __future__ import annotations

import builtins
import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nnscope.store.runs import compaction, folder
from nnscope.store.runs.reader import RunReader
from nnscope.store.runs.verify import verify
from nnscope.store.runs.writer import Limits, RunWriter
from tests.store.runs.kill_loop import wrong_with
from tests.store.runs.made import record

if TYPE_CHECKING:
    from collections.abc import Callable

KILLS = int(os.environ.get("NNSCOPE_KILLS", "30"))
ROOT = Path(__file__).parents[3]


def test_every_flushed_step_survives_a_kill(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.store.runs.kill_loop", str(tmp_path), str(KILLS), "7"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=600)
    found = json.loads(done.stdout)
    assert found["wrong"] == []
    assert found["reported"] > KILLS / 3  # most were killed at work


class Watchful:
    """Does what a call of the system does, and ``look`` before and after it."""

    def __init__(self, call: Callable, look: Callable[[], None]) -> None:
        self.call, self.look = call, look

    def __call__(self, *args, **kwargs):
        self.look()
        try:
            return self.call(*args, **kwargs)
        finally:
            self.look()


def test_every_prefix_of_what_is_written_is_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between any two calls of the system, with hidden files cut anywhere, all that was reported is there."""
    target, copy = tmp_path / "run", tmp_path / "copy"
    monkeypatch.setattr(compaction, "AT_ONCE", 3)
    looked = [0]

    def look() -> None:
        if writer is None or writer.flushed is None:
            return
        looked[0] += 1
        shutil.copytree(target, copy)
        for part in copy.glob(".*.part"):
            data = part.read_bytes()
            part.write_bytes(data[: (looked[0] * 7919) % (len(data) + 1)])
        trouble = wrong_with(copy, writer.flushed + 1)
        shutil.rmtree(copy)
        assert not trouble, trouble

    writer = None
    writer = RunWriter(target, limits=Limits(folder=40_000))
    with monkeypatch.context() as patch:
        for owner, name in ((os, "fsync"), (os, "replace"), (Path, "unlink")):
            call = getattr(owner, name)
            patch.setattr(owner, name, lambda *a, call=call, **k: Watchful(call, look)(*a, **k))
        for step in range(14):
            writer.append(record(step))
            writer.flush()
            assert not writer.trouble
    assert looked[0] > 100


CALLS = {"open": (builtins, "open"), "fsync": (os, "fsync"), "rename": (os, "replace")}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO], ids=["disk full", "I/O error"])
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("number", range(1, 9))
def test_an_error_at_any_call_stops_the_recording_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int, number: int
) -> None:
    owner, attribute = CALLS[name]
    call, calls = getattr(owner, attribute), [0]

    def failing(*args, **kwargs):
        if name == "open" and not str(args[0]).endswith(".part"):
            return call(*args, **kwargs)
        calls[0] += 1
        if calls[0] >= number:
            raise OSError(code, os.strerror(code))
        return call(*args, **kwargs)

    monkeypatch.setattr(compaction, "AT_ONCE", 3)
    writer = RunWriter(tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setattr(owner, attribute, failing)
        for step in range(8):
            writer.append(record(step))
            writer.flush()
        writer.close()
    assert os.strerror(code) in writer.trouble
    assert "Training goes on." in writer.trouble
    assert not list((tmp_path / "run").glob(".*"))
    assert verify(tmp_path / "run").code == 0
    reader = RunReader(tmp_path / "run")
    kept = [] if writer.flushed is None else list(range(writer.flushed + 1))
    assert reader.steps.tolist()[: len(kept)] == kept
    reader.close()


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    """A small file system of its own, where the machine lets one be made."""
    script = (
        "import os, sys; sys.path.insert(0, sys.argv[2])\n"
        "from nnscope.store.runs.writer import RunWriter\n"
        "from nnscope.store.runs.verify import verify\n"
        "from tests.store.runs.made import record\n"
        "writer = RunWriter(sys.argv[1] + '/run'); step = 0\n"
        "while not writer.trouble and step < 1000:\n"
        "    writer.append(record(step)); writer.flush(); step += 1\n"
        "print(writer.flushed, verify(sys.argv[1] + '/run').steps, verify(sys.argv[1] + '/run').code, writer.trouble)\n"
    )
    if subprocess.run(
        ["unshare", "-rm", "mount", "-t", "tmpfs", "none", str(tmp_path)], capture_output=True
    ).returncode:
        pytest.skip("a file system can't be mounted by this user")
    script_file = tmp_path.parent / f"{tmp_path.name}.py"
    script_file.write_text(script)
    mount = f"mount -t tmpfs -o size=200k none {tmp_path} && exec {sys.executable} {script_file} {tmp_path} {ROOT}"
    done = subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    flushed, _ = done.stdout.split(" ", 1)
    assert f"{flushed} (0, {flushed}) 0 " in done.stdout
    assert "No space left on device" in done.stdout


def test_a_folder_that_is_taken_away(tmp_path: Path) -> None:
    writer = RunWriter(tmp_path / "run")
    writer.append(record(0))
    writer.flush()
    shutil.rmtree(tmp_path / "run")
    for step in range(1, 4):
        writer.append(record(step))
        writer.flush()
    writer.close()
    assert "all up to step 0 is kept" in writer.trouble
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    writer = RunWriter(tmp_path / "run")
    (tmp_path / "run").chmod(0o500)
    writer.append(record(0))
    writer.flush()
    (tmp_path / "run").chmod(0o700)
    assert "Permission denied" in writer.trouble


def test_every_97th_bit_of_every_segment(tmp_path: Path) -> None:
    """Flipped: the same values, or a segment that is named; never other values."""
    writer = RunWriter(tmp_path / "run")
    for step in range(3):
        writer.append(record(step, frames=step == 1))
        writer.flush()
    writer.close()
    for file in folder.segments_of(tmp_path / "run"):
        data = file.path.read_bytes()
        for bit in range(0, 8 * len(data), 97 * 16):
            flipped = bytearray(data)
            flipped[bit // 8] ^= 1 << bit % 8
            file.path.write_bytes(flipped)
            assert [name for name, _ in verify(tmp_path / "run").damaged] == [file.path.name]
        file.path.write_bytes(data)
    assert verify(tmp_path / "run").code == 0
