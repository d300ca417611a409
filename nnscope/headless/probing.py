"""One element of a tensor, as hovering over it in the heat map shows it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nnscope.core.picture import level_count
from nnscope.core.request import GetStats, Probe
from nnscope.headless.layouts import showing
from nnscope.views.registry import find_view

if TYPE_CHECKING:
    from nnscope.core.answer import ProbeAnswer
    from nnscope.core.tensor import TensorInfo
    from nnscope.headless.client import Client


def probe_element(client: Client, info: TensorInfo, index: tuple[int, ...], level: int = 0) -> ProbeAnswer:
    """The element ``index``; above level 0 with the statistics of the block around it, at most the whole picture."""
    layout = showing(find_view("heatmap").layout(info), index)
    cell = layout.cell_of(index)
    assert cell is not None  # `showing` put the sliders there
    level = min(level, level_count(layout.grid) - 1)
    client.ask(GetStats(info.address))  # the z-score is against all values, so they are read first
    answer: ProbeAnswer = client.ask(Probe(info.address, layout, *cell))
    if level == 0:
        return answer
    around: ProbeAnswer = client.ask(Probe(info.address, layout, cell[0] >> level, cell[1] >> level, level))
    return replace(answer, block=around.block)
