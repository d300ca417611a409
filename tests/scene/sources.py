"""Sources in memory for tests of the scene and the engine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nnscope.core.errors import NnscopeError
from nnscope.core.tensor import Listing, TensorInfo

if TYPE_CHECKING:
    import numpy as np

    from nnscope.core.request import Region


class ArraySource:
    """Arrays by name. ``touch`` replaces one and raises its version, as training does."""

    def __init__(self, arrays: dict[str, np.ndarray], path: str = "memory") -> None:
        self.arrays = dict(arrays)
        self.versions = dict.fromkeys(arrays, 0)
        self.path = path
        self.closed = False
        self.reads = 0

    def listing(self) -> Listing:
        return Listing(self.path, "memory", tuple(self._info(name) for name in self.arrays))

    def reader(self, address: str) -> ArrayReader:
        if address not in self.arrays:
            raise NnscopeError("There is no tensor of this name.", address)
        return ArrayReader(self, self._info(address), self.arrays[address])

    def touch(self, name: str, array: np.ndarray) -> int:
        self.arrays[name] = array
        self.versions[name] += 1
        return self.versions[name]

    def close(self) -> None:
        self.closed = True

    def _info(self, name: str) -> TensorInfo:
        array = self.arrays[name]
        info = TensorInfo(name, array.shape, array.dtype.name, nbytes=array.nbytes)
        return replace(info, version=self.versions[name])


class ArrayReader:
    """One array, pinned at its version."""

    def __init__(self, source: ArraySource, info: TensorInfo, array: np.ndarray) -> None:
        self.info = info
        self._source = source
        self._array = array

    def read(self, region: Region) -> np.ndarray:
        self._source.reads += 1
        return self._array[tuple(slice(*axis) for axis in region)]
