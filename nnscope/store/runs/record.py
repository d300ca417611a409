"""What one step of a run leaves behind: numbers, statistics of tensors, and tensors or what stands for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from nnscope.core.statistics import TensorStats
    from nnscope.core.tensor import TensorInfo

RAW = "raw"
LEVEL = "level"
ARRAYS = {RAW: ("values",), LEVEL: ("mean", "std", "min", "max")}
"""Names of the arrays of each form of a frame."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A tensor as it was recorded.

    Attributes
    ----------
    form : str
        ``"raw"``: all values in their own dtype. ``"level"``: one level of its pyramid of two dimensions (methods.md
        §4), in float32.
    arrays : mapping of str to ndarray
        By the names in `ARRAYS`.
    level : int
        Of a ``"level"``: each cell stands for 2**level × 2**level elements.
    """

    form: str
    arrays: Mapping[str, np.ndarray]
    level: int = 0

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return sum(array.nbytes for array in self.arrays.values())


@dataclass(frozen=True, slots=True, eq=False)
class StepRecord:
    """What one step leaves behind.

    Attributes
    ----------
    step : int
        As the training loop counts; may go backwards when it starts over, and the newest of equal steps counts.
    time : float
        Seconds since the epoch.
    scalars : mapping of str to float
    statistics : mapping of TensorInfo to TensorStats
    frames : mapping of TensorInfo to Frame
        The infos say which tensor, whatever form it is kept in.
    late : bool
        Tensors of a step whose numbers have a record of their own, which came before.
    """

    step: int
    time: float
    scalars: Mapping[str, float] = field(default_factory=dict)
    statistics: Mapping[TensorInfo, TensorStats] = field(default_factory=dict)
    frames: Mapping[TensorInfo, Frame] = field(default_factory=dict)
    late: bool = False

    @property
    def nbytes(self) -> int:
        """About the bytes it takes on disk."""
        frames = sum(frame.nbytes for frame in self.frames.values())
        return 64 + 16 * len(self.scalars) + 2304 * len(self.statistics) + frames
