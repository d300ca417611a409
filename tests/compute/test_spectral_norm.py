"""Power iteration against NumPy's 2-norm."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnscope.compute.spectra.norm import ITERATIONS, spectral_norm
from nnscope.core.errors import Cancelled
from tests.compute.peak import peak_bytes


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 1000), st.sampled_from([np.float32, np.float64]))
def test_it_is_the_largest_singular_value(rows: int, cols: int, seed: int, dtype: type) -> None:
    w = np.random.default_rng(seed).normal(size=(rows, cols)).astype(dtype)
    found = spectral_norm(w)
    assert found.value == pytest.approx(np.linalg.norm(w.astype(np.float64), 2), rel=1e-3)
    assert found.value <= np.linalg.norm(w.astype(np.float64), 2) * (1 + 1e-5)
    assert found.residual < 0.1
    assert np.linalg.norm(found.left) == pytest.approx(1, abs=1e-5)
    assert np.linalg.norm(found.right) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("size", [1e-38, 1e-20, 1.0, 1e37], ids=str)
def test_the_pair_is_one_where_there_is_a_gap(size: float) -> None:
    rng = np.random.default_rng(0)
    u, v = (np.linalg.qr(rng.normal(size=(n, 20)))[0] for n in (60, 40))
    w = (((u * 0.7 ** np.arange(20)) @ v.T) * size).astype(np.float32)
    found = spectral_norm(w)
    assert found.converged
    assert found.iterations < ITERATIONS
    assert found.value == pytest.approx(np.linalg.norm(w.astype(np.float64), 2), rel=1e-5)
    assert found.residual < 5e-3
    assert abs(found.left @ u[:, 0]) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("shape", [(3, 4), (1, 1), (0, 3), (3, 0)], ids=str)
def test_zeros_have_norm_zero(shape: tuple[int, int]) -> None:
    found = spectral_norm(np.zeros(shape, np.float32))
    assert (found.value, found.residual, found.converged) == (0.0, 0.0, True)


def test_it_can_be_cancelled_and_holds_no_copy() -> None:
    def cancel(done: int, total: int) -> None:
        raise Cancelled

    w = np.random.default_rng(0).normal(size=(2000, 1500)).astype(np.float32)
    with pytest.raises(Cancelled):
        spectral_norm(w, progress=cancel)
    assert peak_bytes(lambda: spectral_norm(w)) < 1.1 * w.nbytes  # |w|, once
