"""Power laws: synthetic Pareto samples, the quick scan against every cut-off, and refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnscope.compute.spectra import power_law
from nnscope.compute.spectra.power_law import PowerLaw, fit_power_law, scan_all


def pareto(alpha: float, n: int, seed: int = 0, xmin: float = 1.0) -> np.ndarray:
    """``n`` samples of the density ∝ x^(−alpha) above ``xmin``."""
    return xmin * (1 - np.random.default_rng(seed).random(n)) ** (-1 / (alpha - 1))


@pytest.mark.parametrize("alpha", [1.5, 2.0, 3.5, 6.0])
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e9])
def test_pareto_samples_give_their_exponent(alpha: float, scale: float) -> None:
    found = fit_power_law(pareto(alpha, 3000, seed=7) * scale)
    assert found.alpha == pytest.approx(alpha, abs=3 * found.error)
    assert found.error == pytest.approx((alpha - 1) / found.tail**0.5, rel=0.3)
    assert found.warning == ""


def test_the_tail_begins_where_the_law_does() -> None:
    body = np.random.default_rng(3).uniform(0.2, 5, 2000)
    found = fit_power_law(np.r_[body, pareto(2.5, 400, xmin=5.0)])
    assert 4 < found.xmin < 15
    assert found.alpha == pytest.approx(2.5, abs=3 * found.error)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 400), st.sampled_from(["pareto", "gamma", "integers", "mixed"]))
def test_the_quick_scan_finds_the_best_of_all_cuts(seed: int, n: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    values = {
        "pareto": pareto(2.2, n, seed),
        "gamma": rng.gamma(2.0, size=n),
        "integers": rng.integers(1, 9, n).astype(float),
        "mixed": np.r_[rng.gamma(2.0, size=n), pareto(2.2, n // 4, seed, 5.0)],
    }[kind]
    if len(np.unique(values)) < 2:
        return
    small, power_law.SMALL = power_law.SMALL, 0  # the compiled scan, whatever the size
    try:
        found = fit_power_law(values)
    finally:
        power_law.SMALL = small
    cuts = scan_all(values)
    best = int(np.argmin(cuts.ks))
    assert found.ks == pytest.approx(cuts.ks[best], abs=1e-12)
    assert found.tail == cuts.tail[best]
    assert found.xmin == cuts.xmin[best]


def test_every_cut_is_the_textbook_formula() -> None:
    values = np.sort(pareto(2.0, 30))
    cuts = scan_all(values)
    for i in range(28):
        tail = values[i:]
        alpha = 1 + len(tail) / np.log(tail / tail[0]).sum()
        distance = np.abs(1 - (tail / tail[0]) ** (1 - alpha) - np.arange(len(tail)) / len(tail)).max()
        assert (cuts.alpha[i], cuts.ks[i], cuts.tail[i]) == (
            pytest.approx(alpha),
            pytest.approx(distance),
            len(tail),
        )


def test_random_matrices_have_no_heavy_tail() -> None:
    sigma = np.linalg.svd(np.random.default_rng(0).normal(size=(500, 2000)), compute_uv=False)
    found = fit_power_law(sigma**2)
    assert np.isnan(found.alpha) or found.alpha > 6
    assert found.warning


def test_short_tails_are_refused() -> None:
    found = fit_power_law(pareto(2.0, 15))
    assert np.isnan(found.alpha)
    assert "too short" in found.warning
    assert found.tail <= 15


def test_poor_fits_are_refused() -> None:
    found = fit_power_law(np.repeat([1.0, 10.0], 300))
    assert np.isnan(found.alpha)
    assert "no power law" in found.warning
    assert found.tail == 600


@pytest.mark.parametrize(
    "values",
    [[], [3.0], [0.0, 0.0], [2.0, 2.0, 2.0], [np.nan, np.inf, 1.0], [1.0, 1e-30]],
    ids=["empty", "one", "zeros", "constant", "not finite", "rounding"],
)
def test_what_has_no_tail_says_so(values: list[float]) -> None:
    found = fit_power_law(np.array(values))
    assert isinstance(found, PowerLaw)
    assert np.isnan(found.alpha)
    assert found.warning.startswith("there is no tail")
    assert found.tail == 0


def test_order_does_not_matter_and_the_input_stays() -> None:
    values = pareto(2.0, 500)
    kept = values.copy()
    assert fit_power_law(values) == fit_power_law(values[::-1])
    np.testing.assert_array_equal(values, kept)
