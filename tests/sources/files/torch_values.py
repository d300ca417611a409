"""PyTorch tensors of every kind, and their values as NumPy sees them without going through nnscope."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import torch

SPECIAL = (0.0, -0.0, 1.0, -1.5, float("nan"), float("inf"), float("-inf"), 1e-45, 6e-8, 3e38, 0.1, 65504.0)
NUMPY_OF = {
    torch.bfloat16: np.dtype(ml_dtypes.bfloat16),
    torch.float8_e4m3fn: np.dtype(ml_dtypes.float8_e4m3fn),
    torch.float8_e5m2: np.dtype(ml_dtypes.float8_e5m2),
    torch.float8_e4m3fnuz: np.dtype(ml_dtypes.float8_e4m3fnuz),
    torch.float8_e5m2fnuz: np.dtype(ml_dtypes.float8_e5m2fnuz),
    torch.float8_e8m0fnu: np.dtype(ml_dtypes.float8_e8m0fnu),
}
FLOATS = (torch.float64, torch.float32, torch.float16, *NUMPY_OF)
INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.uint16, torch.uint32, torch.uint64)


def golden() -> dict[str, torch.Tensor]:
    """One tensor of every element type, with the values that go wrong first."""
    tensors = {str(dtype).removeprefix("torch."): torch.tensor(SPECIAL).to(dtype) for dtype in FLOATS}
    for dtype in INTEGERS:
        limits = torch.iinfo(dtype)
        tensors[str(dtype).removeprefix("torch.")] = torch.tensor([limits.min, 0, 1, limits.max], dtype=dtype)
    tensors["bool"] = torch.tensor([True, False, True])
    tensors["complex64"] = torch.complex(torch.tensor(SPECIAL), -torch.tensor(SPECIAL))
    return tensors


def shapes() -> dict[str, torch.Tensor]:
    """Tensors of odd shapes."""
    return {
        "scalar": torch.tensor(3.5),
        "empty": torch.zeros(0),
        "empty-middle": torch.zeros(2, 0, 3),
        "rank-9": torch.arange(512.0).reshape([2] * 9),
        "prime": torch.arange(7 * 13.0).reshape(7, 13),
    }


def to_numpy(tensor: torch.Tensor) -> np.ndarray[Any, Any]:
    """The tensor's exact values; types NumPy lacks go through their bytes."""
    dense = tensor.detach().resolve_conj().contiguous()
    if tensor.dtype not in NUMPY_OF:
        return dense.numpy()
    dtype = NUMPY_OF[tensor.dtype]
    return dense.view(torch.uint8 if dtype.itemsize == 1 else torch.int16).numpy().view(dtype)
