"""A test in which VisPy or nnscope logs an error fails.

VisPy swallows what goes wrong while drawing into its log and leaves a blank canvas; nnscope writes what it shows in
the error panel. A test that provokes such lines says so with ``@pytest.mark.logs_errors``.
"""

from __future__ import annotations

import logging
import sys
import threading
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

# VisPy reports tracebacks of callbacks, failed draws and Qt's own complaints as warnings.
_LEVELS = {"vispy": logging.WARNING, "nnscope": logging.ERROR}

_HOOKS = ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook"))


class _Recorder(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= _LEVELS[record.name.partition(".")[0]]:
            self.lines.append(f"  {record.name} {record.levelname}: {record.getMessage()}")


@pytest.fixture(autouse=True)
def no_error_logged(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail if the test makes VisPy or nnscope log an error."""
    recorder = _Recorder()
    loggers = [logging.getLogger(name) for name in _LEVELS]
    for logger in loggers:
        logger.addHandler(recorder)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(recorder)
    if recorder.lines and request.node.get_closest_marker("logs_errors") is None:
        pytest.fail("Errors were logged:\n" + "\n".join(recorder.lines), pytrace=False)


@pytest.fixture(autouse=True)
def no_hook_left() -> Iterator[None]:
    """Fail if an exception hook of nnscope is still in place. (pytest-qt fails a test for what its own hook sees.)"""
    before = {(module, name): getattr(module, name) for module, name in _HOOKS}
    yield
    left = [(module, name) for module, name in _HOOKS if _owner(getattr(module, name)).startswith("nnscope")]
    for module, name in left:  # one failure is enough
        setattr(module, name, before[module, name])
    if left:
        names = ", ".join(f"{module.__name__}.{name}" for module, name in left)
        pytest.fail(f"The test left nnscope's hook in {names}.", pytrace=False)


def _owner(hook: object) -> str:
    return str(getattr(hook, "__module__", None) or type(hook).__module__)
