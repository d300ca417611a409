"""The guards must be able to fail: each leak is made once, in an inner run, and must be reported there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PLAIN = """
import logging, subprocess, sys, threading
import pytest

gate = threading.Event()

def test_thread(): threading.Thread(target=gate.wait, name="forgotten").start()
def test_process(): globals().update(child=subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))
def test_vispy_line(): logging.getLogger("vispy").warning("Error drawing visual")
def test_nnscope_line(): logging.getLogger("nnscope.gui").error("in the error panel")
def test_hook():
    def hook(*args): ...
    hook.__module__ = "nnscope.gui.errors"
    sys.excepthook = hook

def test_clean():
    thread = threading.Thread(target=int)
    thread.start()
    subprocess.run([sys.executable, "-c", ""], check=True)
    logging.getLogger("vispy").info("fine")

@pytest.mark.logs_errors
def test_provoked(): logging.getLogger("vispy").error("on purpose")

def test_settings_are_not_the_users():
    import os
    assert "nnscope-" in os.environ["XDG_CONFIG_HOME"]

def test_end():
    gate.set()
    child.communicate()
    sys.excepthook = sys.__excepthook__
"""

WIDGETS = """
from PyQt6.QtCore import QThread, QTimer
from PyQt6.QtWidgets import QWidget

kept = []

def test_window(qapp):
    kept.append(QWidget(windowTitle="forgotten"))
    kept[-1].show()

def test_timer(qapp):
    kept.append(QTimer())
    kept[-1].start(10_000)

def test_qthread(qapp): QThread().start()

def test_single_shot(qapp): QTimer.singleShot(10_000, kept.clear)

def test_exception_in_slot(qapp): QTimer.singleShot(0, lambda: 1 / 0)

def test_clean(qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    timer = QTimer(widget)
    timer.start(1)
    with qtbot.waitExposed(widget):
        widget.show()
    thread = QThread()
    thread.start()
    thread.quit()
    assert thread.wait(5000)
    QTimer.singleShot(0, list)
"""


def _run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, text: str, *options: str) -> pytest.RunResult:
    pytester.makeini("[pytest]\nmarkers =\n  logs_errors\n  gui")
    pytester.makeconftest((ROOT / "tests" / "conftest.py").read_text())
    pytester.makepyfile(text)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return pytester.run(sys.executable, "-m", "pytest", "-rA", "--tb=line", "-p", "no:cacheprovider", *options)


def _outcomes(result: pytest.RunResult) -> dict[str, str]:
    """Test name → how it ended; an error in a fixture's end outweighs a passed call."""
    words = [
        line.split() for line in result.outlines if line.startswith(("PASSED", "FAILED", "ERROR")) and "::" in line
    ]
    ends = sorted(((line[1].rpartition("::")[2], line[0]) for line in words), key=lambda end: end[1] != "PASSED")
    return dict(ends)


def test_leaks_outside_qt(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    result = _run(pytester, monkeypatch, PLAIN, "-p", "no:pytest-qt")
    bad = ("thread", "process", "vispy_line", "nnscope_line", "hook")
    good = ("clean", "provoked", "settings_are_not_the_users", "end")
    expected = {f"test_{name}": "ERROR" for name in bad} | {f"test_{name}": "PASSED" for name in good}
    assert _outcomes(result) == expected, result.stdout.str()
    result.stdout.fnmatch_lines(["*forgotten: *"])


@pytest.mark.gui
def test_leaks_of_qt(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    result = _run(pytester, monkeypatch, WIDGETS)
    expected = {"test_window": "ERROR", "test_timer": "ERROR", "test_qthread": "ERROR", "test_single_shot": "ERROR"}
    assert _outcomes(result) == {**expected, "test_exception_in_slot": "FAILED", "test_clean": "PASSED"}
    result.stdout.fnmatch_lines(["*top-level QWidget * 'forgotten'*", "*running timer, started at *"])


def test_no_display_is_a_sentence(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    result = _run(pytester, monkeypatch, WIDGETS)
    assert set(_outcomes(result).values()) == {"ERROR"}  # and not Qt's abort
    result.stdout.fnmatch_lines(["*There is no display*bootstrap.py test*"])
