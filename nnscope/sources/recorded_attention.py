"""The attention of all layers of a recorded run as one tensor, at the steps at which all of them were kept alike.

Layers of which a look kept only some, or in different shapes, or as means of blocks, make no stack at that step, and
what asks for it there hears why. It is listed as it is for a live model (`nnscope.sources.attention_stack`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from nnscope.core.errors import NnscopeError
from nnscope.core.text import plain
from nnscope.sources.attention_stack import StackReader, family, stacked, stacks
from nnscope.sources.difference import extent
from nnscope.sources.kept import of_what_is_kept, shown_info
from nnscope.store.runs.record import ITEMS, RAW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nnscope.core.tensor import TensorInfo
    from nnscope.sources.base import TensorReader
    from nnscope.store.runs.ranks import Run
    from nnscope.store.runs.reader import Kept

ATTENTION = "attention"


@dataclass(frozen=True, slots=True)
class RecordedStack:
    """Attention of several layers over the steps of a run.

    Attributes
    ----------
    info : TensorInfo
        As it was when the layers were last kept alike.
    parts : tuple of str
        The layers.
    kept : dict of str to dict
        What was kept of each at each step.
    steps : tuple of int
        At which they were kept alike, in the order in which they were recorded.
    """

    info: TensorInfo
    parts: tuple[str, ...]
    kept: dict[str, Kept]
    steps: tuple[int, ...]

    @property
    def levels(self) -> np.ndarray:
        """At each of the steps 0 where all values were kept, NaN where the first items; see `RunReader.kept`."""
        forms = [{self.kept[part][step][1].form for part in self.parts} for step in self.steps]
        return np.array([0.0 if found == {RAW} else np.nan for found in forms], np.float64)

    def reader(self, address: str, step: int | None, layer: Callable[[str, int], TensorReader]) -> StackReader:
        """The stack at a step, the last one for None; ``layer(address, step)`` gives the readers of layers.

        Raises
        ------
        NnscopeError
            If the layers were not kept alike there.
        """
        at = self.steps[-1] if step is None else step
        if at not in self.steps:
            near = min(self.steps, key=lambda kept: abs(kept - at))
            raise NnscopeError(self._absence(at), plain(self.info.address), f"They were at step {near}.")
        readers = tuple(layer(part, at) for part in self.parts)
        return StackReader(of_what_is_kept(stacked(address, [reader.info for reader in readers])), readers)

    def _absence(self, step: int) -> str:
        """Why there is no stack at a step."""
        missing = [part for part in self.parts if step not in self.kept[part]]
        if missing:
            count = len(self.parts) - len(missing)
            verb = "were" if count > 1 else "was"
            return f"{count or 'None'} of its {len(self.parts)} layers {verb} kept at step {step}."
        infos = _shown(self.kept, self.parts, step)
        extents = list(dict.fromkeys(extent(info) for info in infos))
        return f"Its layers were not kept alike at step {step}: {', '.join(extents)}."


def recorded_stacks(run: Run) -> dict[str, RecordedStack]:
    """The stacks of a run by address; layers that were never kept alike at one step make none."""
    families: dict[str, list[str]] = {}
    for address, info in run.tensors().items():
        if info.kind == ATTENTION:
            families.setdefault(family(address), []).append(address)
    several = [parts for parts in families.values() if len(parts) > 1]
    kept = run.frames_of([part for parts in several for part in parts]) if several else {}
    newest = [infos for parts in several if (infos := _newest(kept, parts))]
    found = {}
    for stack in stacks(info for infos in newest for info in infos):
        steps = tuple(step for step in kept[stack.parts[0]] if _alike(kept, stack.parts, step))
        own = {part: kept[part] for part in stack.parts}
        found[stack.info.address] = RecordedStack(of_what_is_kept(stack.info), stack.parts, own, steps)
    return found


def _newest(kept: dict[str, Kept], parts: list[str]) -> list[TensorInfo]:
    """The layers as they were at the last step at which some were kept alike; none if there is no such step."""
    for step in reversed(kept[parts[0]]):
        if all(step in kept[part] for part in parts):
            infos = [info for part in parts if _is_whole(kept, part, step) for info in _shown(kept, [part], step)]
            if stacks(infos):
                return [replace(info, version=step + 1) for info in infos]
    return []


def _alike(kept: dict[str, Kept], parts: tuple[str, ...], step: int) -> bool:
    if not all(step in kept[part] and _is_whole(kept, part, step) for part in parts):
        return False
    return len({(info.shape, info.dtype) for info in _shown(kept, parts, step)}) == 1


def _is_whole(kept: dict[str, Kept], part: str, step: int) -> bool:
    """Whether it was kept as values of queries and keys."""
    return kept[part][step][1].form in (RAW, ITEMS)


def _shown(kept: dict[str, Kept], parts: Iterable[str], step: int) -> list[TensorInfo]:
    return [shown_info(*kept[part][step]) for part in parts]


def joined_history(histories: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The statistics of several tensors over the steps as those of one."""
    return {name: np.concatenate([history[name] for history in histories]) for name in histories[0]}
