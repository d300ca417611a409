"""Memory that is used again, and the powers of two that kernels are built on."""

from __future__ import annotations

import numpy as np

from nnscope.arrays.buffers import Buffers
from nnscope.arrays.compiled import compiled_fast
from nnscope.arrays.kernels.exponential import power32


def test_memory_is_used_again_and_what_is_far_too_large_is_let_go() -> None:
    buffers = Buffers()
    first = buffers.take("a", (100, 8), np.float32)
    assert first.shape == (100, 8)
    assert np.shares_memory(buffers.take("a", (50, 8), np.float64), first)
    assert not np.shares_memory(buffers.take("b", (100, 8), np.float32), first)
    assert not np.shares_memory(buffers.take("a", (101, 8), np.float32), first)
    few = buffers.take("a", (3,), np.int32)
    assert few.base is None or few.base.nbytes < 100
    assert buffers.take("none", (0, 6), np.float64).shape == (0, 6)


def test_powers_of_two() -> None:
    @compiled_fast
    def all_of(x: np.ndarray, out: np.ndarray) -> None:
        for i in range(len(x)):
            out[i] = power32(x[i])

    x = np.linspace(-125, 127, 100_001, dtype=np.float32)
    found = np.empty_like(x)
    all_of(x, found)
    assert np.abs(found / 2.0 ** x.astype(np.float64) - 1).max() < 4e-7
    assert power32(np.float32(-1e30)) <= np.float32(2.0**-124)
