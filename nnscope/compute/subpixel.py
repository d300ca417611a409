"""Subpixel encoding: blocks of a map as RGBA8 texels of four local statistics (methods.md §5).

Each n×n block (n = 2 or 3; the last of a row or column may be smaller) becomes one texel: R the mean, G the population
standard deviation, B the mean magnitude of the gradient, A the entropy of the signs, H(p) = −p·log₂ p − (1−p)·log₂(1−p)
with p the share of positives among the values that are not zero (0 where all are). A texel's byte b stands for
offset + scale·b, per channel; offset and scale span the channel's own range, so decoding is within half a step.

The gradient is by central differences, one-sided at the edges as in `numpy.gradient`. Values that are not finite take
no part: differences beside them are one-sided too, and 0 where no side is left. A block without a finite value is
marked in `valid`, and its texel is 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.arrays.backend import namespace, to_host
from nnscope.compute.decode import to_float32
from nnscope.compute.parallel import map_blocks
from nnscope.compute.parts import slices
from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from collections.abc import Iterator

CHANNELS = ("mean", "standard deviation", "gradient", "sign entropy")
SIZES = (2, 3)

_BAND = 1 << 15  # values worked on at a time
_STEPS = 255.0


@dataclass(frozen=True, slots=True, eq=False)
class Subpixels:
    """A map encoded.

    Attributes
    ----------
    texels : uint8 array (NumPy or CuPy), shape (rows, columns, 4)
        One for each block, channels in the order of `CHANNELS`.
    offset, scale : ndarray of float64, shape (4,)
        A byte b stands for ``offset + scale·b``.
    valid : bool array, shape (rows, columns)
        Blocks with a finite value.
    n : int
        Side of a block.
    """

    texels: Any
    offset: np.ndarray
    scale: np.ndarray
    valid: Any
    n: int


def encode(values: Any, n: int = 2) -> Subpixels:
    """Encode a map.

    Parameters
    ----------
    values : array of real numbers (NumPy or CuPy), shape (rows, columns)
    n : {2, 3}
        Side of a block.

    Raises
    ------
    NnscopeError
        If the array has not two axes, or there is no such size.
    """
    if n not in SIZES:
        raise NnscopeError("Subpixel blocks are 2 or 3 wide.", f"n = {n}")
    if values.ndim != 2:
        raise NnscopeError("Subpixel encoding takes a map of two axes.", f"shape {tuple(values.shape)}")
    xp = namespace(values)
    shape = -(-values.shape[0] // n), -(-values.shape[1] // n)
    texels, valid = xp.zeros((*shape, 4), xp.uint8), xp.zeros(shape, bool)
    bands = slices(shape[0], max(1, _BAND // (n * max(1, values.shape[1]))))
    low, high = np.full(4, np.inf), np.full(4, -np.inf)
    for band, (found, some) in zip(bands, _all_statistics(values, n, bands), strict=True):
        valid[band] = some
        if some.any():
            held = to_host(found[some])
            low, high = np.minimum(low, held.min(axis=0)), np.maximum(high, held.max(axis=0))
    offset = np.where(np.isfinite(low), low, 0.0)
    scale = np.where(high > low, (high - offset) / _STEPS, 0.0)
    per_step = np.divide(1.0, scale, out=np.zeros(4), where=scale > 0)
    for band, (found, some) in zip(bands, _all_statistics(values, n, bands), strict=True):
        steps = xp.rint((found - xp.asarray(offset)) * xp.asarray(per_step))
        texels[band] = xp.where(some[..., None], xp.clip(steps, 0, _STEPS), 0)
    return Subpixels(texels, offset, scale, valid, n)


def decode(encoded: Subpixels) -> Any:
    """The statistics of each block, float64, shape (rows, columns, 4), within half of ``scale``.

    Where `Subpixels.valid` is False they are those of byte 0.
    """
    xp = namespace(encoded.texels)
    return xp.asarray(encoded.offset) + xp.asarray(encoded.scale) * encoded.texels


def _all_statistics(values: Any, n: int, bands: list[slice]) -> Iterator[tuple[Any, Any]]:
    """`_statistics` of all bands; computed twice rather than kept, for they are larger than the map."""
    threads = None if namespace(values) is np else 1
    return map_blocks(lambda i: _statistics(values, n, bands[i]), len(bands), threads)


def _statistics(values: Any, n: int, band: slice) -> tuple[Any, Any]:
    """The channels of some rows of blocks, float64, shape (rows, columns, 4), and which have a finite value."""
    xp = namespace(values)
    first, stop = band.start * n, min(band.stop * n, values.shape[0])
    above = max(0, first - 1)
    x = _float64(values[above : stop + 1])
    finite = xp.isfinite(x)
    x = xp.where(finite, x, 0.0)
    steep = xp.hypot(_differences(x, finite, 0), _differences(x, finite, 1))
    rows = slice(first - above, stop - above)
    x, finite, steep = (_blocks(a[rows], n) for a in (x, finite, steep))
    count = finite.sum(axis=0)
    weight = xp.maximum(count, 1)
    mean = x.sum(axis=0) / weight
    spread = xp.sqrt((xp.where(finite, x - mean, 0.0) ** 2).sum(axis=0) / weight)
    gradient = xp.where(finite, steep, 0.0).sum(axis=0) / weight
    return xp.stack([mean, spread, gradient, _sign_entropy(x)], axis=-1), count > 0


def _differences(x: Any, finite: Any, axis: int) -> Any:
    """Central differences, from the sides that are there: finite, and with a finite value here."""
    xp = namespace(x)
    ahead = tuple(slice(1, None) if i == axis else slice(None) for i in range(2))
    here = tuple(slice(None, -1) if i == axis else slice(None) for i in range(2))
    both = finite[ahead] & finite[here]
    step = xp.where(both, x[ahead] - x[here], 0.0)
    total, sides = xp.zeros(x.shape), xp.zeros(x.shape)
    for side in (ahead, here):
        total[side] += step
        sides[side] += both
    return total / xp.maximum(sides, 1.0)


def _blocks(a: Any, n: int) -> Any:
    """n×n blocks, shape (n², rows, columns); beyond the end there are zeros."""
    xp = namespace(a)
    rows, columns = -(-a.shape[0] // n), -(-a.shape[1] // n)
    a = xp.pad(a, ((0, rows * n - a.shape[0]), (0, columns * n - a.shape[1])))
    return a.reshape(rows, n, columns, n).transpose(1, 3, 0, 2).reshape(n * n, rows, columns)


def _sign_entropy(x: Any) -> Any:
    xp = namespace(x)
    p = (x > 0).sum(axis=0) / xp.maximum((x != 0).sum(axis=0), 1)
    return sum(-q * xp.log2(xp.where(q > 0, q, 1.0)) for q in (p, 1 - p))


def _float64(a: Any) -> Any:
    """As float32, in which the map is defined, and then in the precision to work in."""
    xp = namespace(a)
    return (to_float32(a) if xp is np else a.astype(xp.float32)).astype(xp.float64)
