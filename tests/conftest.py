"""What every test runs under.

The guards in ``tests/guards`` are fixtures that ask for nothing: they fail a test that leaves a thread, a process, a
timer, a window or an error line in the log behind, keep settings out of the user's home, and turn a missing display
into a sentence. None of them imports Qt, so that a test that doesn't ask for it runs without.
"""

from __future__ import annotations

import gc
import os
from importlib import import_module
from importlib.util import find_spec

import hypothesis

if (
    find_spec("triton") is not None
):  # in a process that draws first, importing it later would be the end (render/egl.py)
    import_module("triton")

pytest_plugins = [
    "pytester",
    "tests.guards.surroundings",
    "tests.guards.threads",
    "tests.guards.processes",
    "tests.guards.logs",
    "tests.guards.display",
    "tests.guards.qt",
]

# Side by side, each process of pytest-xdist has a display of its own: windows of another would take the focus.
_displays, _worker = os.environ.pop("NNSCOPE_TEST_DISPLAYS", "").split(), os.environ.get("PYTEST_XDIST_WORKER", "")
if _displays and _worker:
    os.environ["DISPLAY"] = _displays[int(_worker.removeprefix("gw")) % len(_displays)]

CI = bool(os.environ.get("CI"))

# No deadlines: a shared machine is slow at times. In CI the examples are the same each time and nothing is kept.
hypothesis.settings.register_profile(
    "nnscope", deadline=None, derandomize=CI, print_blob=True, **({"database": None} if CI else {})
)
hypothesis.settings.load_profile("nnscope")


def pytest_collection_finish() -> None:
    """Pass over what collecting made, which stays to the end: else each garbage collection takes half a second."""
    gc.collect()
    gc.freeze()
