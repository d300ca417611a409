"""TIFF stacks, value by value against the arrays that tifffile wrote: kinds, types, orders, pieces, axes, regions."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from nnscope.core.errors import FileError
from nnscope.sources.base import full_region
from nnscope.sources.files.handle import FileHandle
from nnscope.sources.files.source import FileTensor
from nnscope.sources.guarded.formats import open_here
from nnscope.sources.guarded.tiff_pages import PagedTensor
from tests.sources.files.reading import same_bits

if TYPE_CHECKING:
    from pathlib import Path

    from nnscope.core.request import Region

TYPES = ["bool", "uint8", "uint16", "uint32", "int8", "int16", "int32", "float16", "float32", "float64", "complex64"]
WAYS: dict[str, dict[str, Any]] = {
    "whole": {},
    "strips": {"rowsperstrip": 7, "metadata": None},
    "tiles": {"tile": (16, 32)},
    "deflated": {"compression": "zlib"},
    "deflated strips": {"compression": "zlib", "rowsperstrip": 7},
    "deflated tiles": {"compression": "zlib", "tile": (16, 32)},
    "differences": {"compression": "zlib", "predictor": True},
    "lzma": {"compression": "lzma"},
    "big": {"bigtiff": True},
}


def _written(path: Path, values: np.ndarray[Any, Any], **options: Any) -> Path:
    options.setdefault("photometric", "minisblack")
    tifffile.imwrite(path, values, **options)
    return path


def _values(dtype: str, shape: tuple[int, ...] = (3, 20, 37)) -> np.ndarray:
    return (np.random.default_rng(0).random(shape) * (2 if dtype == "bool" else 100)).astype(dtype)


def _regions(shape: tuple[int, ...]) -> list[Region]:
    """Everything, and some parts with steps."""
    rng = np.random.default_rng(1)
    ends = [[sorted(map(int, rng.integers(0, n + 1, 2))) for n in shape] for _ in range(6)]
    parts = [tuple((low, high, int(rng.integers(1, 5))) for low, high in axes) for axes in ends]
    return [full_region(shape), tuple((n - 1, n, 1) for n in shape), tuple((0, n, n) for n in shape), *parts]


def _check(path: Path, values: np.ndarray, axes: str = "") -> type:
    """Compare some regions; gives how it was read."""
    source = open_here(str(path))
    (info,) = source.listing().tensors
    assert (info.address, info.shape, info.dtype) == (path.name.rpartition(".")[0], values.shape, values.dtype.name)
    assert not axes or "".join(name or "." for name in info.axes) == axes
    reader = source.reader(info.address)
    for region in _regions(values.shape):
        assert same_bits(reader.read(region), values[tuple(slice(*axis) for axis in region)]), region
    source.close()
    return type(reader)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_ways_of_storing(dtype: str, way: str, order: str, tmp_path: Path) -> None:
    values = _values(dtype)
    _check(_written(tmp_path / "stack.tif", values, byteorder=order, **WAYS[way]), values, ".YX")


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", TYPES)
def test_types(dtype: str, order: str, tmp_path: Path) -> None:
    values = _values(dtype)
    _check(_written(tmp_path / "stack.tif", values, byteorder=order), values)
    _check(_written(tmp_path / "deflated.tiff", values, byteorder=order, compression="zlib"), values)


def test_imagej_hyperstack_in_one_piece(tmp_path: Path) -> None:
    values = _values("uint16", (2, 3, 4, 9, 10))
    path = _written(tmp_path / "x.tif", values, imagej=True, photometric=None, metadata={"axes": "TZCYX"})
    assert _check(path, values, "TZCYX") is FileTensor


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_ome(compression: str | None, tmp_path: Path) -> None:
    values = _values("float32", (2, 3, 4, 9, 10))
    path = _written(tmp_path / "x.ome.tif", values, metadata={"axes": "TCZYX"}, compression=compression)
    assert _check(path, values, "TCZYX") is (PagedTensor if compression else FileTensor)


def test_colours_and_depth(tmp_path: Path) -> None:
    colours = _values("uint8", (5, 20, 30, 3))
    _check(_written(tmp_path / "a.tif", colours, photometric="rgb", compression="zlib"), colours, ".YXS")
    planes = _values("uint8", (5, 3, 20, 30))
    path = _written(
        tmp_path / "b.tif", planes, photometric="rgb", planarconfig="separate", tile=(16, 16), compression="zlib"
    )
    _check(path, planes, ".SYX")
    volume = _values("uint8", (20, 40, 50))
    _check(_written(tmp_path / "c.tif", volume, volumetric=True, tile=(16, 16, 16)), volume, "ZYX")


@pytest.mark.parametrize("shape", [(1, 1), (5, 1, 1), (1, 7), (7, 1)])
def test_thin_ones(shape: tuple[int, ...], tmp_path: Path) -> None:
    values = _values("uint16", shape)
    _check(_written(tmp_path / "x.tif", values), values)
    _check(_written(tmp_path / "y.tif", values, compression="zlib"), values)


@pytest.mark.parametrize("compression", [None, "packbits", "tiff_adobe_deflate"])
def test_pages_of_pillow(compression: str | None, tmp_path: Path) -> None:
    values = _values("uint8")
    first, *others = map(Image.fromarray, values)
    first.save(tmp_path / "x.tif", save_all=True, append_images=others, compression=compression)
    _check(tmp_path / "x.tif", values, ".YX")


def test_several_series_have_numbers(tmp_path: Path) -> None:
    small, large = _values("uint8", (4, 5)), _values("float32", (2, 30, 40))
    with tifffile.TiffWriter(tmp_path / "x.tif") as writer:
        for values in (small, large):
            writer.write(values, photometric="minisblack", metadata=None)
    source = open_here(str(tmp_path / "x.tif"))
    assert [info.address for info in source.listing().tensors] == ["x/0", "x/1"]
    assert same_bits(source.reader("x/0").read(full_region((4, 5))), small)
    assert same_bits(source.reader("x/1").read(full_region((2, 30, 40))), large)
    source.close()


def test_what_needs_a_codec_that_is_not_there_is_listed_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(_values("uint8", (9, 9))).save(tmp_path / "x.tif", compression="tiff_lzw")
    monkeypatch.setattr(tifffile.TIFF, "DECOMPRESSORS", {})  # as without imagecodecs
    source = open_here(str(tmp_path / "x.tif"))
    (info,) = source.listing().tensors
    source.close()
    assert (
        info.unreadable == "It is compressed by LZW, which needs the package imagecodecs: install it to see the values."
    )


def test_a_region_reads_only_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = _values("uint16", (50, 64, 64))
    sizes: list[int] = []
    fill = FileHandle._fill
    monkeypatch.setattr(
        FileHandle, "_fill", lambda self, fd, out, at: (sizes.append(out.size), fill(self, fd, out, at))
    )
    for name, options in (("a", {}), ("b", {"compression": "zlib", "tile": (16, 16)})):
        path = _written(tmp_path / f"{name}.tif", values, **options)
        source = open_here(str(path))
        sizes.clear()
        assert source.reader(name).read(((40, 41, 1), (3, 4, 1), (5, 9, 1))).ravel().tolist() == list(
            values[40, 3, 5:9]
        )
        assert sum(sizes) < 2000
        source.close()


def test_a_file_replaced_while_open_is_noticed(tmp_path: Path) -> None:
    values = _values("uint8")
    for options in ({}, {"compression": "zlib"}):
        source = open_here(str(_written(tmp_path / "x.tif", values, **options)))
        _written(tmp_path / "new.tif", values, **options)
        os.replace(tmp_path / "new.tif", tmp_path / "x.tif")
        with pytest.raises(FileError) as caught:
            source.reader("x").read(full_region(values.shape))
        assert caught.value.code == "changed"
        source.close()
