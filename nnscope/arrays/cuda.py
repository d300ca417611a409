"""CUDA text as functions: the ``.cu`` files of ``nnscope.arrays.kernels``, compiled by CuPy on first use.

A kernel file holds functions ``extern "C" __global__ void NAME(…)`` in plain CUDA C++. It includes nothing but ``.cuh``
files of its own folder, which are pasted in here, so that the compiler needs no folder and works from a wheel; and it
takes pointers and numbers only. Arguments are passed as they are: arrays by their address, Python's int as
``long long``, its float as ``double``, NumPy's numbers by their own type. CuPy checks none of that: the host build of
the same text, by which the tests run it (``tests/arrays/shim``), does.

Importing this module costs nothing. Launching needs CuPy and a device, which whoever holds a CuPy array has.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_INCLUDE = re.compile(r'^#include "(\w+\.cuh)"$', re.MULTILINE)
_KERNELS = files("nnscope.arrays.kernels")
_OPTIONS = ("-std=c++17",)

THREADS = 256  # in a block, where nothing else is said
_SHARED_ALWAYS = 48 << 10  # bytes of shared memory that need no asking for
_BLOCKS_EACH = 8  # for each multiprocessor: 2048 threads, all that one holds


@dataclass(frozen=True, slots=True)
class Grid:
    """How many threads run a kernel, in x and y.

    Attributes
    ----------
    blocks, threads : (int, int)
        Number of blocks, and of threads in each.
    shared : int
        Bytes of ``extern __shared__`` memory for each block.
    """

    blocks: tuple[int, int]
    threads: tuple[int, int] = (THREADS, 1)
    shared: int = 0

    @classmethod
    def over(cls, columns: int, rows: int = 1) -> Grid:
        """A thread for each of ``columns`` (and each of ``rows``, at most 524 280), and some beyond the end."""
        threads = (THREADS, 1) if rows == 1 else (32, THREADS // 32)
        return cls((max(1, -(-columns // threads[0])), max(1, -(-rows // threads[1]))), threads)

    @classmethod
    def striding(cls, elements: int) -> Grid:
        """As many threads as the device runs at once, for kernels that stride over ``elements``; no more than those."""
        return cls((min(max(1, -(-elements // THREADS)), _BLOCKS_EACH * multiprocessors()), 1))


def source(name: str) -> str:
    """The CUDA text ``name``.cu, with what it includes."""
    text = (_KERNELS / f"{name}.cu").read_text("utf-8")
    return _INCLUDE.sub(lambda found: (_KERNELS / found[1]).read_text("utf-8"), text)


def names() -> tuple[str, ...]:
    """The CUDA texts there are, sorted."""
    return tuple(sorted(f.name.removesuffix(".cu") for f in _KERNELS.iterdir() if f.name.endswith(".cu")))


def launch(name: str, kernel: str, grid: Grid, arguments: Sequence[Any]) -> None:
    """Run ``kernel`` of ``name``.cu on the current device and stream; returns before it is done.

    Parameters
    ----------
    name, kernel : str
        The file, and the function in it.
    grid : Grid
    arguments : sequence
        C-contiguous CuPy arrays and numbers, in the order and of the types of the kernel's parameters.
    """
    function = _module(name).get_function(kernel)
    if grid.shared > _SHARED_ALWAYS:
        function.max_dynamic_shared_size_bytes = grid.shared
    function((*grid.blocks, 1), (*grid.threads, 1), tuple(arguments), shared_mem=grid.shared)


@lru_cache(maxsize=32)
def _module(name: str) -> Any:
    """The compiled file; CuPy builds it once for each device, and keeps it on disk."""
    import cupy

    return cupy.RawModule(code=source(name), options=_OPTIONS)


def multiprocessors() -> int:
    """How many multiprocessors the current device has."""
    return _attribute("MultiProcessorCount")


def shared_bytes() -> int:
    """Most bytes of shared memory that a block of the current device can have."""
    return _attribute("MaxSharedMemoryPerBlockOptin")


def _attribute(name: str) -> int:
    import cupy

    return int(cupy.cuda.Device().attributes[name])
