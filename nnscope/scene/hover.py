"""What is under the pointer: the exact value, asked of the engine that holds the tensor; newest question wins."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from nnscope.core.answer import ProbeAnswer
from nnscope.core.request import Probe, ProbeSpace
from nnscope.core.text import plain
from nnscope.scene import numbers
from nnscope.views.registry import arranger, sheeted

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.core.space_picture import Picked
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
    place : tuple of int
        What is under the pointer, of level 0: (row, column), or (row, column, depth) in layouts with a depth.
    level : int
        The cell or the part of the picture that holds it covers 2**level cells along each axis.
    answer : ProbeAnswer or None
        None until the engine has answered.
    text : str
        The line for the status bar.
    note : str
        What the picture itself tells, at the end of that line.
    """

    pane: int
    source: str
    address: str
    place: tuple[int, ...]
    level: int
    answer: ProbeAnswer | None
    text: str
    note: str = ""

    @property
    def first(self) -> tuple[int, ...]:
        """The first place of the cell, or of the part of the picture."""
        return tuple(i >> self.level << self.level for i in self.place)


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
        self._asked: tuple[object, ...] = ()  # view, layout and settings of the picture that was asked about
        self.current: Hover | None = None

    def move(self, pane: int, resolved: Resolved, picked: Picked) -> None:
        """The pointer is over a cell, or a part of a picture of three dimensions, in a pane that shows it."""
        here, address = self.current, resolved.info.address
        place = (
            picked.place if resolved.dimensions == 3 else tuple(i >> picked.level << picked.level for i in picked.place)
        )
        picture = resolved.view.name, resolved.layout, resolved.settings
        same = here is not None and picture == self._asked and (pane, address, place, picked.level, picked.note) == (
            here.pane, here.address, here.place, here.level, here.note
        )  # fmt: skip
        if same and here is not None and here.answer is not None and here.answer.version >= resolved.version:
            return
        self._asked, text = picture, waiting_text(resolved, place)
        self._ask(Hover(pane, resolved.source, address, place, picked.level, None, text, picked.note), resolved)

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
        self.current = hover
        self._changed(hover)
        self._job = job = source.engine.submit(probe_request(hover, resolved))

        def done(_: Any) -> None:
            self._post(lambda: self._take(job, hover, resolved))

        job.future.add_done_callback(done)

    def _take(self, job: Job, hover: Hover, resolved: Resolved) -> None:
        if job is not self._job or job.future.cancelled():
            return
        answer = job.future.result()
        if isinstance(answer, ProbeAnswer):
            text = hover_text(answer, resolved.info, resolved.dimensions == 3)
            self.current = replace(hover, answer=answer, text=f"{text}  {hover.note}".rstrip())
        else:
            self.current = replace(hover, text=str(answer))
        self._changed(self.current)


def probe_request(hover: Hover, resolved: Resolved) -> Probe | ProbeSpace:
    """What to ask the engine that holds the tensor."""
    address, layout, name = resolved.info.address, resolved.layout, resolved.view.name
    view = resolved.space_view
    if view is None:
        row, col = (i >> hover.level for i in hover.place)
        return Probe(address, layout, row, col, hover.level, name, resolved.settings)
    settings = view.asked(resolved.settings, resolved.space, hover.level)
    return ProbeSpace(address, layout, hover.place, hover.level, name, settings)


def waiting_text(resolved: Resolved, place: tuple[int, ...]) -> str:
    """The line until the value is there: address and index, unless only the view knows which that is."""
    if arranger(resolved.view) is not None or sheeted(resolved.view) is not None:
        return f"{plain(resolved.info.address, 96)} …"
    return f"{plain(resolved.info.address, 96)} {_index(resolved.layout.index_at(*place), resolved.info.axes)}"


def hover_text(answer: ProbeAnswer, info: TensorInfo, voxel: bool = False) -> str:
    """``encoder.layer.0.weight [out 12, in 407] = -0.03125  z=-1.4``, or the block's statistics when zoomed out.

    Of a voxel, which stands for one of the values under it, the statistics follow that value.
    """
    name = f"{plain(answer.address, 96)} {_index(answer.index, info.axes, answer.names)}"
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


def _index(index: tuple[int, ...] | None, names: tuple[str, ...], words: tuple[str, ...] = ()) -> str:
    """``[out 12, in 407]``, or numbers alone where axes have no names; ``words`` stand in the place of numbers."""
    if index is None:
        return ""
    if len(names) != len(index):
        names = ("",) * len(index)
    if len(words) != len(index):
        words = ("",) * len(index)
    parts = (f"{name} {plain(word, 48) or at}".strip() for name, word, at in zip(names, words, index, strict=True))
    return f"[{', '.join(parts)}]"
