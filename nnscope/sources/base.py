"""What every source of tensors offers: a listing, and readers that decode only the region asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np

    from nnscope.core.request import Region
    from nnscope.core.tensor import Listing, TensorInfo


class TensorReader(Protocol):
    """One tensor, readable region by region from any thread.

    ``info`` is its listing entry (with its present version).
    """

    info: TensorInfo

    def read(self, region: Region) -> np.ndarray:
        """The values of ``region`` in the tensor's own dtype (ml_dtypes types for bfloat16, float8, int4).

        ``region`` has one (start, stop, step) per axis, 0 ≤ start ≤ stop ≤ size, step ≥ 1; the result keeps all
        axes. Costs memory in proportion to the region (with its gaps along the innermost axes at most), never to
        the tensor.

        Raises
        ------
        FileError
            If the bytes can't be read or the file changed on disk.
        """
        ...


class Source(Protocol):
    """A set of named tensors."""

    def listing(self) -> Listing:
        """What it holds, without reading values."""
        ...

    def reader(self, address: str) -> TensorReader:
        """The tensor of that exact listed name or alias.

        Raises
        ------
        NnscopeError
            If there is none, or its values can't be shown.
        """
        ...

    def close(self) -> None:
        """Release files. Idempotent."""
        ...


def full_region(shape: tuple[int, ...]) -> Region:
    """The region that is all of a tensor of this shape."""
    return tuple((0, n, 1) for n in shape)
