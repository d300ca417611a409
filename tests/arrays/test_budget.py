"""The memory that a method may hold, and the blocks that fit it."""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nnscope.arrays import budget

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system that tells of four megabytes."""
    file = tmp_path / "meminfo"
    file.write_text("MemTotal:  9999999 kB\nMemAvailable:       4096 kB\n")
    monkeypatch.setattr(budget, "_MEMINFO", file)
    return file


def test_a_share_of_what_is_available(told: Path) -> None:
    assert budget.available_memory() == 4 << 20
    assert budget.budget_bytes(np.zeros(1)) == 1 << 20
    assert budget.block_elements(np.zeros(1), 8) == 1 << 17
    assert budget.block_elements(np.zeros(1), 8, most=100) == 100
    assert budget.block_elements(np.zeros(1), 1 << 40) == 1


def test_a_system_that_does_not_tell(told: Path) -> None:
    told.write_text("MemTotal: 1 kB\n")
    assert budget.available_memory() == 1 << 30
    told.unlink()
    assert budget.available_memory() == 1 << 30


def test_on_a_device_what_is_free_there(monkeypatch: pytest.MonkeyPatch) -> None:
    device = types.ModuleType("cupy")
    device.ndarray = type("ndarray", (), {})
    device.get_default_memory_pool = lambda: types.SimpleNamespace(free_bytes=lambda: 1000)
    device.cuda = types.SimpleNamespace(runtime=types.SimpleNamespace(memGetInfo=lambda: (3000, 8000)))
    monkeypatch.setitem(sys.modules, "cupy", device)
    assert budget.budget_bytes(device.ndarray()) == 1000
