"""Measuring side by side: interleaved repeats, medians, and a bootstrap interval of their ratio."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

REPEATS = 7
PATIENCE = 20.0  # seconds: a peer that takes longer is called once


@dataclass(frozen=True)
class Goal:
    """``figure`` must be at most (or, with ``at_least``, at least) ``bound``."""

    bound: float
    at_least: bool = False

    def met(self, low: float, high: float) -> bool:
        """Whether the unfavourable end of the interval passes."""
        return low >= self.bound if self.at_least else high <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}"


@dataclass(frozen=True)
class Result:
    """One line of the table.

    Attributes
    ----------
    row, what : str
        Id of the goal, and the part of it in words.
    ours, peer : float or None
        Medians in ``unit``.
    figure, low, high : float
        What the goal speaks of (a ratio or an absolute), with its 95 % interval.
    goal : Goal or None
    unit : str
    note : str
        The peer's name and version, the gate that was passed, or why there is no figure.
    """

    row: str
    what: str
    ours: float | None
    peer: float | None
    figure: float
    low: float
    high: float
    goal: Goal | None
    unit: str = "s"
    note: str = ""

    @property
    def verdict(self) -> str:
        """``"met"``, ``"short"`` or ``"no figure"``."""
        if self.goal is None or np.isnan(self.figure):
            return "no figure"
        return "met" if self.goal.met(self.low, self.high) else "short"


def seconds(run: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def interleaved(
    ours: Callable[[], float], peer: Callable[[], float], repeats: int = REPEATS
) -> tuple[np.ndarray, np.ndarray]:
    """A B A B …: ``repeats`` figures of each, after one warm-up of both."""
    ours(), peer()
    pairs = [(ours(), peer()) for _ in range(repeats)]
    a, b = zip(*pairs, strict=True)
    return np.array(a), np.array(b)


def turned(ours: Callable[[], float], peer: Callable[[], float], repeats: int) -> tuple[np.ndarray, np.ndarray]:
    """A B B A A B …: as `interleaved`, but each comes first as often as the other, so that a drift favours neither."""
    ours(), peer()
    pairs = []
    for at in range(repeats):
        if at % 2:
            second = peer()
            pairs.append((ours(), second))
        else:
            pairs.append((ours(), peer()))
    a, b = zip(*pairs, strict=True)
    return np.array(a), np.array(b)


def rested(run: Callable[[], object]) -> float:
    """As `seconds`, once the other side's BLAS threads have stopped spinning on cores that this side needs."""
    time.sleep(0.06)
    return seconds(run)


def interleaved_patiently(
    ours: Callable[[], float], peer: Callable[[], float], repeats: int = REPEATS
) -> tuple[tuple[np.ndarray, np.ndarray], str]:
    """As `interleaved`, but a peer whose warm-up takes longer than `PATIENCE` is called that once; what to say of it.

    That one call stands for its median in all repeats; the interval is then of our own figures alone.
    """
    first = peer()
    if first <= PATIENCE:
        return interleaved(ours, peer, repeats), ""
    ours()
    times = np.array([ours() for _ in range(repeats)]), np.full(repeats, first)
    return times, f"one call of the peer, over {PATIENCE:g} s, stands for its median"


def ratio_interval(a: np.ndarray, b: np.ndarray) -> tuple[float, float, float]:
    """(median(a)/median(b), low, high): 95 % bootstrap interval over paired repeats."""
    draws = np.random.default_rng(0).integers(0, len(a), (2000, len(a)))
    ratios = np.median(a[draws], axis=1) / np.median(b[draws], axis=1)
    low, high = np.percentile(ratios, [2.5, 97.5])
    return float(np.median(a) / np.median(b)), float(low), float(high)


def median_interval(a: Sequence[float]) -> tuple[float, float, float]:
    """(median, low, high): 95 % bootstrap interval."""
    values = np.asarray(a)
    draws = np.random.default_rng(0).integers(0, len(values), (2000, len(values)))
    low, high = np.percentile(np.median(values[draws], axis=1), [2.5, 97.5])
    return float(np.median(values)), float(low), float(high)


def compared(row: str, what: str, times: tuple[np.ndarray, np.ndarray], goal: Goal, note: str) -> Result:
    """A line whose figure is ours/peer (times; a goal of ≤ 1 means faster)."""
    a, b = times
    figure, low, high = ratio_interval(a, b)
    return Result(row, what, float(np.median(a)), float(np.median(b)), figure, low, high, goal, note=note)


def paired(row: str, what: str, times: tuple[np.ndarray, np.ndarray], goal: Goal, note: str) -> Result:
    """As `compared`, but the figure is the median of the ratios of neighbours: what both of a pair shared cancels."""
    a, b = times
    figure, low, high = median_interval(a / b)
    return Result(row, what, float(np.median(a)), float(np.median(b)), figure, low, high, goal, note=note)


def absolute(row: str, what: str, values: Sequence[float], goal: Goal, unit: str = "s", note: str = "") -> Result:
    """A line whose figure is our own median."""
    figure, low, high = median_interval(values)
    return Result(row, what, figure, None, figure, low, high, goal, unit, note)


def missing(row: str, what: str, why: str, goal: Goal | None = None) -> Result:
    """A line that says why there is no figure."""
    nan = float("nan")
    return Result(row, what, None, None, nan, nan, nan, goal, note=why)
