"""Odd inputs of every method: each gives a defined result or one clear sentence, never a warning and never a stray NaN.

Warnings are errors here (``filterwarnings`` in pyproject.toml). A method takes arrays of its number of axes; what has
others is refused with a sentence. Values that are not finite may come out only where they went in, of methods that
leave such cells as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import pytest

from nnscope.compute import automaton, blending, colour, decode, jacobian, normalise, subpixel
from nnscope.compute.attention import laplacian, maps, recursion, rollout
from nnscope.compute.octree import cut, dense, nodes, points
from nnscope.compute.pca import components
from nnscope.compute.pyramid import levels, volume
from nnscope.compute.space import voxels
from nnscope.compute.spectra import (
    baseline,
    convolution,
    fractal_map,
    marchenko_pastur,
    norm,
    power_law,
    ranks,
    singular_values,
    weight_scale,
)
from nnscope.compute.statistics import block, summary
from nnscope.core.errors import NnscopeError
from tests.compute.readers import Held

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


# --- inputs ---------------------------------------------------------------------------------------------------------

SHAPES: dict[int, tuple[tuple[int, ...], ...]] = {
    0: ((),),
    1: ((0,), (1,), (13,)),
    2: ((0, 0), (0, 5), (5, 0), (1, 1), (1, 13), (13, 1), (7, 13), (31, 17)),
    3: ((0, 3, 3), (3, 0, 3), (3, 3, 0), (1, 1, 1), (1, 1, 13), (13, 1, 1), (3, 5, 7), (7, 11, 5)),
    4: ((0, 2, 3, 3), (2, 0, 3, 3), (2, 3, 0, 3), (1, 1, 1, 1), (2, 3, 5, 3)),
}

# Big ones beyond float32, small ones below its normal range: sums and squares of them overflow and vanish.
VALUES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "random": lambda x: x,
    "zeros": lambda x: x * 0,
    "constant": lambda x: x * 0 + 3,
    "all NaN": lambda x: x * np.nan,
    "all infinite": lambda x: np.where(x > 0, np.inf, -np.inf).astype(x.dtype),
    "some odd": lambda x: _some_odd(x),
    "denormal": lambda x: x * np.float32(1e-42),
    "huge": lambda x: (np.sign(x) * np.float32(3e38)).astype(np.float32),
    "one outlier": lambda x: _with_outlier(x),
    "not contiguous": lambda x: np.repeat(x, 2, axis=-1)[..., ::-2] if x.ndim else x,
    "Fortran order": np.asfortranarray,
    "read-only": lambda x: _read_only(x),
    "big-endian": lambda x: x.astype(">f4"),
    "float64": lambda x: x.astype(np.float64) * 1e200,
    "float16": lambda x: x.astype(np.float16),
    "bfloat16": lambda x: x.astype(ml_dtypes.bfloat16),
    "float8": lambda x: x.astype(ml_dtypes.float8_e4m3fn),
    "int8": lambda x: (x * 20).astype(np.int8),
    "uint64": lambda x: np.full(x.shape, 2**64 - 1, np.uint64),
    "bool": lambda x: x > 0,
}
ODD = ("all NaN", "all infinite", "some odd")


def _some_odd(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x.reshape(-1)[::3], x.reshape(-1)[1::7] = np.nan, np.inf
    return x


def _with_outlier(x: np.ndarray) -> np.ndarray:
    x = x * np.float32(1e-30)
    x.reshape(-1)[:1] = 1e30
    return x


def _read_only(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x.flags.writeable = False
    return x


def inputs(axes: int) -> Iterator[tuple[str, np.ndarray]]:
    """Every kind of values in every shape of so many axes, with a name."""
    for shape in SHAPES[axes]:
        plain = np.random.default_rng(7).standard_normal(shape, np.float32)
        for name, change in VALUES.items():
            yield f"{name} {shape}", change(np.asarray(plain))


# --- methods --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A method: what to call, of how many axes, and where its results may hold what is not finite.

    ``prepare`` makes the method's kind of input of any array (squares for attention, points for point octrees).
    """

    run: Callable[[Any], object]
    axes: tuple[int, ...] = (2,)
    keeps: bool = False  # values that are not finite stay what they are
    refuses: str = ""  # of inputs that the method has no answer for, these and empty ones, what it says
    may: tuple[str, ...] = ()  # fields that are NaN or infinite by definition
    prepare: Callable[[np.ndarray], Any] = lambda x: x


def _finite(x: np.ndarray) -> np.ndarray:
    """As analyses hand matrices on: decoded, with zeros in place of what is not finite."""
    x = decode.to_float32(x)
    return np.where(np.isfinite(x), x, np.float32(0))


