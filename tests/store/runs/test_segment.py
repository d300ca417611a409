"""Segments: what goes in comes out, and a single flipped bit is found."""

from __future__ import annotations

import json
from dataclasses import replace

import h5py
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnscope.core.errors import FileError
from nnscope.core.tensor import TensorInfo
from nnscope.store.runs.decode import Segment
from nnscope.store.runs.encode import encode
from nnscope.store.runs.record import Frame, Projection, StepRecord
from nnscope.store.runs.seal import ENVELOPE, Seal, sealed, unsealed
from tests.store.runs.made import WEIGHT, record, same

SEAL = Seal(bytes(range(16)), 3, 5, -2, 1 << 40)
DTYPES = ["bool", "uint16", "int64", "float16", "float32", "float64", "complex64", "bfloat16", "float8_e4m3fn", "int4"]


def read_back(records: list[StepRecord]) -> list[StepRecord]:
    segment = Segment(encode(records), "memory")
    try:
        return list(segment.records())
    finally:
        segment.close()


def test_records_come_back() -> None:
    given_records = [record(step, frames=step % 3 == 0) for step in range(7)]
    for a, b in zip(given_records, read_back(given_records), strict=True):
        same(a, b)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0, 3), (1,), (2, 3, 5)])
def test_every_dtype_comes_back(dtype: str, shape: tuple[int, ...]) -> None:
    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    values = np.random.default_rng(0).integers(0, 7, shape).astype(np.float32).astype(kind)
    info = TensorInfo("x", shape, dtype, nbytes=values.nbytes)
    (found,) = read_back([StepRecord(0, 0.0, frames={info: Frame("raw", {"values": values})})])
    ((key, frame),) = found.frames.items()
    assert key == info
    assert frame.arrays["values"].dtype == kind
    assert frame.arrays["values"].tobytes() == values.tobytes()
    assert frame.arrays["values"].shape == shape


names = st.text(st.characters(exclude_categories=()), max_size=12)


@settings(max_examples=40)
@given(st.lists(st.dictionaries(names, st.floats(allow_subnormal=True), max_size=4), min_size=1, max_size=5))
def test_numbers_of_any_name_and_value(scalars: list[dict[str, float]]) -> None:
    records = [StepRecord(step, 0.5, numbers) for step, numbers in enumerate(scalars)]
    for step, found in enumerate(read_back(records)):
        assert found.scalars.keys() == scalars[step].keys()
        for name, value in scalars[step].items():
            assert np.array_equal(found.scalars[name], value, equal_nan=True)


def test_other_programs_open_a_sealed_segment(tmp_path) -> None:
    path = tmp_path / "seg-000001.h5"
    path.write_bytes(sealed(SEAL, encode([record(0)])))
    with h5py.File(path) as file:
        assert file["steps"][:].tolist() == [0]
        assert file["frames/0/1.mean"].shape == (8, 8)


def test_every_97th_flipped_bit_is_found() -> None:
    data = sealed(SEAL, encode([record(1)]))
    for bit in range(0, 8 * len(data), 97):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(FileError, match=r"Its bytes|It claims|It does not begin"):
            unsealed(bytes(flipped), "here")


def test_every_cut_is_found() -> None:
    data = sealed(SEAL, encode([record(1, frames=False)]))
    assert unsealed(data, "here") == (SEAL, data[ENVELOPE:])
    for length in [*range(0, 2 * ENVELOPE), *range(2 * ENVELOPE, len(data), 61)]:
        with pytest.raises(FileError):
            unsealed(data[:length], "here")


def hostile(change, of: StepRecord | None = None) -> bytes:
    """The content of a segment in which ``change(file)`` was done, as a stranger could seal it."""
    content = encode([of or record(0)])
    file = h5py.File("x", "w", driver="core", backing_store=False)
    with h5py.File(h5py.h5f.open_file_image(content)) as source:
        for name in source:
            source.copy(name, file)
    change(file)
    file.flush()
    image = bytes(file.id.get_file_image())
    file.close()
    return image


