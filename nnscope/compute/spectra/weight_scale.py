"""How large a layer's weights are: as a whole, and by output channel (methods.md §8).

The scaled map x·s_c/max s_c dims channels of small norm (an aesthetic step); the ratio itself, shown beside a map as a
bar, is faithful. Values that are not finite count as zero in norms. NumPy and CuPy alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnscope.arrays.backend import namespace, to_host
from nnscope.compute.parts import slices

_PART = 1 << 16  # values of a channel taken at a time


@dataclass(frozen=True, slots=True, eq=False)
class WeightScale:
    """Norms of a weight whose first axis is its output channels.

    Attributes
    ----------
    frobenius : float
    channels : ndarray of float64, shape (out,)
        Euclidean norm of each output channel.
    ratio : ndarray of float64, shape (out,)
        ``channels`` over their largest; zeros when all are zero.
    """

    frobenius: float
    channels: np.ndarray
    ratio: np.ndarray


def weight_scale(w: Any) -> WeightScale:
    """Norms of ``w`` [out, …], a float array of rank 1 or more."""
    rows = w.reshape(len(w), -1) if w.size else w.reshape(len(w), 0)
    channels = np.array([_norm(row) for row in rows])
    largest = channels.max(initial=0.0)
    ratio = channels / largest if largest > 0 else np.zeros(len(channels))
    frobenius = float(largest * np.linalg.norm(ratio))
    return WeightScale(frobenius, channels, ratio)


def scaled_map(x: Any, ratio: np.ndarray) -> Any:
    """``x`` [out, …] with each output channel times its ``ratio``; float32 stays float32."""
    xp = namespace(x)
    return x * xp.asarray(ratio, x.dtype).reshape(-1, *(1,) * (x.ndim - 1))


def _norm(row: Any) -> float:
    """Euclidean norm in float64, of any magnitude; values that are not finite count as zero."""
    return math.hypot(*(_norm_of_part(row[part]) for part in slices(len(row), _PART)))


def _norm_of_part(values: Any) -> float:
    xp = namespace(values)
    values = xp.where(xp.isfinite(values), values, 0).astype(np.float64)
    most = float(abs(values).max()) if values.size else 0.0
    return most * float(to_host(xp.linalg.norm(values / most))) if most > 0 else 0.0
