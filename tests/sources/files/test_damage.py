"""Damaged files of every format: cut at every byte, and with flipped bits (promises P3 and P4).

Whatever is done to a file, reading it gives one FileError or values: never another exception, never a hang. A cut file
may show only what it still holds, unchanged.
"""

from __future__ import annotations

import io
import json
import random
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest
import safetensors.torch
import torch

from nnscope.core.errors import FileError
from tests.sources.files.reading import outcome, read_all, same_bits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TENSORS = {"w": torch.arange(6.0).reshape(2, 3), "b": torch.ones(2, dtype=torch.bfloat16)}
ARRAYS = {"w": np.arange(6.0).reshape(2, 3), "b": np.ones(2, np.int8), "zeros": np.zeros(50, np.int16)}


def _torch(new: bool) -> bytes:
    stream = io.BytesIO()
    torch.save({"model": TENSORS, "epoch": 3}, stream, _use_new_zipfile_serialization=new)
    return stream.getvalue()


def _numpy(save: Callable[..., None], *args: object, **kwargs: object) -> bytes:
    stream = io.BytesIO()
    save(stream, *args, **kwargs)
    return stream.getvalue()


FORMATS: dict[str, Callable[[], bytes]] = {
    "m.safetensors": lambda: safetensors.torch.save(TENSORS, {"format": "pt"}),
    "m.pt": lambda: _torch(True),
    "legacy.pt": lambda: _torch(False),
    "m.npy": lambda: _numpy(np.save, ARRAYS["w"]),
    "m.npz": lambda: _numpy(np.savez, **ARRAYS),
    "deflated.npz": lambda: _numpy(np.savez_compressed, **ARRAYS),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", FORMATS)
def test_cut_at_every_byte(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    data = FORMATS[name]()
    path.write_bytes(data)
    _, whole = read_all(path)
    for length in range(len(data)):
        path.write_bytes(data[:length])
        result = outcome(path)
        if isinstance(result, FileError):
            assert str(path) in result.where, length
            continue
        assert result.keys() <= whole.keys(), length
        assert all(found is None or same_bits(found, whole[key]) for key, found in result.items()), length  # type: ignore[arg-type]
        assert read_all(path)[0].warnings or any(found is None for found in result.values()), length


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", FORMATS)
def test_500_flips_of_bits(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    data = FORMATS[name]()
    rng = random.Random(name)
    for _ in range(500):
        damaged = bytearray(data)
        for _ in range(rng.choice((1, 1, 2, 8))):
            damaged[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            outcome(path)


def test_damaged_index(tmp_path: Path) -> None:
    safetensors.torch.save_file(TENSORS, tmp_path / "a.safetensors")
    path = tmp_path / "model.safetensors.index.json"
    data = json.dumps({"metadata": {"total_size": 28}, "weight_map": dict.fromkeys(TENSORS, "a.safetensors")}).encode()
    rng = random.Random(0)
    for length in range(len(data)):
        path.write_bytes(data[:length])
        assert isinstance(outcome(path), FileError), length
    for _ in range(500):
        damaged = bytearray(data)
        damaged[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        outcome(path)
