"""The disk cache gives back what it was given, keeps its budget, and never fails."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from nnscope.store.disk import DiskCache

if TYPE_CHECKING:
    from pathlib import Path


def arrays(n: int) -> dict[str, np.ndarray]:
    return {"a": np.arange(n, dtype=np.float32), "b": np.ones((2, 3), np.uint8)}


def test_gives_back_what_was_put(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "deep" / "folder")
    assert cache.get(("k", 1)) is None
    cache.put(("k", 1), arrays(10))
    found = cache.get(("k", 1))
    assert found is not None
    assert found["a"].dtype == np.float32
    np.testing.assert_array_equal(found["a"], np.arange(10))
    assert cache.get(("k", 2)) is None


def test_oldest_entries_go_first(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, budget=10_000)
    for i in range(6):
        cache.put(i, arrays(600))
        for path in tmp_path.glob("*.npz"):  # age what is there, so that order does not hang on the clock
            stat = path.stat()
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns - 10**9))
    assert sum(p.stat().st_size for p in tmp_path.glob("*.npz")) <= 10_000
    assert cache.get(5) is not None
    assert cache.get(0) is None


def test_a_damaged_entry_is_no_entry(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path)
    cache.put("k", arrays(100))
    (path,) = tmp_path.glob("*.npz")
    data = path.read_bytes()
    for cut in range(0, len(data), 37):
        path.write_bytes(data[:cut])
        cache.get("k")
    path.write_bytes(b"nonsense")
    assert cache.get("k") is None


def test_no_folder_keeps_nothing(tmp_path: Path) -> None:
    cache = DiskCache(None)
    cache.put("k", arrays(1))
    assert cache.get("k") is None
    blocked = tmp_path / "file"
    blocked.write_text("x")
    DiskCache(blocked).put("k", arrays(1))
    assert DiskCache(blocked).get("k") is None


def test_an_entry_over_the_budget_is_not_kept(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, budget=100)
    cache.put("k", arrays(1000))
    assert not list(tmp_path.glob("*.npz"))
