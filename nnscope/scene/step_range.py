"""The part of a recorded run that is played and exported: between two steps, both included."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from psygnal import Signal

if TYPE_CHECKING:
    import numpy as np
    from psygnal import SignalInstance

Range = tuple[int | None, int | None]  # first and last step; None for the end of the run


class StepRanges:
    """A range for each run, by the key of its source. ``changed`` emits that key."""

    changed: ClassVar[SignalInstance] = Signal(str)  # type: ignore[assignment]

    def __init__(self) -> None:
        self._chosen: dict[str, Range] = {}

    def of(self, source: str) -> Range:
        """First and last step; None for the end of the run, also while it grows."""
        return self._chosen.get(source, (None, None))

    def within(self, source: str, steps: np.ndarray) -> np.ndarray:
        """Those of rising ``steps`` that lie in the range."""
        first, last = self.of(source)
        begin = 0 if first is None else int(steps.searchsorted(first, "left"))
        end = len(steps) if last is None else int(steps.searchsorted(last, "right"))
        return steps[begin:end]

    def begin(self, source: str, step: int | None) -> None:
        """Begin there; an end before it goes."""
        last = self.of(source)[1]
        self.choose(source, step, None if step is not None and last is not None and last <= step else last)

    def end(self, source: str, step: int | None) -> None:
        """End there; a beginning after it goes."""
        first = self.of(source)[0]
        self.choose(source, None if step is not None and first is not None and first >= step else first, step)

    def choose(self, source: str, first: int | None, last: int | None) -> None:
        """Choose both ends."""
        if (first, last) != self.of(source):
            self._chosen[source] = (first, last)
            self.changed.emit(source)
