"""Which axis of a tensor holds features: channels of a feature map, the width of token vectors, inputs of a weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnscope.core.tensor import TensorInfo

FEATURES = ("channel", "feature", "in")  # names of axes that hold features
PASSED_ON = ("input", "output", "grad_input", "grad_output")  # kinds of what modules take and give, and its gradients


def feature_axis(info: TensorInfo) -> int:
    """The axis that holds features, by its name, else by what the tensor is.

    Captured values: (batch, channels, H, W) has channels, (batch, tokens, width) has its last axis. Stored ones:
    (out, in, …) has its inputs, (C, H, W) its first axis.
    """
    for name in FEATURES:
        if name in info.axes:
            return info.axes.index(name)
    if info.ndim == 3:
        return 2 if info.kind in PASSED_ON else 0
    return 1 if info.ndim in (2, 4) else max(0, info.ndim - 3)
