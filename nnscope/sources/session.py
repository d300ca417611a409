"""A recorded run as a source of tensors: each as it was last kept, as it was at any step (``stem.weight@1200``), and
what changed between two (``stem.weight@1200-0``).

To be read in a reading process: a run may come from elsewhere, and its segments are HDF5 (promise P6). A tensor that
was too large to be kept whole is listed as what was kept of it (`nnscope.sources.kept`), and says so. The attention of
all layers is a tensor too (`nnscope.sources.recorded_attention`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.statistics.pooled import pooled
from nnscope.core.address import parse_address
from nnscope.core.answer import Series
from nnscope.core.errors import NnscopeError
from nnscope.core.tensor import MOST_SCALARS, Listing, ModuleInfo
from nnscope.core.text import plain
from nnscope.sources.dead_units import NAME as DEAD
from nnscope.sources.dead_units import dead_units
from nnscope.sources.difference import Difference, difference
from nnscope.sources.gradient_flow import ADDRESS as FLOW
from nnscope.sources.gradient_flow import GradientFlow, flow_info, gradient_flow
from nnscope.sources.kept import recorded, shown_info
from nnscope.sources.recorded_attention import joined_history, recorded_stacks
from nnscope.store.runs.ranks import open_run
from nnscope.store.runs.reader import Series as Recorded

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from nnscope.core.statistics import TensorStats
    from nnscope.core.tensor import TensorInfo
    from nnscope.sources.attention_stack import StackReader
    from nnscope.sources.kept import RecordedComponents, RecordedTensor
    from nnscope.sources.recorded_attention import RecordedStack
    from nnscope.store.runs.folder import SegmentFile

FORMAT = "run"
LEVEL = "level"  # the series of how a tensor was kept


class RunSource:
    """A run (a `Source`), read as it was when it was opened and as it is at each `listing`.

    Parameters
    ----------
    path : path
        Its folder.

    Raises
    ------
    FileError
        If it is no run, or nothing of it can be read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._reader = open_run(path)
        self._made: GradientFlow | None = None
        self._stacked: tuple[tuple[SegmentFile, ...], dict[str, RecordedStack]] = (), {}
        self.live: Callable[[], dict[str, object]] = dict  # what the training tells, where it is known

    def refresh(self) -> bool:
        """Look for what has come since; whether anything has."""
        return self._reader.refresh()

    @property
    def newest_step(self) -> int:
        """The step that was recorded last; −1 while there is none."""
        steps = self._reader.steps
        return int(steps[-1]) if len(steps) else -1

    def listing(self) -> Listing:
        """What was kept of each tensor when it was last kept."""
        self._reader.refresh()
        run = self._reader
        steps = run.steps
        meta = run.meta
        told = [("steps", str(len(steps))), ("segments", str(len(run.files)))]
        if len(steps):
            told.append(("last step", str(int(steps[-1]))))
        told.append(("looks", str(run.looks)))
        if meta is not None:
            told.append(("model", meta.model))
        return Listing(
            str(run.folder),
            FORMAT,
            tuple(self.infos()),
            tuple(ModuleInfo(path, kind) for path, kind in meta.modules) if meta else (),
            warnings=tuple(self._warnings()),
            metadata=tuple(told),
            live=self.live(),
            scalars=run.scalar_names[:MOST_SCALARS],
            nbytes=sum(file.path.stat().st_size for file in run.files if file.path.exists()),
        )

    def reader(self, address: str) -> RecordedTensor | RecordedComponents | StackReader | Difference | GradientFlow:
        """A tensor as it was last kept, at the step that the address names, or its change between two; or the flow of
        gradients over all steps.

        Raises
        ------
        NnscopeError
            If it was not kept, not at that step, or not alike at two.
        """
        flow = self._flow_info() if address == FLOW else None
        if flow is not None:
            return self._flow(flow)
        parsed = parse_address(address)
        if parsed.minus is None:
            return self._recorded(address, parsed.name, parsed.step)
        sides = [self._recorded(f"{parsed.name}@{step}", parsed.name, step) for step in (parsed.step, parsed.minus)]
        return difference(address, f"step {parsed.step} − step {parsed.minus}", *sides)

    def beginning(self, address: str) -> str:
        """The address of a tensor at the first step at which it was kept; itself where it was not, and of a change."""
        parsed = parse_address(address)
        steps = self._series(parsed.name, LEVEL).steps
        return f"{parsed.name}@{int(steps.min())}" if len(steps) and parsed.minus is None else address

    def pooled(self, address: str) -> TensorStats:
        """The statistics of a tensor over all steps at which it was recorded.

        Raises
        ------
        NnscopeError
            If it never was.
        """
        stack = self._stacks().get(address)
        parts = (address,) if stack is None else stack.parts
        history = joined_history([self._reader.history(part) for part in parts])
        if not len(history["count"]):
            raise NnscopeError("There is no tensor of this name.", plain(address), "`nnscope info` lists the names.")
        return pooled(history)

    def statistics(self, address: str) -> TensorStats | None:
        """The statistics of all of a tensor at a step, as recorded; None of what is made of several tensors."""
        parsed = parse_address(address)
        if parsed.minus is not None or parsed.name == FLOW or parsed.name in self._stacks():
            return None
        found = self._reader.frame(parsed.name, parsed.step)
        return None if found is None else self._reader.statistics(parsed.name, found[0])

    def series(self, address: str, name: str, start: int = 0) -> Series:
        """Numbers over the steps: of a tensor's statistics, or with no address those given to ``step`` (`GetSeries`).

        The first ``start`` of them are left out.

        Raises
        ------
        NnscopeError
            If there are none of that name.
        """
        try:
            found = self._series(address, name)
        except KeyError:
            raise NnscopeError("There is no such statistic.", plain(name)) from None
        if not len(found.steps):
            raise NnscopeError("Nothing of this name was recorded.", plain(name))
        return Series(address, name, found.steps[start:], found.values[start:])

    def close(self) -> None:
        """Let go of what is kept in memory. Idempotent."""
        self._reader.close()

    def _recorded(self, address: str, name: str, step: int | None) -> RecordedTensor | RecordedComponents | StackReader:
        """A tensor at a step, or as it was last kept, under ``address``."""
        found = self._reader.frame(name, step)
        if found is not None:
            at, info, frame = found
            return recorded(replace(info, address=address, version=at + 1), frame)
        stack = self._stacks().get(name)
        if stack is not None:
            return stack.reader(address, step, lambda layer, at: self._recorded(f"{layer}@{at}", layer, at))
        steps = self._reader.frame_steps(name)
        if not len(steps):
            raise NnscopeError("There is no tensor of this name.", plain(address), "`nnscope info` lists the names.")
        near = int(steps[np.argmin(np.abs(steps - (step or 0)))])
        raise NnscopeError(f"It was not kept at step {step}.", plain(name), f"It was at step {near}.")

    def _series(self, address: str, name: str) -> Recorded:
        run = self._reader
        if not address:
            return run.scalar(name) if name else run.times()
        if name == LEVEL:
            stack = self._stacks().get(address)
            if stack is None:
                return run.kept(address)
            return Recorded(np.array(stack.steps, np.int64), stack.levels)
        if name == DEAD:
            return dead_units(run, address)
        if name == "std":
            variance = run.series(address, "variance")
            return Recorded(variance.steps, np.sqrt(variance.values))
        if name == "frobenius":
            finite, variance, mean = (run.series(address, field) for field in ("finite", "variance", "mean"))
            return Recorded(mean.steps, np.sqrt(finite.values * (variance.values + mean.values**2)))
        return run.series(address, name)

    def infos(self) -> list[TensorInfo]:
        """The tensors as they are listed."""
        kept = self._reader.newest_kept()
        newest = [kept[address] for address in self._reader.tensors() if address in kept]
        infos = [replace(shown_info(info, at), version=step + 1) for step, info, at in newest]
        infos += [stack.info for stack in self._stacks().values()]
        flow = self._flow_info()
        return infos if flow is None else [*infos, flow]

    def _stacks(self) -> dict[str, RecordedStack]:
        """The attention of all layers, looked for anew when the run has grown."""
        files = self._reader.files
        if files != self._stacked[0]:
            self._stacked = files, recorded_stacks(self._reader)
        return self._stacked[1]

    def _flow_info(self) -> TensorInfo | None:
        found = flow_info(self._reader)
        return None if found is None else replace(found, version=self.newest_step + 1)

    def _flow(self, info: TensorInfo) -> GradientFlow:
        """The flow, made anew when the run has grown."""
        made = self._made
        if made is None or made.info.version != info.version:
            made = self._made = gradient_flow(self._reader, info)
        return made

    def _warnings(self) -> list[str]:
        run = self._reader
        found = [f"{name} is damaged and left out." for name in run.troubles]
        found += run.losses
        if run.thinned:
            found.append(f"{run.thinned} frames of old steps were thinned out to save room.")
        return [*(run.meta.notes + run.meta.lost if run.meta else ()), *found]
