"""The limit of BLAS' threads: in force inside, restored outside, by the thread that set it."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from nnscope.compute.blas_threads import one_thread_each


def threads() -> set[int]:
    """Numbers of threads of NumPy's BLAS."""
    libraries = [pool for pool in threadpool_info() if "numpy" in pool["filepath"]]
    return {pool["num_threads"] for pool in libraries if pool["user_api"] == "blas"}


def test_the_limit_nests_and_is_restored() -> None:
    before = threads()
    with one_thread_each():
        with one_thread_each():
            assert threads() == {1}
        assert threads() == {1}
    assert threads() == before


def test_whoever_enters_meanwhile_leaves_the_limit_to_its_owner() -> None:
    before = threads()

    def enter() -> None:
        with one_thread_each():
            pass

    with one_thread_each():
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        assert threads() == {1}
    assert threads() == before


def test_an_error_restores_it() -> None:
    before = threads()
    with pytest.raises(ZeroDivisionError), one_thread_each():
        _ = 1 // 0
    assert threads() == before
    assert np.isfinite(np.ones((3, 3)) @ np.ones(3)).all()
