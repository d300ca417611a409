"""One seam between NumPy and CuPy: which module made an array, and the way home.

CuPy is never imported to find out: an array can only be CuPy's if CuPy is loaded already, so `sys.modules` is asked.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from types import ModuleType


@dataclass(frozen=True, slots=True)
class GpuProbe:
    """What `available_gpu` found.

    Attributes
    ----------
    name : str
        The device's name; empty when there is none to use.
    reason : str
        Why there is none; empty when there is one.
    """

    name: str = ""
    reason: str = ""

    def __bool__(self) -> bool:
        return bool(self.name)


def namespace(array: Any) -> ModuleType:
    """The module (``numpy`` or ``cupy``) whose functions work on ``array``."""
    cupy = sys.modules.get("cupy")
    if cupy is not None and isinstance(array, cupy.ndarray):
        return cupy
    return np


def to_host(array: Any) -> np.ndarray:
    """``array`` as a NumPy array: itself when it is one, a copy when it lives on a GPU."""
    xp = namespace(array)
    return np.asarray(array) if xp is np else np.asarray(xp.asnumpy(array))


def available_gpu() -> GpuProbe:
    """Look for a CUDA device that CuPy can use. Imports CuPy when it is installed; never raises."""
    if importlib.util.find_spec("cupy") is None:
        return GpuProbe(reason="CuPy is not installed.")
    try:
        import cupy

        if cupy.cuda.runtime.getDeviceCount() == 0:
            return GpuProbe(reason="There is no CUDA device.")
        return GpuProbe(name=cupy.cuda.runtime.getDeviceProperties(0)["name"].decode())
    except Exception as error:  # CuPy fails in many ways without a driver, and any of them means no GPU
        return GpuProbe(reason=f"CuPy can't use a GPU: {str(error).splitlines()[0] if str(error) else error!r}")
