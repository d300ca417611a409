"""Row ``pca``: three components of activations, with scores, over eight shapes with decaying spectra.

The peer of each shape is the fastest of scikit-learn's solvers there (``covariance_eigh``, ``randomized``, ``arpack``;
``auto`` picks one of these or ``full``), found by trying each; ``full`` is measured by itself. All work on the same
float32 array, from samples to scores, and the same gate holds for all: the largest principal angle to float64's
decomposition is at most 1e-3, and a solver that does not meet it is no peer; our scores are that exact too, relative to
their largest. Each call waits until the threads of the call before have stopped spinning. White noise, where no
subspace stands out, has no goal and no gate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nnscope.compute.pca.components import pca
from tests.benchmarks.measure import REPEATS, Goal, Result, compared, interleaved_patiently, missing, rested

SHAPES = (
    *((262_144, 64), (50_176, 64), (65_536, 128), (65_536, 256)),
    *((3_136, 256), (16_384, 512), (784, 1024), (12_544, 1024)),
)
PARTS = (*(f"{places}x{channels}" for places, channels in SHAPES), "noise")
SOLVERS = ("covariance_eigh", "randomized", "arpack")
TRIALS = 3
ANGLE = 1e-3
BEST, FULL = Goal(1 / 1.5), Goal(1 / 8)


def run(quick: bool = False, part: str = "") -> list[Result]:
    """Measure the row, or the ``part`` of it."""
    try:
        import sklearn
    except ImportError:
        return [missing("pca", "three components", "scikit-learn is not installed", BEST)]
    repeats = 2 if quick else REPEATS
    lines = []
    for shape, name in zip(SHAPES, PARTS, strict=False):
        if part == name or (not part and (not quick or shape in SHAPES[1:5:3])):
            lines += _shape(shape, repeats, sklearn.__version__)
    if part in ("", "noise"):
        noise = np.random.default_rng(0).standard_normal((16_384, 256), dtype=np.float32)
        lines.append(_against(noise, _fastest(noise, None), _Line("white noise 16384 × 256", None, repeats, "no goal")))
    return lines


@dataclass(frozen=True)
class _Line:
    what: str
    goal: Goal | None
    repeats: int
    note: str


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
    truth = _truth(x)
    gate = _check(x, truth)
    where = f"{shape[0]} × {shape[1]}"
    best = _Line(where, BEST, repeats, f"scikit-learn {version}; {gate}")
    return [
        _against(x, _fastest(x, truth), best),
        _against(x, "full", _Line(where, FULL, repeats, "")),
    ]


def _against(x: np.ndarray, solver: str, line: _Line) -> Result:
    times, once = interleaved_patiently(lambda: rested(lambda: pca(x)), lambda: _peer(x, solver), line.repeats)
    note = "; ".join(filter(None, (solver, line.note, once)))
    return compared("pca", line.what, times, line.goal, note)


def _fastest(x: np.ndarray, truth: np.ndarray | None) -> str:
    """The solver of the shortest call, of those that pass the gate."""
    exact = [solver for solver in SOLVERS if truth is None or _angle(_fitted(x, solver), truth) <= ANGLE]
    return min(exact, key=lambda solver: min(_peer(x, solver) for _ in range(TRIALS)))


def _peer(x: np.ndarray, solver: str) -> float:
    from sklearn.decomposition import PCA

    return rested(lambda: PCA(3, svd_solver=solver, random_state=0).fit_transform(x))


def _fitted(x: np.ndarray, solver: str) -> np.ndarray:
    from sklearn.decomposition import PCA

    return np.asarray(PCA(3, svd_solver=solver, random_state=0).fit(x).components_)


def _truth(x: np.ndarray) -> np.ndarray:
    """The leading right singular vectors by float64, as columns."""
    centred = x - x.mean(axis=0, dtype=np.float64)
    short = centred.T @ centred if x.shape[1] <= x.shape[0] else centred @ centred.T
    vectors = np.linalg.eigh(short)[1][:, :-4:-1]
    return vectors if x.shape[1] <= x.shape[0] else np.asarray(np.linalg.qr(centred.T @ vectors)[0])


def _angle(components: np.ndarray, truth: np.ndarray) -> float:
    """Largest principal angle between the rows of one and the columns of the other; by the sine, which is exact."""
    basis = np.linalg.qr(components.T.astype(np.float64))[0]
    sines = np.linalg.svd(basis - truth @ (truth.T @ basis), compute_uv=False)
    return float(np.arcsin(np.clip(sines.max(), 0, 1)))


def _check(x: np.ndarray, truth: np.ndarray) -> str:
    found = pca(x)
    angle = _angle(found.components, truth)
    assert angle <= ANGLE, f"principal angle {angle:.1e}"
    expected = (x - x.mean(axis=0, dtype=np.float64)) @ found.components.T
    assert np.abs(found.scores - expected).max() <= 1e-3 * np.abs(expected).max(), "scores are wrong"
    return f"angle {angle:.0e}, bound {found.angle:.0e}"
