"""Timing on a CUDA device: seconds of work that is done, and what a copy on that device moves in a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.benchmarks.measure import seconds

if TYPE_CHECKING:
    from collections.abc import Callable


def device_seconds(run: Callable[[], object]) -> float:
    """Seconds of one call, until the device has done its work."""
    import cupy

    def whole() -> None:
        run()
        cupy.cuda.Device().synchronize()

    whole()
    return seconds(whole)


def copy_bandwidth(array: Any) -> float:
    """Bytes a second that a copy of ``array`` (CuPy) reads and writes."""
    import cupy

    target = cupy.empty_like(array)
    return float(2 * array.nbytes / device_seconds(lambda: cupy.copyto(target, array)))
