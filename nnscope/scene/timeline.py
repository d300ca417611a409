"""The steps of recorded runs: which one is shown, what is known over all of them, and what is remarkable in it.

A step is chosen for a run, not for a tensor: a pane shows its tensor as it was last kept at or before that step. What
was kept at a step never changes, so its listing entry, ``ADDRESS@STEP``, is asked for once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.core.address import Address
from nnscope.core.errors import Failure
from nnscope.core.request import GetInfo
from nnscope.core.tensor import TensorInfo
from nnscope.core.text import plain
from nnscope.engine.comparing import side_names
from nnscope.scene.growing import LEVEL, PASSING, POOLED, SERIES, Growing
from nnscope.scene.run_scale import RUN, fixed_scale
from nnscope.scene.shared_scale import shared_scale

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.core.answer import Series
    from nnscope.core.statistics import TensorStats
    from nnscope.scene.jobs import JobBoard
    from nnscope.scene.library import Library, OpenSource
    from nnscope.scene.resolve import Fixed
    from nnscope.scene.state import PaneState, WorkspaceState
    from nnscope.scene.workspace import Workspace

OVER_STEPS = ("gradient-flow",)  # kinds that are of all steps, whichever is shown
SPIKE = 6.0  # median absolute deviations above the median of what came before
WINDOW = 32  # values before one that it is compared with
LEAST = 8  # of them, before anything counts as a spike
MARKS = 24  # spikes that are marked at most: the largest
CHUNK = 16384  # values whose neighbourhoods are looked at together


@dataclass(frozen=True, slots=True)
class Event:
    """Something remarkable in numbers over steps: ``kind`` is ``"nan"``, ``"spike"`` or ``"dead"``."""

    step: int
    kind: str
    value: float


class Timeline:
    """The steps of all open runs.

    Parameters
    ----------
    library : Library
    board : JobBoard
    workspace : Workspace
    arrived : callable
        Called with a source's key when something of its run has come.
    """

    def __init__(self, library: Library, board: JobBoard, workspace: Workspace, arrived: Callable[[str], None]) -> None:
        self._library = library
        self._board = board
        self._workspace = workspace
        self._arrived = arrived
        self._series = Growing(SERIES, board, arrived)
        self._pooled = Growing(POOLED, board, arrived)
        self._asked: set[tuple[str, str]] = set()  # moments under way
        self._refused: dict[tuple[str, str], str] = {}  # moments that could not be had, and why

    # what is known --------------------------------------------------------------------------------------------

    def run(self, source: str) -> OpenSource | None:
        """The source of that key, if it is a recorded run."""
        found = self._library.sources.get(source)
        return found if found is not None and found.listing is not None and found.listing.format == RUN else None

    def scalars(self, source: str) -> tuple[str, ...]:
        """Names of the numbers that were given to ``step``."""
        run = self.run(source)
        return run.listing.scalars if run is not None and run.listing is not None else ()

    def stepped(self, source: str) -> OpenSource | None:
        """The source of that key, if it is a recorded run or compares two sources of which one is."""
        sides = self._sides(source)
        return self._library.sources[source] if any(map(self.run, sides)) else self.run(source)

    def led(self, source: str) -> str:
        """The run whose steps are shown where a source is: of a comparison, the first side that is one."""
        return next((side for side in self._sides(source) if self.run(side)), source)

    def is_live(self, source: str) -> bool:
        """Whether more steps are to come: it is attached to a training that goes on."""
        run = self.run(source)
        return run is not None and not run.dead and run.status.get("training") is True

    def series(self, source: str, address: str, name: str) -> Series | None:
        """Numbers over the steps (`GetSeries`), which rise; empty when there are none, None until they have come."""
        run = self.run(source)
        return None if run is None else self._series.get(run, (source, address, name))

    def steps(self, source: str) -> np.ndarray:
        """All steps, rising; int64. Empty until they have come."""
        return _steps(self.series(source, "", ""))

    def kept(self, source: str, address: str) -> np.ndarray:
        """The steps at which a tensor was kept, rising; int64. Empty until they have come."""
        return _steps(self.series(source, address, LEVEL))

    def grow(self, source: str) -> None:
        """A run has grown: its numbers are asked for again, and those that are known count until the others come."""
        self._series.grow(source)
        self._pooled.grow(source)
        self._refused = {ask: why for ask, why in self._refused.items() if ask[0] != source}

    def forget(self, source: str) -> None:
        """Another engine answers for the source, or it went: its numbers are asked for again."""
        self._series.forget(source)
        self._pooled.forget(source)
        self._asked = {ask for ask in self._asked if ask[0] != source}
        self._refused = {ask: why for ask, why in self._refused.items() if ask[0] != source}

    # what is shown --------------------------------------------------------------------------------------------

    def moment(self, state: WorkspaceState, pane: PaneState) -> str | None:
        """The address of what a pane shows: of a run at the step chosen for it; None where `absence` says why not."""
        step, info = _step(state, pane), self._library.info(pane.source, pane.address)
        if self._sides(pane.source):
            return self._difference(state, pane)
        timeless = step is None and pane.minus is None
        if timeless or self.run(pane.source) is None or (info is not None and info.kind in OVER_STEPS):
            return pane.address
        at = at_or_before(self.kept(pane.source, pane.address), step)
        return None if at is None else str(Address(pane.address, step=at, minus=pane.minus))

    def absence(self, state: WorkspaceState, pane: PaneState) -> str:
        """Why a pane shows nothing at the step chosen for its run, as a sentence; empty when it does."""
        step, shown = _step(state, pane), self.moment(state, pane)
        if self._sides(pane.source):
            return self._refused.get((pane.source, shown or ""), "" if shown else "One of the two was not kept there.")
        if step is None or shown is not None:
            return self._refused.get((pane.source, shown or ""), "")
        kept = self.kept(pane.source, pane.address)
        if not len(kept):
            return "Reading …"
        return f"{plain(pane.address, 96)} was not kept at or before step {step}. It was first at step {kept[0]}."

    def know(self, source: str, address: str) -> None:
        """Have the listing entry of a moment fetched unless it is there."""
        run, ask = self.stepped(source), (source, address)
        if run is None or run.dead or ask in self._asked or ask in self._refused:
            return
        if self._library.info(source, address) is not None:
            return
        self._asked.add(ask)
        text = f"Looking for {plain(address, 64)}"
        self._board.send(run.engine, GetInfo(address), text, source, partial(self._take_info, ask))

    def refused(self, source: str, address: str | None) -> bool:
        """Whether there is no such moment, or its entry could not be had."""
        return address is None or ((source, address) in self._refused)

    def fixed(self, state: WorkspaceState, pane: PaneState, address: str) -> Fixed | None:
        """What colours follow where a pane shows ``address``, and what its legend says; None but for steps of runs."""
        run, note = self.run(pane.source), self._step_note(state, pane, address)
        if pane.beside:
            scales = self._scale(pane.source, pane.address), self._scale(pane.beside, pane.address)
            return shared_scale(pane, scales, note, side_names(pane.source, pane.beside)[0])
        if run is None or pane.minus is not None:
            return None
        pooled = self._pooled.get(run, (pane.source, pane.address, "")) if pane.limits is None else None
        return fixed_scale(pane, pooled, note)

    # choosing -------------------------------------------------------------------------------------------------

    def choose(self, step: int | None, merge: str = "step") -> None:
        """Show the active pane's run, and runs that it is compared with, at a step; None for the newest."""
        self._workspace.set(self.at_step(self._workspace.state, step), merge)

    def at_step(self, state: WorkspaceState, step: int | None) -> WorkspaceState:
        """A state with the active pane's run, and runs that it is compared with, at a step."""
        for run in self._tied(self._here):
            steps = self.steps(run)
            newest = step is not None and len(steps) > 0 and step >= steps[-1]
            state = state.at_step(run, None if newest else step)
        return state

    def chosen(self) -> int | None:
        """The step at which the active pane's run is shown; None when it has none or they haven't come."""
        steps, step = self.steps(self._here), self._workspace.state.step_of(self._here)
        return step if step is not None else int(steps[-1]) if len(steps) else None

    def follows(self) -> bool:
        """Whether the active pane's run is shown at its newest step, and at each that comes."""
        return self._workspace.state.step_of(self._here) is None

    def follow(self, on: bool) -> None:
        """Show the newest step of the active pane's run and each that comes, or stay at the present one."""
        state, kept = self._workspace.state, self.kept_here()
        if on or len(kept):
            self._workspace.set(state.at_step(self._here, None if on else int(kept[-1])), merge="")

    def move(self, by: int) -> None:
        """Go to the next (or previous) step at which the active pane's tensor was kept."""
        at, kept = self.chosen(), self.kept_here()
        if at is not None and len(kept):
            place = int(np.searchsorted(kept, at, "right")) - 1 + by
            self.choose(int(kept[min(max(place, 0), len(kept) - 1)]), merge="")

    def to_end(self, last: bool) -> None:
        """Go to the first step at which the active pane's tensor was kept, or to the newest."""
        kept = self.kept_here()
        if len(kept):
            self.choose(None if last else int(kept[0]), merge="")

    def kept_here(self) -> np.ndarray:
        """The steps at which the active pane's tensor was kept, rising."""
        return self.kept(self._here, self._workspace.pane.address)

    @property
    def _here(self) -> str:
        """The run whose steps the active pane shows."""
        return self.led(self._workspace.pane.source)

    def _sides(self, source: str) -> tuple[str, ...]:
        found = self._library.sources.get(source)
        return found.sides if found is not None else ()

    def _difference(self, state: WorkspaceState, pane: PaneState) -> str | None:
        """The address of a difference of two sources at the steps chosen for them."""
        runs = [side for side in self._sides(pane.source) if self.run(side) is not None]
        if all(state.step_of(run) is None for run in runs):
            return pane.address
        steps = [at_or_before(self.kept(run, pane.address), state.step_of(run)) for run in runs]
        return None if None in steps else str(Address(pane.address, (), *steps))

    def _scale(self, source: str, address: str) -> TensorStats | None:
        """What colours of a source follow that is compared: its statistics, of a run those of all steps."""
        run = self.run(source)
        return self._pooled.get(run, (source, address, "")) if run else self._library.statistics(source, address)

    def _tied(self, source: str) -> list[str]:
        """A run and those that go with it: it is compared with them in the panes."""
        trios = [self._sides(pane.source) for pane in self._workspace.state.panes]
        tied = [key for trio in trios if source in trio for key in trio if self.run(key) is not None]
        return list(dict.fromkeys((source, *tied)))

    def _step_note(self, state: WorkspaceState, pane: PaneState, address: str) -> str:
        step, at = _step(state, pane), address.removeprefix(f"{pane.address}@")
        if address == pane.address:
            return ""
        known = step is None or np.isin(step, self.kept(pane.source, pane.address))
        return f"step {at}" if known else f"step {at}; not kept at step {step}"

    def _take_info(self, ask: tuple[str, str], answer: Any) -> None:
        run = self.stepped(ask[0])
        self._asked.discard(ask)
        if isinstance(answer, TensorInfo) and run is not None:
            run.moments[ask[1]] = answer
        elif isinstance(answer, Failure) and answer.code not in PASSING:
            self._refused[ask] = str(answer)
        self._arrived(ask[0])


