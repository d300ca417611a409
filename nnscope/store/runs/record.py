"""What one step of a run leaves behind: numbers, statistics of tensors, and tensors or what stands for them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from nnscope.core.statistics import TensorStats
    from nnscope.core.tensor import TensorInfo

RAW = "raw"
LEVEL = "level"
ITEMS = "items"
PCA = "pca"
ARRAYS = {
    RAW: ("values",),
    LEVEL: ("mean", "std", "min", "max"),
    ITEMS: ("values",),
    PCA: ("scores", "basis", "mean"),
}
"""Names of the arrays of each form of a frame."""

MOST_COMPONENTS = 16  # principal components that a frame keeps
MOST_ELEMENTS = 1 << 28  # that a frame of principal components may stand for


@dataclass(frozen=True, slots=True)
class Projection:
    """How principal components stand for values.

    Attributes
    ----------
    shape : tuple of int
        Of the values: a leading part of the tensor, as that of `Frame.shape`.
    axis : int
        That of the features. All others together, in their order, are the places.
    components : int
    explained : float
        Share of the variance of these values that the components hold, 0 … 1.
    half : bool
        Whether the arrays are in half precision.
    """

    shape: tuple[int, ...]
    axis: int
    components: int
    explained: float
    half: bool = False

    @property
    def features(self) -> int:
        """Number of features."""
        return self.shape[self.axis]

    @property
    def places(self) -> int:
        """Number of feature vectors."""
        return math.prod(size for axis, size in enumerate(self.shape) if axis != self.axis)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        places, k, features = self.places, self.components, self.features
        return (places * k + k * features + features) * (2 if self.half else 4)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A tensor as it was recorded.

    Attributes
    ----------
    form : str
        ``"raw"``: all values in their own dtype. ``"level"``: one level of its pyramid of two dimensions (methods.md
        §4), in float32. ``"items"``: all values of a leading part (see `is_leading`) in their own dtype. ``"pca"``:
        such a part as its mean and principal components (methods.md §3), in float32 or float16; places that took no
        part have scores of NaN.
    arrays : mapping of str to ndarray
        By the names in `ARRAYS`. Of a ``"pca"``: scores [places, components], basis [components, features] and mean
        [features].
    level : int
        Of a ``"level"``: each cell stands for 2**level × 2**level elements.
    projection : Projection or None
        Of a ``"pca"``.
    """

    form: str
    arrays: Mapping[str, np.ndarray]
    level: int = 0
    projection: Projection | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what can be shown: of the means of a level, of the values of a part."""
        return self.arrays[ARRAYS[self.form][0]].shape if self.projection is None else self.projection.shape

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return sum(array.nbytes for array in self.arrays.values())


def is_leading(part: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    """Whether ``part`` is the shape of the first indices along one axis, of the first one of each axis before it."""
    if len(part) != len(whole) or not all(1 <= size <= full for size, full in zip(part, whole, strict=True)):
        return False
    cut = max((axis for axis, size in enumerate(part) if size < whole[axis]), default=0)
    return all(size == 1 for size in part[:cut])


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
