"""Step records as an HDF5 file in memory: it reaches the disk only when it is whole.

Layout, for n steps, S names of numbers and T tensors (a tensor whose shape changes counts once for each shape):

- ``names``: JSON as bytes: ``{"scalars": [S names], "tensors": [T descriptions], "frames": [[row, tensor, form,
  level, shape]], "thinned": frames dropped to save room}``; where the form is ``"pca"`` a frame has a sixth entry,
  ``[axis, components, explained, half]``
- ``steps`` int64 (n,), ``times`` float64 (n,), ``scalars`` float64 (n, S) and ``given`` uint8 (n, S): whether the step
  gave that number, which may well be NaN; ``late`` uint8 (n,)
- ``statistics/at`` int64 (m, 2): row and tensor; ``statistics/values`` float64 (m, 19) in the order of `FIELDS`;
  ``statistics/histogram`` int64 (m, 256)
- ``frames/ROW/TENSOR.ARRAY``: the arrays of a frame; dtypes that HDF5 does not know lie there as unsigned integers of
  their width
"""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from nnscope.core.statistics import TensorStats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnscope.core.tensor import TensorInfo
    from nnscope.store.runs.record import Frame, StepRecord

FIELDS = tuple(field.name for field in fields(TensorStats) if field.name != "histogram")
BINS = 256
PLAIN_KINDS = "biufc"  # of NumPy dtypes that HDF5 has too


def encode(records: Sequence[StepRecord], thinned: int = 0) -> bytes:
    """One HDF5 file of all records.

    Parameters
    ----------
    records : sequence of StepRecord
    thinned : int
        Frames that these steps had and that were dropped to save room.
    """
    file = h5py.File("segment", "w", driver="core", backing_store=False, libver=("v110", "v110"))
    try:
        names = _Names(records)
        file["steps"] = np.array([record.step for record in records], np.int64)
        file["times"] = np.array([record.time for record in records], np.float64)
        file["late"] = np.array([record.late for record in records], np.uint8)
        file["scalars"], file["given"] = names.table(records)
        _write_statistics(file, records, names)
        frames = _write_frames(file, records, names)
        told = {"scalars": names.scalars, "tensors": names.described(), "frames": frames, "thinned": thinned}
        text = json.dumps(told)
        file["names"] = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
        file.flush()
        return bytes(file.id.get_file_image())
    finally:
        file.close()


class _Names:
    """The names of numbers and the tensors of several records, numbered."""

    def __init__(self, records: Sequence[StepRecord]) -> None:
        self.scalars = list(dict.fromkeys(name for record in records for name in record.scalars))
        tensors = dict.fromkeys(info for record in records for info in (*record.statistics, *record.frames))
        self.numbers: dict[TensorInfo, int] = {info: number for number, info in enumerate(tensors)}

    def table(self, records: Sequence[StepRecord]) -> tuple[np.ndarray, np.ndarray]:
        """All numbers, and which were given."""
        shape = (len(records), len(self.scalars))
        rows = [[record.scalars.get(name, np.nan) for name in self.scalars] for record in records]
        given = [[name in record.scalars for name in self.scalars] for record in records]
        return np.array(rows, np.float64).reshape(shape), np.array(given, np.uint8).reshape(shape)

    def described(self) -> list[dict[str, Any]]:
        return [
            {
                "address": info.address,
                "shape": info.shape,
                "dtype": info.dtype,
                "kind": info.kind,
                "axes": info.axes,
                "aliases": info.aliases,
                "note": info.note,
                **({"labels": info.labels} if any(info.labels) else {}),
            }
            for info in self.numbers
        ]


def _write_statistics(file: h5py.File, records: Sequence[StepRecord], names: _Names) -> None:
    found = [(row, names.numbers[info], s) for row, r in enumerate(records) for info, s in r.statistics.items()]
    values = [[float(getattr(stats, name)) for name in FIELDS] for _, _, stats in found]
    file["statistics/at"] = np.array([at[:2] for at in found], np.int64).reshape(-1, 2)
    file["statistics/values"] = np.array(values, np.float64).reshape(-1, len(FIELDS))
    counts = np.array([stats.histogram for _, _, stats in found], np.int64).reshape(-1, BINS)
    packed = {"compression": "lzf", "shuffle": True} if len(counts) else {}
    file.create_dataset("statistics/histogram", data=counts, **packed)


def _write_frames(file: h5py.File, records: Sequence[StepRecord], names: _Names) -> list[tuple[Any, ...]]:
    table: list[tuple[Any, ...]] = []
    for row, record in enumerate(records):
        group = file.create_group(f"frames/{row}").id if record.frames else None
        for info, frame in record.frames.items():
            number = names.numbers[info]
            table.append((row, number, frame.form, frame.level, frame.shape, *_projected(frame)))
            for name, array in frame.arrays.items():
                _put(group, f"{number}.{name}", _storable(array))
    return table


def _projected(frame: Frame) -> tuple[Any, ...]:
    """The sixth entry of a frame in the table, where it has one."""
    told = frame.projection
    return () if told is None else ((told.axis, told.components, told.explained, told.half),)


def _put(group: h5py.h5g.GroupID, name: str, array: np.ndarray) -> None:
    """An array as a data set; what h5py's own way to do it looks up takes three times as long as many a tensor."""
    space = h5py.h5s.create_simple(array.shape) if array.shape else h5py.h5s.create(h5py.h5s.SCALAR)
    made = h5py.h5d.create(group, name.encode(), h5py.h5t.py_create(array.dtype, logical=True), space)
    if array.size:
        made.write(h5py.h5s.ALL, h5py.h5s.ALL, np.asarray(array, order="C"))


def _storable(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind in PLAIN_KINDS and array.dtype.isbuiltin == 1:
        return array
    return np.ascontiguousarray(array).reshape(array.shape).view(f"u{array.dtype.itemsize}")
