"""Regions of strided tensors: NumPy's own strides are the oracle, and reads are counted."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnscope.core.errors import FileError, NnscopeError
from nnscope.sources.base import full_region
from nnscope.sources.files import strided
from nnscope.sources.files.dtypes import element
from nnscope.sources.files.strided import Strided, contiguous, read_region
from tests.sources.files.reading import same_bits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnscope.core.request import Region
    from nnscope.sources.files.handle import Fill

NAMES = ("uint8", "int16", "float32", "float64", "complex128")


class Memory:
    """A section of bytes in memory that counts what is read of it."""

    def __init__(self, data: bytes) -> None:
        self.data = np.frombuffer(data, np.uint8)
        self.size = len(data)
        self.reads: list[tuple[int, int]] = []

    @contextmanager
    def reading(self) -> Iterator[Fill]:
        yield self._fill

    def _fill(self, out: np.ndarray[Any, np.dtype[np.uint8]], offset: int) -> None:
        assert 0 <= offset <= offset + out.size <= self.size
        assert out.flags.c_contiguous
        self.reads.append((offset, out.size))
        out[:] = self.data[offset : offset + out.size]

    @property
    def total(self) -> int:
        return sum(size for _, size in self.reads)


def numpy_region(data: bytes, layout: Strided, region: Region) -> np.ndarray[Any, Any]:
    dtype = layout.element.dtype
    flat = np.frombuffer(data, dtype, offset=layout.start)
    whole = np.lib.stride_tricks.as_strided(flat, layout.shape, [s * dtype.itemsize for s in layout.strides])
    return whole[tuple(slice(*part) for part in region)]


@st.composite
def layouts(draw: st.DrawFn) -> Strided:
    """Any strides: dense in any order, with gaps, overlapping, repeated."""
    shape = tuple(draw(st.lists(st.integers(0, 5), max_size=5)))
    order = draw(st.permutations(range(len(shape))))
    strides = [0] * len(shape)
    step = 1
    for axis in order:
        strides[axis] = draw(st.sampled_from((step, step, step, step + 1, 2 * step, 1, 0)))
        step = max(step, strides[axis] * max(shape[axis], 1))
    return Strided(element(draw(st.sampled_from(NAMES))), shape, tuple(strides), draw(st.integers(0, 9)))


@st.composite
def regions(draw: st.DrawFn, shape: tuple[int, ...]) -> Region:
    parts = []
    for size in shape:
        start = draw(st.integers(0, size))
        parts.append((start, draw(st.integers(start, size)), draw(st.integers(1, 4))))
    return tuple(parts)


@settings(max_examples=200)
@given(st.data())
def test_any_region_of_any_strides(data: st.DataObject) -> None:
    layout = data.draw(layouts())
    content = np.random.default_rng(0).bytes(max(layout.end, layout.start + 16))
    region = data.draw(regions(layout.shape))
    scratch, call = data.draw(st.sampled_from(((1 << 20, 1 << 14), (64, 1), (16, 1 << 14))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strided, "SCRATCH_BYTES", scratch)
        patch.setattr(strided, "_CALL_BYTES", call)
        values = read_region(Memory(content), layout, region)
    assert same_bits(values, numpy_region(content, layout, region))


@settings(max_examples=150)
@given(st.data())
def test_any_region_of_packed_values(data: st.DataObject) -> None:
    kind = element(data.draw(st.sampled_from(("uint4", "int4", "uint2", "float4_e2m1fn"))))
    shape = tuple(data.draw(st.lists(st.integers(0, 6), max_size=3)))
    layout = Strided(kind, shape, contiguous(shape), data.draw(st.integers(0, 3)))
    content = np.random.default_rng(1).bytes(layout.end)
    codes = [
        byte >> shift & ((1 << kind.bits) - 1) for byte in content[layout.start :] for shift in range(0, 8, kind.bits)
    ]
    whole = np.array(codes[: math.prod(shape)], np.uint8).view(kind.dtype).reshape(shape)
    region = data.draw(regions(shape))
    values = read_region(Memory(content), layout, region)
    assert same_bits(values, whole[tuple(slice(*part) for part in region)])


def test_packed_views_read_the_bytes_they_need() -> None:
    layout = Strided(element("uint4"), (1000, 64), (64, 1))
    memory = Memory(bytes(layout.end))
    read_region(memory, layout, ((500, 501, 1), (10, 14, 1)))
    assert memory.reads == [(500 * 32 + 5, 2)]


def test_packed_view_that_starts_rows_within_bytes_is_unreadable() -> None:
    assert "packed" in Strided(element("uint4"), (2, 3), (1, 2)).unreadable
    assert not Strided(element("uint4"), (2, 3), (3, 1)).unreadable


MATRIX = Strided(element("float16"), (1000, 2048), (2048, 1), 8)
READS = [
    ("whole", MATRIX, ((0, 1000, 1), (0, 2048, 1)), 1, 1000 * 4096),
    ("band-of-rows", MATRIX, ((100, 164, 1), (0, 2048, 1)), 1, 64 * 4096),
    ("one-value", MATRIX, ((7, 8, 1), (9, 10, 1)), 1, 2),
    ("every-100th-row", MATRIX, ((0, 1000, 100), (0, 2048, 1)), 10, 10 * 4096),
    ("part-of-every-100th-row", MATRIX, ((0, 1000, 100), (64, 96, 1)), 10, 10 * 64),
    ("one-row-with-steps", MATRIX, ((5, 6, 1), (0, 2048, 8)), 1, 4082),
    ("transposed-band", Strided(element("float16"), (2048, 1000), (1, 2048)), ((0, 2048, 1), (3, 5, 1)), 1, 2 * 4096),
    ("expanded", Strided(element("float32"), (1 << 20, 4), (0, 1)), ((0, 1000, 1), (0, 4, 1)), 1, 16),
    ("empty", MATRIX, ((3, 3, 1), (0, 2048, 1)), 0, 0),
]


@pytest.mark.parametrize(("layout", "region", "count", "nbytes"), [pytest.param(*r[1:], id=r[0]) for r in READS])
def test_reads_only_what_the_region_needs(layout: Strided, region: Region, count: int, nbytes: int) -> None:
    memory = Memory(bytes(layout.end))
    read_region(memory, layout, region)
    assert (len(memory.reads), memory.total) == (count, nbytes)


def test_a_window_of_columns_reads_no_more_than_its_rows() -> None:
    memory = Memory(bytes(MATRIX.end))
    read_region(memory, MATRIX, ((0, 1000, 1), (256, 512, 1)))
    assert memory.total <= 1000 * 4096
    assert max(size for _, size in memory.reads) <= strided.SCRATCH_BYTES


def test_dense_rows_lie_in_the_answer_as_in_the_file() -> None:
    values = read_region(Memory(bytes(MATRIX.end)), MATRIX, ((0, 64, 1), (0, 2048, 1)))
    assert values.flags.c_contiguous
    assert values.flags.writeable


@pytest.mark.parametrize(
    "region",
    [((0, 3, 1),), ((0, 1001, 1), (0, 1, 1)), ((5, 4, 1), (0, 1, 1)), ((0, 1, 0), (0, 1, 1)), ((-1, 1, 1), (0, 1, 1))],
)
def test_a_region_outside_the_tensor_is_refused(region: Region) -> None:
    with pytest.raises(NnscopeError, match="does not lie in"):
        read_region(Memory(bytes(8)), MATRIX, region)


def test_an_answer_over_the_budget_is_refused_before_it_is_allocated() -> None:
    layout = Strided(element("float32"), (1 << 20, 1 << 20), (0, 0))
    with pytest.raises(FileError) as caught:
        read_region(Memory(bytes(64)), layout, full_region(layout.shape), "w")
    assert caught.value.code == "over-budget"
    assert caught.value.where == "w"


def test_an_empty_answer_that_numpy_can_not_make_is_refused() -> None:
    layout = Strided(element("float32"), (0, 1 << 62), (1, 1))
    with pytest.raises(FileError, match="beyond what can be addressed"):
        read_region(Memory(b""), layout, full_region(layout.shape))


@pytest.mark.parametrize(("order", "strides"), [("C", (12, 4, 1)), ("F", (1, 2, 6))])
def test_contiguous_strides(order: str, strides: tuple[int, ...]) -> None:
    assert contiguous((2, 3, 4), order) == strides


def test_bytes_of_expanded_tensors_are_counted_once() -> None:
    assert Strided(element("float32"), (1 << 20, 1 << 20), (0, 0)).nbytes == 4
    assert Strided(element("float32"), (3, 5), (10, 2)).nbytes == 60
