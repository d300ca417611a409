"""The limits of a reading process hold whatever runs in it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LIMITED = """
import re, time
import numpy as np
from nnscope.sources.guarded import limits
limits.OPENING_CPU, limits.OPENING_WALL, limits.CALL_WALL = 0, 0.3, 0.3
limits.limit_process(256 << 20)
"""


def _ended(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LIMITED + code], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )


# A regular expression that takes for ever holds the interpreter, as a parser written in C does.
SPIN = "re.match('(a*)*$', 'a' * 60 + 'b')"


@pytest.mark.parametrize(
    ("code", "number"),
    [
        (f"limits.OPENING_WALL = 60\nwith limits.opening(): {SPIN}", signal.SIGXCPU),
        ("with limits.opening(): time.sleep(20)", signal.SIGALRM),
        (f"with limits.parsing(): {SPIN}", signal.SIGALRM),
    ],
    ids=["opening spins", "opening waits", "a call spins"],
)
def test_what_takes_too_long_is_ended(code: str, number: signal.Signals) -> None:
    assert _ended(code).returncode == -number


def test_memory_has_an_end() -> None:
    done = _ended("try: np.ones(512 << 20, np.uint8)\nexcept MemoryError: print('refused')")
    assert done.stdout == "refused\n"


def test_time_between_calls_is_free() -> None:
    code = "for _ in range(3):\n    with limits.parsing(): time.sleep(0.15)\n    time.sleep(0.4)\nprint('lives')"
    assert _ended(f"limits.OPENING_CPU = 10\nwith limits.opening(): pass\n{code}").stdout == "lives\n"
