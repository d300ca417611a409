"""Differences against exact rational arithmetic, over stored dtypes; and those of a run's steps."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import TYPE_CHECKING

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nnscope
from nnscope.core.errors import NnscopeError
from nnscope.core.tensor import TensorInfo
from nnscope.sources.difference import difference, subtract
from nnscope.sources.session import RunSource
from nnscope.store.runs.record import Frame, StepRecord
from nnscope.store.runs.writer import RunWriter
from tests.store.runs.made import WEIGHT, record, write_run

if TYPE_CHECKING:
    from pathlib import Path

DTYPES = (
    *(np.dtype(name) for name in ("bool", "int8", "uint8", "int16", "uint32", "int64", "uint64")),
    *(np.dtype(name) for name in ("float16", ">f2", "float32", "float64")),
    *(np.dtype(name) for name in (ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.int4)),
)


def stored(dtype: np.dtype, seed: int) -> np.ndarray:
    """Any bit patterns of a dtype, with its extremes."""
    raw = np.random.default_rng(seed).bytes(24 * dtype.itemsize)
    if dtype == np.bool_:
        return np.frombuffer(raw, np.uint8) > 127
    if dtype == ml_dtypes.int4:
        return (np.frombuffer(raw, np.uint8) % 16 - np.uint8(8)).view(np.int8).astype(dtype)
    values = np.frombuffer(raw, dtype).copy()
    if dtype.kind in "iu":
        values[:2] = np.iinfo(dtype).min, np.iinfo(dtype).max
    return values


def expected(a: object, b: object) -> float:
    """``a`` − ``b``, rounded once; as IEEE 754 has it where one is no finite number."""
    one, other = (float(x) if not isinstance(x, np.integer) else int(x) for x in (a, b))
    if not (np.isfinite(one) and np.isfinite(other)):
        return float(np.float64(one) - np.float64(other))
    try:
        return float(Fraction(one) - Fraction(other))
    except OverflowError:
        return float(np.copysign(np.inf, one))


@pytest.mark.parametrize("other", [np.dtype("float16"), None], ids=["another dtype", "of one dtype"])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1 << 30))
def test_differences_are_exact(dtype: np.dtype, other: np.dtype | None, seed: int) -> None:
    if other is not None and dtype.kind in "iu" and dtype.itemsize == 8:
        other = np.dtype("int64")  # against floating point, such integers are rounded before
    a, b = stored(dtype, seed), stored(other or dtype, seed + 1)
    b[:2] = b[1::-1].copy()  # least from greatest, greatest from least
    got = subtract(a, b)
    with np.errstate(all="ignore"):
        right = np.array([expected(x, y) for x, y in zip(a, b, strict=True)])
    assert got.dtype == np.float64
    np.testing.assert_array_equal(got, right)


def test_odd_values_and_complex_ones() -> None:
    with np.errstate(all="raise"):
        a, b = (np.array(x, np.float16) for x in ([np.nan, np.inf, np.inf, 65504], [1, np.inf, -np.inf, -65504]))
        np.testing.assert_array_equal(subtract(a, b), [np.nan, np.nan, np.inf, 131008])
        np.testing.assert_array_equal(subtract(np.array([1 + 2j], np.complex64), np.array([1], np.int8)), [2j])
        assert subtract(np.array([2**63 - 1]), np.array([2**63 - 3])) == [2.0]


def reader(address: str, values: np.ndarray, **facts: object) -> SimpleNamespace:
    info = TensorInfo(address, values.shape, values.dtype.name, **facts)
    return SimpleNamespace(info=info, read=lambda region: values[tuple(slice(*axis) for axis in region)])


def test_only_what_is_alike_is_subtracted() -> None:
    a, b = np.arange(12.0).reshape(3, 4), np.ones((3, 4), np.int8)
    found = difference("d", "a − b", reader("a", a, version=3), reader("b", b, version=7, note="of rank 0"))
    assert (found.info.dtype, found.info.kind, found.info.note) == ("float64", "difference", "a − b")
    assert (found.info.version, found.info.nbytes) == (7, 96)
    assert found.read(((1, 3, 1), (0, 4, 2))).tolist() == [[3, 5], [7, 9]]
    with pytest.raises(NnscopeError, match=r"a is 3 × 4, b is 2 × 4: Only tensors of one shape, kept alike"):
        difference("d", "", reader("a", a), reader("b", b[:2]))
    with pytest.raises(NnscopeError, match="means of 8"):
        difference("d", "", reader("a", a, axes=("row", "column")), reader("b", b, axes=("row (means of 8)", "column")))
    with pytest.raises(NnscopeError, match="no numbers"):
        difference("d", "", reader("a", a), reader("b", b, unreadable="There are no numbers."))


def test_steps_of_a_run_are_subtracted(tmp_path: Path) -> None:
    write_run(tmp_path / "run", range(5))
    first, last = (record(step).frames[WEIGHT].arrays["values"].astype(np.float64) for step in (0, 4))
    with nnscope.open(tmp_path / "run") as run:  # in a process of its own
        change = run["stem.weight@4-0"]
        assert change.read().tobytes() == (last - first).tobytes()
        assert run["stem.weight[1, ::2]@4-0"].read().tolist() == (last - first)[1, ::2].tolist()
        assert change.stats().max == (last - first).max()
        assert not run["stem.weight@2-2"].read().any()
        means = [record(step).frames for step in (3, 1)]
        sides = [next(f for info, f in frames.items() if info != WEIGHT).arrays["mean"] for frames in means]
        assert run["stem:output@3-1"].read().tobytes() == (sides[0].astype(np.float64) - sides[1]).tobytes()
        picture = change.render(size=(320, 240))
        low, high = picture.legend.normalisation.domain
        assert low == -high
        assert "step 4 − step 0" in picture.legend.notes
        assert (picture.steps[0].name, picture.steps[0].detail) == ("subtract", "step 4 − step 0, as float64")
        assert not any("all steps" in note for note in picture.legend.notes)
        with pytest.raises(NnscopeError, match=r"not kept at step 9\. It was at step 4"):
            run["stem.weight@4-9"]


def test_steps_kept_unlike_are_refused_in_one_sentence(tmp_path: Path) -> None:
    writer, info = RunWriter(tmp_path / "run", "Net", ()), TensorInfo("w", (64, 64), "float32")
    whole, means = np.zeros((64, 64), np.float32), np.zeros((8, 8), np.float32)
    level = Frame("level", dict.fromkeys(("mean", "std", "min", "max"), means), 3)
    writer.append(StepRecord(0, 1e9, {}, {}, {info: Frame("raw", {"values": whole})}))
    writer.append(StepRecord(1, 1e9, {}, {}, {info: level}))
    writer.close()
    source = RunSource(tmp_path / "run")
    with pytest.raises(NnscopeError, match=r"w@1 is 8 × 8, means of 8, w@0 is 64 × 64"):
        source.reader("w@1-0")
    assert source.beginning("w@1-0") == "w@1-0"
    source.close()
