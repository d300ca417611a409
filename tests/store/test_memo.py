"""The memo builds once, under a budget, from any number of threads."""

from __future__ import annotations

import threading

import pytest

from nnscope.store.memo import Memo


def test_builds_once_and_keeps() -> None:
    memo, built = Memo(100), []
    for _ in range(3):
        assert memo.get("a", lambda: built.append(1) or "x", lambda _: 10) == "x"
    assert built == [1]
    assert memo.nbytes == 10


def test_the_least_recently_used_goes_first() -> None:
    memo = Memo(25)
    for key in "abc":
        memo.get(key, lambda key=key: key, lambda _: 10)
        memo.peek("a")
    assert memo.peek("a") == "a"
    assert memo.peek("b") is None
    assert memo.nbytes == 20


def test_a_failed_build_is_not_kept() -> None:
    memo = Memo(100)
    with pytest.raises(RuntimeError, match="no"):
        memo.get("a", lambda: (_ for _ in ()).throw(RuntimeError("no")), lambda _: 1)
    assert memo.get("a", lambda: 2, lambda _: 1) == 2


def test_threads_wait_for_one_build() -> None:
    memo, built, gate = Memo(100), [], threading.Event()

    def build() -> int:
        gate.wait(5)
        built.append(1)
        return 7

    results: list[int] = []
    threads = [threading.Thread(target=lambda: results.append(memo.get("k", build, lambda _: 1))) for _ in range(8)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join()
    assert results == [7] * 8
    assert built == [1]
