"""Whatever goes wrong is an entry of the error panel, and the window stays (promise P18)."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication

from nnscope.core.errors import Failure, FileError
from nnscope.gui.exceptions import ExceptionHooks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.gui.conftest import Bench


@pytest.fixture
def hooks() -> Iterator[ExceptionHooks]:
    """The window's own hooks, in the place of those of the test runner."""
    made = ExceptionHooks()
    made.install()
    yield made
    made.remove()


@pytest.mark.gui
@pytest.mark.gl
def test_broken_files_are_sentences(bench: Bench, tmp_path: Path) -> None:
    contents = (b"", b"\xff" * 64, b'{"a":', b"x")
    files = [tmp_path / f"broken{at}.safetensors" for at in range(len(contents))]
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content)
    bench.window.open_paths([*map(str, files), str(tmp_path / "missing.npy")])
    bench.until(lambda: len(bench.window.failures.entries) == 5)
    assert bench.window.panels["problems"].isVisible()
    for name in (*(file.name for file in files), "missing.npy"):
        assert any(name in entry.line for entry in bench.window.failures.entries)
    assert bench.window.status.problems.text() == "5 problems"
    assert bench.window.isVisible()
    bench.window.failures.copy()
    clipboard = QApplication.clipboard()
    assert clipboard is not None
    assert bench.window.failures.entries[-1].failure.what in clipboard.text()
    bench.window.failures.clear()
    assert not bench.window.status.problems.isVisible()


@pytest.mark.gui
@pytest.mark.gl
@pytest.mark.logs_errors
def test_an_exception_in_a_slot_is_an_entry(bench: Bench, hooks: ExceptionHooks) -> None:
    hooks.listen(bench.window.show_failure_later)

    def broken() -> None:
        raise ValueError("a slot")

    QTimer.singleShot(0, broken)
    bench.until(lambda: bench.window.failures.entries)
    entry = bench.window.failures.entries[0]
    assert "ValueError" in entry.line
    assert "broken" in entry.report
    assert bench.window.isVisible()


@pytest.mark.gui
@pytest.mark.gl
@pytest.mark.logs_errors
def test_an_exception_in_a_thread_and_one_nobody_can_raise(bench: Bench, hooks: ExceptionHooks) -> None:
    hooks.listen(bench.window.show_failure_later)

    class Dying:
        def __del__(self) -> None:
            raise KeyError("in a destructor")

    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    Dying()
    bench.until(lambda: len(bench.window.failures.entries) == 2)
    assert [name for name in ("ZeroDivisionError", "KeyError") if name in str(bench.window.failures.entries)]


@pytest.mark.logs_errors
def test_failures_before_the_window_wait_for_it(hooks: ExceptionHooks) -> None:
    sys.excepthook(RuntimeError, RuntimeError("early"), None)
    got: list[Failure] = []
    hooks.listen(got.append)
    assert [failure.code for failure in got] == ["unexpected"]


def test_hooks_are_put_back() -> None:
    before = (sys.excepthook, threading.excepthook, sys.unraisablehook)
    made = ExceptionHooks()
    made.install()
    assert sys.excepthook is not before[0]
    made.remove()
    assert (sys.excepthook, threading.excepthook, sys.unraisablehook) == before


@pytest.mark.gui
@pytest.mark.gl
def test_drawing_that_fails_is_an_entry(bench: Bench, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.open(checkpoint)

    def broken(*_: object) -> None:
        raise RuntimeError("no frame")

    monkeypatch.setattr(bench.controller, "frame", broken)
    bench.window.canvas.redraw()
    bench.until(lambda: bench.window.failures.entries)
    assert "RuntimeError" in bench.window.failures.entries[0].line
    monkeypatch.undo()
    bench.settle()
    assert len(bench.window.failures.entries) == 1


@pytest.mark.gui
@pytest.mark.gl
def test_the_same_problem_again_counts_up(bench: Bench) -> None:
    for _ in range(3):
        bench.window.show_failure(Failure("Again.", "here"))
    bench.window.show_failure(Failure("Other."))
    assert [entry.times for entry in bench.window.failures.entries] == [3, 1]
    assert "×3" in bench.window.failures.entries[0].line


@pytest.mark.gui
@pytest.mark.gl
def test_the_place_in_a_file_is_among_the_details(bench: Bench) -> None:
    bench.window.show_failure(Failure.of(FileError("hole", "There is a hole.", "a.safetensors", offset=4096)))
    shown = bench.window.failures.details.toPlainText().splitlines()
    assert shown == ["There is a hole.", "Where: a.safetensors", "At byte: 4096"]


@pytest.mark.gui
@pytest.mark.gl
def test_a_dead_model_is_a_banner_with_a_restart(bench: Bench, checkpoint: Path) -> None:
    key = bench.open(checkpoint)
    bench.controller.library.sources[key].dead = "The model process was killed (signal 9)."
    bench.controller.status_changed.emit(key)
    banner = bench.window.central.banner
    bench.until(banner.isVisible)
    assert "signal 9" in banner.text.text()
    asked: list[str] = []
    banner.restart.disconnect()
    banner.restart.connect(asked.append)
    banner.button.click()
    assert asked == [key]


def test_no_display_is_one_sentence_and_an_exit_code() -> None:
    code = "import sys; from nnscope.app import run; sys.exit(run([]))"
    environment = {"PATH": "", "QT_QPA_PLATFORM": "xcb"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert done.stderr.startswith("nnscope: There is no display")
    assert done.stderr.count("\n") == 1
