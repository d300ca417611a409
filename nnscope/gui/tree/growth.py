"""Builds the tree in slices of a few milliseconds, so that 200 000 tensors never stall the window."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

from nnscope.gui.timers import every
from nnscope.gui.tree.nodes import Node, grow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnscope.core.tensor import Listing
    from nnscope.gui.tree.nodes import Match

BUDGET = 0.008  # seconds of work between two turns of the event loop


@dataclass(frozen=True, slots=True)
class Planted:
    """A source to build a tree of: its key, the name of its row, and what it lists."""

    key: str
    title: str
    listing: Listing


class Growth(QObject):
    """One build at a time: `start` drops the one under way. ``done`` carries the list of roots."""

    done = pyqtSignal(list)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = every(self, 0, self._step)
        self._work: Iterator[None] = iter(())
        self._roots: list[Node] = []

    def start(self, sources: list[Planted], match: Match) -> None:
        """Build the tree of what matches. Small ones are done when this returns."""
        self._roots = [Node(source.title, source.key) for source in sources]
        self._work = _build(self._roots, sources, match)
        self._timer.start()
        self._step()

    def stop(self) -> None:
        """Drop the build under way."""
        self._timer.stop()

    def _step(self) -> None:
        until = time.perf_counter() + BUDGET
        for _ in self._work:
            if time.perf_counter() > until:
                return
        self._timer.stop()
        self.done.emit(self._roots)


def _build(roots: list[Node], sources: list[Planted], match: Match) -> Iterator[None]:
    for root, source in zip(roots, sources, strict=True):
        for _ in grow(root, source.listing.tensors, source.listing.modules, match):
            yield
