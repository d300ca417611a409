"""Files in a reading process (promise P6): opened like any other, and what becomes of us when the process dies."""

from __future__ import annotations

import os
import queue
import signal
import time
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
import tifffile

import nnscope
from nnscope.core.answer import Died, Notice
from nnscope.core.errors import Failure, FileError, NnscopeError
from nnscope.core.layout import default_layout
from nnscope.core.request import BuildPicture, GetSpectrum, GetStats, ListTensors, Probe, ReadRegion, Request
from nnscope.core.tensor import Listing
from nnscope.engine.local import LocalEngine
from nnscope.engine.opening import is_guarded, open_engines
from nnscope.engine.remote import RemoteEngine
from nnscope.engine.spawn import ChildProcess, start_reader
from nnscope.scene.controller import Controller
from tests.engine.channelpeers import held, runs, wait_for
from tests.hostile.hdf5_cases import CASES
from tests.scene.sources import ArraySource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

VALUES = np.random.default_rng(0).normal(size=(6, 40, 50)).astype(np.float32)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The same array as a dataset and as a stack, with its address in each."""
    folder = tmp_path_factory.mktemp("reading")
    with h5py.File(folder / "x.h5", "w") as file:
        file.create_dataset("w", data=VALUES, chunks=(2, 16, 16), compression="gzip")
        file["link"] = h5py.ExternalLink("elsewhere.h5", "/w")
    tifffile.imwrite(folder / "w.tif", VALUES, photometric="minisblack", compression="zlib")
    return {"hdf5": str(folder / "x.h5"), "tiff": str(folder / "w.tif")}


@pytest.fixture(scope="module", params=["hdf5", "tiff"])
def engine(request: pytest.FixtureRequest, files: dict[str, str]) -> Iterator[RemoteEngine]:
    """One process for all tests that leave it as it is."""
    (engine,) = open_engines(files[request.param])
    assert isinstance(engine, RemoteEngine)
    yield engine
    engine.close()


def _process(engine: RemoteEngine) -> ChildProcess:
    assert isinstance(engine._peer, ChildProcess)
    return engine._peer


@pytest.mark.parametrize(
    "request_",
    [
        GetStats("w"),
        ReadRegion("w", ((1, 6, 2), (0, 40, 3), (5, 50, 1))),
        BuildPicture("w", default_layout(VALUES.shape)),
        Probe("w", default_layout(VALUES.shape), 3, 5),
        GetSpectrum("w"),
    ],
    ids=lambda request: type(request).__name__,
)
def test_every_request_is_answered_as_for_an_array_in_memory(engine: RemoteEngine, request_: Request) -> None:
    local = LocalEngine(ArraySource({"w": VALUES}, "memory"), inline=True)
    found, expected = engine.submit(request_).answer(30), local.submit(request_).answer()
    local.close()
    assert type(found) is type(expected), found
    if isinstance(request_, ReadRegion):
        np.testing.assert_array_equal(found.values, expected.values)
    if isinstance(request_, GetStats):
        assert (found.min, found.max, found.mean, found.std) == (
            expected.min,
            expected.max,
            expected.mean,
            expected.std,
        )
    if isinstance(request_, Probe):
        assert (found.index, found.value) == (expected.index, expected.value)


def test_the_interface_of_python_opens_them(files: dict[str, str]) -> None:
    for path in files.values():
        assert is_guarded(path)
        with nnscope.open(path) as source:
            assert source["w"].shape == VALUES.shape
            np.testing.assert_array_equal(np.asarray(source["w[2, :, 1:9]"]), VALUES[2, :, 1:9])
    with nnscope.open(files["hdf5"]) as source, pytest.raises(NnscopeError, match="another file"):
        np.asarray(source["link"])


def test_inline_engines_answer_within_the_call(files: dict[str, str]) -> None:
    (engine,) = open_engines(files["hdf5"], inline=True)
    job = engine.submit(ListTensors())
    assert job.future.done()
    assert isinstance(job.answer(0), Listing)
    engine.close()


@pytest.mark.parametrize("content", [b"\x89HDF\r\n\x1a\n", b"II*\0\x08\0\0\0", b"hello"])
def test_a_malformed_file_is_a_file_error_everywhere(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / ("x.h5" if content[0] == 0x89 else "x.tif")
    path.write_bytes(content)
    with pytest.raises(FileError) as caught:
        nnscope.open(path)
    assert str(path) in caught.value.where


@pytest.mark.parametrize("suffix", [".h5", ".tiff"])
def test_what_is_no_file_is_refused_before_a_process_is_started(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nnscope.engine.spawn.start_reader", lambda *_: pytest.fail("a process was started"))
    os.mkfifo(tmp_path / f"pipe{suffix}")
    (tmp_path / f"empty{suffix}").touch()
    for name, code in (("pipe", "not-a-file"), ("empty", "empty"), ("nothing", "not-found")):
        with pytest.raises(FileError) as caught:
            nnscope.open(tmp_path / f"{name}{suffix}")
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (signal.SIGSEGV, "The file made the library that reads it crash (SIGSEGV)."),
        (signal.SIGXCPU, "The file kept the reading process busy for longer than opening or one read may take"),
        (signal.SIGKILL, "The reading process was ended by the signal SIGKILL."),
    ],
    ids=["crash", "too long", "killed"],
)
def test_its_death_is_told_with_its_reason(number: signal.Signals, sentence: str, files: dict[str, str]) -> None:
    engine = start_reader(files["hdf5"])
    seen: list[Notice] = []
    engine.notices.connect(seen.append)
    assert isinstance(engine.submit(ListTensors()).answer(30), Listing)
    os.kill(_process(engine).pid, number)
    assert wait_for(lambda: seen)
    (notice,) = seen
    assert isinstance(notice, Died)
    assert notice.reason.startswith(sentence)
    failure = engine.submit(GetStats("w")).answer(1)
    assert isinstance(failure, Failure)
    assert (failure.code, failure.where) == ("reader-died", files["hdf5"])
    engine.close()


def test_a_crash_leaves_the_others_as_they_are(files: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "bomb.h5"
    path.write_bytes(next(case for case in CASES if case.id == "terabytes-of-zeros").make())
    crashing = start_reader(files["hdf5"])
    with nnscope.open(path) as bomb, nnscope.open(files["tiff"]) as other:
        assert isinstance(crashing.submit(ListTensors()).answer(30), Listing)
        os.kill(_process(crashing).pid, signal.SIGSEGV)
        assert crashing.submit(GetStats("w")).answer(30).code == "reader-died"
        with pytest.raises(NnscopeError, match="It claims 1099511627776 bytes"):
            np.asarray(bomb["x"])
        assert np.asarray(bomb["w"]).tolist() == [1, 2, 3, 4]
        assert other["w"].stats().count == VALUES.size
    crashing.close()


def test_limits_and_environment_of_the_process(files: dict[str, str]) -> None:
    engine = start_reader(files["hdf5"])
    engine.submit(ListTensors()).answer(30)
    pid = _process(engine).pid
    with open(f"/proc/{pid}/limits") as file:
        limits = {line[:26].strip(): line[26:].split()[0] for line in file}
    with open(f"/proc/{pid}/environ") as file:
        assert "HDF5_PLUGIN_PRELOAD=::" in file.read().split("\0")
    engine.close()
    assert 3 << 30 <= int(limits["Max address space"]) < 5 << 30
    assert limits["Max core file size"] == "0"
    assert limits["Max cpu time"] == "unlimited"  # it was limited while the file was opened
    assert not runs(pid)


def test_opening_and_closing_leaves_nothing(files: dict[str, str]) -> None:
    start_reader(files["hdf5"]).close()  # what is made once per process
    counts = held()
    for _ in range(5):
        engine = start_reader(files["hdf5"])
        waiting = engine.submit(ListTensors())
        engine.close()
        assert waiting.answer(0).code == "closed"
    assert wait_for(lambda: held()[0] <= counts[0])
    assert held()[1] == counts[1]


def _pump(calls: queue.SimpleQueue[Callable[[], None]], until: Callable[[], Any], seconds: float = 30) -> bool:
    """Run what is posted to the window's thread, which is this one."""
    end = time.monotonic() + seconds
    while not until() and time.monotonic() < end:
        try:
            calls.get(timeout=0.05)()
        except queue.Empty:
            continue
    return bool(until())


def test_the_window_opens_it_tells_of_its_death_and_restarts_it(files: dict[str, str]) -> None:
    calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
    controller = Controller(calls.put)
    failures: list[Failure] = []
    controller.failed.connect(failures.append)
    key = controller.open(files["hdf5"])
    sources = controller.library.sources
    assert _pump(calls, lambda: key in sources and sources[key].listing is not None)
    first = sources[key].engine
    assert isinstance(first, RemoteEngine)
    os.kill(_process(first).pid, signal.SIGKILL)
    assert _pump(calls, lambda: sources[key].dead)
    assert "reading process" in sources[key].dead
    controller.restart(key)
    assert _pump(calls, lambda: sources[key].engine is not first and not sources[key].dead)
    assert [failure.code for failure in failures] == ["died"]
    controller.close()
