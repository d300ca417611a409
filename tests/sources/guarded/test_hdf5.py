"""HDF5 datasets, value by value against h5py: types, layouts, filters, names, links, regions."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnscope.core.errors import FileError, NnscopeError
from nnscope.sources.base import full_region
from nnscope.sources.files.open import needs_guard, open_file
from nnscope.sources.guarded import hdf5, hdf5_walk
from nnscope.sources.guarded.claims import NUMBERS
from nnscope.sources.guarded.formats import open_here
from tests.sources.files.reading import same_bits

if TYPE_CHECKING:
    from pathlib import Path

    from nnscope.core.request import Region

SHAPE = (7, 30, 41)


def _random(dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """Any bit pattern, NaN and infinities among them."""
    kind = np.dtype(dtype)
    bits = np.random.default_rng(0).bytes(int(np.prod(shape)) * kind.itemsize)
    return (np.frombuffer(bits, np.uint8) > 99).reshape(shape) if dtype == "bool" else _typed(bits, kind, shape)


def _typed(bits: bytes, kind: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    return np.frombuffer(bits, kind).reshape(shape)


def _slices(region: Region) -> tuple[slice, ...]:
    return tuple(slice(*axis) for axis in region)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", sorted(NUMBERS))
def test_every_type_bit_by_bit(dtype: str, order: str, tmp_path: Path) -> None:
    values = _random(dtype, (3, 5))
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("group/w", data=values.astype(values.dtype.newbyteorder(order)))
    source = open_here(str(tmp_path / "x.h5"))
    (info,) = source.listing().tensors
    assert (info.address, info.shape, info.dtype, info.nbytes) == ("group/w", (3, 5), dtype, values.nbytes)
    assert same_bits(source.reader("group/w").read(full_region((3, 5))), values)
    source.close()


@pytest.fixture(scope="module")
def layouts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One array stored in every way that is read."""
    path = tmp_path_factory.mktemp("hdf5") / "layouts.h5"
    values = np.arange(np.prod(SHAPE), dtype=np.int32).reshape(SHAPE)
    with h5py.File(path, "w") as file:
        file["contiguous"] = values
        file.create_dataset("chunked", data=values, chunks=(3, 8, 16))
        file.create_dataset("gzip", data=values, chunks=(3, 8, 16), compression="gzip", shuffle=True, fletcher32=True)
        file.create_dataset("lzf", data=values, chunks=(7, 30, 1), compression="lzf")
    return path


@pytest.mark.parametrize("name", ["contiguous", "chunked", "gzip", "lzf"])
@given(st.data())
@settings(max_examples=30, deadline=None)
def test_any_region_of_any_layout(layouts: Path, name: str, data: st.DataObject) -> None:
    region = []
    for size in SHAPE:
        start = data.draw(st.integers(0, size))
        region.append((start, data.draw(st.integers(start, size)), data.draw(st.integers(1, size + 1))))
    values = np.arange(np.prod(SHAPE), dtype=np.int32).reshape(SHAPE)
    source = open_here(str(layouts))
    assert same_bits(source.reader(name).read(tuple(region)), values[_slices(tuple(region))])
    source.close()


@pytest.mark.parametrize("scratch", [1, 2000, 1 << 20])
@pytest.mark.parametrize("sparse", [1, 1000])
def test_regions_with_steps_in_parts(layouts: Path, scratch: int, sparse: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5, "SCRATCH_BYTES", scratch)
    monkeypatch.setattr(hdf5, "SPARSE", sparse)
    values = np.arange(np.prod(SHAPE), dtype=np.int32).reshape(SHAPE)
    region = ((1, 7, 2), (0, 29, 4), (2, 40, 3))
    source = open_here(str(layouts))
    assert same_bits(source.reader("gzip").read(region), values[_slices(region)])
    source.close()


