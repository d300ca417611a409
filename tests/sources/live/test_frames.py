"""What is kept of large captured values: whole samples, heads, principal components, and levels of all else."""

from __future__ import annotations

import math

import ml_dtypes
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nnscope.compute.pca.components import pca
from nnscope.core.tensor import TensorInfo
from nnscope.sources.base import full_region
from nnscope.sources.kept import recorded
from nnscope.sources.live.frames import frame_of
from nnscope.store.runs.record import ITEMS, LEVEL, PCA, RAW, Frame

BUDGET = 64 << 10
MAPS = ("batch", "channel", "row", "column")
HEADS = ("batch", "head", "query", "key")


def info_of(values: np.ndarray, kind: str = "output", axes: tuple[str, ...] = (), **more) -> TensorInfo:
    return TensorInfo("x", values.shape, values.dtype.name, kind, values.nbytes, axes=axes, **more)


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def tokens(batch: int, places: int, features: int, noise: float = 1e-3) -> np.ndarray:
    """Token vectors that lie near a subspace of five dimensions."""
    rng = np.random.default_rng(1)
    main = (rng.normal(size=(batch * places, 5)) * 2.0 ** -np.arange(5)) @ rng.normal(size=(5, features))
    rest = noise * rng.normal(size=(batch * places, features))
    return (main + rest + 1.0).astype(np.float32).reshape(batch, places, features)


CASES = {
    "feature maps": ((64, 16, 32, 32), "output", MAPS, ITEMS, (1, 16, 32, 32)),
    "smaller ones": ((64, 4, 32, 32), "grad_output", MAPS, ITEMS, (4, 4, 32, 32)),
    "axes without names": ((64, 10, 300), "input", (), ITEMS, (5, 10, 300)),
    "the batch is not first": ((50, 64, 32), "output", ("token", "batch", "channel"), PCA, (50, 64, 32)),
    "a weight": ((64, 16, 32, 32), "parameter", (), LEVEL, None),
    "heads of all": ((32, 4, 17, 17), "attention", HEADS, ITEMS, (14, 4, 17, 17)),
    "heads of one": ((8, 6, 64, 64), "attention", HEADS, ITEMS, (1, 4, 64, 64)),
    "heads without a batch": ((12, 100, 100), "attention", ("", "query", "key"), ITEMS, (1, 100, 100)),
    "a head too large": ((2, 2, 256, 256), "attention", HEADS, LEVEL, None),
    "tokens": ((4, 64, 1024), "output", ("", "", "feature"), PCA, (1, 64, 1024)),
    "tokens of several samples": ((32, 64, 384), "output", (), PCA, (9, 64, 384)),
    "more places than fit": ((2, 64, 112, 112), "output", MAPS, LEVEL, None),
    "small": ((2, 3), "output", (), RAW, None),
}


@pytest.mark.parametrize(("shape", "kind", "axes", "form", "kept"), CASES.values(), ids=CASES.keys())
def test_the_best_that_fits(shape, kind, axes, form, kept) -> None:
    values = normal(*shape)
    frame = frame_of(values, BUDGET, info_of(values, kind, axes))
    assert frame.form == form
    assert frame.nbytes <= BUDGET
    assert not any(np.shares_memory(array, values) for array in frame.arrays.values()) or form == RAW
    if kept is not None:
        assert frame.shape == kept
    if form == ITEMS:
        part = values[tuple(map(slice, kept))]
        assert recorded(info_of(values, kind, axes), frame).read(full_region(kept)).tobytes() == part.tobytes()


def shown(values: np.ndarray, frame: Frame) -> tuple[TensorInfo, np.ndarray]:
    reader = recorded(info_of(values), frame)
    return reader.info, reader.read(full_region(reader.info.shape))


