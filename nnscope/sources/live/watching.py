"""``watch``: record a training run, step by step, without changing it."""

from __future__ import annotations

import atexit
import logging
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import torch

from nnscope.sources.live.asked import every_of, folder_of, kinds_of, layers_of
from nnscope.sources.live.budget import Budget
from nnscope.sources.live.numbering import Numbering
from nnscope.sources.live.pace import Pace
from nnscope.sources.live.ranks import rank_here
from nnscope.sources.live.recording import Left, Recording
from nnscope.sources.live.sensing import ADDRESS as JACOBIAN
from nnscope.sources.live.sensing import SENSITIVITY
from nnscope.sources.live.transit import Transit
from nnscope.sources.live.values import copy_of
from nnscope.sources.live.watched import Watched, info_of
from nnscope.store.runs.writer import Limits, RunWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from nnscope.core.request import Scalar
    from nnscope.core.tensor import TensorInfo
    from nnscope.sources.live.modules import Layers
    from nnscope.sources.live.ranks import Rank
    from nnscope.sources.live.transit import Sent

LAST = "as the model was when recording ended"
TELL_EVERY = 0.5  # seconds between two reports to those who are attached
TOLD = 6  # numbers in such a report

log = logging.getLogger("nnscope")


class Outlet(Protocol):
    """Lets others look at a run while it is recorded; see `nnscope.engine.serving.RunServer`.

    Attributes
    ----------
    address : str
        Where they attach.
    """

    address: str

    def tell(self, facts: Mapping[str, Scalar]) -> None:
        """Tell them how the training goes. Never blocks."""
        ...

    def close(self, said: str) -> None:
        """The training has ended, as ``said``."""
        ...


