"""Numbers of steps, whatever the training loop gives, and runs that have none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import nn

from nnscope.sources.live.watching import watch
from nnscope.store.runs.reader import RunReader
from nnscope.store.runs.verify import verify

if TYPE_CHECKING:
    from pathlib import Path


def test_steps_may_be_numbered(tmp_path: Path) -> None:
    model = nn.Linear(2, 2)
    with watch(model, tmp_path / "run", every=2) as run:
        for step in (100, 110, 120, 130, 50):
            run.step(step)
    reader = RunReader(tmp_path / "run")
    assert reader.steps.tolist() == [100, 110, 120, 130, 50]
    assert reader.frame_steps("weight").tolist() == [100, 120, 50]
    reader.close()


GIVEN = {  # to `step`, the numbers that these steps have, and the losses that are kept
    "integers": ([7, np.int32(8), torch.tensor([9]), None], [7, 8, 9, 10], []),
    "losses": ([torch.tensor(0.5), 0.25, np.float32(0.125), float("nan")], [0, 1, 2, 3], [0.5, 0.25, 0.125, np.nan]),
    "too large": ([4, 10**19, -(10**19), 2**63 - 1, None, 2], [4, 5, 6, 7, 8, 2], []),
    "anything": (["1", torch.ones(2), object(), 3.0 + 0j], [0, 1, 2, 3], []),
}


@pytest.mark.parametrize(("given", "steps", "losses"), GIVEN.values(), ids=GIVEN.keys())
def test_what_is_no_number_of_a_step_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, given: list, steps: list[int], losses: list[float]
) -> None:
    """The training goes on, and the recording too; a loss given in the step's place is kept as that."""
    with watch(nn.Linear(2, 2), tmp_path / "run", every=1) as run:
        for number in given:
            run.step(number)
        run.step(0.75, loss=0.5)
    reader = RunReader(tmp_path / "run")
    assert run.trouble == ""
    assert reader.steps.tolist() == [*steps, steps[-1] + 1]
    assert np.array_equal(reader.scalar("loss").values, [*losses, 0.5], equal_nan=True)
    assert ["the number after the last" in line for line in caplog.messages] == [True]
    reader.close()


def test_a_run_without_a_step_is_told_when_it_is_closed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with watch(nn.Linear(2, 2), tmp_path / "run"):
        pass
    assert [line.getMessage() for line in caplog.records] == [
        f"step() was never called: nothing is recorded in {tmp_path / 'run'}."
    ]


def test_a_tilde_is_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with watch(nn.Linear(2, 2), "~/run") as run:
        run.step()
    assert verify(tmp_path / "run").steps == (0, 0)
