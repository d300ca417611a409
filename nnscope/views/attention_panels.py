"""The matrices of a picture of attention: which they are, what is made of each, and the cells they fill."""

from __future__ import annotations

from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.decode import to_float32
from nnscope.core.picture import Step
from nnscope.views.attention_matrix import Matrix, Origin, matrix_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnscope.core.layout import Layout
    from nnscope.sources.base import TensorReader
    from nnscope.views.attention_options import Options
    from nnscope.views.base import BuildContext

    Span = tuple[int, int]
    Index = tuple[int, ...]


class Panels:
    """The matrices that a layout shows, read and made into what the options say as they are needed."""

    def __init__(self, context: BuildContext, reader: TensorReader, layout: Layout, options: Options) -> None:
        self.context = context
        self.reader = reader
        self.layout = layout
        self.options = options
        self.plain = options.plain
        self._origin = Origin(context, reader, options, self.alone)

    @property
    def kind(self) -> str:
        """What the cells hold, as a key."""
        return "" if self.plain else str(self.options)

    @property
    def alone(self) -> bool:
        """Whether the picture is of one matrix."""
        return len(self.layout.rows) == len(self.layout.cols) == 1

    def read(self, rows: Span, cols: Span) -> tuple[np.ndarray, np.ndarray | None]:
        """Cells of level 0 [rows) × [cols), and which of them are padding: gaps, and masked queries."""
        values = np.zeros((rows[1] - rows[0], cols[1] - cols[0]), np.float32)
        padding = np.ones(values.shape, bool)
        for top, left in product(self._starts(0, rows), self._starts(1, cols)):
            lead = self.layout.index_at(top, left)
            if lead is None:  # a place of a mosaic that is left over
                continue
            (r0, r1), (c0, c1) = _overlap(rows, top, self._side(0)), _overlap(cols, left, self._side(1))
            part, masked = self._part(lead[:-2], (r0 - top, r1 - top), (c0 - left, c1 - left))
            window = slice(r0 - rows[0], r1 - rows[0]), slice(c0 - cols[0], c1 - cols[0])
            values[window] = part
            padding[window] = masked[:, None]
        return values, padding if padding.any() else None

    def index_at(self, row: int, col: int) -> tuple[Index | None, tuple[str, ...]]:
        """The element of the tensor that a cell of level 0 is about, and words in the place of numbers."""
        place = self.layout.index_at(row, col)
        if place is None:
            return None, ()
        *lead, query, key = place
        if self.options.reordered:
            order = self._matrix(tuple(lead)).order
            assert order is not None
            query, key = int(order[query]), int(order[key])
        index = (*lead, query, key)
        return index, self._words(index)

    def labels(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What rows and columns are called: tokens, where they are known or in another order."""
        if not self.alone:
            return (), ()
        order = self._one.order if self.options.reordered else None
        sides = (self._tokens(axis) for axis in (-2, -1))
        if order is None:
            return tuple(sides)  # type: ignore[return-value]
        named = [tuple(tokens[i] if tokens else str(i) for i in order) for tokens in sides]
        return named[0], named[1]

    def steps(self) -> Iterator[Step]:
        """What was done to each matrix, in words."""
        options = self.options
        if options.show == "mean":
            yield Step("mean over heads", True, f"of {self.reader.info.shape[-3]} heads")
        if options.show == "rollout":
            yield Step("rollout", True, "product over layers of the mean over heads with the residual stream, ½(A + I)")
        if options.recursion != "none":
            yield Step("recursion", True, f"{_BASES[options.recursion]} to the power of {2**options.squarings}")
        if options.symmetrised:
            yield Step("symmetrise", True, "(A + Aᵀ)/2")
        if options.reordered:
            yield Step("order", True, "tokens by component and Fiedler vector of the Laplacian")

    def notes(self) -> tuple[str, ...]:
        """Sentences for the legend."""
        if self.alone:
            return self._one.notes
        return tuple(f"{step.name}: {step.detail}" for step in self.steps())

    # -- matrices

    @cached_property
    def _one(self) -> Matrix:
        """The only matrix of the picture."""
        lead = self.layout.index_at(0, 0)
        assert lead is not None
        return self._matrix(lead[:-2])

    def _matrix(self, lead: Index) -> Matrix:
        info = self.reader.info
        key = ("attention", info.address, info.version, self.options, lead)
        found: Matrix = self.context.memo(key, lambda: matrix_of(self._origin, lead), lambda matrix: matrix.nbytes)
        return found

    def _part(self, lead: Index, rows: Span, cols: Span) -> tuple[np.ndarray, np.ndarray]:
        """Cells of one matrix, and which of the rows are masked."""
        if self.plain:
            region = (*((i, i + 1, 1) for i in lead), (*rows, 1), (*cols, 1))
            values = to_float32(self.reader.read(region)).reshape(rows[1] - rows[0], cols[1] - cols[0])
            return values, np.zeros(len(values), bool)
        self.context.check()
        matrix = self._matrix(lead)
        return matrix.weights[slice(*rows), slice(*cols)], matrix.masked[slice(*rows)]

    # -- places

    def _side(self, side: int) -> int:
        """Rows (side 0) or columns of one matrix."""
        return self.reader.info.shape[side - 2]

    def _starts(self, side: int, span: Span) -> range:
        """Where the matrices begin that a span of rows (side 0) or columns touches."""
        period = self._side(side) + (0 if self.alone else self.layout.gap)
        return range(span[0] // period * period, span[1], period)

    def _tokens(self, axis: int) -> tuple[str, ...]:
        labels = self.reader.info.labels
        return labels[axis] if labels else ()

    def _words(self, index: Index) -> tuple[str, ...]:
        """What stands in the place of numbers: tokens, and what was taken together."""
        words = [""] * len(index)
        for axis in (-2, -1):
            tokens = self._tokens(axis)
            words[axis] = f"{index[axis]} ‘{tokens[index[axis]]}’" if tokens else ""
        if self.options.show in ("mean", "rollout"):
            words[-3] = "mean"
        if self.options.show == "rollout" and len(index) > 3:
            words[0] = f"0 … {self._origin.layer_count - 1}"
        return tuple(words) if any(words) else ()


_BASES = {"plain": "A", "residual": "½(A + I)", "sink-excluded": "A without attention to the sink"}


def _overlap(span: Span, start: int, side: int) -> Span:
    low, high = max(span[0], start), min(span[1], start + side)
    return low, max(low, high)
