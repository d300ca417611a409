"""Axes of stored tensors have names where name and rank leave no doubt, and none elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file
from torch import nn

from nnscope.sources.files.axes import stored_axes
from nnscope.sources.files.open import open_file
from nnscope.sources.live.axes import parameter_axes

if TYPE_CHECKING:
    from pathlib import Path

CONV = ("out", "in", "kernel row", "kernel column")
KERNEL = ("", "", *CONV[2:])


@pytest.mark.parametrize(
    ("address", "rank", "axes"),
    [
        ("block1.conv1.weight", 4, CONV),
        ("patches.weight", 4, CONV),
        ("grouped.weight", 4, CONV),
        ("stem.0.weight", 4, KERNEL),
        ("up.weight", 4, KERNEL),
        ("up_sample2.weight", 4, KERNEL),
        ("conv_transpose.weight", 4, KERNEL),
        ("DeConv.weight", 4, KERNEL),
        ("conv.weight", 3, ("out", "in", "kernel position")),
        ("experts.weight", 3, ()),
        ("conv3d.weight", 5, ("out", "in", "kernel plane", "kernel row", "kernel column")),
        ("layers.3.self_attn.q_proj.weight", 2, ("out", "in")),
        ("encoder.layer.0.output.dense.weight", 2, ("out", "in")),
        ("fc2.weight", 2, ("out", "in")),
        ("lm_head.weight", 2, ("out", "in")),
        ("h.0.attn.c_attn.weight", 2, ()),
        ("mlp.0.weight", 2, ()),
        ("model.embed_tokens.weight", 2, ("token", "channel")),
        ("wpe.weight", 2, ("position", "channel")),
        ("conv1.bias", 1, ("out",)),
        ("mlp.0.bias", 1, ()),
        ("norm1.weight", 1, ("channel",)),
        ("input_layernorm.weight", 1, ("channel",)),
        ("LayerNorm.bias", 1, ("channel",)),
        ("ln_f.bias", 1, ("channel",)),
        ("bn2.weight", 1, ("channel",)),
        ("stem.1.running_mean", 1, ("channel",)),
        ("stem.1.num_batches_tracked", 0, ()),
        ("kernel", 4, ()),
        ("weight", 4, ()),
        (".weight", 4, KERNEL),
        ("conv.weight", 6, ()),
        ("conv.weight", 0, ()),
        ("x" * 1000 + ".weight", 4, ()),
    ],
    ids=lambda value: str(value)[:40],
)
def test_names(address: str, rank: int, axes: tuple[str, ...]) -> None:
    assert stored_axes(address, rank, "float32") == axes
    assert stored_axes(address, rank, "uint8") == ()


@given(st.text() | st.from_regex(r"(\w+\.){0,3}(weight|bias)", fullmatch=True), st.integers(0, 9))
def test_as_many_names_as_axes_or_none(address: str, rank: int) -> None:
    assert len(stored_axes(address, rank, "float16")) in (0, rank)


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("conv", nn.Conv2d(3, 2, 1)),
        ("conv", nn.Conv1d(3, 2, 1)),
        ("fc", nn.Linear(3, 2)),
        ("wte", nn.Embedding(3, 2)),
        ("norm", nn.LayerNorm(3)),
        ("bn", nn.BatchNorm2d(3)),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_file_says_what_the_live_model_says(name: str, module: nn.Module) -> None:
    for own, tensor in module.state_dict().items():
        assert stored_axes(f"{name}.{own}", tensor.ndim, "float32") == parameter_axes(module, own, tensor.ndim)


@pytest.mark.parametrize(
    ("metadata", "axes"), [(None, CONV), ({"format": "pt"}, CONV), ({"format": "mlx"}, ())], ids=["none", "pt", "mlx"]
)
def test_safetensors_of_other_libraries_have_other_axes(
    tmp_path: Path, metadata: dict[str, str] | None, axes: tuple[str, ...]
) -> None:
    file = tmp_path / "a.safetensors"
    save_file({"conv.weight": np.zeros((2, 3, 1, 1), np.float32)}, file, metadata)
    source = open_file(str(file))
    assert source.listing().tensors[0].axes == axes
    assert source.reader("conv.weight").info.axes == axes
    source.close()


def test_pytorch_files(tmp_path: Path) -> None:
    file = tmp_path / "a.pt"
    torch.save(nn.ModuleDict({"conv": nn.Conv2d(3, 2, 1)}).state_dict(), file)
    source = open_file(str(file))
    assert {info.address: info.axes for info in source.listing().tensors} == {
        "conv.weight": CONV,
        "conv.bias": ("out",),
    }
    source.close()