def at_or_before(steps: np.ndarray, step: int | None) -> int | None:
    """The last of rising ``steps`` that is not after ``step``, or with None the last of all; None if there is none."""
    place = len(steps) if step is None else int(np.searchsorted(steps, step, "right"))
    return int(steps[place - 1]) if place else None


def events(series: Series) -> tuple[Event, ...]:
    """The first value that is no finite number, and values far above what came just before, by step.

    A spike lies more than `SPIKE` standard deviations, estimated as 1.4826 median absolute deviations, above the median
    of the `WINDOW` values before it, and is the largest of a row of such values.
    """
    finite = np.isfinite(series.values)
    steps, values = series.steps[finite], series.values[finite]
    found = [Event(int(steps[at]), "spike", float(values[at])) for at in _spikes(values)]
    for at in np.flatnonzero(~finite)[:1]:
        found.append(Event(int(series.steps[at]), "nan", float(series.values[at])))
    return tuple(sorted(found, key=lambda event: event.step))


def deaths(series: Series) -> tuple[Event, ...]:
    """Where more units are dead than before: at most `MARKS` of them, those with most new ones."""
    new = np.diff(series.values, prepend=0.0)
    places = sorted(np.argsort(-new, kind="stable")[:MARKS])
    return tuple(Event(int(series.steps[at]), "dead", float(series.values[at])) for at in places if new[at] > 0)


