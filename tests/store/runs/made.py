"""Records and runs as tests make them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ml_dtypes
import numpy as np

from nnscope.compute.statistics.summary import stats_of_array
from nnscope.core.tensor import TensorInfo
from nnscope.store.runs.record import Frame, StepRecord
from nnscope.store.runs.writer import RunWriter

if TYPE_CHECKING:
    from pathlib import Path

WEIGHT = TensorInfo("stem.weight", (3, 4), "bfloat16", nbytes=24)
OUTPUT = TensorInfo("stem:output", (64, 64), "float32", "output", nbytes=16384, axes=("row", "column"))


def record(step: int, frames: bool = True) -> StepRecord:
    """A record that can be told from that of every other step."""
    random = np.random.default_rng(step)
    weight = random.normal(size=WEIGHT.shape).astype(ml_dtypes.bfloat16)
    level = {name: random.normal(size=(8, 8)).astype(np.float32) for name in ("mean", "std", "min", "max")}
    kept = {WEIGHT: Frame("raw", {"values": weight}), OUTPUT: Frame("level", level, 3)} if frames else {}
    scalars = {"loss": float(random.normal())} | ({"accuracy": step / 10} if step % 2 else {})
    return StepRecord(step, 1e9 + step, scalars, {WEIGHT: stats_of_array(weight)}, kept)


def write_run(folder: Path, steps: range, every: int = 1, close: bool = True) -> RunWriter:
    """A run with a flush every so many steps."""
    writer = RunWriter(folder, "Net", (("stem", "Conv2d"),))
    for step in steps:
        writer.append(record(step))
        if (step - steps.start) % every == every - 1:
            writer.flush()
    if close:
        writer.close()
    assert not writer.trouble
    return writer


def same(a: StepRecord, b: StepRecord) -> None:
    """Whether two records are equal, bit for bit."""
    assert (a.step, a.time, dict(a.scalars)) == (b.step, b.time, dict(b.scalars))
    assert list(a.statistics) == list(b.statistics)
    assert list(a.frames) == list(b.frames)
    for info, stats in a.statistics.items():
        other = b.statistics[info]
        assert np.array_equal(stats.histogram, other.histogram)
        assert (stats.mean, stats.variance, stats.count) == (other.mean, other.variance, other.count)
    for info, frame in a.frames.items():
        other_frame = b.frames[info]
        assert (frame.form, frame.level) == (other_frame.form, other_frame.level)
        for name, array in frame.arrays.items():
            assert array.dtype == other_frame.arrays[name].dtype
            assert array.tobytes() == other_frame.arrays[name].tobytes()
