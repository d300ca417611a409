"""Row ``pca``: three components of activations, with scores, over eight shapes with decaying spectra.

The peer of each shape is the fastest of scikit-learn's solvers there (``auto``, ``full``, ``covariance_eigh``,
``randomized``, ``arpack``), found by trying each twice; ``full`` is measured by itself. All work on the same float32
array, from samples to scores. The gate: the largest principal angle to float64's decomposition is at most 1e-3, and so
is the error of the scores relative to their largest. White noise, where no subspace stands out, has no goal.
"""

from __future__ import annotations

import numpy as np

from nnscope.compute.pca.components import pca
from tests.benchmarks.measure import REPEATS, Goal, Result, compared, interleaved, missing, seconds

SHAPES = (
    *((262_144, 64), (50_176, 64), (65_536, 128), (65_536, 256)),
    *((3_136, 256), (16_384, 512), (784, 1024), (12_544, 1024)),
)
SOLVERS = ("auto", "full", "covariance_eigh", "randomized", "arpack")
BEST, FULL = Goal(1 / 1.5), Goal(1 / 8)


def run(quick: bool = False) -> list[Result]:
    """Measure the row."""
    try:
        import sklearn
    except ImportError:
        return [missing("pca", "three components", "scikit-learn is not installed", BEST)]
    lines = []
    for shape in SHAPES[1:5:3] if quick else SHAPES:
        lines += _shape(shape, 2 if quick else REPEATS, sklearn.__version__)
    noise = np.random.default_rng(0).standard_normal((16_384, 256), dtype=np.float32)
    return [*lines, _against(noise, _fastest(noise), None, 2 if quick else REPEATS, "white noise 16384 × 256")]


def activations(places: int, channels: int) -> np.ndarray:
    """Samples whose j-th component has a standard deviation of 1/j, in a random basis, with means as after a ReLU."""
    rng = np.random.default_rng(channels)
    basis = np.linalg.qr(rng.standard_normal((channels, channels)))[0]
    scales = 1 / np.arange(1, channels + 1)
    coordinates = rng.standard_normal((places, channels), dtype=np.float32)
    coordinates *= scales.astype(np.float32)
    x = coordinates @ basis.T.astype(np.float32)
    x += np.abs(rng.standard_normal(channels)).astype(np.float32) / channels**0.5
    return x


def _shape(shape: tuple[int, int], repeats: int, version: str) -> list[Result]:
    x = activations(*shape)
    gate = _check(x)
    where = f"{shape[0]} × {shape[1]}"
    solver = _fastest(x)
    return [
        _against(x, solver, BEST, repeats, where, f"scikit-learn {version} {solver}; {gate}"),
        _against(x, "full", FULL, repeats, where, "full"),
    ]


def _against(x: np.ndarray, solver: str, goal: Goal | None, repeats: int, what: str, note: str = "") -> Result:
    times = interleaved(lambda: seconds(lambda: pca(x)), lambda: _peer(x, solver), repeats)
    return compared("pca", what, times, goal, note or f"no goal; {solver}")


def _fastest(x: np.ndarray) -> str:
    return min(SOLVERS, key=lambda solver: min(_peer(x, solver) for _ in range(2)))


def _peer(x: np.ndarray, solver: str) -> float:
    from sklearn.decomposition import PCA

    return seconds(lambda: PCA(3, svd_solver=solver, random_state=0).fit_transform(x))


def _check(x: np.ndarray) -> str:
    found = pca(x)
    centred = x.astype(np.float64) - x.mean(axis=0, dtype=np.float64)
    short = centred.T @ centred if x.shape[1] <= x.shape[0] else centred @ centred.T
    vectors = np.linalg.eigh(short)[1][:, :-4:-1]
    truth = vectors if x.shape[1] <= x.shape[0] else np.linalg.qr(centred.T @ vectors)[0]
    cosines = np.linalg.svd(found.components @ truth, compute_uv=False)
    angle = float(np.arccos(np.clip(cosines.min(), -1, 1)))
    assert angle <= 1e-3, f"principal angle {angle:.1e}"
    expected = centred @ found.components.T
    assert np.abs(found.scores - expected).max() <= 1e-3 * np.abs(expected).max(), "scores are wrong"
    return f"angle {angle:.0e}, bound {found.angle:.0e}"
