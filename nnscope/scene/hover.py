"""What is under the pointer: the exact value, asked of the engine that holds the tensor; newest question wins."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from nnscope.core.answer import ProbeAnswer
from nnscope.core.request import Probe, ProbeVolume
from nnscope.core.text import plain
from nnscope.scene import numbers
from nnscope.scene.compose_space import volume_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.core.tensor import TensorInfo
    from nnscope.engine.protocol import Job
    from nnscope.scene.library import Library
    from nnscope.scene.resolve import Resolved


@dataclass(frozen=True, slots=True)
class Hover:
    """What hovering tells.

    Attributes
    ----------
    pane : int
    source, address : str
    row, col : int
        Cell of ``level`` under the pointer.
    level : int
    answer : ProbeAnswer or None
        None until the engine has answered.
    text : str
        The line for the status bar.
    depth : int or None
        Of the voxel, in a picture of three dimensions.
    """

    pane: int
    source: str
    address: str
    row: int
    col: int
    level: int
    answer: ProbeAnswer | None
    text: str
    depth: int | None = None


class HoverWork:
    """Asks for the cell under the pointer and tells when the answer is there."""

    def __init__(
        self,
        library: Library,
        post: Callable[[Callable[[], None]], None],
        changed: Callable[[Hover | None], None],
    ) -> None:
        self._library = library
        self._post = post
        self._changed = changed
        self._job: Job | None = None
        self.current: Hover | None = None

    def move(self, pane: int, resolved: Resolved, level: int, cell: tuple[int, int], depth: int | None = None) -> None:
        """The pointer is over cell (row, column) of ``level``, or a voxel with its depth, in a pane that shows it."""
        here = self.current
        place = (pane, resolved.info.address, *cell, level, depth)
        same = here is not None and place == (here.pane, here.address, here.row, here.col, here.level, here.depth)
        if same and here is not None and here.answer is not None and here.answer.version >= resolved.version:
            return
        text = waiting_text(resolved, level, cell, depth)
        self._ask(Hover(pane, resolved.source, resolved.info.address, *cell, level, None, text, depth), resolved)

    def leave(self) -> None:
        """The pointer is over no cell."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
        if self.current is not None:
            self.current = None
            self._changed(None)

    def _ask(self, hover: Hover, resolved: Resolved) -> None:
        source = self._library.sources.get(resolved.source)
        if source is None or source.dead:
            return
        if self._job is not None:
            self._job.cancel()
        info = resolved.info
        self.current = hover
        self._changed(hover)
        self._job = job = source.engine.submit(probe_request(hover, resolved))

        def done(_: Any) -> None:
            self._post(lambda: self._take(job, hover, info))

        job.future.add_done_callback(done)

    def _take(self, job: Job, hover: Hover, info: TensorInfo) -> None:
        if job is not self._job or job.future.cancelled():
            return
        answer = job.future.result()
        if isinstance(answer, ProbeAnswer):
            self.current = replace(hover, answer=answer, text=hover_text(answer, info, hover.depth is not None))
        else:
            self.current = replace(hover, text=str(answer))
        self._changed(self.current)


def probe_request(hover: Hover, resolved: Resolved) -> Probe | ProbeVolume:
    """What to ask the engine that holds the tensor."""
    info, layout, view = resolved.info, resolved.layout, resolved.view.name
    if hover.depth is None:
        return Probe(info.address, layout, hover.row, hover.col, hover.level, view, resolved.settings)
    settings = volume_settings(resolved, hover.level)
    return ProbeVolume(info.address, layout, (hover.depth, hover.row, hover.col), hover.level, view, settings)


def waiting_text(resolved: Resolved, level: int, cell: tuple[int, int], depth: int | None = None) -> str:
    """The line until the value is there: address and index."""
    index = resolved.layout.index_at(cell[0] << level, cell[1] << level, (depth or 0) << level)
    return f"{plain(resolved.info.address, 96)} {_index(index, resolved.info.axes)}"


def hover_text(answer: ProbeAnswer, info: TensorInfo, voxel: bool = False) -> str:
    """``encoder.layer.0.weight [out 12, in 407] = -0.03125  z=-1.4``, or the block's statistics when zoomed out.

    Of a voxel, which stands for one of the values under it, the statistics follow that value.
    """
    name = f"{plain(answer.address, 96)} {_index(answer.index, info.axes)}"
    if answer.index is None:
        return f"{name}  padding: no element is here"
    if answer.scores:
        scores = "  ".join(f"PC{i} {numbers.short(s, 5)}" for i, s in enumerate(answer.scores, 1))
        return f"{name}  {scores}"
    z = "" if math.isnan(answer.zscore) else f"  z={numbers.short(answer.zscore, 3)}"
    if voxel and answer.block is not None:
        b = answer.block
        low, mean, high = (numbers.short(v, 6) for v in (b.min, b.mean, b.max))
        spread = f"of {b.count} values: mean {mean}  min {low}  max {high}"
        return f"{name} = {numbers.exact(answer.value, info.dtype)}{z}  {spread}"
    if answer.block is not None:
        b = answer.block
        low, mean, high = (numbers.short(v, 6) for v in (b.min, b.mean, b.max))
        odd = "" if b.finite == b.count else f"  ({b.count - b.finite} not finite)"
        first = numbers.exact(answer.value, info.dtype)
        spread = f"min {low}  max {high}  σ {numbers.short(b.std)}"
        return f"{name}…  mean of {b.count} values {mean}  {spread}{odd}  first {first}"
    return f"{name} = {numbers.exact(answer.value, info.dtype)}{z}"


def _index(index: tuple[int, ...] | None, names: tuple[str, ...]) -> str:
    """``[out 12, in 407]``, or numbers alone where axes have no names."""
    if index is None:
        return ""
    if len(names) != len(index):
        names = ("",) * len(index)
    return f"[{', '.join(f'{name} {at}'.strip() for name, at in zip(names, index, strict=True))}]"
