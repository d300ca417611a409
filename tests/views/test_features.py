"""Which axis PCA colours take as features, and how their colours keep still over a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import nnscope
from nnscope.compute.statistics.summary import stats_of_array
from nnscope.core.features import feature_axis
from nnscope.core.tensor import TensorInfo
from nnscope.store.runs.record import Frame, StepRecord
from nnscope.store.runs.writer import RunWriter

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("shape", "kind", "axes", "axis"),
    [
        ((2, 8, 4, 4), "output", (), 1),
        ((2, 8, 4, 4), "output", ("batch", "channel", "row", "column"), 1),
        ((2, 4, 4, 8), "output", ("", "", "", "channel"), 3),
        ((2, 8, 6), "output", (), 2),
        ((2, 8, 6), "output", ("batch", "channel", "position"), 1),
        ((2, 6, 8), "output", ("", "", "feature"), 2),
        ((2, 6, 8), "grad_output", (), 2),
        ((2, 8, 3, 4, 4), "output", ("batch", "channel", "plane", "row", "column"), 1),
        ((8, 4, 3, 3), "parameter", ("out", "in", "kernel row", "kernel column"), 1),
        ((4, 8, 3, 3), "parameter", ("in", "out", "kernel row", "kernel column"), 0),
        ((8, 4), "parameter", (), 1),
    ],
    ids=str,
)
def test_features(shape: tuple[int, ...], kind: str, axes: tuple[str, ...], axis: int) -> None:
    assert feature_axis(TensorInfo("t", shape, "float32", kind, axes=axes)) == axis


def test_colours_of_a_run_keep_to_its_first_step(tmp_path: Path) -> None:
    """Components that turn from step to step give nearly the same colours, in whatever order they are asked for."""
    rng = np.random.default_rng(0)
    info = TensorInfo("w", (256, 3), "float32", nbytes=3072)
    base = rng.normal(size=info.shape) * [1.0, 0.99, 0.98]  # nearly equal: a little noise turns the basis at will
    writer = RunWriter(tmp_path / "run")
    for step in range(4):
        values = (base + 0.02 * step * rng.normal(size=info.shape)).astype(np.float32)
        writer.append(
            StepRecord(step, step, {}, {info: stats_of_array(values)}, {info: Frame("raw", {"values": values})})
        )
    writer.close()
    with nnscope.open(tmp_path / "run") as run:
        pictures = {step: run[f"w@{step}"].render(view="rgb", size=(320, 320)) for step in (3, 0, 1)}
    assert all("Procrustes, to step 0" in str(picture.steps) for step, picture in pictures.items() if step)
    images = {step: picture.rgba[..., :3].astype(float) for step, picture in pictures.items()}
    assert np.abs(images[3] - images[0]).mean() < 12
    assert np.abs(images[1] - images[0]).mean() < 12
