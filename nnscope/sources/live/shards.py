"""The part of a distributed tensor that is in this process, and what to call it.

Under ``fully_shard`` a parameter is a `DTensor`: each rank holds a shard, and to put it together all ranks must take
part, which a recording that may stop at any moment must not ask for. So each rank records its own shard, and its name
says so: ``rank1.layer.weight:shard0``, the shard along axis 0. What every rank holds whole keeps its plain name.
"""

from __future__ import annotations

from typing import Any

import torch


def local_part(tensor: torch.Tensor) -> tuple[torch.Tensor, str]:
    """The values in this process, and what their name ends with: empty for a tensor that is whole here."""
    if type(tensor) is torch.Tensor or type(tensor) is torch.nn.Parameter or type(tensor).__name__ != "DTensor":
        return tensor, ""
    distributed: Any = tensor
    axes = [placement.dim for placement in distributed.placements if placement.is_shard()]
    partial = any(placement.is_partial() for placement in distributed.placements)
    ending = "".join([*(f":shard{axis}" for axis in axes), ":partial" * partial])
    return distributed._local_tensor.detach(), ending
