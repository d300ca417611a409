"""Progress of long work on stderr: a bar after a moment's wait, and only where someone looks at it."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nnscope.core.answer import Progress
from nnscope.core.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress as Bar

WAIT = 0.3  # seconds of work before anything is shown


class Reporter:
    """Shows how far work is.

    Parameters
    ----------
    enabled : bool
        Whether anything is shown at all.
    """

    def __init__(self, enabled: bool) -> None:
        self._enabled = enabled
        self._start = time.monotonic()
        self._bar: Bar | None = None
        self._share: tuple[Progress, int] | None = None

    def update(self, step: Progress) -> None:
        """Take a report; the bar appears with the first one after `WAIT`."""
        if not self._enabled or time.monotonic() - self._start < WAIT:
            return
        if self._share is not None:
            step = _within(step, *self._share)
        if self._bar is None:
            self._bar = _bar()
            self._bar.start()
            self._bar.add_task("")
        task = self._bar.task_ids[0]
        self._bar.update(task, description=plain(step.text, 64), completed=step.done, total=step.total or None)

    def begin(self, whole: Progress, share: int) -> None:
        """Reports from now on are about ``share`` units of the ``whole``, on top of those it counts as done."""
        self._share = (whole, share)
        self.update(Progress(0, 1))

    def close(self) -> None:
        """Take the bar off the terminal."""
        if self._bar is not None:
            self._bar.stop()


@contextmanager
def reporter() -> Iterator[Reporter]:
    """A reporter for the length of a command: silent where stderr is no terminal."""
    shown = Reporter(sys.stderr.isatty())
    try:
        yield shown
    finally:
        shown.close()


def _within(step: Progress, whole: Progress, share: int) -> Progress:
    done = share * step.done // step.total if step.total else 0
    return Progress(whole.done + done, whole.total, whole.text)


def _bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    words = TextColumn("{task.description}", markup=False)
    return Progress(words, BarColumn(), TimeRemainingColumn(), console=Console(stderr=True), transient=True)