def test_shapes_without_a_region(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["scalar"] = np.float32(2.5)
        file["empty"] = np.zeros((0, 3), np.int16)
    source = open_here(str(tmp_path / "x.h5"))
    assert same_bits(source.reader("scalar").read(()), np.array(2.5, np.float32))
    assert source.reader("empty").read(((0, 0, 1), (0, 3, 1))).shape == (0, 3)
    with pytest.raises(NnscopeError, match="does not lie in"):
        source.reader("scalar").read(((0, 1, 1),))
    source.close()


def test_truth_values_and_enumerations(tmp_path: Path) -> None:
    colours = h5py.enum_dtype({"red": 1, "blue": 300}, ">i2")
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["odd"] = np.array([0, 1, 7], np.uint8).view(np.bool_)
        file.create_dataset("colours", data=np.array([1, 300, 300], ">i2"), dtype=colours)
    source = open_here(str(tmp_path / "x.h5"))
    odd = source.reader("odd").read(((0, 3, 1),))
    assert odd.dtype == np.bool_
    assert odd.view(np.uint8).tolist() == [0, 1, 1]
    assert same_bits(source.reader("colours").read(((0, 3, 1),)), np.array([1, 300, 300], np.int16))
    source.close()


def test_other_names_of_a_dataset_are_aliases(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["a/w"] = np.ones(2)
        file["b/hard"] = file["a/w"]
        file["b/soft"] = h5py.SoftLink("/a/w")
        file["a/near"] = h5py.SoftLink("w")
    source = open_here(str(tmp_path / "x.h5"))
    (info,) = source.listing().tensors
    assert info.address == "a/w"
    assert set(info.aliases) == {"b/hard", "b/soft", "a/near"}
    assert source.reader("b/soft").read(((0, 2, 1),)).tolist() == [1, 1]
    source.close()


def test_nothing_outside_the_file_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the members name are pipes: opening one would wait for ever."""
    for name in ("elsewhere.h5", "elsewhere.bin"):
        os.mkfifo(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("elsewhere.h5", "x", (4,))
    with h5py.File("x.h5", "w") as file:
        file["external"] = h5py.ExternalLink("elsewhere.h5", "/x")
        file["through"] = h5py.SoftLink("/external/x")
        file.create_dataset("storage", (4,), "f4", external="elsewhere.bin")
        file.create_virtual_dataset("virtual", layout)
    source = open_here("x.h5")
    reasons = {info.address: info.unreadable for info in source.listing().tensors}
    assert reasons.keys() == {"external", "through", "storage", "virtual"}
    assert all("not followed" in reason or "not read" in reason for reason in reasons.values())
    for address in reasons:
        with pytest.raises(FileError) as caught:
            source.reader(address)
        assert caught.value.code == "unreadable"
    source.close()


def test_very_many_members_and_deep_groups_are_cut_with_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5_walk, "MAX_MEMBERS", 10)
    monkeypatch.setattr(hdf5_walk, "MAX_DEPTH", 2)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["a/b/c/d"] = np.ones(1)
    source = open_here(str(tmp_path / "x.h5"))
    assert source.listing().tensors == ()
    assert source.listing().warnings == ("Groups deeper than 2 levels are not listed.",)
    source.close()
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for i in range(20):
            file[f"{i:02}"] = np.ones(1)
    source = open_here(str(tmp_path / "x.h5"))
    assert [info.address for info in source.listing().tensors] == [f"{i:02}" for i in range(10)]
    assert source.listing().warnings == ("It holds more than 10 members; the others are not listed.",)
    source.close()


def test_a_file_replaced_while_open_is_noticed(tmp_path: Path) -> None:
    for name in ("x.h5", "new.h5"):
        with h5py.File(tmp_path / name, "w") as file:
            file["w"] = np.ones(2)
    source = open_here(str(tmp_path / "x.h5"))
    reader = source.reader("w")
    assert reader.read(((0, 2, 1),)).tolist() == [1, 1]
    os.replace(tmp_path / "new.h5", tmp_path / "x.h5")
    with pytest.raises(FileError) as caught:
        reader.read(((0, 2, 1),))
    assert caught.value.code == "changed"
    source.close()
    with pytest.raises(FileError) as caught:
        reader.read(((0, 2, 1),))
    assert caught.value.code == "closed"


def test_many_threads_read_one_file(layouts: Path) -> None:
    source = open_here(str(layouts))
    values = np.arange(np.prod(SHAPE), dtype=np.int32).reshape(SHAPE)

    def read(i: int) -> bool:
        region = ((i % 7, 7, 1), (0, 30, 1), (i % 5, 41, 2))
        return same_bits(source.reader("gzip").read(region), values[_slices(region)])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(100)))
    source.close()


def test_it_is_never_opened_in_this_process_by_the_ordinary_way(layouts: Path) -> None:
    assert needs_guard(layouts)
    with pytest.raises(FileError) as caught:
        open_file(layouts)
    assert caught.value.code == "guarded"
