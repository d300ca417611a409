"""A lock around each training step that lets waiting readers in between two steps.

A plain lock would starve them: a training thread that releases it takes it again at once.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 0.1  # seconds a step waits for the readers before it takes its turn


class StepLock:
    """Either one step or one reader at a time; readers that wait go before the next step, for up to `PATIENCE`."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._taken = False
        self._readers = 0  # that wait
        self._insisting = 0  # steps that have waited long enough

    @contextmanager
    def read(self) -> Iterator[None]:
        """Hold the model still for reading."""
        with self._turn:
            self._readers += 1
            try:
                self._turn.wait_for(lambda: not (self._taken or self._insisting))
            finally:
                self._readers -= 1
            self._taken = True
        try:
            yield
        finally:
            self._release()

    @contextmanager
    def step(self) -> Iterator[None]:
        """Hold the model for a step that changes it or runs it."""
        with self._turn:
            self._turn.wait_for(lambda: not self._taken and not self._readers, PATIENCE)
            self._insisting += 1
            try:
                self._turn.wait_for(lambda: not self._taken)
            finally:
                self._insisting -= 1
            self._taken = True
        try:
            yield
        finally:
            self._release()

    def _release(self) -> None:
        with self._turn:
            self._taken = False
            self._turn.notify_all()
