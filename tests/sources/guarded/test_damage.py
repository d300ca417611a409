"""Files cut at every byte, and files with flipped bits (promise P4): a FileError or values, never another end."""

from __future__ import annotations

import io
import random
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
import tifffile

from tests.sources.guarded.fates import fates

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STACK = np.arange(2 * 3 * 8 * 5, dtype=np.uint16).reshape(2, 3, 8, 5)


def _hdf5(small: bool) -> bytes:
    stream = io.BytesIO()
    with h5py.File(stream, "w", libver="latest" if small else None) as file:
        file["w"] = np.arange(6.0).reshape(2, 3)
        if not small:
            file.create_dataset("g/z", data=STACK, chunks=(1, 3, 4, 5), compression="gzip", fletcher32=True)
            file["g/link"] = h5py.SoftLink("/w")
            file["g"].attrs["text"] = "hello"
    return stream.getvalue()


def _tiff(**options: Any) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, STACK, software="", **{"photometric": "minisblack", **options})
    return stream.getvalue()


SMALL: dict[str, Callable[[], bytes]] = {
    "small.h5": lambda: _hdf5(True),
    "plain.tif": lambda: _tiff(metadata=None),
    "deflated.tif": lambda: _tiff(compression="zlib"),
    "imagej.tif": lambda: _tiff(imagej=True, photometric=None),
    "ome.tif": lambda: _tiff(ome=True, compression="zlib"),
}
FORMATS: dict[str, Callable[[], bytes]] = {
    **{name: SMALL[name] for name in ("small.h5", "plain.tif", "ome.tif")},
    "large.h5": lambda: _hdf5(False),
    "big-endian.tif": lambda: _tiff(bigtiff=True, byteorder=">", tile=(16, 16)),
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", SMALL)
def test_cut_at_every_byte(name: str, tmp_path: Path) -> None:
    """All that may be missing from a file that opens is what pads it."""
    data = SMALL[name]()
    paths = [tmp_path / str(length) / name for length in range(len(data) + 1)]
    for length, path in enumerate(paths):
        path.parent.mkdir()
        path.write_bytes(data[:length])
    *cut, whole = fates(paths, run=len(paths))
    assert whole.values
    assert not whole.reasons
    for length, fate in enumerate(cut):
        assert not fate.died, length
        assert str(paths[length]) in fate.error or fate.values == whole.values or fate.reasons, (length, fate)
    assert sum(bool(fate.error) for fate in cut) > 0.9 * len(data)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", FORMATS)
def test_500_flips_of_bits(name: str, tmp_path: Path) -> None:
    data = FORMATS[name]()
    rng = random.Random(name)
    paths = [tmp_path / f"{i}-{name}" for i in range(500)]
    for path in paths:
        damaged = bytearray(data)
        for _ in range(rng.choice((1, 1, 2, 8))):
            damaged[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
    found = fates(paths, run=100)
    assert not [path.name for path, fate in zip(paths, found, strict=True) if fate.died]
    assert any(fate.error for fate in found)
    assert any(fate.values for fate in found)
