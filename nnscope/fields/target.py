"""The tensor that a field is fitted to: checked, and normalised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.decode import to_float32
from nnscope.core.errors import NnscopeError
from nnscope.fields.lattice import Lattice

if TYPE_CHECKING:
    from nnscope.fields.parameters import Amplitude


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """What is fitted.

    Attributes
    ----------
    values : ndarray of float32, shape [y, x] or [z, y, x]
        (x − offset)/scale: within [0, 1] for a sigmoid, within [−1, 1] for signed amplitudes.
    amplitude : {"sigmoid", "identity"}
    offset, scale : float
    peak : float
        max − min of ``values``: the peak of PSNR.
    """

    values: np.ndarray
    amplitude: Amplitude
    offset: float
    scale: float
    peak: float

    @property
    def lattice(self) -> Lattice:
        """The centres of all cells."""
        return Lattice.of(self.values.shape)

    @property
    def extent(self) -> tuple[float, ...]:
        """Sizes along x, y[, z] in cells."""
        return tuple(map(float, self.values.shape[::-1]))


def target_of(values: np.ndarray, gaussians: int, amplitude: Amplitude | None = None) -> Target:
    """Check and normalise a tensor.

    Parameters
    ----------
    values : ndarray of any numeric dtype, two or three axes
        More axes are allowed where the first ones have length 1: these are dropped.
    gaussians : int
        Most Gaussians of the fit.
    amplitude : {"sigmoid", "identity"} or None
        None for a sigmoid where no value is negative.

    Raises
    ------
    NnscopeError
        If it has no extent, values that are not finite, fewer of them than Gaussians, or not two or three axes.
    """
    shape = tuple(values.shape)
    if 0 in shape:
        raise NnscopeError("A tensor without extent has no field.", f"shape {shape}")
    while values.ndim > 2 and values.shape[0] == 1:
        values = values[0]
    if values.ndim not in (2, 3):
        raise NnscopeError("A field is over two or three axes.", f"shape {shape}", "Choose a part with an index.")
    if gaussians > values.size:
        raise NnscopeError(
            f"{gaussians} Gaussians are more than the {values.size} values.", f"shape {shape}", "Ask for fewer."
        )
    x = to_float32(values)
    odd = x.size - int(np.isfinite(x).sum())
    if odd:
        raise NnscopeError(f"{odd} of {x.size} values are not finite.", f"shape {shape}", "Choose a part without them.")
    return _normalised(x, amplitude)


def _normalised(x: np.ndarray, amplitude: Amplitude | None) -> Target:
    low, high = float(x.min()), float(x.max())
    kind: Amplitude = amplitude or ("sigmoid" if low >= 0 else "identity")
    offset = low if kind == "sigmoid" else 0.0
    scale = (high - low if kind == "sigmoid" else max(-low, high)) or 1.0
    scaled = (np.subtract(x, offset, dtype=np.float64) / scale).astype(np.float32)
    return Target(scaled, kind, offset, scale, (high - low) / scale)
