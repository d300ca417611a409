"""Multi-resolution blending: a map mixed with coarser versions of itself (methods.md §7, aesthetic).

    x ← λ·x + (1 − λ)·up(down(x)),

repeated at successive scales: round k averages over 2^k × 2^k cells (k times 2×2; at an odd edge over what is there)
and comes back by k bilinear doublings with cell centres aligned (weights ¾ and ¼, edges repeated). λ = 1 is the
identity.

Values that are not finite stay where they are and take no part: what is blurred is their neighbours alone, divided by
the blurred share of finite values (normalised convolution, Knutsson and Westin 1993).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscope.arrays.backend import namespace
from nnscope.compute.decode import to_float32
from nnscope.compute.parts import slices
from nnscope.core.errors import NnscopeError

_BAND = 1 << 16  # values mixed at a time


def blend(values: Any, share: float, rounds: int = 1) -> Any:
    """Mix a map with coarser versions of itself.

    Parameters
    ----------
    values : array of real numbers (NumPy or CuPy), shape (…, rows, columns)
        A map, or many at once.
    share : float
        λ, in [0, 1].
    rounds : int
        Number of scales, ≥ 0: 2×2, then 4×4, … cells.

    Returns
    -------
    float32 array of the same shape

    Raises
    ------
    NnscopeError
        If ``share`` or ``rounds`` is not as above, or there are fewer than two axes.
    """
    if not 0 <= share <= 1:
        raise NnscopeError("The share of the map itself lies between 0 and 1.", f"{share!r}")
    if rounds < 0:
        raise NnscopeError("There can't be fewer rounds than none.", f"{rounds!r}")
    if values.ndim < 2:
        raise NnscopeError("Blending takes maps of two axes.", f"shape {tuple(values.shape)}")
    xp = namespace(values)
    x = to_float32(values) if xp is np else xp.ascontiguousarray(values, xp.float32)
    if share == 1 or not x.size:
        return x.copy()
    finite = xp.isfinite(x)
    every = bool(finite.all())
    mixed = x.copy() if every else xp.where(finite, x, xp.float32(0))
    for times in range(1, rounds + 1):
        _mix(mixed, None if every else finite, share, times)
    if not every:
        xp.copyto(mixed, x, where=~finite)
    return mixed


def _mix(x: Any, finite: Any, share: float, times: int) -> None:
    """One round in place. Where not all values are ``finite``, ``x`` is zero for the others, and stays so."""
    xp = namespace(x)
    total, weight = _blurred(x, times), None if finite is None else _blurred(finite, times)
    rows, columns = x.shape[-2:]
    for band in slices(rows, max(1, _BAND * rows // x.size)):
        coarse = _doubled(total[..., band, :], -1, columns)
        if weight is not None:
            held = finite[..., band, :]
            coarse /= xp.where(held, _doubled(weight[..., band, :], -1, columns), xp.float32(1))
            coarse *= held
        part = x[..., band, :]
        part *= xp.float32(share)
        part += xp.float32(1 - share) * coarse


def _blurred(x: Any, times: int) -> Any:
    """up(down(x)), ``times`` each, but for the last doubling of the columns, which goes row by row."""
    sizes = []
    for _ in range(times):
        sizes.append(x.shape[-2:])
        x = _halved(_halved(x, -2), -1)
    for number, (rows, columns) in enumerate(reversed(sizes), 1):
        x = _doubled(x, -2, rows)
        x = _doubled(x, -1, columns) if number < times else x
    return x


def _halved(a: Any, axis: int) -> Any:
    """Means of pairs along an axis; the last of an odd number stays alone."""
    xp = namespace(a)
    a = xp.moveaxis(a, axis, -1)
    pairs = a.shape[-1] // 2
    out = xp.empty((*a.shape[:-1], -(-a.shape[-1] // 2)), xp.float32)
    out[..., pairs:] = a[..., 2 * pairs :]
    xp.multiply(a[..., : 2 * pairs : 2], xp.float32(0.5), out=out[..., :pairs])
    out[..., :pairs] += a[..., 1 : 2 * pairs : 2] * xp.float32(0.5)  # halves first: sums of large values overflow
    return xp.moveaxis(out, -1, axis)


def _doubled(a: Any, axis: int, size: int) -> Any:
    """Linear interpolation to ``size`` cells, twice as many or one less."""
    xp = namespace(a)
    a = xp.moveaxis(a, axis, -1)
    out = xp.empty((*a.shape[:-1], size), xp.float32)
    far = a * xp.float32(0.25)
    even, odd = out[..., 0::2], out[..., 1::2]
    xp.multiply(far, xp.float32(3), out=even)
    xp.multiply(far[..., : odd.shape[-1]], xp.float32(3), out=odd)
    even[..., 1:] += far[..., :-1]
    even[..., :1] += far[..., :1]
    later = far[..., 1 : odd.shape[-1] + 1]
    odd[..., : later.shape[-1]] += later
    odd[..., later.shape[-1] :] += far[..., later.shape[-1] : odd.shape[-1]]
    return xp.moveaxis(out, -1, axis)
