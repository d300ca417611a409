"""Principal components beside a training: as good as those of the whole machine, by one thread."""

from __future__ import annotations

import threading
import time

import ml_dtypes
import numpy as np
import pytest
from threadpoolctl import threadpool_info

from nnscope.compute.pca.components import pca
from nnscope.compute.pca.one_thread import components_beside, is_quick

OPENBLAS = any(pool["internal_api"] == "openblas" for pool in threadpool_info())


def low_rank(n: int, d: int, rank: int = 12, noise: float = 0.05) -> np.ndarray:
    """Samples with a spectrum that falls by half from component to component."""
    rng = np.random.default_rng(n + d)
    return (rng.normal(size=(n, rank)) * 2.0 ** -np.arange(rank)) @ rng.normal(size=(rank, d)) + noise + 3.0


CASES = {
    "more samples": low_rank(300, 70),
    "more features": low_rank(65, 410).astype(np.float32),
    "bfloat16": low_rank(129, 130).astype(ml_dtypes.bfloat16),
    "integers": np.rint(100 * low_rank(64, 64)).astype(np.int16),
    "huge": 1e30 * low_rank(100, 40),
    "tiny": (1e-30 * low_rank(100, 40)).astype(np.float32),
    "fewer than its block": low_rank(9, 200, rank=5),
}


@pytest.mark.parametrize("x", CASES.values(), ids=CASES.keys())
def test_components_are_those_of_the_oracle(x: np.ndarray) -> None:
    found, true = components_beside(x, 4), pca(x, 4)
    assert np.allclose(found.components @ found.components.T, np.eye(4), atol=1e-9)
    assert np.allclose(np.sum(found.components * true.components, axis=1), 1, atol=2e-4)  # signs too
    assert np.allclose(found.explained_ratio, true.explained_ratio, rtol=2e-3, atol=1e-5)
    assert np.allclose(found.explained_variance, true.explained_variance, rtol=2e-3)
    assert np.allclose(found.mean, true.mean, rtol=1e-6)
    assert np.allclose(found.scores, true.scores, atol=0.02 * np.abs(true.scores).max())


def test_noise_loses_little_of_the_variance() -> None:
    """Without a gap there is no one subspace; what is found holds nearly as much as the best."""
    x = np.random.default_rng(0).normal(size=(200, 500))
    assert components_beside(x, 8).explained_ratio.sum() > 0.97 * pca(x, 8).explained_ratio.sum()


def test_what_is_not_finite_or_not_there_takes_no_part() -> None:
    x = low_rank(80, 50)
    x[3, 7], x[11, 0] = np.nan, -np.inf
    found, true = components_beside(x, 3), components_beside(np.delete(x, [3, 11], axis=0), 3)
    assert np.flatnonzero(~found.valid).tolist() == [3, 11]
    assert not found.scores[[3, 11]].any()
    assert np.allclose(found.components, true.components, atol=1e-5)
    plane = components_beside(np.outer(np.arange(40.0), np.arange(20.0)), 3)
    assert plane.rank == 1
    assert not plane.components[1:].any()
    assert plane.explained_ratio.sum() == pytest.approx(1)
    constant = components_beside(np.full((40, 20), 7.0), 3)
    assert (constant.rank, constant.mean[0], constant.explained_ratio.sum()) == (0, 7.0, 0.0)
    assert not components_beside(np.full((9, 20), np.nan), 3).valid.any()


def rest() -> None:
    """Wait until threads of earlier products have gone to sleep."""
    for _ in range(100):
        begun = time.process_time()
        time.sleep(0.05)
        if time.process_time() - begun < 2e-3:
            return


@pytest.mark.skipif(not OPENBLAS, reason="what other libraries do with small blocks is theirs to say")
def test_no_other_thread_works() -> None:
    """All processor time of the process is that of the thread that asks."""
    x = low_rank(400, 900)
    rest()
    before = threading.active_count()
    process, own = time.process_time(), time.thread_time()
    for _ in range(4):
        components_beside(x, 16)
    process, own = time.process_time() - process, time.thread_time() - own
    assert process - own < 0.1 * own + 0.01
    assert threading.active_count() == before


def test_the_limit_is_a_look_at_a_page_of_tokens() -> None:
    assert is_quick(1024, 4096)
    assert is_quick(4096, 1024)
    assert not is_quick(1024, 4097)
    assert not is_quick(4096, 4096)
