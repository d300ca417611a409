"""Passes over the values of one tensor, as the engine runs them: exact over everything, or a labelled sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscope.compute.blocks import BLOCK, Blocks
from nnscope.compute.sampling import sample_regions
from nnscope.compute.statistics import statistics
from nnscope.sources.blocks import regions

if TYPE_CHECKING:
    from nnscope.core.statistics import TensorStats
    from nnscope.sources.base import TensorReader
    from nnscope.views.base import BuildContext

SAMPLE = 1 << 22  # elements looked at for a first impression


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
