"""The spectral fractal map against its definition, evaluated in exact fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from nnscope.compute.spectra.fractal_map import Fractal, fractal_map, fractal_region, rank_map, zoom_depth
from nnscope.core.errors import NnscopeError


def definition(m: np.ndarray, u: Fraction, v: Fraction, fractal: Fractal) -> float:
    """F(u) = Σ λ^l M(frac(n^l u)) Π_{j<l} |M(frac(n^j u))|, term by term."""
    n = len(m)

    def at(level: int) -> float:
        return float(m[tuple(int(n * (p * n**level % 1)) for p in (u, v))])

    terms = [at(level) * np.prod([abs(at(j)) for j in range(level)]) for level in range(fractal.depth + 1)]
    return float(sum(fractal.decay**level * term for level, term in enumerate(terms)))


@pytest.mark.parametrize(("n", "fractal"), [(3, Fractal(2, 0.5)), (4, Fractal(3, 1.0)), (2, Fractal(5, 0.7))], ids=str)
def test_it_is_its_definition(n: int, fractal: Fractal) -> None:
    m = np.random.default_rng(n).uniform(-1, 1, (n, n))
    side = n ** (fractal.depth + 1)
    rng = np.random.default_rng(0)
    places = rng.integers(0, side, (50, 2))
    exact = [definition(m, Fraction(int(r), side), Fraction(int(c), side), fractal) for r, c in places]
    grid = [fractal_region(m, fractal, (int(r), int(c)), (1, 1))[0, 0] for r, c in places]
    np.testing.assert_allclose(grid, exact, rtol=1e-12)
    u, v = ((places + 0.5) / side).T
    np.testing.assert_allclose(fractal_map(m, u, v, fractal), exact, rtol=1e-12)


def test_without_decay_it_is_the_map_itself() -> None:
    m = np.random.default_rng(0).uniform(-1, 1, (5, 5))
    found = fractal_region(m, Fractal(2, 0.0), (0, 0), (125, 125))
    np.testing.assert_array_equal(found, np.kron(m, np.ones((25, 25))))
    places = (np.arange(5) + 0.5) / 5
    np.testing.assert_array_equal(fractal_map(m, places[:, None], places[None], Fractal(4, 0.0)), m)


def test_deep_zooms_keep_every_digit() -> None:
    m = np.random.default_rng(0).uniform(-1, 1, (64, 64))
    fractal = Fractal(12, 1.0)
    last = 64**13 - 1
    found = fractal_region(m, fractal, (last, 0), (1, 1))[0, 0]
    corner = m[63, 0]
    assert found == pytest.approx(sum(corner * abs(corner) ** level for level in range(13)), rel=1e-12)


def test_the_rank_map_is_the_low_rank_matrix_in_cells() -> None:
    w = np.random.default_rng(0).normal(size=(6, 8))
    u, s, vt = np.linalg.svd(w)
    low = (u[:, :2] * s[:2]) @ vt[:2]
    cells = low.reshape(2, 3, 2, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(rank_map(w, 2, 2).cells, cells / np.abs(cells).max(), atol=1e-12)
    fine = rank_map(w, 8, 24).cells
    np.testing.assert_allclose(fine[0, 0] / fine[5, 9], w[0, 0] / w[1, 3], rtol=1e-9)
    assert np.abs(rank_map(w, 3, 5).cells).max() == 1
    assert not rank_map(np.full((3, 3), np.nan), 2, 4).cells.any()


@pytest.mark.parametrize(
    ("sigma", "gamma", "depth"),
    [([8.0, 1.0], 1.0, 3), ([8.0, 1.0], 2.0, 6), ([1.0, 1.0], 1.0, 1), ([1.0, 0.0], 1.0, 12), ([1.0, 0.0], 0.0, 1)],
)
def test_zoom_depth(sigma: list[float], gamma: float, depth: int) -> None:
    assert zoom_depth(np.array(sigma), gamma) == depth


def test_too_large_a_part_is_refused() -> None:
    with pytest.raises(NnscopeError, match="too large"):
        fractal_region(np.ones((2, 2)), Fractal(), (0, 0), (1 << 14, 1 << 14))
