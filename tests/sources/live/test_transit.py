"""Copies on their way off a GPU: in order, pinned, never waited for by the training thread.

There is no GPU where most tests run: streams and events are stood in for by queues that do nothing until somebody
waits, which is the latest that a device may do anything, and which log who did what.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import nn

from nnscope.sources.live import transit
from nnscope.sources.live.transit import Sent, Transit, received
from nnscope.sources.live.watching import watch
from nnscope.store.runs.reader import RunReader
from tests.sources.live.test_watching import Net, build, steps_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DEVICE = torch.device("cpu")


class Runtime:
    """What `torch.cuda` is asked for, done late."""

    def __init__(self) -> None:
        self.log: list[tuple[str, str]] = []  # what was done, and in which thread
        self.training = Stream(self, "training")
        self.active = [self.training]
        self.made: list[Stream] = []

    def note(self, what: str) -> None:
        self.log.append((what, threading.current_thread().name))

    def stream_of(self, device: torch.device) -> Stream:
        self.made.append(Stream(self, "side"))
        return self.made[-1]

    @contextmanager
    def using(self, stream: Stream) -> Iterator[None]:
        self.active.append(stream)
        yield
        self.active.pop()


class Stream:
    def __init__(self, runtime: Runtime, name: str) -> None:
        self.runtime, self.name = runtime, name
        self.queue: list[Callable[[], Any]] = []

    def wait_stream(self, other: Stream) -> None:
        self.runtime.note(f"{self.name} waits for {other.name}")


class Event:
    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    def record(self, stream: Stream) -> None:
        self.stream, self.upto = stream, len(stream.queue)
        self.runtime.note("record")

    def synchronize(self) -> None:
        self.runtime.note("synchronize")
        for work in self.stream.queue[: self.upto]:
            work()


class Pinned(torch.Tensor):
    """Memory that a copy reaches when its stream gets there."""

    runtime: Runtime

    def copy_(self, source: torch.Tensor, non_blocking: bool = False) -> Pinned:  # type: ignore[override]
        assert non_blocking
        assert source.dtype == self.dtype, "a copy that converts goes through pageable memory"
        stream = self.runtime.active[-1]
        self.runtime.note(f"copy on {stream.name}")
        stream.queue.append(lambda: torch.Tensor.copy_(self, source))
        return self


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Runtime:
    """Everything is on a device whose runtime is this."""
    runtime = Runtime()
    monkeypatch.setattr(torch.cuda, "Stream", runtime.stream_of)
    monkeypatch.setattr(torch.cuda, "Event", lambda: Event(runtime))
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: runtime.training)
    monkeypatch.setattr(torch.cuda, "stream", runtime.using)

    def pinned(copy: torch.Tensor) -> torch.Tensor:
        memory = torch.full(copy.shape, 99, dtype=copy.dtype).as_subclass(Pinned)
        memory.runtime = runtime
        return memory

    monkeypatch.setattr(transit, "_pinned_like", pinned)
    monkeypatch.setattr(transit, "_by_device", lambda copies: {DEVICE: list(range(len(copies)))} if copies else {})
    return runtime


def test_what_is_on_the_host_stays_as_it_is() -> None:
    copies = [torch.arange(3), torch.ones(2)]
    sent = Transit().send(copies)
    assert all(a is b for a, b in zip(sent, copies, strict=True))
    assert received(sent[0]) is copies[0]


def test_a_stream_of_its_own_waits_for_the_models_work_and_copies(cuda: Runtime) -> None:
    lane = Transit()
    first = lane.send([torch.arange(4.0), torch.ones(2, dtype=torch.bfloat16)])
    assert [what for what, _ in cuda.log] == ["side waits for training", "copy on side", "copy on side", "record"]
    assert all(isinstance(copy, Sent) for copy in first)
    assert received(first[0]).tolist() == [0, 1, 2, 3]
    assert received(first[1]).tolist() == [1, 1]
    lane.send([torch.zeros(1)])
    assert len(cuda.made) == 1, "one stream a device"


def test_a_copy_is_held_until_it_has_left_the_device(cuda: Runtime) -> None:
    (sent,) = Transit().send([torch.arange(4.0)])
    assert isinstance(sent, Sent)
    assert sent._device is not None
    assert sent.received() is sent.received()
    assert sent._device is None
    assert [what for what, _ in cuda.log].count("synchronize") == 1


def test_a_recording_waits_in_its_own_thread_alone(cuda: Runtime, tmp_path: Path) -> None:
    plain = [loss for loss, *_ in steps_of(build(Net), 6)]
    losses, weights = [], []
    model = build(Net)
    with watch(model, tmp_path / "run", every=2) as run:
        for loss, _, _ in steps_of(model, 6):
            losses.append(loss)
            weights.append(model.head.weight.detach().numpy().copy())
            run.step(loss=loss)
    assert losses == plain
    waited = {thread for what, thread in cuda.log if what == "synchronize"}
    assert waited == {"nnscope-recording"}
    assert {thread for what, thread in cuda.log if what != "synchronize"} == {"MainThread"}
    reader = RunReader(tmp_path / "run")
    for step in (0, 2, 4):
        _, _, frame = reader.frame("head.weight", step)
        np.testing.assert_array_equal(frame.arrays["values"], weights[step])
    assert not run.trouble
    reader.close()


@pytest.mark.logs_errors
def test_training_goes_on_where_memory_can_not_be_pinned(
    cuda: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(copy: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("out of pinned memory")

    monkeypatch.setattr(transit, "_pinned_like", refuses)
    model = build(Net)
    with watch(model, tmp_path / "run", every=1) as run:
        losses = [(loss, run.step(loss=loss))[0] for loss, *_ in steps_of(model, 4)]
    assert losses == [loss for loss, *_ in steps_of(build(Net), 4)]
    assert "out of pinned memory" in run.trouble


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_on_a_gpu_values_are_those_of_the_moment(tmp_path: Path) -> None:
    copies = [torch.full((1 << 20,), float(i), device="cuda") for i in range(8)]
    sent = Transit().send(copies)
    assert all(isinstance(copy, Sent) and copy._host.is_pinned() for copy in sent)
    assert [received(copy).unique().tolist() for copy in sent] == [[float(i)] for i in range(8)]
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(inplace=True), nn.Linear(64, 1)).cuda()
    with watch(model, tmp_path / "run", every=1, kinds=("parameter", "output", "grad")) as run:
        for _ in range(3):
            out = model(torch.ones(4, 64, device="cuda"))
            seen = out.detach().cpu().numpy()
            out.sum().backward()
            run.step()
    _, _, frame = RunReader(tmp_path / "run").frame("2:output", 2)
    np.testing.assert_array_equal(frame.arrays["values"], seen)
