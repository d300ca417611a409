"""Numba with the settings of all kernels: compiled once per machine, and without the interpreter's lock.

Kernels are not parallel by themselves: Numba's portable threading layer ends the process when two threads enter it, and
engines compute in several. Callers give each thread a block of its own (`nnscope.compute.parallel.map_blocks`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")

# Sums may be reordered, so that they vectorise; NaN and infinities keep their meaning.
REORDER = frozenset({"reassoc", "contract", "nsz", "arcp"})


def compiled(function: F) -> F:
    """``function`` compiled in Numba's nopython mode, cached on disk, releasing the interpreter's lock."""
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def compiled_fast(function: F) -> F:
    """As `compiled`, and sums may be reordered (`REORDER`)."""
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=set(REORDER))(function))
