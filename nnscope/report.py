"""The compatibility report: what can be observed of each module of a model, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from nnscope.core.text import plain

if TYPE_CHECKING:
    from nnscope.core.tensor import ModuleInfo

HEADS = ("module", "class", "observed", "remark")
WIDEST = 60  # characters to which a column of the text is filled up


class Compatibility(Sequence["ModuleInfo"]):
    """The modules of a model, each with ``path``, ``type``, ``observed`` and ``note``. Printing it gives a table.

    ``observed`` is ``"yes"``, ``"partly"``, ``"no"``, or ``"holds others"`` of a module that is never called.
    """

    def __init__(self, modules: Sequence[ModuleInfo]) -> None:
        self._modules = tuple(modules)

    @overload
    def __getitem__(self, at: int) -> ModuleInfo: ...

    @overload
    def __getitem__(self, at: slice) -> Compatibility: ...

    def __getitem__(self, at: int | slice) -> ModuleInfo | Compatibility:
        return Compatibility(self._modules[at]) if isinstance(at, slice) else self._modules[at]

    def __len__(self) -> int:
        return len(self._modules)

    def of(self, observed: str) -> Compatibility:
        """Those of which ``"yes"``, ``"partly"``, ``"no"`` or ``"holds others"`` is true."""
        return Compatibility([module for module in self._modules if module.observed == observed])

    @property
    def rows(self) -> list[tuple[str, str, str, str]]:
        """The cells of the table, by `HEADS`."""
        return [(plain(m.path) or "(model)", plain(m.type), m.observed, plain(m.note, 0)) for m in self._modules]

    @property
    def summary(self) -> str:
        """How many modules are observed, partly or not, in a sentence."""
        counts = {word: len(self.of(word)) for word in ("yes", "partly", "no")}
        return f"{counts['yes']} modules are observed, {counts['partly']} partly, {counts['no']} not."

    def __str__(self) -> str:
        table = [HEADS, *self.rows]
        widths = [min(WIDEST, max(len(row[i]) for row in table)) for i in range(len(HEADS))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
        return "\n".join([*(line.rstrip() for line in lines), "", self.summary])

    __repr__ = __str__
