"""Half precision in transit: where it is asked for, what is carried is labelled, and nothing else is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import nn

from nnscope.sources.live.capture import capture
from nnscope.sources.live.captured import Room
from nnscope.sources.live.half import carried
from nnscope.sources.live.watching import Budget, watch
from nnscope.sources.session import RunSource
from tests.sources.live.test_watching import Net, build, steps_of

if TYPE_CHECKING:
    from pathlib import Path

LABEL = "carried in half precision"


class Mixed(nn.Module):
    """Values of several dtypes, one of them large enough to be copied over the last copy."""

    def __init__(self) -> None:
        super().__init__()
        self.wide = nn.Linear(64, 1024)
        self.exact = nn.Linear(4, 4, dtype=torch.float64)
        self.attend = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.exact(torch.ones(2, 4, dtype=torch.float64))
        self.attend(*3 * [torch.linspace(-1, 1, 80).view(1, 10, 8)])
        return self.wide(x)


def test_float32_alone_is_carried_in_16_bits() -> None:
    model, outputs = Mixed(), []
    with capture(model, kinds=("output", "attention"), budget=Room(half=True)) as cap, torch.no_grad():
        for scale in (1.0, 1e-30, 3e38):
            outputs.append(model(torch.full((32, 64), scale)))
            kept = cap.source.captured.find("wide:output")
            assert kept.value.dtype == torch.bfloat16
            assert torch.equal(kept.value, outputs[-1].to(torch.bfloat16))
    infos = {info.address: info for info in cap.source.listing().tensors}
    assert (infos["wide:output"].dtype, infos["wide:output"].nbytes) == ("bfloat16", 2 * 32 * 1024)
    assert infos["wide:output"].note == f"{LABEL} (bfloat16)"
    assert (infos["exact:output"].dtype, infos["exact:output"].note) == ("float64", "")
    shares = infos["attend:attention"]
    assert shares.dtype == "float16"
    assert shares.note.startswith("recomputed")
    assert shares.note.endswith(f"{LABEL} (float16)")
    values = cap["attend:attention"].read(tuple((0, n, 1) for n in shares.shape))
    assert np.abs(values.astype(np.float64).sum(-1) - 1).max() < 2e-3


def test_a_small_value_is_no_zero_and_a_large_one_not_infinite() -> None:
    values = torch.tensor([1e-38, 1e-20, 7e4, 3e38])
    kept = values.to(carried("grad", values.dtype, half=True))
    assert torch.isfinite(kept).all()
    assert (kept > 0).all()


def test_copies_are_written_over_in_their_own_precision() -> None:
    """The second pass on writes over the last copy, which nobody asked for."""
    model = nn.Sequential(nn.Linear(64, 1024), nn.ReLU())
    with capture(model, kinds="output", budget=Room(half=True)) as cap, torch.no_grad():
        for seed in range(4):
            out = model(torch.full((32, 64), float(seed)))
    assert torch.equal(cap.source.captured.find("1:output").value, out.to(torch.bfloat16))
    assert cap.source.captured.nbytes == 3 * 2 * 32 * 1024


@pytest.mark.parametrize("half", [False, True])
def test_a_run_says_what_was_carried_in_half_precision(tmp_path: Path, half: bool) -> None:
    model, plain = build(Net), [loss for loss, *_ in steps_of(build(Net), 3)]
    with watch(model, tmp_path / "run", every=1, budget=Budget(half=half)) as run:
        losses = []
        for loss, found, _ in steps_of(model, 3):
            losses.append(loss)
            gradients = found
            run.step(loss=loss)
    assert losses == plain
    source = RunSource(tmp_path / "run")
    for address, right in (("head.weight:grad", gradients["head.weight"]), ("head.weight", model.head.weight)):
        reader = source.reader(f"{address}@2")
        assert (LABEL in reader.info.note) is half
        right = torch.as_tensor(right).detach()
        found = reader.read(tuple((0, n, 1) for n in reader.info.shape))
        right = right.to(torch.bfloat16).float() if half else right
        np.testing.assert_array_equal(found.astype(np.float32), right.numpy())
    counters = {info.address: info for info in source.infos()}
    assert counters["norm.num_batches_tracked"].note == ""
    source.close()
