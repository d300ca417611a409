"""Blocks on several threads: in order, bounded, and stopped without leaving work behind."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from nnscope.compute.blocks import Blocks
from nnscope.compute.parallel import map_blocks


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_order(threads: int) -> None:
    def work(number: int) -> int:
        time.sleep(0.002 * (number % 3))
        return number * number

    assert list(map_blocks(work, 20, threads)) == [n * n for n in range(20)]


def test_no_blocks_no_work() -> None:
    assert list(map_blocks(lambda number: 1 / 0, 0)) == []


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_in_a_block_arrives(threads: int) -> None:
    def work(number: int) -> int:
        if number == 3:
            raise ValueError("block three")
        return number

    with pytest.raises(ValueError, match="block three"):
        list(map_blocks(work, 50, threads))


def test_stopping_early_starts_no_more() -> None:
    started: list[int] = []
    for number in map_blocks(lambda number: started.append(number) or number, 1000, 2):
        if number == 5:
            break
    before = threading.active_count()
    assert len(started) < 30  # at most what was in work and waiting
    time.sleep(0.02)
    assert len(started) < 30
    assert threading.active_count() <= before


def test_waiting_results_are_bounded() -> None:
    done: list[int] = []
    results = map_blocks(lambda number: done.append(number) or number, 100, 2)
    next(results)
    time.sleep(0.05)
    assert len(done) <= 6
    results.close()


def test_blocks_of_an_array_cover_it_once() -> None:
    x = np.arange(7 * 5 * 3).reshape(7, 5, 3)
    blocks = Blocks.of_array(x, 20)
    parts = [blocks.read(i) for i in range(blocks.count)]
    assert max(part.size for part in parts) <= 20
    np.testing.assert_array_equal(np.concatenate([part.ravel() for part in parts]), x.ravel())
