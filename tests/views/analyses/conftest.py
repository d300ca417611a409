"""Analyses as scripts reach them: through a source, an engine and a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import nnscope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from nnscope.tensor import Tensor


@pytest.fixture
def tensor(tmp_path: Path) -> Iterator[Callable[[np.ndarray], Tensor]]:
    """A tensor of a file with these values."""
    opened = []

    def make(values: np.ndarray) -> Tensor:
        path = tmp_path / f"t{len(opened)}.npy"
        np.save(path, values)
        opened.append(nnscope.open(path))
        return next(iter(opened[-1].values()))

    yield make
    for source in opened:
        source.close()
