"""Dead units: silent at five kept steps in a row, of outputs that are ReLU-like and kept whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from nnscope.compute.statistics.summary import stats_of_array
from nnscope.core.answer import Series
from nnscope.core.errors import NnscopeError
from nnscope.core.tensor import TensorInfo
from nnscope.scene.timeline import deaths
from nnscope.sources.dead_units import SPAN, unit_axis
from nnscope.sources.session import RunSource
from nnscope.store.runs.record import Frame, StepRecord
from nnscope.store.runs.writer import RunWriter

if TYPE_CHECKING:
    from pathlib import Path

STEPS = 14


def output(step: int) -> np.ndarray:
    """Six units: 1 is silent from step 3 on, 4 at steps 2 to 5 only, and the first sample of 0 always."""
    values = np.random.default_rng(step).uniform(0.1, 1, (8, 6)).astype(np.float32)
    values[0, 0] = 0
    if step >= 3:
        values[:, 1] = 0
    if 2 <= step <= 5:
        values[:, 4] = 0
    return values


def source(folder: Path, shift: float = 0.0) -> RunSource:
    info = TensorInfo("act:output", (8, 6), "float32", "output", 192)
    writer = RunWriter(folder, "Net", ())
    for step in range(STEPS):
        values = output(step) + np.float32(shift)
        writer.append(
            StepRecord(step, float(step), {}, {info: stats_of_array(values)}, {info: Frame("raw", {"values": values})})
        )
    writer.close()
    return RunSource(folder)


def test_a_unit_is_dead_after_a_span_of_silence(tmp_path: Path) -> None:
    series = source(tmp_path / "run").series("act:output", "dead")
    assert list(series.steps) == list(range(SPAN - 1, STEPS))
    assert list(series.values) == [float(step >= 3 + SPAN - 1) for step in series.steps]
    (event,) = deaths(series)
    assert (event.step, event.kind, event.value) == (7, "dead", 1.0)


def test_what_is_no_relu_has_none(tmp_path: Path) -> None:
    with pytest.raises(NnscopeError, match="Nothing of this name was recorded"):
        source(tmp_path / "run", shift=-0.5).series("act:output", "dead")


def test_only_rises_are_marked() -> None:
    series = Series("a", "dead", np.arange(6), np.array([2.0, 2.0, 5.0, 4.0, 4.0, 6.0]))
    assert [(event.step, event.value) for event in deaths(series)] == [(0, 2.0), (2, 5.0), (5, 6.0)]


@pytest.mark.parametrize(
    ("shape", "axes", "axis"),
    [((8, 6), (), 1), ((2, 5, 7), (), 2), ((2, 3, 4, 4), (), 1), ((2, 4, 4, 3), ("", "row", "column", "channel"), 3)],
    ids=["linear", "sequence", "image", "named"],
)
def test_where_units_lie(shape: tuple[int, ...], axes: tuple[str, ...], axis: int) -> None:
    assert unit_axis(TensorInfo("a", shape, "float32", axes=axes)) == axis
