"""Which of the processes that train together this one is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import torch

from nnscope.store.runs.folder import rank_folder

if TYPE_CHECKING:
    from pathlib import Path

Rank = tuple[int, int]  # of this process, and how many there are


def rank_here() -> Rank | None:
    """Rank and number of processes, by ``torch.distributed`` or what torchrun tells; None where there is but one."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        rank, count = torch.distributed.get_rank(), torch.distributed.get_world_size()
    else:  # begun, perhaps, after the model is watched
        rank, count = (_number(os.environ.get(name, "")) for name in ("RANK", "WORLD_SIZE"))
    return (rank, count) if 0 <= rank < count and count > 1 else None


def folder_here(run: Path) -> Path:
    """Where this process records: in the folder of the run, or in that of its rank inside it."""
    rank = rank_here()
    return run if rank is None else rank_folder(run, rank[0])


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else -1
