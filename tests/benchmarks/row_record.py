"""Row ``record``: the demo network's training loop, recorded by ``watch`` at its default rate, against the plain loop.

Both loops train a copy of the same network on the same batches, in turns of two or three seconds; the recorded one
writes to a real folder. Steps of a training of two threads on two cores scatter by a tenth with whatever else the
machine does, which is more than what is to be measured: many short turns, each beside the other's, tell more than few
long ones, and the figure is the median of the ratios of neighbours. The gate: losses are equal bit for bit, the run is
whole, and every step's loss is in it. The second line records 10⁵ steps of a tiny loop and tells how far the process
grew after the first fifth.
"""

from __future__ import annotations

import os
import tempfile
import time
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from nnscope_plugins.digits.cnn import DigitsCnn
from nnscope_plugins.digits.training import train

import nnscope
from nnscope.store.runs.reader import RunReader
from nnscope.store.runs.verify import verify
from tests.benchmarks.measure import Goal, Result, absolute, paired, turned

STEPS = 100
TURNS, QUICK = 14, 4
MANY = 100_000


def run(quick: bool = False) -> list[Result]:
    """Measure the row."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with tempfile.TemporaryDirectory() as folder:
            return [_loop(Path(folder), STEPS, QUICK if quick else TURNS), _memory(Path(folder), quick)]
    finally:
        torch.set_num_threads(before)


def _loop(folder: Path, steps: int, repeats: int) -> Result:
    numbers = iter(range(1000))
    kept: dict[bool, list[float]] = {}
    looks = []

    def recorded() -> float:
        target, model = folder / f"run{next(numbers)}", DigitsCnn()
        with nnscope.watch(model, target) as watch:
            took, losses = _train(model, steps, lambda loss: watch.step(loss=loss))
        looks.append(watch.looks)
        reader = RunReader(target)
        assert reader.scalar("loss").values.tolist() == losses
        reader.close()
        assert verify(target).code == 0
        kept[True] = losses
        return took

    def plain() -> float:
        took, kept[False] = _train(DigitsCnn(), steps, lambda loss: None)
        return took

    times = turned(recorded, plain, repeats)
    assert kept[True] == kept[False]
    note = f"{steps} steps, losses bit-identical, tensors at {np.median(looks):g} of them; the last flush not counted"
    return paired("record", "demo training loop, watched at the default rate", times, Goal(1.05), note)


def _train(model: torch.nn.Module, steps: int, told) -> tuple[float, list[float]]:
    losses = []
    begun = time.perf_counter()
    for status in islice(train(model, 0), steps):
        losses.append(float(status["loss"]))
        told(status["loss"])
    return time.perf_counter() - begun, losses


def _memory(folder: Path, quick: bool) -> Result:
    """Megabytes of resident memory above those after the first fifth, at the worst."""
    steps = MANY // 50 if quick else MANY
    model, sizes = torch.nn.Linear(64, 64), []
    x = torch.ones(1, 64)
    with nnscope.watch(model, folder / "many") as watch:
        for step in range(steps):
            model(x).sum().backward()
            model.zero_grad()
            watch.step(loss=step)
            if step % (steps // 100) == 0 and step >= steps // 5:
                sizes.append(_resident())
    assert not watch.trouble
    growth = (max(sizes) - sizes[0]) / 2**20
    note = f"{steps} steps; goal: flat within ± 64 MB"
    return absolute("record", "growth of the process while recording", [growth], Goal(64), "MB", note)


def _resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
