"""A file that holds a Gaussian field, with the field itself as a tensor beside the parameters.

That tensor has the shape of the one that the field describes, and values of offset + scale · f, worked out where they
are read. So a field has statistics and every picture that a tensor has. Where the file keeps the tensor too, as
``target``, there is also its ``residual``: what the field lacks of it. Of a field over training there is one for each
step, ``field@STEP``.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nnscope.core.errors import FileError, NnscopeError
from nnscope.core.tensor import TensorInfo
from nnscope.fields.checkpoint import is_field, load_field
from nnscope.fields.lattice import Lattice

if TYPE_CHECKING:
    from nnscope.core.request import Region
    from nnscope.core.tensor import Listing
    from nnscope.fields.checkpoint import Checkpoint
    from nnscope.fields.parameters import Gaussians
    from nnscope.sources.base import Source, TensorReader

ADDRESS = KIND = "field"
TARGET, RESIDUAL = "target", "residual"


def with_field(source: Source, path: str) -> Source:
    """The source, with the field as a tensor of it where its metadata tells of one."""
    listing = source.listing()
    taken = any(info.address in (ADDRESS, RESIDUAL) for info in listing.tensors)
    return FieldSource(source, path) if is_field(dict(listing.metadata)) and not taken else source


class FieldReader:
    """The values of a field; ``trails`` (t, n, d): where its centres were at steps up to it, where that is known."""

    def __init__(
        self,
        info: TensorInfo,
        gaussians: Gaussians,
        errors: np.ndarray | None = None,
        trails: np.ndarray | None = None,
    ) -> None:
        self.info = info
        self.gaussians = gaussians
        self.errors = errors
        self.trails = trails

    def read(self, region: Region) -> np.ndarray:
        """Of the cells of a region, float32."""
        from nnscope.fields.evaluate import evaluate_lattice

        strides, firsts = tuple(step for _, _, step in region), tuple(start for start, _, _ in region)
        shape = tuple(len(range(*axis)) for axis in region)
        if 0 in shape:
            return np.zeros(shape, np.float32)
        lattice = replace(Lattice.of(self.info.shape).every(strides, firsts), shape=shape)
        values: np.ndarray = evaluate_lattice(self.gaussians, lattice)
        held = self.gaussians
        return np.asarray(held.offset + held.scale * values, np.float32)


class ResidualReader:
    """What a field lacks of its tensor: target − field."""

    def __init__(self, info: TensorInfo, target: TensorReader, field: FieldReader) -> None:
        self.info = info
        self._target, self._field = target, field

    def read(self, region: Region) -> np.ndarray:
        """Of the cells of a region, float32."""
        return np.asarray(self._target.read(region) - self._field.read(region), np.float32)


class FieldSource:
    """See the module docstring.

    Parameters
    ----------
    source : Source
    path : str
        Of its file.
    """

    def __init__(self, source: Source, path: str) -> None:
        self._source = source
        self.origin: str = getattr(source, "origin", "")
        self._held: Checkpoint | None = None
        try:
            self._held = load_field(path)
            shape, problem = self._held.field.shape, ""
        except NnscopeError as error:
            shape, problem = (), str(error)
        version = max((info.version for info in source.listing().tensors), default=0)
        size = 4 * math.prod(shape) if shape else 0
        self._info = TensorInfo(ADDRESS, shape, "float32", KIND, size, version, unreadable=problem)
        kept = any((info.address, info.shape) == (TARGET, shape) for info in source.listing().tensors)
        over = self._held.path if self._held is not None else None
        names = [] if over is None else [f"{ADDRESS}@{step}" for step in over.steps.tolist()]
        self._moments = {name: (place, replace(self._info, address=name)) for place, name in enumerate(names)}
        self._residual = replace(self._info, address=RESIDUAL, kind=RESIDUAL) if kept and not problem else None

    def listing(self) -> Listing:
        """That of the file, the field first."""
        found = self._source.listing()
        own = (self._info,) if self._residual is None else (self._info, self._residual)
        moments = (info for _, info in self._moments.values())
        return replace(found, tensors=(*own, *moments, *found.tensors))

    def reader(self, address: str) -> TensorReader:
        """The field's, its residual's, or the file's own."""
        if address == RESIDUAL and self._residual is not None:
            return ResidualReader(self._residual, self._source.reader(TARGET), self._field())
        if address in self._moments:
            return self._moment(*self._moments[address])
        return self._source.reader(address) if address != ADDRESS else self._field()

    def _field(self) -> FieldReader:
        if self._held is None:
            raise FileError("unreadable", self._info.unreadable, ADDRESS)
        over = self._held.path
        return FieldReader(self._info, self._held.field, self._held.errors, None if over is None else over.means)

    def _moment(self, place: int, info: TensorInfo) -> TensorReader:
        """The field at a step of training."""
        held = self._field()
        assert self._held is not None
        assert self._held.path is not None
        over = self._held.path
        return FieldReader(info, over.at(place, held.gaussians), None, over.means[: place + 1])

    def close(self) -> None:
        """Close the file."""
        self._source.close()
