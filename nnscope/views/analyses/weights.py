"""What a weight's spectrum and norms tell (methods.md §8), of the tensor as a matrix: its first axis × all others.

Entries that are not finite count as zero, and a fact says how many there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnscope.core.errors import NnscopeError
from nnscope.views.analyses.base import Found, Method, Work, matrices
from nnscope.views.setting import Setting

if TYPE_CHECKING:
    from nnscope.core.request import Scalar
    from nnscope.core.tensor import TensorInfo

LARGEST_SIDE = 2048  # shorter side of a matrix of which all singular values are computed
MOST_FREQUENCIES = 1 << 16


def _decomposable(info: TensorInfo) -> str:
    if matrices(info):
        return matrices(info)
    short = min(info.shape[0], info.size // info.shape[0])
    return "" if short <= LARGEST_SIDE else f"This decomposes matrices of a shorter side up to {LARGEST_SIDE} only."


def _kernels(info: TensorInfo) -> str:
    fits = 3 <= info.ndim <= 5 and info.size
    return "" if fits else "This needs the kernels of a convolution: out × in × one to three spatial axes."


def _finite(work: Work) -> tuple[np.ndarray, int]:
    """The tensor with zeros in place of what is not finite, and how many these are."""
    values = work.values()
    odd = ~np.isfinite(values)
    count = int(np.count_nonzero(odd))
    return (np.where(odd, np.float32(0), values) if count else values), count


def _matrix(work: Work) -> tuple[np.ndarray, int]:
    values, odd = _finite(work)
    return values.reshape(len(values), -1), odd


def _norm(work: Work) -> Found:
    from nnscope.compute.spectra.norm import spectral_norm

    matrix, odd = _matrix(work)
    found = spectral_norm(matrix, progress=work.progress)
    facts: dict[str, Scalar] = {
        "spectral_norm": float(found.value),
        "residual": float(found.residual),
        "iterations": found.iterations,
        "converged": bool(found.converged),
        "nonfinite": odd,
    }
    return Found({"left": np.asarray(found.left), "right": np.asarray(found.right)}, facts)


def _scale(work: Work) -> Found:
    from nnscope.compute.spectra.weight_scale import scaled_map, weight_scale

    values, odd = _finite(work)
    found = weight_scale(values)
    arrays = {"channels": found.channels, "ratio": found.ratio, "scaled": scaled_map(values, found.ratio)}
    return Found(arrays, {"frobenius": found.frobenius, "nonfinite": odd})


def _noise(work: Work) -> Found:
    from nnscope.compute.blas_threads import one_thread_each
    from nnscope.compute.spectra.baseline import shuffled_spectrum
    from nnscope.compute.spectra.marchenko_pastur import noise_bulk, outliers

    matrix, odd = _matrix(work)
    with one_thread_each():
        sigma = np.linalg.svd(matrix.astype(np.float64), compute_uv=False)
    work.progress(1, 2)
    bulk = noise_bulk((matrix.shape[0], matrix.shape[1]), float(np.mean(matrix.astype(np.float64) ** 2)))
    shuffled = shuffled_spectrum(matrix, int(work.settings["seed"]))
    facts: dict[str, Scalar] = {
        "bulk_low": bulk.low,
        "bulk_high": bulk.high,
        "beyond": bulk.beyond,
        "outliers": outliers(sigma, bulk),
        "nonfinite": odd,
    }
    return Found({"sigma": sigma, "shuffled": shuffled}, facts)


def _convolution(work: Work) -> Found:
    from nnscope.compute.spectra.convolution import convolution_singular_values

    values, odd = _finite(work)
    size = (int(work.settings["size"]),) * (values.ndim - 2)
    if np.prod(size) > MOST_FREQUENCIES:
        raise NnscopeError("The map is too large.", str(size), f"Ask for at most {MOST_FREQUENCIES} places in all.")
    return Found({"sigma": convolution_singular_values(values, size, work.progress)}, {"nonfinite": odd})


def _fractal(work: Work) -> Found:
    from nnscope.compute.spectra.fractal_map import LARGEST, Fractal, fractal_region, rank_map, zoom_depth

    matrix, odd = _matrix(work)
    settings = work.settings
    cells, fractal = int(settings["cells"]), Fractal(int(settings["depth"]), settings["decay"])
    side = cells ** (fractal.depth + 1)
    if side * side > LARGEST:
        raise NnscopeError(f"A map of {side} × {side} cells is too large.", remedy="Choose less depth or fewer cells.")
    base = rank_map(matrix, int(settings["rank"]), cells)
    whole = fractal_region(base.cells, fractal, (0, 0), (side, side))
    arrays = {"base": base.cells, "sigma": base.sigma, "map": np.asarray(whole, np.float32)}
    return Found(arrays, {"zoom_depth": zoom_depth(base.sigma), "nonfinite": odd})


METHODS = (
    Method("spectral-norm", "Largest singular value and its vectors", matrices, _norm),
    Method("weight-scale", "Norms of the output channels", matrices, _scale),
    Method(
        "noise-edge", "Singular values beside those of noise", _decomposable, _noise, (Setting("seed", 0, 0, 1 << 31),)
    ),
    Method(
        "convolution-spectrum",
        "Singular values of the circular convolution",
        _kernels,
        _convolution,
        (Setting("size", 16, 1, MOST_FREQUENCIES),),
    ),
    Method(
        "fractal-map",
        "Spectral fractal map",
        _decomposable,
        _fractal,
        (
            Setting("rank", 8, 1, LARGEST_SIDE),
            Setting("cells", 8, 2, 256),
            Setting("depth", 2, 0, 12),
            Setting("decay", 0.5, 0, 1),
        ),
    ),
)
