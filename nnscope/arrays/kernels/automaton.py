"""A step of the cellular automaton of methods.md §12 over rows of cells.

The neighbours of a row are summed over planes and rows first, in one strip, and then along it: 3 + 3 additions for a
cell in two dimensions and 9 + 3 in three, all over whole vectors. tanh is the rational function of Eigen's
``ptanh_float`` (degrees 13 and 6, within 3·10⁻⁷ of tanh everywhere), which vectorises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnscope.arrays.compiled import compiled

if TYPE_CHECKING:
    Modes = tuple[int, int, int]
    Span = tuple[int, int]
    Weights = tuple[np.float32, np.float32, np.float32, np.float32]

WRAP, REFLECT, FIXED = range(3)
IDENTITY, RELU, TANH = range(3)
LIMIT = np.float32(1e30)  # no state leaves ± this, so no sum overflows
TANH_END = np.float32(7.90531110763549805)  # where float32's tanh is 1


@compiled
def step_rows(
    x: np.ndarray, gradient: np.ndarray, scale: np.ndarray, weights: Weights, modes: Modes, span: Span, out: np.ndarray
) -> bool:
    """Rows [from, to), counted over planes and rows, of the state after ``x`` [z, y, x].

    ``weights`` are α, β, γ and the state of cells outside; ``modes`` are the boundary, the function, and the number of
    dimensions (of two, there is one plane). ``gradient`` and ``scale`` are not read where γ and β are zero. False when
    a cell was met that is not within the limit; then ``out`` is undefined.
    """
    strip, share = np.empty(x.shape[2] + 2, np.float32), np.float32(1 / 8 if modes[2] == 2 else 1 / 26)
    for number in range(span[0], span[1]):
        z, y = number // x.shape[1], number % x.shape[1]
        row = out[z, y]
        if not _within(x[z, y]):
            return False
        _sum_around(x, z, y, modes, weights[3], strip)
        _mix(x[z, y], strip, weights[0], share, row)
        if weights[2] != 0:
            _push(gradient[z, y], weights[2], row)
        if weights[1] != 0:
            _amplify(scale[z, y], weights[1], row)
        _finish(modes[1], row)
    return True


@compiled
def _place(i: int, size: int, boundary: int) -> int:
    """Where the neighbour at ``i`` is along an axis; −1 for outside."""
    if 0 <= i < size:
        return i
    if boundary == WRAP:
        return (i + size) % size
    return min(max(i, 0), size - 1) if boundary == REFLECT else -1


@compiled
def _sum_around(x: np.ndarray, z: int, y: int, modes: Modes, outside: np.float32, strip: np.ndarray) -> None:
    """Sums over the rows around a row, it included, with a cell more at either end."""
    n, reach = x.shape[2], 1 if modes[2] == 3 else 0
    above, below = _place(y - 1, x.shape[1], modes[0]), _place(y + 1, x.shape[1], modes[0])
    inner = strip[1 : n + 1]
    for dz in range(-reach, reach + 1):
        k = _place(z + dz, x.shape[0], modes[0])
        _add_three(x, (k, above, y, below), outside, dz > -reach, inner)
    if modes[0] == FIXED:
        strip[0] = strip[n + 1] = outside * np.float32(3 * (2 * reach + 1))
    else:
        strip[0], strip[n + 1] = inner[_place(-1, n, modes[0])], inner[_place(n, n, modes[0])]


@compiled
def _add_three(x: np.ndarray, rows: tuple[int, int, int, int], outside: np.float32, add: bool, out: np.ndarray) -> None:
    """The sum of three ``rows`` (plane, above, middle, below) of ``x``, added to ``out`` or not; −1 is outside."""
    k, above, middle, below = rows
    if k < 0:
        for i in range(len(out)):
            out[i] = (out[i] if add else np.float32(0)) + np.float32(3) * outside
        return
    a, b, c = x[k, max(above, 0)], x[k, middle], x[k, max(below, 0)]
    # What is outside counts as a row of its own, so its place holder weighs nothing.
    p, q = np.float32(above >= 0), np.float32(below >= 0)
    rest = (np.float32(2) - p - q) * outside
    if add:
        for i in range(len(out)):
            out[i] += p * a[i] + b[i] + q * c[i] + rest
    else:
        for i in range(len(out)):
            out[i] = p * a[i] + b[i] + q * c[i] + rest


@compiled
def _mix(x: np.ndarray, strip: np.ndarray, alpha: np.float32, share: np.float32, out: np.ndarray) -> None:
    for i in range(len(out)):
        around = strip[i] + strip[i + 1] + strip[i + 2] - x[i]
        out[i] = x[i] + alpha * (around * share - x[i])


@compiled
def _push(gradient: np.ndarray, gamma: np.float32, out: np.ndarray) -> None:
    for i in range(len(out)):
        push = gamma * gradient[i] if gradient[i] - gradient[i] == 0 else np.float32(0)
        out[i] += min(max(push, -LIMIT), LIMIT)


@compiled
def _amplify(scale: np.ndarray, beta: np.float32, out: np.ndarray) -> None:
    for i in range(len(out)):
        gain = beta * scale[i] if scale[i] - scale[i] == 0 else np.float32(0)
        out[i] *= np.float32(1) + min(max(gain, -LIMIT), LIMIT)


@compiled
def _finish(function: int, out: np.ndarray) -> None:
    """The function, and the limit."""
    low = np.float32(0) if function == RELU else -LIMIT
    for i in range(len(out)):
        out[i] = min(max(out[i], low), LIMIT)
    if function == TANH:
        for i in range(len(out)):
            out[i] = tanh(out[i])


@compiled
def tanh(v: np.float32) -> np.float32:
    """tanh within 3·10⁻⁷, never beyond ±1."""
    x = min(max(v, -TANH_END), TANH_END)
    s = x * x
    p = np.float32(-2.76076847742355e-16)
    p = p * s + np.float32(2.00018790482477e-13)
    p = p * s + np.float32(-8.60467152213735e-11)
    p = p * s + np.float32(5.12229709037114e-08)
    p = p * s + np.float32(1.48572235717979e-05)
    p = p * s + np.float32(6.37261928875436e-04)
    p = p * s + np.float32(4.89352455891786e-03)
    q = np.float32(1.19825839466702e-06)
    q = q * s + np.float32(1.18534705686654e-04)
    q = q * s + np.float32(2.26843463243900e-03)
    q = q * s + np.float32(4.89352518554385e-03)
    return min(max(x * p / q, np.float32(-1)), np.float32(1))


@compiled
def _within(row: np.ndarray) -> bool:
    """Whether all are finite and within the limit."""
    outside = 0
    for i in range(len(row)):
        outside += not abs(row[i]) <= LIMIT
    return outside == 0