def test_components_are_those_of_the_oracle_and_are_put_together_where_they_are_read() -> None:
    values = tokens(32, 64, 384, noise=0.05)
    frame = frame_of(values, BUDGET, info_of(values))
    info, found = shown(values, frame)
    true = pca(values[:9].reshape(-1, 384), 16)
    share = true.explained_ratio.sum()
    made = f"made of 16 principal components of 384 features, {share:.1%} of the original variance"
    assert info.note == f"{made} · the first 9 of 32 along axis 0 (statistics are of all)"
    assert (info.shape, info.dtype, info.nbytes) == ((9, 64, 384), "float32", frame.nbytes)
    assert np.square(found - values[:9]).sum() == pytest.approx((1 - share) * _spread(values[:9]), rel=0.02)
    part = recorded(info_of(values), frame).read(((1, 9, 3), (0, 64, 7), (5, 300, 11)))
    assert np.allclose(part, found[1:9:3, ::7, 5:300:11], atol=1e-5)
    basis = frame.arrays["basis"]
    assert np.allclose(np.sum(basis[:5] * true.components[:5], axis=1), 1, atol=1e-3)


def _spread(values: np.ndarray) -> float:
    flat = values.reshape(-1, values.shape[-1]).astype(np.float64)
    return float(np.square(flat - flat.mean(axis=0)).sum())


def test_half_precision_where_only_so_it_fits_and_nothing_is_lost() -> None:
    wide = tokens(1, 600, 4096)
    frame = frame_of(wide, BUDGET, info_of(wide))
    info, found = shown(wide, frame)
    assert (frame.form, frame.projection.half, frame.projection.components) == (PCA, True, 6)
    assert "half precision" in info.note
    assert frame.nbytes <= BUDGET
    assert np.abs(found - wide).max() < 0.05
    for factor in (1e6, 1e-9):  # beyond float16's range, at either end
        scaled = (factor * wide).astype(np.float32)
        assert frame_of(scaled, BUDGET, info_of(scaled)).form == LEVEL


def test_places_that_are_not_finite_stay_so_and_spoil_no_others() -> None:
    values = tokens(2, 64, 1024)
    values[0, 5, 100], values[0, 9, 0] = np.nan, np.inf
    found = shown(values, frame_of(values, BUDGET, info_of(values)))[1]
    odd = np.isnan(found).all(axis=2)
    assert np.argwhere(odd).tolist() == [[0, 5], [0, 9]]
    assert np.abs(found[~odd] - values[:1][~odd]).max() < 0.05
    nothing = np.full((2, 64, 1024), np.nan, np.float32)
    assert frame_of(nothing, BUDGET, info_of(nothing)).form == LEVEL


def test_what_takes_too_long_is_left_to_levels() -> None:
    values = np.zeros((2, 2048, 2048), np.float16)
    assert frame_of(values, BUDGET, info_of(values)).form == LEVEL


def test_labels_are_cut_with_the_axis() -> None:
    names = tuple(f"t{at}" for at in range(64))
    values, labels = normal(4, 6, 64, 64), ((), (), names, names)
    info = info_of(values, "attention", HEADS, labels=labels, note="recomputed")
    found = recorded(info, frame_of(values, BUDGET, info)).info
    assert (found.axes, found.labels) == (HEADS, labels)
    assert found.note == "the first 4 of 6 heads of the first of 4 samples (statistics are of all) · recomputed"
    named = info_of(values, "output", labels=(tuple("abcd"), (), (), ()))
    frame = Frame(ITEMS, {"values": values[:2]})
    assert recorded(named, frame).info.labels == (("a", "b"), (), (), ())


@settings(max_examples=60)
@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=5).map(tuple),
    st.sampled_from(["output", "attention", "grad_input", "parameter"]),
    st.sampled_from(["float32", "float64", "bfloat16", "int8", "bool", "complex64"]),
    st.sampled_from([0, 100, 3000, 20_000]),
)
@example((3, 1, 5000), "output", "float32", 3000)
def test_frames_of_any_shape_fit_and_can_be_read(shape: tuple[int, ...], kind: str, dtype: str, most: int) -> None:
    if math.prod(shape) > 1 << 18:
        shape = shape[:3]
    values = normal(*shape).astype(np.dtype(getattr(ml_dtypes, dtype, dtype)))
    info = info_of(values, kind)
    frame = frame_of(values, most, info)
    cell = 16
    assert frame.nbytes <= max(most, cell, values.nbytes if values.size <= 1 else 0)
    reader = recorded(info, frame)
    assert reader.read(full_region(reader.info.shape)).shape == reader.info.shape == frame.shape