def _spikes(values: np.ndarray) -> list[int]:
    """Places of the largest `MARKS` spikes."""
    if len(values) <= LEAST:
        return []
    padded = np.concatenate([np.full(WINDOW, np.nan), values[:-1]])
    before = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[LEAST:]
    above = np.zeros(len(values))
    for start in range(0, len(before), CHUNK):
        part = before[start : start + CHUNK]
        middle = np.nanmedian(part, axis=1)
        spread = 1.4826 * np.nanmedian(np.abs(part - middle[:, None]), axis=1)
        floor = np.maximum(1e-3 * np.abs(middle), 1e-12)
        at = slice(LEAST + start, LEAST + start + len(part))
        above[at] = (values[at] - middle) / np.maximum(spread, floor)
    places = np.flatnonzero(above > SPIKE)
    rows = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if len(places) else []
    tops = [int(row[np.argmax(values[row])]) for row in rows]
    return sorted(tops, key=lambda at: -above[at])[:MARKS]


def _step(state: WorkspaceState, pane: PaneState) -> int | None:
    """The step at which a pane is shown; None for the newest."""
    return state.step_of(pane.source) if pane.step is None else pane.step


def _steps(series: Series | None) -> np.ndarray:
    return np.empty(0, np.int64) if series is None else series.steps
