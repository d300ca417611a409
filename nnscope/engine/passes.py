"""Passes over the values of one tensor, as the engine runs them: exact over everything, or a labelled sample."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.blocks import BLOCK, Blocks
from nnscope.compute.statistics.sampling import sample_regions
from nnscope.compute.statistics.summary import statistics
from nnscope.core.regions import regions
from nnscope.core.statistics import TensorStats

if TYPE_CHECKING:
    from nnscope.sources.base import TensorReader
    from nnscope.views.base import BuildContext

SAMPLE = 1 << 22  # elements looked at for a first impression

_NUMBERS = tuple(field.name for field in fields(TensorStats) if field.name != "histogram")
_COUNTS = ("count", "finite", "nan", "posinf", "neginf", "zeros", "near_zero", "positive")


def exact_stats(context: BuildContext, reader: TensorReader) -> TensorStats:
    """Statistics over every element."""
    blocks = Blocks.of_regions(regions(reader.info.shape, BLOCK), reader.read)
    return statistics(blocks, progress=lambda done, total: context.progress(done, total, "Reading every value"))


def sampled_stats(context: BuildContext, reader: TensorReader) -> TensorStats:
    """Statistics over at most `SAMPLE` elements spread over the tensor; exact when it is not larger."""
    if reader.info.size <= SAMPLE:
        return exact_stats(context, reader)
    sample = sample_regions(reader.info.shape, SAMPLE)
    blocks = Blocks.of_regions(sample.regions, reader.read)
    return statistics(blocks, sampled=sample.share, progress=lambda done, total: context.check())


def pack_stats(stats: TensorStats) -> dict[str, np.ndarray]:
    """Statistics as arrays, to be kept on disk."""
    numbers = [getattr(stats, name) for name in _NUMBERS]
    return {"histogram": stats.histogram, "numbers": np.array(numbers, np.float64)}


def unpack_stats(arrays: dict[str, np.ndarray]) -> TensorStats:
    """The way back from `pack_stats`; counts are whole numbers below 2**53."""
    numbers = dict(zip(_NUMBERS, arrays["numbers"].tolist(), strict=True))
    counts = {name: int(numbers.pop(name)) for name in _COUNTS}
    return TensorStats(histogram=arrays["histogram"], **counts, **numbers)
