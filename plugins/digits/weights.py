"""Loading the shipped weights into a model."""

from __future__ import annotations

from typing import TypeVar

from safetensors.torch import load_file
from torch import nn

from nnscope.core.assets import assets_folder

M = TypeVar("M", bound=nn.Module)


def load_weights(model: M, name: str) -> M:
    """``model`` with the shipped weights called ``name``, in evaluation mode."""
    model.load_state_dict(load_file(assets_folder() / "models" / f"{name}.safetensors"))
    model.eval()
    return model