def replaced(name: str, **how):
    def change(file: h5py.File) -> None:
        del file[name]
        file.create_dataset(name, **how)

    return change


def linked(name: str, link: object):
    def change(file: h5py.File) -> None:
        del file[name]
        file[name] = link

    return change


def virtual(file: h5py.File) -> None:
    del file["steps"]
    layout = h5py.VirtualLayout((1,), np.int64)
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", (1,), np.int64)
    file.create_virtual_dataset("steps", layout)


HOSTILE = {
    "no table": lambda file: file.pop("names"),
    "names are no JSON": replaced("names", data=np.frombuffer(b"{", np.uint8)),
    "names nested without end": replaced("names", data=np.frombuffer(b"[" * 100_000, np.uint8)),
    "petabytes": replaced("steps", shape=(1 << 47,), dtype=np.int64, chunks=(1 << 16,)),
    "rows that are not there": replaced("statistics/at", data=np.array([[7, 0]])),
    "tables of two lengths": replaced("times", data=np.zeros(9)),
    "text for numbers": replaced("steps", data=b"steps"),
    "a link to another file": linked("steps", h5py.ExternalLink("/etc/hostname", "x")),
    "a link to nothing": linked("steps", h5py.SoftLink("/nothing")),
    "values in another file": replaced(
        "steps", shape=(1,), dtype=np.int64, external=[("/etc/hostname", 0, h5py.h5f.UNLIMITED)]
    ),
    "a virtual dataset": virtual,
    "a group for an array": linked("steps", h5py.SoftLink("/frames")),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_encode_does_not_make_is_refused(change) -> None:
    with pytest.raises(FileError) as caught:
        Segment(hostile(change), "here")
    assert caught.value.code == "segment-odd"


def test_a_frame_of_another_shape_is_refused() -> None:
    wrong = Frame("raw", {"values": np.zeros((2, 2), ml_dtypes.bfloat16)})
    segment = Segment(encode([StepRecord(0, 0.0, frames={WEIGHT: wrong})]), "here")
    with pytest.raises(FileError, match="another shape"):
        segment.frame(segment.contents.frames[0])
    segment.close()


TOKENS = TensorInfo("h:output", (8, 6, 40), "float16", "output", 3840, axes=("batch", "token", "channel"))


def reduced_frames() -> dict[TensorInfo, Frame]:
    """Items of one tensor, and principal components of two others, in both precisions."""
    rng = np.random.default_rng(0)
    wide = {"scores": rng.normal(size=(12, 3)), "basis": rng.normal(size=(3, 40)), "mean": rng.normal(size=40)}
    single, half = ({k: v.astype(dtype) for k, v in wide.items()} for dtype in (np.float32, np.float16))
    return {
        TOKENS: Frame("items", {"values": rng.normal(size=(3, 6, 40)).astype(np.float16)}),
        replace(TOKENS, address="a"): Frame("pca", single, projection=Projection((2, 6, 40), 2, 3, 0.75)),
        replace(TOKENS, address="b"): Frame("pca", half, projection=Projection((2, 6, 40), 2, 3, 0.5, half=True)),
    }


def test_items_and_components_come_back() -> None:
    given_record = StepRecord(3, 1.0, frames=reduced_frames())
    (found,) = read_back([given_record])
    same(given_record, found)
    for info, frame in given_record.frames.items():
        assert (found.frames[info].shape, found.frames[info].projection) == (frame.shape, frame.projection)


LIES = {
    "more items than there are": (0, [0, 0, "items", 0, [9, 6, 40]]),
    "items of another shape": (0, [0, 0, "items", 0, [3, 5, 40]]),
    "items cut along two axes": (0, [0, 0, "items", 0, [3, 6, 20]]),
    "no items": (0, [0, 0, "items", 0, [0, 6, 40]]),
    "items with a level": (0, [0, 0, "items", 2, [3, 6, 40]]),
    "items with components": (0, [0, 0, "items", 0, [3, 6, 40], [2, 3, 0.5, False]]),
    "components without any": (1, [0, 1, "pca", 0, [2, 6, 40]]),
    "more components than are read": (1, [0, 1, "pca", 0, [2, 6, 40], [2, 1 << 40, 0.5, False]]),
    "no component": (1, [0, 1, "pca", 0, [2, 6, 40], [2, 0, 0.5, False]]),
    "another axis": (1, [0, 1, "pca", 0, [2, 6, 40], [3, 3, 0.5, False]]),
    "an axis from behind": (1, [0, 1, "pca", 0, [2, 6, 40], [-1, 3, 0.5, False]]),
    "more places than there are": (1, [0, 1, "pca", 0, [9, 6, 40], [2, 3, 0.5, False]]),
    "more than all of the variance": (1, [0, 1, "pca", 0, [2, 6, 40], [2, 3, 1.5, False]]),
    "a share that is no number": (1, [0, 1, "pca", 0, [2, 6, 40], [2, 3, float("nan"), False]]),
    "components without end": (1, [0, 1, "pca", 0, [2, 6, 40], [2, float("inf"), 0.5, False]]),
    "too few entries": (1, [0, 1, "pca", 0, [2, 6, 40], [2, 3]]),
    "a form from the future": (1, [0, 1, "wavelets", 0, [2, 6, 40]]),
    "levels without a level": (1, [0, 1, "level", 0, [2, 6]]),
}
BELIED = {  # the table is as it may be, and what lies there is something else
    "fewer items than are told": (0, [0, 0, "items", 0, [4, 6, 40]]),
    "more places than lie there": (1, [0, 1, "pca", 0, [3, 6, 40], [2, 3, 0.5, False]]),
    "fewer components than lie there": (1, [0, 1, "pca", 0, [2, 6, 40], [2, 2, 0.5, False]]),
    "another axis than lies there": (1, [0, 1, "pca", 0, [2, 6, 40], [1, 3, 0.5, False]]),
    "half for single precision": (1, [0, 1, "pca", 0, [2, 6, 40], [2, 3, 0.5, True]]),
    "components for items": (1, [0, 1, "items", 0, [2, 6, 40]]),
}


def told_otherwise(number: int, entry: list[object], **of_tensor: object) -> bytes:
    """A segment of `reduced_frames` whose table says something else of one frame, and of its tensor."""

    def change(file: h5py.File) -> None:
        told = json.loads(bytes(file["names"][:]))
        told["frames"][number] = entry
        told["tensors"][number].update(of_tensor)
        del file["names"]
        file["names"] = np.frombuffer(json.dumps(told).encode(), np.uint8)

    return hostile(change, StepRecord(0, 0.0, frames=reduced_frames()))


@pytest.mark.parametrize(("number", "entry"), LIES.values(), ids=LIES.keys())
def test_lies_about_frames_are_refused(number: int, entry: list[object]) -> None:
    with pytest.raises(FileError) as caught:
        Segment(told_otherwise(number, entry), "here")
    assert caught.value.code == "segment-odd"


@pytest.mark.parametrize(("number", "entry"), BELIED.values(), ids=BELIED.keys())
def test_frames_that_are_not_what_is_told_are_refused(number: int, entry: list[object]) -> None:
    segment = Segment(told_otherwise(number, entry), "here")
    with pytest.raises(FileError) as caught:
        segment.frame(segment.contents.frames[number])
    assert caught.value.code == "segment-odd"
    segment.close()


def test_frames_that_would_be_made_larger_than_memory_are_refused() -> None:
    huge = told_otherwise(1, [0, 1, "pca", 0, [1, 1 << 20, 1 << 20], [2, 3, 0.5, False]], shape=[8, 1 << 20, 1 << 20])
    with pytest.raises(FileError, match="form of frames"):
        Segment(huge, "here")


def test_items_of_another_dtype_are_refused() -> None:
    segment = Segment(told_otherwise(0, [0, 0, "items", 0, [3, 6, 40]], dtype="float64"), "here")
    with pytest.raises(FileError, match="another dtype"):
        segment.frame(segment.contents.frames[0])
    segment.close()
