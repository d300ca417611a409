"""What a recording may take: tensors take turns where memory is too little for all, and what never fits is told."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from nnscope.core.errors import NnscopeError
from nnscope.sources.live.budget import Budget
from nnscope.sources.live.turns import Turns
from nnscope.sources.live.watching import watch
from nnscope.store.runs.reader import RunReader
from nnscope.store.runs.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 32
MATRIX = 4 * SIDE * SIDE  # bytes of a weight, of its gradient, and of an output


def _train(model: nn.Module, folder: Path, budget: Budget | int, steps: int = 12) -> RunReader:
    with watch(model, folder, every=1, budget=budget) as run:
        for _ in range(steps):
            model(torch.ones(SIDE, SIDE)).sum().backward()
            run.step()
            while run._recording._looks:  # or looks would be dropped
                time.sleep(0.001)
    assert not run.trouble
    return RunReader(folder)


def test_everything_has_its_turn(tmp_path: Path) -> None:
    """Room for three matrices in a look, of ten: weights, gradients and outputs alike, first layers and last."""
    model = nn.Sequential(*[nn.Linear(SIDE, SIDE, bias=False) for _ in range(3)])
    reader = _train(model, tmp_path / "run", 5 * 3 * MATRIX)
    expected = [f"{i}{what}" for i in range(3) for what in (".weight", ".weight:grad", ":output")]
    steps = {address: len(reader.frame_steps(address)) for address in (*expected, "(model):output")}
    assert min(steps.values()) >= 2, steps
    a_step = [sum(step in reader.frame_steps(address) for address in steps) for step in range(12)]
    assert max(a_step) <= 3
    reader.close()


@pytest.mark.logs_errors
def test_what_never_fits_is_told_once_and_kept_in_the_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = nn.Sequential(nn.Linear(SIDE, 2 * SIDE, bias=False), nn.Linear(2 * SIDE, SIDE, bias=False))
    with caplog.at_level(logging.WARNING, logger="nnscope"):
        reader = _train(model, tmp_path / "run", 5 * MATRIX)
    told = [line.message for line in caplog.records]
    assert sum("0.weight" in line for line in told) == 1
    lost = verify(tmp_path / "run").lost
    assert all(name in " ".join(lost) for name in ("0.weight", "1.weight:grad", "0:output"))
    assert len(reader.frame_steps("1:output")), "what fits is recorded"
    reader.close()


def test_the_room_on_the_disk_is_the_budgets(tmp_path: Path) -> None:
    model = nn.Linear(SIDE, SIDE)
    reader = _train(model, tmp_path / "all", Budget(), 60)
    reader.close()
    few = _train(model, tmp_path / "few", Budget(disk=1), 60)
    assert few.thinned >= 0
    assert few.steps.tolist() == list(range(60))
    few.close()


@pytest.mark.parametrize("given", [{"memory": 0}, {"disk": -1}])
def test_room_for_nothing_is_one_sentence(given: dict[str, int]) -> None:
    with pytest.raises(NnscopeError, match="room for nothing"):
        Budget(**given)


def test_turns() -> None:
    turns = Turns()
    assert turns.has("a")
    turns.miss("a", fits=True)
    turns.miss("b", fits=True)
    turns.miss("huge", fits=False)
    turns.end()
    assert (turns.has("a"), turns.has("b"), turns.has("c")) == (True, True, False)
    turns.miss("b", fits=True)
    turns.end()
    assert (turns.has("a"), turns.has("b")) == (False, True)
    turns.miss("b", fits=True)  # it can't be helped: the others go on
    turns.end()
    assert all(map(turns.has, "abc"))
    assert turns.never == {"huge"}
