"""Values read from torch equal the bytes, for every dtype and layout; what can't be read says why (P7, P12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ml_dtypes
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nnscope.sources.live.values import dtype_name, read_region, why_unreadable

if TYPE_CHECKING:
    from nnscope.core.request import Region

DTYPES = [
    *(torch.bool, torch.uint8, torch.uint16, torch.uint32, torch.uint64),
    *(torch.int8, torch.int16, torch.int32, torch.int64),
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128),
    *(torch.float8_e4m3fn, torch.float8_e4m3fnuz, torch.float8_e5m2, torch.float8_e5m2fnuz, torch.float8_e8m0fnu),
]


def everything(tensor: torch.Tensor) -> Region:
    return tuple((0, n, 1) for n in tensor.shape)


@pytest.mark.parametrize("dtype", DTYPES, ids=dtype_name)
@pytest.mark.parametrize("shape", [(), (0, 2), (5,), (3, 4)], ids=str)
def test_every_dtype_bit_for_bit(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    size = dtype.itemsize
    raw = np.random.default_rng(1).integers(0, 2 if dtype is torch.bool else 256, (*shape, size), np.uint8)
    tensor = torch.from_numpy(raw.copy()).view(dtype).view(shape) if raw.size else torch.empty(shape, dtype=dtype)
    assert why_unreadable(tensor) == ""
    read = read_region(tensor, everything(tensor))
    name = dtype_name(dtype)
    assert read.dtype == np.dtype(getattr(ml_dtypes, name, name))
    assert read.shape == shape
    assert read.tobytes() == raw.tobytes()


@given(st.data())
@settings(max_examples=60)
def test_regions_are_numpy_slices(data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.integers(0, 6), min_size=1, max_size=4).map(tuple))
    region = tuple(
        data.draw(
            st.tuples(st.integers(0, n), st.integers(0, n), st.integers(1, 4)).map(
                lambda t: (min(t[:2]), max(t[:2]), t[2])
            )
        )
        for n in shape
    )
    array = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    expected = array[tuple(slice(*axis) for axis in region)]
    np.testing.assert_array_equal(read_region(torch.from_numpy(array), region), expected)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.arange(12.0).view(3, 4).t(),
        torch.arange(24.0).view(2, 3, 4)[:, ::2, 1::2],
        torch.zeros(1).expand(3, 4),
        torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        torch.tensor([1 + 2j, 3 - 4j]).conj(),
        torch.tensor([1 + 2j, 3 - 4j]).conj().imag,
        torch.arange(3.0, requires_grad=True) * 2,
        nn.Parameter(torch.tensor([float("nan"), float("inf"), -float("inf"), -0.0, 1e-45])),
    ],
    ids=["transposed", "strided", "expanded", "channels last", "conjugated", "negated", "with a graph", "special"],
)
def test_any_memory_layout(tensor: torch.Tensor) -> None:
    expected = tensor.detach().resolve_conj().resolve_neg().clone(memory_format=torch.contiguous_format).numpy()
    read = read_region(tensor, everything(tensor))
    assert read.tobytes() == expected.tobytes()
    assert read.dtype == expected.dtype


def test_what_is_read_is_a_copy() -> None:
    tensor = torch.zeros(3)
    read = read_region(tensor, everything(tensor))
    tensor.add_(1)
    assert not read.any()


def quantised() -> torch.Tensor:
    return torch.quantize_per_tensor(torch.arange(3.0), 0.1, 0, torch.qint8)


def two_tensors() -> torch.Tensor:
    from torch.testing._internal.two_tensor import TwoTensor

    return TwoTensor(torch.zeros(2), torch.ones(2))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: torch.empty(3, device="meta"), "meta device"),
        (lambda: torch.eye(3).to_sparse(), "sparse_coo"),
        (lambda: torch.eye(3).to_sparse_csr(), "sparse_csr"),
        (lambda: torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)]), "Nested"),
        (quantised, "quantised"),
        (lambda: nn.UninitializedParameter(), "first forward"),
        (lambda: torch.zeros(2, dtype=torch.complex32), "complex32"),
        (two_tensors, "TwoTensor"),
    ],
    ids=["meta", "sparse", "csr", "nested", "quantised", "lazy", "complex32", "subclass"],
)
def test_what_cannot_be_read_says_why(make, word: str) -> None:  # type: ignore[no-untyped-def]
    assert word in why_unreadable(make())
