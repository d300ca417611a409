"""What those who are attached are told of a training: its numbers too, which may be tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from nnscope.gui.live import told
from nnscope.sources.live.watching import watch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Listener:
    """An outlet that keeps what it is told."""

    address = ""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {}

    def tell(self, facts: Mapping[str, Any]) -> None:
        self.facts = dict(facts)

    def close(self, reason: str) -> None:
        self.facts["ended"] = reason


def test_numbers_that_are_tensors_or_whole_are_told(tmp_path: Path) -> None:
    listener = Listener()
    with watch(nn.Linear(2, 2), tmp_path / "run") as run:
        run.publish(listener)
        run.step(loss=torch.tensor(0.5), epoch=1, accuracy=0.75)
        run.step(loss=torch.tensor(0.25, requires_grad=True), epoch=2)
    numbers = {name: listener.facts[name] for name in ("loss", "epoch", "accuracy")}
    assert numbers == {"loss": 0.25, "epoch": 2.0, "accuracy": 0.75}  # the newest that was given of each
    assert told(listener.facts).startswith("step 1     loss 0.2500     accuracy 75.0%     slowed by ")
