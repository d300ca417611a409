"""Answers about runs that grow: asked for once, and anew when the run has grown; until then the old one counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from nnscope.compute.steps import rising
from nnscope.core.answer import Series
from nnscope.core.errors import Failure
from nnscope.core.request import GetSeries, GetStats
from nnscope.core.statistics import TensorStats
from nnscope.core.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.core.request import Request
    from nnscope.scene.jobs import JobBoard
    from nnscope.scene.library import OpenSource

Key = tuple[str, str, str]  # source, address, name
T = TypeVar("T")

LEVEL = "level"  # the series of the steps at which a tensor was kept
PASSING = ("cancelled", "closed", "died", "reader-died")  # failures after which the same is asked again
NOTHING = Series("", "", np.empty(0, np.int64), np.empty(0))


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """How a kind of answer is had: the request, given what is known; what is known, given the answer as well; and what
    of it counts.
    """

    request: Callable[[Key, T | None], Request]
    join: Callable[[T | None, Any], T]
    counts: Callable[[T], T] = lambda known: known


class Growing(Generic[T]):
    """Answers of one kind by key.

    Parameters
    ----------
    kind : Kind
    board : JobBoard
    arrived : callable
        Called with a source's key when an answer has come.
    """

    def __init__(self, kind: Kind[T], board: JobBoard, arrived: Callable[[str], None]) -> None:
        self._kind = kind
        self._board = board
        self._arrived = arrived
        self._known: dict[Key, T] = {}
        self._counts: dict[Key, T] = {}  # of what is known
        self._stale: set[Key] = set()
        self._asked: dict[Key, object] = {}  # under way, each with a mark of its own

    def get(self, run: OpenSource, key: Key) -> T | None:
        """The answer, as far as it is known; asks for what isn't. None until the first has come."""
        if not run.dead and key not in self._asked and (key not in self._known or key in self._stale):
            self._ask(run, key)
        return self._counts.get(key)

    def grow(self, source: str) -> None:
        """All answers about a source have more to them now."""
        self._stale.update(key for key in self._known if key[0] == source)
        self._stale.update(key for key in self._asked if key[0] == source)

    def forget(self, source: str) -> None:
        """Nothing is known of a source any more."""
        for known in (self._known, self._counts, self._asked):
            for key in [key for key in known if key[0] == source]:
                del known[key]  # type: ignore[attr-defined]
        self._stale = {key for key in self._stale if key[0] != source}

    def _ask(self, run: OpenSource, key: Key) -> None:
        mark = self._asked[key] = object()
        self._stale.discard(key)
        known = self._known.get(key)

        def take(answer: Any) -> None:
            if self._asked.get(key) is not mark:  # forgotten meanwhile
                return
            del self._asked[key]
            if isinstance(answer, Failure) and answer.code in PASSING:
                self._stale.add(key)
                return
            joined = self._known[key] = self._kind.join(known, answer)
            self._counts[key] = self._kind.counts(joined)
            self._arrived(key[0])

        source, address, name = key
        text = f"Steps of {plain(address or name or source, 64)}"
        self._board.send(run.engine, self._kind.request(key, known), text, source, take)


def _series_request(key: Key, known: Series | None) -> GetSeries:
    _, address, name = key
    return GetSeries(address, name, 0 if name == LEVEL or known is None else len(known.steps))


def _joined(known: Series | None, answer: Any) -> Series:
    """What came is the rest; of levels all, as frames of old steps are thinned."""
    before = NOTHING if known is None else known
    if not isinstance(answer, Series):
        return before
    if answer.name == LEVEL or not len(before.steps):
        return answer
    if not len(answer.steps):
        return before
    steps, values = ([getattr(part, field) for part in (before, answer)] for field in ("steps", "values"))
    return Series(answer.address, answer.name, np.concatenate(steps), np.concatenate(values))


def _pooled_request(key: Key, known: TensorStats | None) -> GetStats:
    return GetStats(key[1], all_steps=True)


def _newer(known: TensorStats | None, answer: Any) -> TensorStats | None:
    return answer if isinstance(answer, TensorStats) else known


SERIES = Kind(_series_request, _joined, rising)
POOLED: Kind[TensorStats | None] = Kind(_pooled_request, _newer)
