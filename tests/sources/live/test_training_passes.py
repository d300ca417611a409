"""A validation between the training pass and the end of a step is not recorded in its place."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import nn

from nnscope.sources.live.capture import capture
from nnscope.sources.live.watching import watch
from nnscope.store.runs.reader import RunReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Sequential(nn.Linear(3, 4), nn.ReLU()), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.stem(x))


@contextmanager
def evaluation(model: nn.Module) -> Iterator[None]:
    model.eval()
    yield
    model.train()


WAYS: dict[str, Callable[[nn.Module], AbstractContextManager[object]]] = {
    "no_grad": lambda model: torch.no_grad(),
    "inference_mode": lambda model: torch.inference_mode(),
    "evaluation mode": evaluation,
}
CALLS: dict[str, Callable[[Net, torch.Tensor], torch.Tensor]] = {
    "the model": lambda model, x: model(x),
    "its parts": lambda model, x: model.head(model.stem(x)),
}


@pytest.mark.parametrize("kinds", [("output",), ("input", "output"), ("output", "attention")], ids="+".join)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_validation_takes_no_place_of_training(tmp_path: Path, way, call, kinds: tuple[str, ...]) -> None:
    """Steps 0 to 2 train and then validate, 3 validates and then trains, 4 validates only, 5 trains twice."""
    model, seen = Net(), []
    with watch(model, tmp_path / "run", every=1, kinds=kinds) as run:
        for plan in ("tv", "tv", "tvv", "vt", "v", "tt"):
            for at in plan:
                with way(model) if at == "v" else nullcontext():
                    found = call(model, torch.randn(3, 3))
                if at == "t" or plan == "v":
                    kept = found.detach().clone()
            seen.append(kept.numpy())
            run.step()
    reader = RunReader(tmp_path / "run")
    assert reader.frame_steps("head:output").tolist() == [0, 1, 2, 3, 4, 5]
    for step, values in enumerate(seen):
        assert np.array_equal(reader.frame("head:output", step)[2].arrays["values"], values), step
    if "input" in kinds:
        assert reader.frame_steps("stem.1:input").tolist() == [0, 1, 2, 3, 4, 5]
    reader.close()


def test_a_capture_shows_the_newest_pass() -> None:
    model = Net()
    with capture(model) as captured:
        model(torch.randn(3, 3))
        with torch.no_grad():
            newest = model(torch.randn(3, 3))
    assert np.array_equal(captured["head:output"].read(((0, 3, 1), (0, 2, 1))), newest.numpy())
