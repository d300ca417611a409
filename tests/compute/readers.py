"""A tensor in memory, as sources hand tensors out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscope.core.tensor import TensorInfo

if TYPE_CHECKING:
    import numpy as np

    from nnscope.core.request import Region


class Held:
    """A reader of an array."""

    def __init__(self, values: np.ndarray) -> None:
        self.info = TensorInfo("x", values.shape, str(values.dtype), nbytes=values.nbytes)
        self._values = values

    def read(self, region: Region) -> np.ndarray:
        return self._values[tuple(slice(*axis) for axis in region)]
