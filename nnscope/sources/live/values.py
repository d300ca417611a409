"""From torch to NumPy: names of dtypes, regions read in the tensor's own dtype, and why some tensors can't be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ml_dtypes
import numpy as np
import torch
from torch.utils._python_dispatch import _disable_current_modes

if TYPE_CHECKING:
    from nnscope.core.request import Region

# dtypes that NumPy or ml_dtypes has too, bit for bit, under the same name
_SHARED = (
    *("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
    *("float16", "float32", "float64", "complex64", "complex128", "bfloat16"),
    *("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu"),
)
_READABLE = frozenset(getattr(torch, name) for name in _SHARED)
_BITS = {1: torch.uint8, 2: torch.int16}  # integers of a width, to carry bits of dtypes that NumPy itself hasn't


_Tensor, _strided = torch.Tensor, torch.strided  # bound here, as hooks ask between two operations of a model
_is_transformed = torch._C._functorch.is_functorch_wrapped_tensor


def dtype_name(dtype: torch.dtype) -> str:
    """``"bfloat16"`` for ``torch.bfloat16``."""
    return str(dtype).removeprefix("torch.")


def is_plain(tensor: torch.Tensor) -> bool:
    """Whether it is what most are: strided values of its own, in no subclass and in no function transform."""
    if type(tensor) is not _Tensor or _is_transformed(tensor):
        return False
    return not (tensor.is_nested or tensor.is_meta) and tensor.layout is _strided


def why_unreadable(tensor: torch.Tensor) -> str:
    """Why the values of ``tensor`` can't be shown, as a sentence; empty when they can."""
    if is_plain(tensor) and tensor.dtype in _READABLE:
        return ""  # as most are, and leaves of a running model come here
    transformed = torch._C._functorch.is_functorch_wrapped_tensor(tensor)
    name = type(tensor).__name__
    if torch.nn.parameter.is_lazy(tensor):
        return "Its shape is not known before the first forward pass."
    if transformed or name == "FakeTensor":
        return "It was seen inside a function transform (vmap, export, tracing), where there are no values to read."
    if tensor.is_nested:
        return "Nested tensors have no single shape; convert it with to_padded_tensor() to see it."
    if tensor.device.type == "meta":
        return "It is on the meta device, which holds no values."
    if tensor.is_quantized:
        return "It is quantised; call dequantize() on it to see its values."
    if tensor.layout is not torch.strided:
        return f"Its layout is {str(tensor.layout).removeprefix('torch.')}; convert it with to_dense() to see it."
    if type(tensor).__torch_dispatch__ is not torch._C._disabled_torch_dispatch_impl:
        return f"It is a {name}, which may hold only a part of the values; convert it to a plain tensor to see it."
    if tensor.dtype not in _READABLE:
        return f"Values of dtype {dtype_name(tensor.dtype)} can't be shown."
    return ""


def copy_of(tensor: torch.Tensor, memory: torch.Tensor | None = None, dtype: torch.dtype | None = None) -> torch.Tensor:
    """A copy on the same device and outside the graph, unseen by whatever listens to operations (modes, subclasses).

    Unseen matters: selective activation checkpointing counts operations and would mistake ours for the model's. With
    ``memory``, a copy of the same shape that no one holds, the values go there; without, the copy has ``dtype``.
    """
    with torch._C.DisableTorchFunction():
        if torch._C._len_torch_dispatch_stack():
            with _disable_current_modes():
                return _copied(tensor, memory, dtype)
        return _copied(tensor, memory, dtype)


def _copied(tensor: torch.Tensor, memory: torch.Tensor | None, dtype: torch.dtype | None) -> torch.Tensor:
    if memory is not None:
        return memory.copy_(tensor.detach() if tensor.requires_grad else tensor)
    with torch.inference_mode(False):  # a copy made in it could not be written to outside
        if dtype is not None and dtype is not tensor.dtype:
            return tensor.detach().to(dtype)
        return tensor.detach().clone()


def read_region(tensor: torch.Tensor, region: Region) -> np.ndarray:
    """A copy of ``region`` (start, stop, step per axis) on the host, in the tensor's own dtype.

    ``tensor`` is one that `why_unreadable` has nothing to say about. Only the region leaves its device.
    """
    with torch.no_grad(), torch._C.DisableTorchFunction():
        part = tensor.detach()[tuple(slice(*axis) for axis in region)]
        return _to_numpy(part.resolve_conj().resolve_neg())


def own_values(tensor: torch.Tensor) -> np.ndarray:
    """The values of a copy that nobody writes to any more, without another copy where they are on the host.

    No operation of torch that several threads share is among what is done here: a thread that began one beside the
    training's would have a team of threads of its own, and with more of them than cores OpenMP lets all of them sleep
    at each barrier, which made steps of a small network take twice their time from then on.
    """
    with torch.no_grad(), torch._C.DisableTorchFunction():
        host = tensor.detach().resolve_conj().resolve_neg().cpu()
        own = getattr(ml_dtypes, dtype_name(tensor.dtype), None)
        values = host.numpy() if own is None else host.view(_BITS[host.element_size()]).numpy().view(own)
    return np.asarray(values, order="C")


def _to_numpy(part: torch.Tensor) -> np.ndarray:
    host = part.to("cpu", copy=True).contiguous()
    name = dtype_name(part.dtype)
    own = getattr(ml_dtypes, name, None)
    if own is None:
        return np.asarray(host.numpy())
    return np.asarray(host.view(_BITS[host.element_size()]).numpy().view(own))