class Watch:
    """A model that is being recorded; see `watch`.

    Attributes
    ----------
    folder : Path
        Of the run, which holds those of all ranks where several processes train together.
    rank : (int, int) or None
        Of this process, and how many there are, where there are several.
    looks : int
        How often tensors were recorded.
    """

    def __init__(self, watched: Watched, recording: Recording, pace: Pace, rank: Rank | None = None) -> None:
        self.looks = 0
        self.folder = recording.folder
        self.rank = rank
        self._numbering = Numbering()
        self._count = 0  # steps that were left to the recording
        self._watched = watched
        self._recording = recording
        self._pace = pace
        self._transit = Transit()
        self._process = os.getpid()
        self._closed = False
        self._seconds = 0.0  # that `step` took from training
        self._begun = time.monotonic()
        self._outlet: Outlet | None = None
        self._looked_at = -1  # the step of the last look
        self._telling = 0.0  # when the outlet is told next
        watched.listen(pace.is_due(0))
        atexit.register(self.close)

    @property
    def step_number(self) -> int:
        """Of the last `step`; −1 before the first."""
        return self._numbering.last

    @property
    def steps(self) -> int:
        """How many times `step` was called."""
        return self._numbering.count

    @property
    def dropped(self) -> int:
        """Looks that were not recorded because newer ones came before they were taken."""
        return self._recording.dropped

    @property
    def trouble(self) -> str:
        """Why nothing is recorded any more; empty while all is well."""
        return self._recording.trouble

    @property
    def slowdown(self) -> float:
        """By what share recording makes training longer: 0.02 for 2 %, measured since the start.

        What counts as recording's is the time that `step` and copies in hooks took from the training thread, and all
        processor time of the recording thread, as if training had always waited for it. Time of a GPU is not in it.
        """
        ours = self._seconds + self._watched.seconds + self._recording.seconds
        return ours / max(time.monotonic() - self._begun - ours, 1e-9)

    @property
    def address(self) -> str:
        """Where others attach; empty when they can't."""
        return "" if self._outlet is None else self._outlet.address

    def publish(self, outlet: Outlet) -> None:
        """Let others attach by ``outlet``, which is owned from now on."""
        self._outlet = outlet

    def step(self, step: int | None = None, **scalars: float | torch.Tensor) -> None:
        """Tell that a training step is done.

        Parameters
        ----------
        step : int, optional
            Its number; one more than the last by default, beginning with 0. What is no whole number is told in the
            log, and a real one is kept as the loss: ``run.step(loss)`` is ``run.step(loss=loss)``.
        **scalars : float or Tensor of one element
            Numbers to be kept, such as ``loss=loss``.
        """
        if self._closed or os.getpid() != self._process:
            return
        begun = time.perf_counter()
        try:
            self._numbering.advance(step, scalars)
            looked = self._leave(scalars)
        except Exception as error:  # never into the training loop (P10)
            self._recording.stop(f"Recording stopped ({type(error).__name__}: {error}).")
            looked = False
        took = time.perf_counter() - begun
        self._seconds += took
        if looked:
            self.looks += 1
            self._looked_at = self.step_number
            self._pace.looked(took)
        self._listen()
        if self._outlet is not None and begun >= self._telling:
            self._telling = begun + TELL_EVERY
            self._outlet.tell(self._facts())

    def close(self) -> None:
        """Take the hooks off and have everything on the disk. Idempotent."""
        if self._closed or os.getpid() != self._process:
            return
        self._closed = True
        atexit.unregister(self.close)
        if not self.steps:
            log.warning("step() was never called: nothing is recorded in %s.", self.folder)
        self._watched.detach()
        self._look_last()
        self._recording.close()
        if self._outlet is not None:
            self._outlet.tell(self._facts())
            self._outlet.close(self.trouble or f"The training has ended after step {self.step_number}.")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _listen(self) -> None:
        """Have hooks on for the next step if it is looked at."""
        try:
            self._watched.listen(not self.trouble and self._pace.is_due(self._count))
        except Exception as error:  # never into the training loop (P10)
            self._recording.stop(f"Recording stopped ({type(error).__name__}: {error}).")

    def _facts(self) -> dict[str, Scalar]:
        told = dict(list(self._recording.latest.items())[:TOLD])
        return {**told, "step": self.step_number, "slowdown": self.slowdown, "trouble": self.trouble}

    def _leave(self, scalars: dict[str, float | torch.Tensor]) -> bool:
        """Hand over what this step leaves behind; whether tensors are among it."""
        if self.trouble:
            return False
        due = self._watched.listening and self._pace.is_due(self._count)
        numbers = {name: _number(value) for name, value in scalars.items()}
        tensors = self._look() if due else []
        if due:
            tensors += self._sensed(numbers)
        self._recording.leave(Left(self.step_number, time.time(), numbers, tensors))
        self._count += 1
        return bool(tensors)

    def _look(self) -> list[tuple[TensorInfo, torch.Tensor | Sent]]:
        """Copies of as many tensors as the budget allows; the others have their turn at the next look."""
        room, turns = self._watched.share, self._watched.turns
        kept: list[tuple[TensorInfo, torch.Tensor]] = []
        for info, tensor, ours in self._tensors():
            if not turns.has(info.address):
                continue
            if info.nbytes > room:
                turns.miss(info.address, info.nbytes <= self._watched.share)
                continue
            room -= info.nbytes
            kept.append((info, tensor if ours else self._watched.copy(info, tensor)))
        turns.end()
        self._recording.omit(turns.never)
        sent = self._transit.send([copy for _, copy in kept])
        return [(info, copy) for (info, _), copy in zip(kept, sent, strict=True)]

    def _look_last(self) -> None:
        """Parameters as training has left them, where the last look was earlier and no rhythm was asked for."""
        if self.trouble or self._pace.is_fixed or self._looked_at == self.step_number or not self.steps:
            return
        try:
            room, kept = self._watched.share, []
            for info, tensor in self._watched.parameters():
                if info.nbytes <= room:
                    room -= info.nbytes
                    noted = replace(info, note=" · ".join(filter(None, (info.note, LAST))))
                    kept.append((noted, self._watched.copy(info, tensor)))
            self._recording.leave(Left(self.step_number, time.time(), None, kept))
        except Exception as error:  # never into the training loop (P10)
            log.warning("The last look at the parameters failed (%s: %s).", type(error).__name__, error)

    def _sensed(self, numbers: dict[str, float | torch.Tensor]) -> list[tuple[TensorInfo, torch.Tensor | Sent]]:
        """The sensitivity, where it is asked for; its norm goes to the numbers of this step."""
        found = self._watched.sensed()
        if found is None:
            return []
        numbers.setdefault(SENSITIVITY, found[1])
        return [(info_of(JACOBIAN, "jacobian", found[0]), found[0])]

    def _tensors(self) -> Iterator[tuple[TensorInfo, torch.Tensor, bool]]:
        """What there is to look at, and whether it is a copy of ours already."""
        yield from ((info, tensor, False) for info, tensor in self._watched.parameters())
        for address, (gradient, note) in self._watched.gradients.take().items():
            yield info_of(address, "grad", gradient, note), gradient, True
        yield from ((info, tensor, True) for info, tensor in self._watched.captured())


