"""Cellular automata over the cells of a layer, in two and three dimensions (methods.md §12).

The state of a cell is what was measured of it; a rule is any object whose ``step`` makes the next state of a state, so
plugins bring rules of their own. `MooreRule` is the one that ships: of the state x = activation mean alone evolves,

    x' = f((x + α·(mean of neighbours − x) + γ·gradient) · (1 + β·weight scale)),

over the Moore neighbourhood, 8 cells in two dimensions and 26 in three. At the boundary, wrap takes cells from the
other side, reflect repeats the edge (d c b a | a b c d | d c b a), fixed has cells of one given state all around.

Cells that are not finite stay as they are, and are no neighbours: means are over the others (of a cell alone, itself).
A gradient or weight scale that is not finite counts as zero. States stay within ±10³⁰.

States are float32. A step rounds each cell a few times, so that after 100 steps of a rule that does not amplify
(|1 + β·weight scale| ≤ 1) a state differs from exact arithmetic by some 10⁻⁶ of the largest |x|.

Oracle: scipy.ndimage.convolve.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from nnscope.arrays import cuda
from nnscope.arrays.backend import namespace
from nnscope.compute.decode import to_float32
from nnscope.compute.parallel import map_blocks
from nnscope.compute.parts import read_only, slices
from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from collections.abc import Callable

BOUNDARIES = ("wrap", "reflect", "fixed")
FUNCTIONS = ("identity", "relu", "tanh")
LIMIT = 1e30  # of |x|

_BAND = 1 << 20  # cells that a thread takes at a time: fewer, and starting threads takes longer than they save
_SMALL = 1 << 12  # cells up to which compiled code is not worth loading


@dataclass(frozen=True, slots=True, eq=False)
class CellState:
    """What is known of each cell: float32 arrays of one shape, (rows, columns) or (planes, rows, columns).

    Attributes
    ----------
    mean : array (NumPy or CuPy)
        Activation mean: what evolves.
    variance, gradient, weight_scale, spectral_scale : array or None
        Activation variance, gradient mean, and the scales of the weights; None stands for zeros.

    Raises
    ------
    NnscopeError
        If the arrays don't have one shape of two or three axes.
    """

    mean: Any
    variance: Any = None
    gradient: Any = None
    weight_scale: Any = None
    spectral_scale: Any = None

    def __post_init__(self) -> None:
        shape = tuple(self.mean.shape)
        if len(shape) not in (2, 3):
            raise NnscopeError("Cells lie in two or three dimensions.", f"shape {shape}")
        for field in fields(self):
            given = getattr(self, field.name)
            if given is None:
                continue
            if tuple(given.shape) != shape:
                raise NnscopeError("All quantities of cells have one shape.", f"{field.name}: {tuple(given.shape)}")
            object.__setattr__(self, field.name, _float32(given))


class Rule(Protocol):
    """How a state becomes the next one."""

    def step(self, state: CellState) -> CellState:
        """The next state; the given one stays as it is."""


@dataclass(frozen=True, slots=True)
class MooreRule:
    """The rule of methods.md §12; see the module.

    Attributes
    ----------
    alpha : float
        Share of the neighbours' mean, in [0, 1].
    beta, gamma : float
        Weights of the weight scale and of the gradient.
    boundary : {"wrap", "reflect", "fixed"}
    function : {"identity", "relu", "tanh"}
    outside : float
        State of the cells outside, for ``"fixed"``; within ±10³⁰.

    Raises
    ------
    NnscopeError
        If one of them is not as above.
    """

    alpha: float = 0.5
    beta: float = 0.0
    gamma: float = 0.0
    boundary: str = "wrap"
    function: str = "identity"
    outside: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.alpha <= 1:
            raise NnscopeError("The neighbours' share lies between 0 and 1.", f"alpha = {self.alpha!r}")
        for name in ("beta", "gamma", "outside"):
            if not abs(getattr(self, name)) <= LIMIT:
                raise NnscopeError("A weight of the rule lies within ±1e30.", f"{name} = {getattr(self, name)!r}")
        for name, known in (("boundary", BOUNDARIES), ("function", FUNCTIONS)):
            if getattr(self, name) not in known:
                raise NnscopeError(f"There is no {name} of this name.", getattr(self, name), f"Use {', '.join(known)}.")

    def step(self, state: CellState, room: Any = None) -> CellState:
        """The next state: another ``mean``, the rest as it is.

        ``room`` is a C-contiguous float32 array of the state's shape to hold that mean, apart from the state; None for
        a new one.
        """
        shape = state.mean.shape
        volume = (1, *shape) if len(shape) == 2 else shape
        x, gradient, scale = (
            state.mean.reshape(volume) if a is None else a.reshape(volume)
            for a in (state.mean, state.gradient, state.weight_scale)
        )
        beta = 0.0 if state.weight_scale is None else self.beta
        gamma = 0.0 if state.gradient is None else self.gamma
        weights = np.array([self.alpha, beta, gamma, self.outside], np.float32)
        modes = BOUNDARIES.index(self.boundary), FUNCTIONS.index(self.function), len(shape)
        out = namespace(x).empty(volume, np.float32) if room is None else room.reshape(volume)
        _Step(x, gradient, scale, weights, modes).take(out)
        return replace(state, mean=out.reshape(shape))


def evolve(
    state: CellState, rule: Rule, steps: int, progress: Callable[[int, int], None] = lambda done, total: None
) -> CellState:
    """The state after a number of steps.

    Parameters
    ----------
    state : CellState
    rule : Rule
    steps : int
    progress : callable
        Called as ``progress(done, total)`` after each step; may raise `Cancelled`.
    """
    room = None
    for done in range(1, steps + 1):
        # From the third step on, the mean before last is written over: fresh memory costs as much as the step.
        after = rule.step(state, room) if type(rule) is MooreRule else rule.step(state)
        state, room = after, state.mean if done > 1 else None
        progress(done, steps)
    return state


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """A step of `MooreRule`, of arrays [z, y, x] (in two dimensions of one plane).

    ``weights`` are α, β, γ and the state outside, ``modes`` the boundary, the function and the number of dimensions.
    """

    x: Any
    gradient: Any
    scale: Any
    weights: np.ndarray
    modes: tuple[int, int, int]

    def take(self, out: Any) -> None:
        """Write the next state into ``out``."""
        if not out.size:
            return
        if namespace(self.x) is not np:
            self.on_device(out)
        elif self.x.size <= _SMALL or not self._compiled(out):
            self._plain(out)

    def on_device(self, out: Any) -> None:
        """By ``automaton.cu``, a thread for each cell."""
        arguments = self.x, self.gradient, self.scale, *self.x.shape, *self.weights, *self.modes, out
        cuda.launch("automaton", "moore_step", cuda.Grid.over(out.size), arguments)

    def _compiled(self, out: np.ndarray) -> bool:
        """By compiled code; False when a cell is not finite."""
        from nnscope.arrays.kernels.automaton import step_rows

        x, gradient, scale = map(read_only, (self.x, self.gradient, self.scale))
        alpha, beta, gamma, outside = self.weights
        weights = alpha, beta, gamma, outside
        rows = slices(x.shape[0] * x.shape[1], max(1, _BAND // x.shape[2]))

        def band(i: int) -> bool:
            return step_rows(x, gradient, scale, weights, self.modes, (rows[i].start, rows[i].stop), out)

        return all(map_blocks(band, len(rows)))

    def _plain(self, out: np.ndarray) -> None:
        """The definition in double precision, band by band."""
        axis = 3 - self.modes[2]
        size = self.x.shape[axis]
        for rows in slices(size, max(1, _BAND // 32 * size // max(1, self.x.size))):
            where = (slice(None),) * axis + (rows,)
            x = self.x[where].astype(np.float64)
            finite = np.isfinite(x)
            around, count = self._around(rows, axis)
            around -= np.where(finite, x, 0.0)
            count -= finite
            with np.errstate(all="ignore"):
                mean = np.where(count > 0, around / np.maximum(count, 1.0), x)
                out[where] = np.where(finite, self._changed(x, mean, where), x)

    def _around(self, rows: slice, axis: int) -> tuple[np.ndarray, np.ndarray]:
        """Sum and number of the finite cells around each cell of some rows, itself included."""
        boundary, size = BOUNDARIES[self.modes[0]], self.x.shape[axis]
        places = np.arange(rows.start - 1, rows.stop + 1)
        inside = places % size if boundary == "wrap" else places.clip(0, size - 1)
        x = self.x.take(inside, axis).astype(np.float64)
        if boundary == "fixed":
            x[(slice(None),) * axis + ((places < 0) | (places >= size),)] = self.weights[3]
        pad = [(int(i > axis), int(i > axis)) for i in range(3)]
        if boundary == "fixed":
            x = np.pad(x, pad, constant_values=float(self.weights[3]))
        else:
            x = np.pad(x, pad, "wrap" if boundary == "wrap" else "edge")
        finite = np.isfinite(x)
        return _threes(np.where(finite, x, 0.0), axis), _threes(finite.astype(np.float64), axis)

    def _changed(self, x: np.ndarray, mean: np.ndarray, where: tuple[slice, ...]) -> np.ndarray:
        alpha, beta, gamma, _ = self.weights.astype(np.float64)
        value = x + alpha * (mean - x) + _bounded(gamma, self.gradient[where])
        value = np.asarray(value * (1 + _bounded(beta, self.scale[where])))
        function = FUNCTIONS[self.modes[1]]
        value = np.tanh(value) if function == "tanh" else value
        return np.asarray(np.clip(value, 0.0 if function == "relu" else -LIMIT, LIMIT))


def _bounded(weight: float, a: np.ndarray) -> np.ndarray:
    """``weight·a`` within the limit; 0 where ``a`` is not finite."""
    return np.asarray(np.clip(weight * np.where(np.isfinite(a), a, 0.0), -LIMIT, LIMIT))


def _threes(a: np.ndarray, axis: int) -> np.ndarray:
    """Sums of three neighbours along ``axis`` and the axes after it, which become shorter by two."""
    for i in range(axis, a.ndim):
        n = a.shape[i] - 2
        a = a.take(range(n), i) + a.take(range(1, n + 1), i) + a.take(range(2, n + 2), i)
    return a


def _float32(given: Any) -> Any:
    xp = namespace(given)
    return to_float32(given) if xp is np else xp.ascontiguousarray(given, xp.float32)
