"""Half precision in transit: copies of float32 values carried in 16 bits, where that is asked for, and labelled.

It halves what copies take on the device, on their way off it, in memory and in a run. Shares of attention lie between
0 and 1 and go as float16 (11 significant bits); all else goes as bfloat16 (8), whose range is that of float32: nothing
becomes infinite, and no small gradient becomes 0. Doubles stay as they are: who computes in them wants the digits.
"""

from __future__ import annotations

import torch

_SHARES, _COMPUTED = ("attention",), ("jacobian",)  # what is between 0 and 1; what never was on its way


def carried(kind: str, dtype: torch.dtype, half: bool) -> torch.dtype:
    """The dtype in which a value of that kind and dtype is carried."""
    if not half or dtype is not torch.float32 or kind in _COMPUTED:
        return dtype
    return torch.float16 if kind in _SHARES else torch.bfloat16


def with_label(note: str, dtype: torch.dtype, kept: torch.dtype) -> str:
    """``note``, and that a value of ``dtype`` was carried as ``kept`` where that is another."""
    if kept is dtype:
        return note
    label = f"carried in half precision ({str(kept).removeprefix('torch.')})"
    return f"{note}, {label}" if note else label
