"""Where a field is sampled: the centres of a tensor's cells, or a regular part of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nnscope.core.errors import NnscopeError


@dataclass(frozen=True, slots=True)
class Lattice:
    """Regular positions in the plane or in space.

    Attributes
    ----------
    shape : (int, int) or (int, int, int)
        Samples as an array has them: [y, x] or [z, y, x].
    origin, step : tuple of float
        The first sample and the distance to the next, along x, y[, z], in cells.
    """

    shape: tuple[int, ...]
    origin: tuple[float, ...]
    step: tuple[float, ...]

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> Lattice:
        """The centres of all cells of a tensor.

        Raises
        ------
        NnscopeError
            If it has not two or three axes.
        """
        if len(shape) not in (2, 3):
            raise NnscopeError("A field is over two or three axes.", f"shape {tuple(shape)}", "Choose two or three.")
        return cls(tuple(shape), (0.5,) * len(shape), (1.0,) * len(shape))

    def every(self, stride: tuple[int, ...], first: tuple[int, ...]) -> Lattice:
        """Each ``stride``-th sample from ``first`` on, both in the array's order of axes."""
        shape = tuple(len(range(f, n, s)) for n, s, f in zip(self.shape, stride, first, strict=True))
        origin = tuple(o + f * t for o, t, f in zip(self.origin, self.step, first[::-1], strict=True))
        return Lattice(shape, origin, tuple(t * s for t, s in zip(self.step, stride[::-1], strict=True)))

    @property
    def dimensions(self) -> int:
        """2 or 3."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of samples."""
        return math.prod(self.shape)

    @property
    def axes(self) -> np.ndarray:
        """Origin, step and count of x, y and z, float64, shape (3, 3); one plane at z = 0 in two dimensions."""
        rows = [(o, t, n) for o, t, n in zip(self.origin, self.step, self.shape[::-1], strict=True)]
        return np.array([*rows, (0.0, 1.0, 1.0)][:3])

    def positions(self) -> np.ndarray:
        """All samples in the array's order, float64, shape (size, d)."""
        lines = [o + t * np.arange(n) for o, t, n in zip(self.origin, self.step, self.shape[::-1], strict=True)]
        grids = np.meshgrid(*lines[::-1], indexing="ij")
        return np.stack([grid.ravel() for grid in grids[::-1]], axis=1)
