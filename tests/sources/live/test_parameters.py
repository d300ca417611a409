"""Parameters are read where they are: listed once, their versions rise when they change, and no read is torn."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import nn

from nnscope.core.errors import NnscopeError
from nnscope.sources.live import parameters
from nnscope.sources.live.source import LiveSource
from nnscope.sources.live.steplock import StepLock

if TYPE_CHECKING:
    from collections.abc import Callable


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(5, 4)
        self.norm = nn.BatchNorm1d(4)
        self.head = nn.Linear(4, 5, bias=False)
        self.head.weight = self.embed.weight
        self.block = nn.Sequential(nn.Linear(4, 4), self.norm)
        self.register_buffer("part", self.embed.weight.detach()[:2], persistent=False)


def versions(source: LiveSource) -> dict[str, int]:
    return {info.address: info.version for info in source.listing().tensors}


def test_shared_storage_is_listed_once_with_its_aliases() -> None:
    model = Tied()
    source = LiveSource(model)
    found = {info.address: info for info in source.listing().tensors}
    assert found["embed.weight"].aliases == ("head.weight",)
    assert found["norm.running_mean"].aliases == ("block.1.running_mean",)
    assert found["norm.running_mean"].kind == "buffer"
    assert "head.weight" not in found
    assert found["part"].aliases == ()  # a part of it is another tensor
    assert source.listing().parameters == sum(p.numel() for p in model.parameters()) + 8 + 4 + 4 + 1
    reader = source.reader("head.weight")
    assert reader.info.address == "embed.weight"
    np.testing.assert_array_equal(reader.read(((0, 5, 1), (0, 4, 1))), model.embed.weight.detach().numpy())


def step(model: nn.Module) -> None:
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    model.block(torch.randn(3, 4)).square().sum().backward()  # type: ignore[operator]
    optimizer.step()


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        (step, {"block.0.weight", "block.0.bias", "norm.weight", "norm.bias"}),
        (lambda m: m.load_state_dict(Tied().state_dict()), {"embed.weight", "block.0.weight"}),
        (lambda m: m.block[0].weight.data.add_(1), {"block.0.weight"}),
        (lambda m: m.block[0].weight.data.view(-1)[5].fill_(9), {"block.0.weight"}),
        (lambda m: setattr(m.block[0], "weight", nn.Parameter(torch.zeros(4, 4))), {"block.0.weight"}),
        (lambda m: m.double(), {"embed.weight", "block.0.weight", "block.0.bias"}),
        (lambda m: m(1) if False else m.norm(torch.randn(4, 4)), {"norm.running_mean", "norm.num_batches_tracked"}),
    ],
    ids=["optimizer step", "load", ".data", "one element of .data", "replaced", "double", "buffers"],
)
def test_the_version_rises_when_values_change(change: Callable[[nn.Module], object], changed: set[str]) -> None:
    model = Tied()
    source = LiveSource(model)
    before = versions(source)
    assert versions(source) == before
    change(model)
    after = versions(source)
    risen = {name for name in after if after[name] != before[name]}
    assert changed <= risen
    assert all(after[name] > max(before.values()) for name in risen)
    if "block.0.weight" not in changed:
        assert "block.0.weight" not in risen


def test_a_reader_stays_at_its_first_read() -> None:
    model = nn.Linear(4, 4)
    source = LiveSource(model)
    reader = source.reader("weight")
    with torch.no_grad():
        model.weight.fill_(1)
    first = reader.read(((0, 4, 1), (0, 4, 1)))
    version = reader.info.version
    with torch.no_grad():
        model.weight.fill_(2)
    assert (first == 1).all()
    np.testing.assert_array_equal(reader.read(((0, 1, 1), (0, 4, 1))), first[:1])
    newer = source.reader("weight")
    assert (newer.read(((0, 4, 1), (0, 4, 1))) == 2).all()
    assert newer.info.version > version


def test_large_tensors_are_not_copied_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parameters, "SNAPSHOT", 100)
    model = nn.Linear(100, 100)
    reader = LiveSource(model).reader("weight")
    np.testing.assert_array_equal(reader.read(((3, 5, 1), (0, 100, 9))), model.weight.detach().numpy()[3:5, ::9])


def test_copies_stay_within_their_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parameters, "SNAPSHOTS", 1000)
    model = nn.ModuleList(nn.Linear(10, 10, bias=False) for _ in range(5))
    source = LiveSource(model)
    for _ in range(2):
        for i in range(5):
            source.reader(f"{i}.weight").read(((0, 10, 1), (0, 10, 1)))
            assert source.parameters._snapshots._nbytes <= 1000


def test_no_read_is_torn_while_training_goes_on() -> None:
    model = nn.Linear(64, 64)
    with torch.no_grad():
        model.weight.zero_()
    source = LiveSource(model)
    stop = threading.Event()

    def train() -> None:
        while not stop.is_set():
            with source.lock.step(), torch.no_grad():
                model.weight[:32] += 1
                time.sleep(0.001)
                model.weight[32:] += 1

    thread = threading.Thread(target=train)
    thread.start()
    seen = []
    try:
        for _ in range(50):
            read = source.reader("weight").read(((0, 64, 1), (0, 64, 1)))
            assert read.min() == read.max()
            seen.append(read[0, 0])
    finally:
        stop.set()
        thread.join()
    assert seen == sorted(seen)
    assert len(set(seen)) > 2


def test_waiting_readers_go_before_the_next_step() -> None:
    lock = StepLock()
    stop = threading.Event()
    steps = 0

    def train() -> None:
        nonlocal steps
        while not stop.is_set():
            with lock.step():
                steps += 1
                time.sleep(0.002)

    thread = threading.Thread(target=train)
    thread.start()
    waits = []
    try:
        for _ in range(30):
            begun = steps
            with lock.read():
                waits.append(steps - begun)
            time.sleep(0.001)
    finally:
        stop.set()
        thread.join()
    assert max(waits) <= 2
    assert steps > 10  # and the steps aren't starved


def test_a_step_does_not_wait_for_ever_for_readers() -> None:
    lock = StepLock()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            with lock.read():
                time.sleep(0.001)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    begun = time.monotonic()
    try:
        for _ in range(3):
            with lock.step():
                pass
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert time.monotonic() - begun < 5


@pytest.mark.filterwarnings("ignore")
def test_odd_parameters_are_listed_with_a_reason() -> None:
    model = nn.Module()
    model.lazy = nn.LazyLinear(3)
    model.meta = nn.Linear(2, 2, device="meta")
    model.register_buffer("sparse", torch.eye(3).to_sparse())
    model.register_buffer("bf16", torch.ones(3, dtype=torch.bfloat16))
    model.register_buffer("empty", torch.zeros(0, 3))
    model.register_buffer("nothing", None)
    source = LiveSource(model)
    found = {info.address: info for info in source.listing().tensors}
    reasons = {name for name, info in found.items() if info.unreadable}
    assert reasons == {"lazy.weight", "lazy.bias", "meta.weight", "meta.bias", "sparse"}
    assert found["meta.weight"].shape == (2, 2)
    assert found["bf16"].dtype == "bfloat16"
    assert source.reader("bf16").read(((0, 3, 1),)).astype(float).sum() == 3
    assert source.reader("empty").read(((0, 0, 1), (0, 3, 1))).shape == (0, 3)
    with pytest.raises(NnscopeError, match="meta device"):
        source.reader("meta.weight").read(((0, 2, 1), (0, 2, 1)))
    for name in ("nothing", "lazy.weight.x", "", "bf16."):
        with pytest.raises(NnscopeError, match="There is no tensor of this name"):
            source.reader(name)


def test_modules_come_with_class_and_order() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    source = LiveSource(model)
    source.recorder.attach()
    assert [(m.path, m.type, m.order) for m in source.listing().modules] == [
        ("", "Sequential", -1),
        ("0", "Linear", -1),
        ("1", "ReLU", -1),
    ]
    model(torch.zeros(1, 2))
    source.close()
    assert [module.order for module in source.listing().modules] == [0, 1, 2]
