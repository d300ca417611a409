"""What hovering shows of one element, whatever the picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from nnscope.core.answer import ProbeAnswer

if TYPE_CHECKING:
    from nnscope.core.answer import BlockStats
    from nnscope.sources.base import TensorReader
    from nnscope.views.base import BuildContext


def probe_element(
    context: BuildContext, reader: TensorReader, index: tuple[int, ...] | None, block: BlockStats | None = None
) -> ProbeAnswer:
    """The element in full precision and its z-score; None as the index for padding."""
    info = reader.info
    if index is None:
        return ProbeAnswer(info.address, None, None, math.nan, None, info.version)
    value = reader.read(tuple((i, i + 1, 1) for i in index)).reshape(()).item()
    stats = context.known_stats(info.address)
    zscore = math.nan
    if stats is not None and stats.std > 0 and not isinstance(value, complex):
        zscore = (float(value) - stats.mean) / stats.std
    return ProbeAnswer(info.address, index, _plain(value), zscore, block, info.version)


def _plain(value: Any) -> complex | float | int | bool:
    """ml_dtypes scalars as Python floats; Python's own numbers as they are."""
    return value if isinstance(value, (bool, int, float, complex)) else float(value)
