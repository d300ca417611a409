"""Looks at blocks that live on a CUDA device, by ``statistics.cu``; only counts and sums come home.

One thread launches all; threads of the device each take every n-th element, and their blocks' sums are added here in
the order of the blocks. What is kept for the medians arrives in any order, which medians don't mind.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.arrays import cuda
from nnscope.arrays.backend import to_host
from nnscope.compute.decode import float_dtype
from nnscope.compute.statistics.histogram import BINS
from nnscope.compute.statistics.moments import SMALLER, Moments, Sums
from nnscope.compute.statistics.outline import KEEP, SecondLook
from nnscope.compute.statistics.tally import SIZE
from nnscope.compute.statistics.value_counts import ValueCounts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nnscope.compute.statistics.outline import Outline

_PACKED = 1 << 17  # bytes of shared memory that hold a tally
_THREADS = 1024  # in a block that has them
_NAMES = {np.dtype(np.float32): "f32", np.dtype(np.float64): "f64"}


class DeviceLooker:
    """By the device.

    Parameters
    ----------
    xp : module
        CuPy.
    launch : callable
        As `nnscope.arrays.cuda.launch`.
    shared : int or None
        Most bytes of shared memory that a block can have; None to ask the device.
    """

    threads = 1

    def __init__(self, xp: Any, launch: Callable[..., None] = cuda.launch, shared: int | None = None) -> None:
        self._xp, self._launch = xp, launch
        self._packs = (cuda.shared_bytes() if shared is None else shared) >= _PACKED + (1 << 15)
        self._table = xp.zeros(SIZE, np.uint64)

    def decode(self, block: Any, component: str) -> Any:
        """The values of a block as float32 or float64, 1-d."""
        if block.dtype.kind == "c":
            block = abs(block.astype(np.complex128)) if component == "abs" else getattr(block, component)
        return self._xp.ascontiguousarray(block, dtype=float_dtype(block.dtype)).reshape(-1)

    def patterns(self, block: Any) -> ValueCounts:
        """How often each bit pattern of a narrow dtype occurs."""
        flat = self._xp.ascontiguousarray(block).reshape(-1)
        if flat.dtype.itemsize == 1:
            counts = to_host(self._xp.bincount(flat.view(np.uint8), minlength=BINS))
            return ValueCounts(flat.dtype, counts.astype(np.int64))
        table = self._xp.zeros(SIZE, np.uint64)
        arguments = (flat.view(np.uint16), flat.size, np.int32(self._packs), table)
        self._launch("statistics", "count_patterns", self._grid(flat.size), arguments)
        return ValueCounts(flat.dtype, to_host(table).astype(np.int64))

    def first(self, values: Any, pivot: float) -> Moments:
        """Moments; the finite values are tallied about ``pivot``."""
        if not values.size:
            return Moments()
        found = self._first(values, pivot, 1.0, self._table)
        if math.isfinite(found.m2) or not found.finite:
            return found
        return self._first(values, pivot, SMALLER, self._xp.zeros_like(self._table))  # squares had overflowed

    def tally(self) -> np.ndarray:
        """The tally of all blocks so far."""
        return to_host(self._table).astype(np.int64)

    def second(self, values: Any, known: Outline) -> SecondLook:
        """What the tally left open."""
        xp, scale = self._xp, known.scale
        bins, counts = xp.zeros(BINS, np.uint64), xp.zeros(2, np.uint64)
        kept = xp.empty(values.size if (known.wanted & KEEP).any() else 0, values.dtype)
        bounds = scale.low, scale.width, scale.factor, float(known.threshold)
        head = values, values.size, values.dtype.type(known.pivot), xp.asarray(known.wanted)
        grid = cuda.Grid(self._grid(values.size).blocks, (_THREADS, 1))
        self._run("second_look", values.dtype, grid, (*head, *bounds, bins, counts[:1], kept, counts[1:]))
        near_zero, held = to_host(counts).tolist()
        return SecondLook(to_host(bins).astype(np.int64), near_zero, (to_host(kept[:held]),))

    def _first(self, values: Any, pivot: float, scale: float, table: Any) -> Moments:
        grid = self._grid(values.size)
        counts, sums = self._xp.zeros((grid.blocks[0], 6), np.uint64), self._xp.zeros((grid.blocks[0], 5))
        head = values, values.size, values.dtype.type(pivot), scale, pivot * scale, np.int32(self._packs)
        self._run("first_look", values.dtype, grid, (*head, counts, sums, table))
        finite, nan, posinf, neginf, zeros, positive = to_host(counts).sum(axis=0).tolist()
        odd = Moments(nan=nan, posinf=posinf, neginf=neginf)
        if not finite:
            return odd
        low, high, total, squares, sizes = to_host(sums).T
        with np.errstate(over="ignore", invalid="ignore"):
            found = Sums(
                scale, pivot * scale, float(low.min()), float(high.max()),
                float(total.sum()), float(squares.sum()), float(sizes.sum()), positive, zeros,
            )  # fmt: skip
            return odd.merge(found.moments(finite))

    def _grid(self, elements: int) -> cuda.Grid:
        """Few blocks, each with a tally of its own, where they have the memory for one."""
        if not self._packs:
            return cuda.Grid.striding(elements)
        blocks = min(max(1, -(-elements // _THREADS)), cuda.multiprocessors())
        return cuda.Grid((blocks, 1), (_THREADS, 1), _PACKED)

    def _run(self, kernel: str, dtype: np.dtype, grid: cuda.Grid, arguments: Sequence[Any]) -> None:
        self._launch("statistics", f"{kernel}_{_NAMES[np.dtype(dtype)]}", grid, arguments)
