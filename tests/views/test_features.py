"""Which axis PCA colours take as features."""

from __future__ import annotations

import pytest

from nnscope.core.tensor import TensorInfo
from nnscope.views.rgb import feature_axis


@pytest.mark.parametrize(
    ("shape", "kind", "axes", "axis"),
    [
        ((2, 8, 4, 4), "output", (), 1),
        ((2, 8, 4, 4), "output", ("batch", "channel", "row", "column"), 1),
        ((2, 4, 4, 8), "output", ("", "", "", "channel"), 3),
        ((2, 8, 6), "output", (), 2),
        ((2, 8, 6), "output", ("batch", "channel", "position"), 1),
        ((2, 6, 8), "output", ("", "", "feature"), 2),
        ((2, 8, 3, 4, 4), "output", ("batch", "channel", "plane", "row", "column"), 1),
        ((8, 4, 3, 3), "parameter", ("out", "in", "kernel row", "kernel column"), 1),
        ((4, 8, 3, 3), "parameter", ("in", "out", "kernel row", "kernel column"), 0),
        ((8, 4), "parameter", (), 1),
    ],
    ids=str,
)
def test_features(shape: tuple[int, ...], kind: str, axes: tuple[str, ...], axis: int) -> None:
    assert feature_axis(TensorInfo("t", shape, "float32", kind, axes=axes)) == axis
