"""``nnscope.watch``: says where to attach, and nobody who does, or tries to, changes what is trained."""

from __future__ import annotations

import random
import re
import socket
import threading
import time
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

import nnscope
from nnscope.core.attaching import parse_address
from nnscope.core.errors import NnscopeError
from tests.engine.test_attach import garbage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nnscope.sources.live.watching import Watch

STEPS = 60


def train(begin: Callable[[nn.Module], Watch] | None) -> list[float]:
    """The losses of a small training, watched or not."""
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    with nullcontext() if begin is None else begin(model) as run:
        return [step(model, optimizer, run) for _ in range(STEPS)]


def step(model: nn.Module, optimizer: torch.optim.Optimizer, run: Watch | None) -> float:
    loss = model(torch.randn(4, 6)).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if run is not None:
        run.step(loss=loss)
        time.sleep(0.01)
    return float(loss.item())


def test_the_address_is_one_line_and_reads_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = nn.Linear(2, 3)
    run = nnscope.watch(model, tmp_path / "run", every=1)
    said = capsys.readouterr().err
    assert said == f"nnscope: attach to this training with: nnscope '{run.address}'\n"
    assert re.fullmatch(r"nnscope://127\.0\.0\.1:\d+/\?token=[0-9a-f]{64}", run.address)
    run.step(loss=1.0)
    with nnscope.open(run.address) as opened:
        assert opened.listing.live["training"] is True
        assert opened.for_window() == ([run.address], {})
        run.close()
    with nnscope.open(tmp_path / "run") as recorded:
        assert recorded["weight@0"].shape == (3, 2)


def test_without_an_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with nnscope.watch(nn.Linear(2, 3), tmp_path / "run", attach=False) as run:
        assert run.address == ""
    assert capsys.readouterr().err == ""
    with pytest.raises(NnscopeError, match="needs a folder"):
        nnscope.watch(nn.Linear(2, 3), attach=False)


@pytest.mark.parametrize("port", [70000, -1])
def test_a_port_that_is_none(tmp_path: Path, port: int) -> None:
    with pytest.raises(NnscopeError, match=f"^attach={port}: There is no such port. Give a number below 65536"):
        nnscope.watch(nn.Linear(2, 3), tmp_path / "run", attach=port)
    assert not (tmp_path / "run").exists()


def test_a_run_without_a_folder_leaves_nothing() -> None:
    with nnscope.watch(nn.Linear(2, 3)) as run:
        run.step(loss=1.0)
        assert run.folder.is_dir()
    assert not run.folder.exists()


def test_neither_guests_nor_strangers_change_what_is_trained(tmp_path: Path) -> None:
    ended = threading.Event()
    runs: list[Watch] = []

    def strangers() -> None:
        chance = random.Random(11)
        port, _ = parse_address(runs[0].address)
        while not ended.wait(0.01):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as line:
                line.sendall(garbage(chance))

    def begin(model: nn.Module) -> Watch:
        runs.append(nnscope.watch(model, tmp_path / "run", every=2))
        noise.start()
        return runs[0]

    noise = threading.Thread(target=strangers)
    expected = train(None)
    try:
        assert train(begin) == expected
    finally:
        ended.set()
        noise.join()
    assert (runs[0].trouble, runs[0].looks) == ("", STEPS // 2)
    assert runs[0].slowdown > 0
