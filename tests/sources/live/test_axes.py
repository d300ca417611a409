"""Axes have the names that PyTorch's documentation gives them, and no names where a class leaves them open."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor, nn

from nnscope.sources.live.source import LiveSource

if TYPE_CHECKING:
    from nnscope.core.tensor import TensorInfo

IMAGE = ("batch", "channel", "row", "column")


class MyConv(nn.Conv2d):
    """Of the user's own, derived from PyTorch's."""


class Conv3d(nn.Module):
    """Of the user's own, and only called like one of PyTorch's."""

    def forward(self, x: Tensor) -> Tensor:
        return x


def infos(model: nn.Module, *inputs: Any) -> dict[str, TensorInfo]:
    source = LiveSource(model)
    source.recorder.attach()
    with torch.no_grad():
        model(*inputs)
    listed = {info.address: info for info in source.listing().tensors}
    for address, info in listed.items():
        assert source.reader(address).info.axes == info.axes
        assert len(info.axes) in (0, len(info.shape))
    source.close()
    return listed


@pytest.mark.parametrize(
    ("module", "weight"),
    [
        (nn.Linear(3, 2), ("out", "in")),
        (nn.Conv1d(3, 2, 1), ("out", "in", "kernel position")),
        (nn.Conv2d(3, 2, 1), ("out", "in", "kernel row", "kernel column")),
        (nn.Conv3d(3, 2, 1), ("out", "in", "kernel plane", "kernel row", "kernel column")),
        (nn.Conv2d(4, 4, 1, groups=2), ("out", "in in group", "kernel row", "kernel column")),
        (nn.ConvTranspose2d(3, 2, 1), ("in", "out", "kernel row", "kernel column")),
        (MyConv(3, 2, 1), ("out", "in", "kernel row", "kernel column")),
        (nn.Embedding(3, 2), ("token", "channel")),
        (nn.BatchNorm2d(3), ("channel",)),
        (nn.GroupNorm(1, 3), ("channel",)),
        (nn.LayerNorm(3), ("channel",)),
        (nn.LayerNorm((3, 2)), ()),
        (nn.RMSNorm(3), ("channel",)),
        (nn.Bilinear(2, 3, 4), ("out", "first in", "second in")),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)
def test_weights(module: nn.Module, weight: tuple[str, ...]) -> None:
    model = nn.Sequential(module)
    listed = {info.address: info.axes for info in LiveSource(model).listing().tensors}
    assert listed["0.weight"] == weight


def test_biases_and_buffers() -> None:
    model = nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2))
    listed = {info.address: info.axes for info in LiveSource(model).listing().tensors}
    assert listed["0.bias"] == ("out",)
    assert listed["1.running_mean"] == ("channel",)
    assert listed["1.num_batches_tracked"] == ()


@pytest.mark.parametrize(
    ("module", "out"),
    [(nn.LSTM(3, 2), "gate × out"), (nn.GRU(3, 2), "gate × out"), (nn.RNN(3, 2), "out"), (nn.LSTMCell(3, 2), None)],
    ids=["lstm", "gru", "rnn", "cell"],
)
def test_gates(module: nn.Module, out: str | None) -> None:
    listed = {info.address: info.axes for info in LiveSource(module).listing().tensors}
    if out is None:
        assert listed["weight_ih"] == ("gate × out", "in")
        return
    assert listed["weight_ih_l0"] == (out, "in")
    assert listed["weight_hh_l0"] == (out, "hidden")
    assert listed["bias_hh_l0"] == (out,)


@pytest.mark.parametrize(
    ("module", "shape", "taken", "given"),
    [
        (nn.Conv2d(3, 2, 1), (1, 3, 4, 4), IMAGE, IMAGE),
        (nn.Conv2d(3, 2, 1), (3, 4, 4), IMAGE[1:], IMAGE[1:]),
        (nn.Conv1d(3, 2, 1), (1, 3, 4), ("batch", "channel", "position"), ("batch", "channel", "position")),
        (nn.Conv3d(3, 2, 1), (1, 3, 4, 4, 4), *[("batch", "channel", "plane", "row", "column")] * 2),
        (nn.MaxPool2d(2), (1, 3, 4, 4), IMAGE, IMAGE),
        (nn.AdaptiveAvgPool2d(1), (1, 3, 4, 4), IMAGE, IMAGE),
        (nn.BatchNorm2d(3), (2, 3, 4, 4), IMAGE, IMAGE),
        (nn.BatchNorm1d(3), (2, 3), ("batch", "channel"), ("batch", "channel")),
        (nn.GroupNorm(1, 3), (2, 3, 4, 4), IMAGE, IMAGE),
        (nn.Linear(4, 2), (3, 4), ("batch", "feature"), ("batch", "feature")),
        (nn.Linear(4, 2), (1, 3, 4), ("", "", "feature"), ("", "", "feature")),
        (nn.Linear(4, 2), (4,), ("feature",), ("feature",)),
        (nn.LayerNorm(4), (1, 3, 4), ("", "", "channel"), ("", "", "channel")),
        (nn.LayerNorm((3, 4)), (1, 3, 4), (), ()),
        (nn.ReLU(), (1, 3, 4, 4), (), ()),
        (Conv3d(), (1, 3, 4, 4, 4), (), ()),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else str(value),
)
def test_values(module: nn.Module, shape: tuple[int, ...], taken: tuple[str, ...], given: tuple[str, ...]) -> None:
    listed = infos(nn.Sequential(module), torch.zeros(shape))
    assert listed["0:input"].axes == taken
    assert listed["0:output"].axes == given
    assert listed["(model):output"].axes == ()  # a Sequential may hold anything


def test_embeddings_know_only_what_they_give() -> None:
    listed = infos(nn.Embedding(5, 4), torch.zeros(2, 3, dtype=torch.long))
    assert listed["(model):input"].axes == ()
    assert listed["(model):output"].axes == ("", "", "channel")


@pytest.mark.parametrize("batch_first", [True, False], ids=["batch-first", "step-first"])
def test_sequences_and_their_states(batch_first: bool) -> None:
    listed = infos(nn.LSTM(3, 2, batch_first=batch_first), torch.zeros(4, 5, 3))
    order = ("batch", "step") if batch_first else ("step", "batch")
    assert listed["(model):input"].axes == (*order, "channel")
    assert listed["(model):output.0"].axes == (*order, "channel")
    assert listed["(model):output.1.0"].axes == ("layer", "batch", "channel")


def test_attention() -> None:
    x = torch.zeros(1, 5, 4)
    listed = infos(nn.MultiheadAttention(4, 2, batch_first=True), x, x, x)
    assert listed["(model):input.1"].axes == ("batch", "token", "channel")
    assert listed["(model):output.0"].axes == ("batch", "token", "channel")
    assert listed["(model):output.1"].axes == ("batch", "query", "key")
    assert listed["in_proj_weight"].axes == ("query, key, value × out", "in")
    assert listed["out_proj.weight"].axes == ("out", "in")


def test_later_calls_and_shared_modules_are_named_too() -> None:
    conv = nn.Conv2d(2, 2, 1)
    listed = infos(nn.Sequential(conv, conv), torch.zeros(1, 2, 3, 3))
    assert listed["0:output~2"].axes == IMAGE


def test_gpt2_keeps_its_matrices_the_other_way_round() -> None:
    from transformers.pytorch_utils import Conv1D

    model = Conv1D(3, 2)
    weight, _ = LiveSource(model).listing().tensors
    assert (weight.shape, weight.axes) == ((2, 3), ("in", "out"))


def test_names_stay_and_hold_on_to_no_module() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    source = LiveSource(model)
    source.recorder.attach()
    model(torch.zeros(1, 2))
    assert source.reader("0:output").info.axes == ("batch", "feature")
    source.close()
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
    assert source.reader("0:output").info.axes == ("batch", "feature")