def watch(
    model: torch.nn.Module,
    run: str | os.PathLike[str],
    *,
    every: int | Pace | None = None,
    layers: Layers = "*",
    kinds: Sequence[str] = ("parameter", "output", "grad"),
    limits: Limits | None = None,
    tokens: Sequence[str] = (),
    budget: Budget | int | None = None,
) -> Watch:
    """Record a training run: call `Watch.step` once after every step.

    Losses, gradients, parameters and the random state are bit for bit those without recording. Numbers given to `step`
    are kept for every step; statistics, histograms and frames of tensors at some steps. If anything goes wrong with the
    recording, one line in the log tells why, and training goes on.

    Parameters
    ----------
    model : Module
    run : path
        Folder of the run, made if it is not there; it must be empty. Where several processes train together
        (torch.distributed, torchrun) each records in a folder of its own inside, and these open as one run.
    every : int or Pace, optional
        Look at tensors at every step that is a multiple of it. By default as often as recording takes no more than 3 %
        of the time; a pace has another share.
    layers : str, iterable of str, or callable
        Modules whose inputs and outputs are recorded, as for `capture`.
    kinds : sequence of str
        Of ``"parameter"``, ``"grad"`` (gradients of parameters), ``"input"``, ``"output"``, ``"grad_input"`` and
        ``"grad_output"`` (of what modules take and give), ``"attention"`` and ``"sensitivity"``.
    limits : Limits, optional
        How the run is written; the room on the disk is that of ``budget``.
    tokens : sequence of str
        Names of the tokens, for the axes of attention; the model's own ``token_names`` by default.
    budget : Budget or int, optional
        What recording may take; a number is its memory.

    Returns
    -------
    Watch
        Also a context manager, at whose end everything is on the disk.

    Raises
    ------
    NnscopeError
        If the folder can't be used, ``layers`` matches nothing or ``kinds`` holds something else.

    Examples
    --------
    >>> with watch(model, "run.nnscope", every=10) as run:  # doctest: +SKIP
    ...     for x, y in loader:
    ...         loss = train_step(x, y)
    ...         run.step(loss=loss)
    """
    kinds, pace = kinds_of(kinds), every if isinstance(every, Pace) else Pace(every_of(every))
    budget = Budget(budget) if isinstance(budget, int) else budget or Budget()
    watched = Watched(model, layers_of(layers), kinds, tokens, budget)
    rank, limits = rank_here(), replace(limits or Limits(), folder=budget.disk)
    writer = RunWriter(folder_of(run), watched.name, watched.tree, limits, rank)
    watched.attach()
    return Watch(watched, Recording(writer, pace, budget.share, budget.frame), pace, rank)


def _number(value: float | torch.Tensor) -> float | torch.Tensor:
    """A number, or a copy of a tensor that is read later: reading it now could wait for a device."""
    return copy_of(value) if isinstance(value, torch.Tensor) else value