def _attention(x: np.ndarray) -> np.ndarray:
    """Weights of tokens to the same tokens: square, not negative."""
    n = max(x.shape, default=0) if x.size else 0
    square = np.resize(x, (n, n)) if n else np.zeros((0, 0), x.dtype)
    return square if square.dtype.kind in "bu" else abs(square)


def _layers(x: np.ndarray) -> list[np.ndarray]:
    return [_attention(x)[None], _attention(x)[None]]


def _cells(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    flat = x.reshape(-1)
    return np.random.default_rng(0).integers(0, 9, (flat.size, 3)), flat


def _dense_cut(x: np.ndarray) -> object:
    found = cut.cut(dense.dense_octree(x), nodes.Tolerance(0.5, density=1.0))
    leaves = cut.cut_leaves(found)
    assert int(leaves.count.sum()) == x.size
    return (
        found.max_error,
        found.compression,
        leaves.mean,
        cut.cut_nodes(found).mean,
        nodes.reconstruct(leaves, x.shape),
    )


def _points(given: tuple[np.ndarray, np.ndarray]) -> object:
    tree = points.merge(points.point_octree(*given), nodes.Tolerance(0.5, density=1.0))
    return tree.dense, tree.order, nodes.reconstruct(tree.nodes, (9, 9, 9))


def _normalised(name: str) -> Callable[[np.ndarray], object]:
    def run(x: np.ndarray) -> object:
        stats = summary.stats_of_array(x)
        chosen = normalise.normalisation(name, stats)
        u = normalise.apply(chosen, decode.to_float(x))
        share = normalise.clipped_share(stats, (-0.5, 0.5))
        return fields_of(chosen), share, u[np.isfinite(decode.to_float(x))]

    return run


def _sensitivity(x: np.ndarray) -> object:
    matrix = _finite(x).astype(np.float64)
    found = jacobian.sensitivity(lambda v: matrix.T @ v, (len(matrix),), jacobian.EstimateOptions(exact_outputs=0))
    top = jacobian.top_singular(lambda u: matrix @ u, lambda v: matrix.T @ v, (matrix.shape[1],))
    return found, top


_STATS = ("min", "max", "mean", "variance", "abs_mean", "abs_max", "median", "mad", "median_abs_nonzero")
_NO_WEIGHTS = "no attention weights"
_SPECTRUM = ("alpha", "alpha_ks", "effective_rank")


def _positive(x: np.ndarray) -> np.ndarray:
    return x if x.dtype.kind in "bu" else abs(x)


def _colours(scores: np.ndarray) -> object:
    limits = components.score_limits(scores)
    return limits, components.scores_to_rgb(scores, limits)


def _pyramid(found: tuple[levels.Level, ...]) -> object:
    """Cells with nothing finite hold no mean."""
    return [[np.where(level.count > 0, a, 0) for a in (level.mean, level.std, level.min, level.max)] for level in found]


def _scale(x: np.ndarray) -> object:
    found = weight_scale.weight_scale(x)
    return found, weight_scale.scaled_map(x, found.ratio)


def _ranks(sigma: np.ndarray) -> object:
    return (
        ranks.stable_rank(float(np.linalg.norm(sigma.astype(float))), float(sigma.max(initial=0))),
        ranks.effective_rank(sigma),
        ranks.condition(sigma),
        fractal_map.zoom_depth(sigma),
    )


def _noise(x: np.ndarray) -> object:
    sigma = baseline.shuffled_spectrum(x)
    bulk = marchenko_pastur.noise_bulk(x.shape, float(np.mean(x.astype(np.float64) ** 2)) if x.size else 0.0)
    return sigma, bulk, marchenko_pastur.outliers(sigma, bulk)


def _fractal(x: np.ndarray) -> object:
    base = fractal_map.rank_map(decode.to_float32(x), 3, 5)
    return base, fractal_map.fractal_region(base.cells, fractal_map.Fractal(1), (3, 3), (10, 10))


def _recursion(mode: str) -> Callable[[np.ndarray], object]:
    return lambda x: recursion.recursion(x, recursion.RecursionOptions(3, mode))


def _evolved(x: np.ndarray) -> object:
    rule = automaton.MooreRule(0.7, 0.5, 0.5, "reflect", "tanh")
    return automaton.evolve(automaton.CellState(x, gradient=x, weight_scale=x), rule, 3).mean


def _reduced(name: str) -> Callable[[np.ndarray], object]:
    return lambda x: voxels.reduce_block(decode.to_float(x), None, 2, name)


METHODS: dict[str, Row] = {
    "statistics": Row(summary.stats_of_array, (0, 1, 2, 3, 4), may=_STATS),
    "block statistics": Row(block.block_stats, (0, 1, 2, 3), may=("mean", "min", "max", "std")),
    "decoding": Row(decode.to_float32, (0, 1, 2, 3, 4), keeps=True),
    **{f"normalisation {name}": Row(_normalised(name), (0, 1, 2)) for name in normalise.NAMES},
    "principal components": Row(components.pca),
    "components aligned": Row(lambda x: components.align(components.pca(x), components.pca(x).components)),
    "scores as colours": Row(lambda x: _colours(components.pca(x).scores)),
    "pyramid": Row(lambda x: _pyramid(levels.build_levels(lambda r, c: (x[slice(*r), slice(*c)], None), x.shape, 1))),
    "pyramid in three dimensions": Row(lambda x: _pyramid(volume.volume_levels(x)), (3,)),
    "subpixels": Row(lambda x: subpixel.decode(subpixel.encode(x, 3))),
    "octree": Row(_dense_cut, (3,), keeps=True),
    "octree of points": Row(_points, (1,), prepare=_cells, keeps=True),
    "blending": Row(lambda x: blending.blend(x, 0.5, 3), (2, 3), keeps=True),
    "weight scale": Row(lambda x: _scale(_finite(x)), (1, 2, 3, 4)),
    "spectral norm": Row(lambda x: norm.spectral_norm(_finite(x))),
    "singular values": Row(
        lambda x: singular_values.top_singular_values(Held(x), 3), (2, 3, 4), may=_SPECTRUM, refuses="not empty"
    ),
    "power law": Row(power_law.fit_power_law, (1,), may=("alpha", "error", "xmin", "ks")),
    "ranks": Row(lambda x: _ranks(np.sort(np.abs(_finite(x)))[::-1]), (1,), may=("2",)),
    "edge of noise": Row(lambda x: _noise(_finite(x))),
    "convolution spectrum": Row(
        lambda x: convolution.convolution_singular_values(_finite(x), (5,) * (x.ndim - 2)), (3, 4)
    ),
    "fractal map": Row(_fractal),
    "attention map": Row(maps.attention_map, refuses=_NO_WEIGHTS, prepare=_attention),
    "head mean": Row(lambda x: maps.head_mean(x), (3,), refuses=_NO_WEIGHTS, prepare=_positive),
    "row entropy": Row(lambda x: maps.row_entropy(x), (3,), refuses=_NO_WEIGHTS, prepare=_positive),
    "attention eigenvalues": Row(
        lambda x: maps.eigenvalues(maps.attention_map(x).weights), refuses=_NO_WEIGHTS, prepare=_attention
    ),
    **{f"recursion {mode}": Row(_recursion(mode), refuses=_NO_WEIGHTS, prepare=_attention) for mode in recursion.MODES},
    "rollout": Row(rollout.rollout, refuses=_NO_WEIGHTS, prepare=_layers),
    "token graph": Row(
        lambda x: (laplacian.token_graph(x), laplacian.token_graph(x, 3, True)), refuses=_NO_WEIGHTS, prepare=_attention
    ),
    "laplacian": Row(
        lambda x: (laplacian.laplacian(x), laplacian.laplacian(x, True)), refuses=_NO_WEIGHTS, prepare=_attention
    ),
    "Jacobian": Row(_sensitivity),
    "automaton": Row(_evolved, (2, 3), keeps=True),
    "gradient colours": Row(lambda x: colour.hsv_gradient(_finite(x))),
    **{f"voxels {name}": Row(_reduced(name), (3,), may=("0",)) for name in voxels.REDUCTIONS},
}


@pytest.mark.parametrize("name", METHODS)
def test_results_are_defined(name: str) -> None:
    method = METHODS[name]
    wrong = [line for axes in method.axes for what, x in inputs(axes) if (line := _judged(method, what, x))]
    assert not wrong, "\n".join(wrong)


def _judged(method: Row, what: str, x: np.ndarray) -> str:
    """What is wrong with the result; empty when nothing is."""
    try:
        found = method.run(method.prepare(x))
    except NnscopeError as error:
        return "" if method.refuses and method.refuses in str(error) else f"{what}: {error}"
    except Exception as error:  # every kind of failure is a line of the same table
        return f"{what}: {type(error).__name__}: {error}"
    bad = [path for path, value in _leaves(found) if not np.isfinite(value).all()]
    odd = method.keeps and what.startswith(ODD)
    bad = [] if odd else [path for path in bad if not set(path.split(".")) & set(method.may)]
    return f"{what}: not finite: {bad}" if bad else ""


def _leaves(found: Any, path: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """All numbers of a result, by dotted name."""
    if is_dataclass(found):
        found = fields_of(found)
    elif isinstance(found, (tuple, list)):
        found = {str(i): part for i, part in enumerate(found)}
    if isinstance(found, dict):
        for name, part in found.items():
            yield from _leaves(part, f"{path}.{name}" if path else name)
    elif not isinstance(found, (str, type(None))):
        yield path, np.asarray(found)


def fields_of(found: Any) -> dict[str, Any]:
    return {f.name: getattr(found, f.name) for f in fields(found)}
