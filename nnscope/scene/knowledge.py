"""Statistics and singular values on demand: asked for once, first from a sample where all values would take long."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from nnscope.core.answer import Spectrum
from nnscope.core.errors import Failure
from nnscope.core.request import GetSpectrum, GetStats
from nnscope.core.statistics import TensorStats
from nnscope.core.text import plain
from nnscope.scene.resolve import LARGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.scene.jobs import JobBoard
    from nnscope.scene.library import Library


@dataclass(frozen=True, slots=True)
class _Ask:
    source: str
    address: str
    version: int
    what: str  # "stats", "sample" or "spectrum"


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told: of new statistics and spectra by (source, address), and of failures."""

    stats: Callable[[str, str], None]
    spectrum: Callable[[str, str], None]
    failed: Callable[[Failure], None]


class Knowledge:
    """Asks engines what is known of a tensor as a whole, and puts it into the library."""

    def __init__(self, library: Library, board: JobBoard, tell: Listener) -> None:
        self._library = library
        self._board = board
        self._tell = tell
        self._asked: set[_Ask] = set()  # under way, or refused

    def request_stats(self, source: str, address: str, exact: bool) -> None:
        """Have statistics computed unless they are there; a large tensor gives a labelled sample first."""
        info, opened = self._library.info(source, address), self._library.sources.get(source)
        if info is None or info.unreadable or opened is None or opened.dead:
            return
        version = opened.version(address)
        known = self._library.stats.get((source, address))
        fresh = known is not None and known[0] >= version
        if fresh and known is not None and (known[1].sampled == 1 or not exact):
            return
        first_look = info.size > LARGE and not fresh
        ask = _Ask(source, address, version, "sample" if first_look else "stats")
        text = f"Statistics of {plain(address, 64)}"
        self._ask(ask, GetStats(address, not first_look), text, partial(self._take_stats, ask))

    def request_spectrum(self, source: str, address: str, k: int) -> None:
        """Have the ``k`` largest singular values computed unless they are there."""
        info, opened = self._library.info(source, address), self._library.sources.get(source)
        if info is None or opened is None or opened.dead or info.ndim < 2 or info.unreadable or 0 in info.shape:
            return
        version = opened.version(address)
        known = self._library.spectra.get((source, address))
        if known is not None and known[0] >= version:
            return
        ask = _Ask(source, address, version, "spectrum")
        text = f"Singular values of {plain(address, 64)}"
        self._ask(ask, GetSpectrum(address, k), text, partial(self._take_spectrum, ask))

    def _ask(self, ask: _Ask, request: GetStats | GetSpectrum, text: str, then: Callable[[Any], None]) -> None:
        if ask not in self._asked:
            self._asked.add(ask)
            self._board.send(self._library.sources[ask.source].engine, request, text, ask.source, then)

    def _take_stats(self, ask: _Ask, answer: Any) -> None:
        if isinstance(answer, TensorStats):
            self._asked.discard(ask)
            self._library.stats[ask.source, ask.address] = (ask.version, answer)
            self._tell.stats(ask.source, ask.address)
        else:
            self._take_failure(ask, answer)

    def _take_spectrum(self, ask: _Ask, answer: Any) -> None:
        if isinstance(answer, Spectrum):
            self._asked.discard(ask)
            self._library.spectra[ask.source, ask.address] = (ask.version, answer)
            self._tell.spectrum(ask.source, ask.address)
        else:
            self._take_failure(ask, answer)

    def _take_failure(self, ask: _Ask, answer: Any) -> None:
        """What failed is not asked again for the same content; what was cancelled may be."""
        if isinstance(answer, Failure) and answer.code in ("cancelled", "closed", "died", "reader-died"):
            self._asked.discard(ask)
        elif isinstance(answer, Failure):
            self._tell.failed(answer)
