"""The thread that turns looks at a model into records on disk, beside the training loop and never in its way.

The training thread leaves numbers at every step and, now and then, copies of tensors. So many bytes of copies wait at
most: when this thread is slow, the oldest give way to the newest and the loss is counted (promise P13). Whatever goes
wrong ends the recording with one line in the log; training goes on.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nnscope.compute.statistics.direct import direct_stats
from nnscope.core.priority import give_way
from nnscope.core.text import plain
from nnscope.sources.live.frames import frame_of
from nnscope.sources.live.transit import received
from nnscope.sources.live.values import own_values
from nnscope.store.runs.record import StepRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import torch

    from nnscope.core.tensor import TensorInfo
    from nnscope.sources.live.pace import Pace
    from nnscope.sources.live.transit import Sent
    from nnscope.store.runs.writer import RunWriter

LOOK_UP = 0.25  # seconds between two looks at what has come, when no look at tensors is waiting
MOST_WAITING = 100_000  # steps whose numbers wait at most
NAMED = 5  # tensors that a sentence names
FRAME_BYTES = 64 << 10  # of a tensor in a look, where nothing else is asked for
LOOK_BYTES = 4 << 20  # that the frames of a look may take together, so that small models are kept whole
CLOSING = 30.0  # seconds that the last records may take
FLUSHING = 5.0  # of them, for what is written in the end
WAITED = 2.0  # how many times its processor time work counts at most, where it has to wait for a processor
PIECE = 2e-3  # seconds of work on small tensors between two rests

log = logging.getLogger("nnscope")


@dataclass(slots=True, eq=False)
class Left:
    """What the training thread left behind at one step.

    Attributes
    ----------
    step : int
    time : float
        Seconds since the epoch.
    scalars : mapping of str to float or Tensor of one element, or None
        None where the numbers of this step were left before.
    tensors : sequence of (TensorInfo, Tensor or Sent)
        Copies that nobody writes to; none at most steps.
    """

    step: int
    time: float
    scalars: Mapping[str, float | torch.Tensor] | None
    tensors: Sequence[tuple[TensorInfo, torch.Tensor | Sent]] = field(default=())

    @property
    def nbytes(self) -> int:
        """Bytes of the copies."""
        return sum(info.nbytes for info, _ in self.tensors)


class Recording:
    """Writes what is left behind, in a thread of its own.

    Parameters
    ----------
    writer : RunWriter
        Used by the thread alone from now on.
    pace : Pace
        Says how long the thread rests, and is told when a look is done.
    waiting : int
        Bytes of copies that wait, at most, but for the newest look.
    frame_bytes : int
        Of a tensor in a look, at most; 0 for `FRAME_BYTES`, or more where a look has few tensors (`LOOK_BYTES`).
    """

    def __init__(self, writer: RunWriter, pace: Pace, waiting: int, frame_bytes: int = 0) -> None:
        self.dropped = 0  # looks that gave way to newer ones
        self.trouble = ""
        self.seconds = 0.0  # of processor time that the thread has taken
        self.latest: dict[str, float] = {}  # the newest that was given of each number
        self._writer = writer
        self._pace = pace
        self._most_waiting = waiting
        self._frame_bytes = frame_bytes
        # one that steps back behind others rests longer where it has to wait: there is work that it would disturb
        self._most_waited = WAITED if pace.nice else 1.0
        self._waiting: deque[Left] = deque(maxlen=MOST_WAITING)
        self._looks: deque[Left] = deque()  # those that wait with copies
        self._wake = threading.Condition()
        self._ends = False
        self._deadline = math.inf  # when looks that still wait are given up
        self._unwritten: list[int] = []  # steps of looks that were
        self._overflown = 0  # steps whose numbers were pushed out by newer ones
        self._odd: set[str] = set()  # names that were given something else than a number
        self._omitted: dict[str, None] = {}  # tensors that are too large
        self._thread = threading.Thread(target=self._run, name="nnscope-recording", daemon=True)
        self._thread.start()

    @property
    def folder(self) -> Path:
        """Of the run."""
        return self._writer.run

    def leave(self, left: Left) -> None:
        """Take what one step left behind; returns at once."""
        if self.trouble:
            return
        with self._wake:
            if left.scalars is not None:
                self._overflown += len(self._waiting) == MOST_WAITING
                self._waiting.append(left)
            if left.tensors:
                self._looks.append(left)
                self._make_room()
                self._wake.notify()

    def omit(self, names: Iterable[str]) -> None:
        """These tensors are larger than what a look may copy; told once, and in the run."""
        new = [name for name in names if name not in self._omitted]
        self._omitted.update(dict.fromkeys(new))
        if new:
            log.warning("Not recorded, for each is larger than what a look may copy: %s. Give more memory.", _some(new))

    def stop(self, trouble: str) -> None:
        """End the recording, for the reason given; training goes on."""
        if trouble and not self.trouble:
            self.trouble = trouble
            log.warning("%s", trouble)

    def close(self) -> None:
        """Have everything on the disk, as far as that can be had in time; what can't is told. Idempotent."""
        with self._wake:
            self._ends = True
            self._deadline = min(self._deadline, time.monotonic() + CLOSING - FLUSHING)
            self._wake.notify()
        self._thread.join(CLOSING)
        if self._thread.is_alive():
            waiting = f"the disk did not take the last records within {CLOSING:g} s; they are lost"
            self.stop(f"Recording to {self.folder} stopped: {waiting}.")

    def _make_room(self) -> None:
        size = sum(look.nbytes for look in self._looks)
        while len(self._looks) > 1 and size > self._most_waiting:
            oldest = self._looks.popleft()
            size -= oldest.nbytes
            oldest.tensors = ()
            self.dropped += 1

    def _run(self) -> None:
        give_way(self._pace.nice)
        try:
            while not self._ends:
                with self._wake:
                    if not self._looks and not self._ends:
                        self._wake.wait(LOOK_UP)
                self._record()
                self.stop(self._writer.trouble)
                self.seconds = time.thread_time()
            self._record()
            lost = self._losses()
            self._writer.close([*lost, *self._omissions()])
            self.stop(self._writer.trouble or " ".join(lost))
        except Exception as error:  # a defect of ours must not be the end of somebody's training
            self.stop(f"Recording to {self._writer.folder} stopped ({type(error).__name__}: {error}).")

    def _record(self) -> None:
        """Everything that waits; what comes meanwhile too."""
        while self._waiting or self._looks:
            self._record_numbers()
            with self._wake:
                look = self._looks.popleft() if self._looks else None
            if look is not None and not self._late(look):
                self._writer.append(self._record_of(look))
                self._pace.recorded()

    def _late(self, look: Left) -> bool:
        """Whether there is no time any more for a look; it is counted then."""
        if look.tensors and time.monotonic() > self._deadline:
            self._unwritten.append(look.step)
            return True
        return False

    def _losses(self) -> list[str]:
        """What was lost, as sentences."""
        found = []
        if self._unwritten:
            steps = f"of steps {self._unwritten[0]} to {self._unwritten[-1]}"
            steps = f"of step {self._unwritten[0]}" if len(self._unwritten) == 1 else steps
            looks = f"{len(self._unwritten)} of the last looks at tensors, {steps},"
            found.append(f"{looks} could not be written within the {CLOSING:g} s that closing may take.")
        if self._overflown:
            found.append(f"The numbers of {self._overflown} steps came faster than they could be written.")
        return found

    def _omissions(self) -> list[str]:
        """What was not recorded for its size, as sentences."""
        if not self._omitted:
            return []
        return [f"Larger than what a look may copy, and not recorded: {_some(list(self._omitted))}."]

    def _record_numbers(self) -> None:
        """The numbers of all steps that wait: they never wait for the tensors of another step."""
        with self._wake:
            taken = list(self._waiting)
            self._waiting.clear()
        begun = _clocks()
        for left in taken:
            numbers = dict(self._numbers(left))
            self.latest = {**self.latest, **numbers}
            self._writer.append(StepRecord(left.step, left.time, numbers))
        self._writer.flush_if_due()
        self._rest(self._worked(begun))

    def _worked(self, begun: tuple[float, float]) -> float:
        """Seconds of work since then: as they pass, but at most `WAITED` times those of the processor."""
        passed, used = (now - then for now, then in zip(_clocks(), begun, strict=True))
        return min(passed, self._most_waited * used)

    def _rest(self, worked: float) -> None:
        """Leave the interpreter to the training thread for a while, unless the end is near."""
        self.seconds = time.thread_time()
        seconds = self._pace.rest_after(worked)
        if seconds:
            with self._wake:
                self._wake.wait_for(lambda: self._ends, seconds)

    def _record_of(self, look: Left) -> StepRecord:
        """The tensors of a step, a record by themselves."""
        statistics, frames = {}, {}
        most = self._frame_bytes or max(FRAME_BYTES, LOOK_BYTES // max(1, len(look.tensors)))
        begun = _clocks()
        for info, copy in look.tensors:
            if time.monotonic() > self._deadline:
                self._unwritten.append(look.step)
                break
            values = own_values(received(copy))
            statistics[info] = direct_stats(values)
            frames[info] = frame_of(values, most, info)
            if (worked := self._worked(begun)) >= PIECE:
                self._rest(worked)
                self._record_numbers()
                begun = _clocks()
        self._rest(self._worked(begun))
        return StepRecord(look.step, look.time, {}, statistics, frames, late=True)

    def _numbers(self, left: Left) -> Iterator[tuple[str, float]]:
        for name, value in (left.scalars or {}).items():
            try:
                yield name, float(value)
            except (TypeError, ValueError, RuntimeError):
                if name not in self._odd:
                    self._odd.add(name)
                    log.warning("%r given to step() is not one number and is not recorded.", name)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(map(plain, names[:NAMED])) + more


def _clocks() -> tuple[float, float]:
    """Seconds that pass, and those of this thread on a processor."""
    return time.perf_counter(), time.thread_time()
