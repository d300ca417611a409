"""Tensors of torch as arrays and back, sharing memory: nothing is copied, and what one side writes the other sees.

The exchange is DLPack's, which moves neither bytes nor devices: a tensor on the host becomes a NumPy array, one on a
CUDA device a CuPy array. bfloat16 and float8 are not among NumPy's own types, so they travel as integers of their
width, and arrive as ml_dtypes' types of the same name, bit for bit. Torch is not imported: whoever has a tensor has
loaded it.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from nnscope.arrays.backend import namespace
from nnscope.core.errors import NnscopeError

_CARRIERS = {"bfloat16": "int16", "float8_e4m3fn": "uint8", "float8_e5m2": "uint8"}


def from_torch(tensor: Any) -> Any:
    """``tensor`` as an array of the same memory.

    Parameters
    ----------
    tensor : torch.Tensor
        Dense and of any strides; what it is for autograd is left behind.

    Returns
    -------
    numpy.ndarray or cupy.ndarray
        Of the same dtype; ml_dtypes' for bfloat16 and float8.

    Raises
    ------
    NnscopeError
        If the tensor is not dense, not plain, or lives where neither NumPy nor CuPy reaches.
    """
    where = str(tensor.device.type)
    if str(tensor.layout) != "torch.strided" or where not in ("cpu", "cuda") or tensor.is_conj() or tensor.is_neg():
        raise NnscopeError(
            "This tensor's memory can't be shared.", f"{tensor.layout} on {where}", "Copy it into a dense one first."
        )
    name = str(tensor.dtype).removeprefix("torch.")
    plain = tensor.detach()
    if name in _CARRIERS:
        plain = plain.view(getattr(_torch(), _CARRIERS[name]))
    array = _cupy().from_dlpack(plain) if where == "cuda" else np.from_dlpack(plain)
    return array.view(_extension(name)) if name in _CARRIERS else array


def to_torch(array: Any) -> Any:
    """A NumPy or CuPy array as a tensor of the same memory.

    Raises
    ------
    NnscopeError
        If torch has no such type, or the array is read-only, which a tensor can't be.
    """
    torch, name = _torch(), str(array.dtype)
    if namespace(array) is np and not array.flags.writeable:
        raise NnscopeError("This array's memory can't be shared.", name, "It is read-only; copy it first.")
    carried = array.view(_CARRIERS[name]) if name in _CARRIERS else array
    try:
        tensor = torch.from_dlpack(carried)
    except (TypeError, RuntimeError, BufferError, ValueError) as error:
        raise NnscopeError("This array's memory can't be shared.", name, str(error).splitlines()[0]) from error
    return tensor.view(getattr(torch, name)) if name in _CARRIERS else tensor


def _extension(name: str) -> Any:
    import ml_dtypes

    return getattr(ml_dtypes, name)


def _cupy() -> Any:
    import cupy

    return cupy


def _torch() -> Any:
    torch = sys.modules.get("torch")
    if torch is None:
        raise NnscopeError("There is no tensor to share.", "torch is not loaded", "Import torch first.")
    return torch
