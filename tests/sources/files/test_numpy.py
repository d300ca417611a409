"""``.npy`` and ``.npz`` as NumPy writes them, value by value."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nnscope.core.errors import FileError
from nnscope.sources.files.npy import MAX_HEADER, parse_header
from nnscope.sources.files.open import open_file
from tests.hostile.numpy_cases import GOOD, npy, npz
from tests.sources.files.reading import read_all, same_bits

if TYPE_CHECKING:
    from pathlib import Path

CODES = ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16")
DTYPES = [np.dtype(order + code) for code in CODES for order in ("<", ">")]
LAYOUTS = {"c": np.ascontiguousarray, "fortran": np.asfortranarray}


def values_of(dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """Random bytes as values: every bit pattern can occur, NaN with payload included."""
    if dtype.kind == "b":
        return np.arange(60).reshape(3, 4, 5) % 3 == 0
    return np.frombuffer(np.random.default_rng(3).bytes(60 * dtype.itemsize), dtype).reshape(3, 4, 5)


def native(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    swapped = array.dtype.newbyteorder("=")
    return array.byteswap().view(swapped) if array.dtype.byteorder == ">" else array


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_npy_of_every_type_and_order(dtype: np.dtype[Any], layout: str, tmp_path: Path) -> None:
    array = LAYOUTS[layout](values_of(dtype))
    np.save(tmp_path / "a.b.npy", array)
    listing, values = read_all(tmp_path / "a.b.npy")
    assert listing.tensors[0].kind == "array"
    assert same_bits(values["a.b"], native(values_of(dtype)))  # type: ignore[arg-type]


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_of_every_type(save: Any, tmp_path: Path) -> None:
    arrays = {f"part/{dtype.str[1:]}-{i}": values_of(dtype) for i, dtype in enumerate(DTYPES)}
    arrays |= {"scalar": np.float32(1.5), "empty": np.zeros((2, 0)), "zeros": np.zeros((64, 64))}
    save(tmp_path / "m.npz", **arrays)
    listing, values = read_all(tmp_path / "m.npz")
    assert list(values) == list(arrays)
    assert listing.format == "npz"
    for name, array in arrays.items():
        assert same_bits(values[name], native(np.asarray(array))), name  # type: ignore[arg-type]


def test_a_large_compressed_member_is_read_in_parts(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 50, (3000, 200)).astype(np.int64)
    np.savez_compressed(tmp_path / "m.npz", w=array)
    source = open_file(tmp_path / "m.npz")
    reader = source.reader("w")
    for region in (((2990, 3000, 1), (0, 200, 1)), ((0, 3000, 500), (3, 200, 10))):
        expected = array[tuple(slice(*part) for part in region)]
        assert same_bits(reader.read(region), expected)
    source.close()


def test_a_damaged_compressed_member_is_found_by_its_checksum(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "m.npz", w=np.random.default_rng(0).integers(0, 9, 9000).astype(np.uint8))
    data = bytearray((tmp_path / "m.npz").read_bytes())
    data[2000] ^= 1
    (tmp_path / "m.npz").write_bytes(data)
    source = open_file(tmp_path / "m.npz")
    with pytest.raises(FileError) as caught:
        source.reader("w").read(((0, 9000, 1),))
    source.close()
    assert caught.value.code == "bad-compression"


@settings(max_examples=60)
@given(hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, max_dims=5, max_side=4)))
def test_any_array_of_numpy_opens_or_says_why(array: np.ndarray[Any, Any]) -> None:
    with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        np.save(file, array)
        file.flush()
        listing, found = read_all(file.name)
    (info,) = listing.tensors
    assert info.shape == array.shape
    assert info.nbytes == array.nbytes
    (values,) = found.values()
    assert info.unreadable if values is None else same_bits(values, native(array))


def test_bfloat16_is_known_by_its_name_in_the_format(tmp_path: Path) -> None:
    array = np.array([1.5, -0.0, np.nan], ml_dtypes.bfloat16)
    np.save(tmp_path / "a.npy", array)
    _, values = read_all(tmp_path / "a.npy")
    assert same_bits(values["a"], array)  # type: ignore[arg-type]


def test_stored_bytes_other_than_0_and_1_are_true(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(npy(GOOD.replace("<f4", "|b1"), b"\x00\x01\x02\xff"))
    _, values = read_all(tmp_path / "a.npy")
    assert same_bits(values["a"], np.array([False, True, True, True]))  # type: ignore[arg-type]


def test_a_file_name_that_is_no_text_gives_a_name_that_is(tmp_path: Path) -> None:
    path = os.fsdecode(bytes(tmp_path) + b"/a\xff.npy")
    with open(path, "wb") as file:
        np.save(file, np.ones(2))
    assert list(read_all(path)[1]) == ["a\\udcff"]


def test_bytes_after_the_array_are_told(tmp_path: Path) -> None:
    with (tmp_path / "a.npy").open("wb") as file:
        np.save(file, np.arange(3))
        np.save(file, np.arange(4))
    listing, values = read_all(tmp_path / "a.npy")
    assert values["a"].tolist() == [0, 1, 2]  # type: ignore[union-attr]
    assert "not shown" in listing.warnings[0]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_header_or_a_file_error(text: bytes) -> None:
    with contextlib.suppress(FileError):
        parse_header(npy()[:10] + text, "x")


def test_a_long_header_of_a_member_is_read_whole(tmp_path: Path) -> None:
    header = GOOD + " " * 3000
    path = tmp_path / "m.npz"
    path.write_bytes(npz(a=npy(header)))
    _, values = read_all(path)
    assert values["a"].tolist() == [1, 2, 3, 4]  # type: ignore[union-attr]
    assert len(header) < MAX_HEADER
