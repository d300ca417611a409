"""Blocks on several threads: in order, bounded, and stopped without leaving work behind."""

from __future__ import annotations

import os
import subprocess
import sys
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


def test_blocks_may_ask_for_blocks() -> None:
    def table(i: int) -> list[int]:
        return list(map_blocks(lambda j: i * j, 4, 3))

    assert list(map_blocks(table, 6, 3)) == [[i * j for j in range(4)] for i in range(6)]


def test_who_asks_works_too_and_helpers_stay_for_the_next_call() -> None:
    def name(number: int) -> str:
        time.sleep(0.005)
        return threading.current_thread().name

    own = threading.current_thread().name
    assert {own, "nnscope-blocks"} == set(map_blocks(name, 10, 2))
    for _ in range(100):
        list(map_blocks(abs, 2, 2))
    assert 1 <= len(_helpers()) < 5  # a call may begin while the helper of the last one has not quite left it


def test_helpers_end_when_nobody_asks() -> None:
    list(map_blocks(abs, 8, 4))
    end = time.monotonic() + 2
    while _helpers():
        assert time.monotonic() < end
        time.sleep(0.01)
    assert list(map_blocks(abs, 8, 4)) == list(range(8))


def _helpers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "nnscope-blocks"]


def test_several_ask_at_once() -> None:
    sums: list[int] = []
    asking = [
        threading.Thread(target=lambda: sums.append(sum(map_blocks(lambda n: time.sleep(1e-4) or n, 50, 3))))
        for _ in range(8)
    ]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert sums == [sum(range(50))] * 8


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_starts_helpers_of_its_own() -> None:
    code = """
import os
from nnscope.compute.parallel import map_blocks
assert list(map_blocks(abs, 9, 3)) == list(range(9))
child = os.fork()
if child == 0:
    os._exit(list(map_blocks(abs, 9, 3)) != list(range(9)))
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_blocks_of_an_array_cover_it_once() -> None:
    x = np.arange(7 * 5 * 3).reshape(7, 5, 3)
    blocks = Blocks.of_array(x, 20)
    parts = [blocks.read(i) for i in range(blocks.count)]
    assert max(part.size for part in parts) <= 20
    np.testing.assert_array_equal(np.concatenate([part.ravel() for part in parts]), x.ravel())
