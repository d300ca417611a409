"""A window that can't open says why in one sentence within 5 s, and never with Qt's abort text (promise P19)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display")


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({}, "There is no display"),
        ({"DISPLAY": ":4712"}, "The display :4712 does not answer"),
        ({"DISPLAY": ":4712", "QT_QPA_PLATFORM": "offscreen"}, "QT_QPA_PLATFORM is 'offscreen'"),
    ],
    ids=["no display", "dead display", "platform without OpenGL"],
)
def test_no_window(variables: dict[str, str], sentence: str) -> None:
    ours = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {name: value for name, value in os.environ.items() if name not in ours} | variables
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "nnscope"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30
    )
    assert time.monotonic() - start < 5
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"nnscope: {sentence}")
