"""The whole program in a process of its own: it starts, shows the demo, and ends without a word."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

pytestmark = [pytest.mark.gui, pytest.mark.gl, pytest.mark.slow]

CODE = """
import sys
from nnscope.app import run
sys.exit(run(["demo:digits-cnn"], on_first_picture=lambda: print("drawn", flush=True)))
"""


def test_the_demo_is_drawn_and_an_interrupt_ends_it() -> None:
    command = [sys.executable, "-W", "error", "-c", CODE]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "drawn\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert errors == ""
    assert process.returncode == 0
