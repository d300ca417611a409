"""What a timeline can plot of a run, which of it is plotted, and what is said where there is nothing to plot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnscope.core.text import plain
from nnscope.gui.toolbar.choice import Entry

if TYPE_CHECKING:
    from nnscope.core.answer import Series

SCALAR, STATISTIC = "scalar:", "statistic:"  # before the names of what can be plotted
STATISTICS = {"mean": "mean", "std": "standard deviation", "frobenius": "norm"}
LOSS = SCALAR + "loss"


@dataclass(frozen=True, slots=True)
class Offer:
    """The numbers that a run has, and those of the tensor shown."""

    scalars: tuple[str, ...]
    address: str

    @property
    def entries(self) -> list[Entry]:
        """All that can be plotted."""
        scalars = [Entry(SCALAR + name, name) for name in self.scalars]
        return [*scalars, *(Entry(STATISTIC + name, f"{title} of the tensor") for name, title in STATISTICS.items())]

    def plotted(self, wanted: str) -> str:
        """What was chosen by hand where there is such a thing, else the loss, the first number, the tensor's mean."""
        values = [entry.value for entry in self.entries]
        return next(value for value in (wanted, LOSS, values[0]) if value in values)

    def series(self, value: str) -> tuple[str, str]:
        """Address and name (`GetSeries`) of what is plotted."""
        kind, _, name = value.partition(":")
        return ("" if kind + ":" == SCALAR else self.address), name

    def lack(self, value: str, series: Series | None) -> str:
        """Why there is nothing to plot; empty where there is."""
        if series is None:
            return "Reading …"
        address, name = self.series(value)
        if len(series.steps):
            return ""
        what = f"{STATISTICS[name]} of {plain(address, 64)}" if address else plain(name, 64)
        return f"Nothing to plot: no {what} was recorded."
