"""The line under the pointer: indices go by the names of their axes, where they have names."""

from __future__ import annotations

import pytest

from nnscope.core.answer import ProbeAnswer
from nnscope.core.tensor import TensorInfo
from nnscope.scene.hover import hover_text


@pytest.mark.parametrize(
    ("axes", "index"),
    [
        (("out", "in"), "[out 1, in 2]"),
        (("", "feature"), "[1, feature 2]"),
        ((), "[1, 2]"),
        (("of", "another", "rank"), "[1, 2]"),
    ],
    ids=["named", "partly", "unnamed", "strange"],
)
def test_indices_have_the_names_of_their_axes(axes: tuple[str, ...], index: str) -> None:
    info = TensorInfo("fc.weight", (4, 4), "float32", axes=axes)
    answer = ProbeAnswer("fc.weight", (1, 2), 0.5, -1.25, None, 1)
    assert hover_text(answer, info) == f"fc.weight {index} = 0.5  z=−1.25"
