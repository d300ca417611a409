"""Tensors and arrays share memory both ways, whatever their type and strides."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nnscope.arrays.backend import available_gpu
from nnscope.arrays.exchange import from_torch, to_torch
from nnscope.core.errors import NnscopeError

NAMES = ("float32", "float64", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "int8", "int64", "bool")


@pytest.mark.parametrize("name", NAMES)
def test_a_tensor_is_seen_not_copied(name: str) -> None:
    tensor = torch.arange(-3, 9).reshape(3, 4).to(getattr(torch, name))
    array = from_torch(tensor)
    assert (str(array.dtype), array.shape) == (name, (3, 4))
    assert array.__array_interface__["data"][0] == tensor.data_ptr()
    np.testing.assert_array_equal(array.astype(np.float64), tensor.to(torch.float64).numpy())


@pytest.mark.parametrize("name", NAMES)
def test_there_and_back_is_the_same_memory(name: str) -> None:
    tensor = torch.ones(2, 3).to(getattr(torch, name))
    back = to_torch(from_torch(tensor))
    assert (back.dtype, back.data_ptr()) == (tensor.dtype, tensor.data_ptr())
    back[0, 0] = 0
    assert not tensor[0, 0]


def test_strides_and_gradients() -> None:
    tensor = torch.arange(24.0, requires_grad=True).reshape(4, 6)[::2].T
    array = from_torch(tensor)
    np.testing.assert_array_equal(array, tensor.detach().numpy())
    assert to_torch(array).stride() == tensor.stride()
    assert from_torch(torch.tensor(3.0)).shape == ()
    assert from_torch(torch.zeros(0, 3)).shape == (0, 3)


@pytest.mark.parametrize(
    "tensor", [torch.eye(3).to_sparse(), torch.zeros(2, device="meta"), torch.zeros(2, dtype=torch.complex64).conj()],
    ids=["sparse", "meta", "conjugate view"],
)  # fmt: skip
def test_what_can_not_be_shared_is_refused(tensor: torch.Tensor) -> None:
    with pytest.raises(NnscopeError, match="can't be shared"):
        from_torch(tensor)


@pytest.mark.parametrize("array", [np.broadcast_to(np.float32(1), 3), np.array(["a"])], ids=["read-only", "text"])
def test_arrays_that_torch_can_not_hold_are_refused(array: np.ndarray) -> None:
    with pytest.raises(NnscopeError, match="can't be shared"):
        to_torch(array)


@pytest.mark.gpu
@pytest.mark.skipif(not available_gpu(), reason="there is no CUDA device for CuPy")
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch has no CUDA")
@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_a_tensor_on_a_device_stays_there(name: str) -> None:
    tensor = torch.arange(5, device="cuda").to(getattr(torch, name))
    array = from_torch(tensor)
    assert (str(array.dtype), array.data.ptr) == (name, tensor.data_ptr())
    assert to_torch(array).data_ptr() == tensor.data_ptr()
