"""The dtypes that tensors come in, and arrays of them with every odd value."""

from __future__ import annotations

import ml_dtypes
import numpy as np
from hypothesis import strategies as st

FLOATS = ("float16", "float32", "float64", "bfloat16", "float8_e4m3fn", "float8_e5m2")
INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "int4", "uint4", "bool")
DTYPES = (*FLOATS, *INTEGERS)

ODD = (np.nan, np.inf, -np.inf, 0.0, -0.0)


def dtype_of(name: str) -> np.dtype:
    """The dtype of that canonical name."""
    return np.dtype(getattr(ml_dtypes, name, None) or name)


@st.composite
def tensors(draw: st.DrawFn, dtypes: tuple[str, ...] = DTYPES, most: int = 300) -> np.ndarray:
    """A small array of any rank and dtype; floating ones with NaN, infinities, zeros of both signs and wide ranges.

    It is strided, transposed or reversed at times.
    """
    shape = draw(
        st.one_of(
            st.sampled_from([(), (0,), (1,), (3, 0), (1, 1, 1)]),
            st.lists(st.integers(1, 7), min_size=1, max_size=4).map(tuple),
            st.integers(1, most).map(lambda n: (n,)),
        )
    )
    dtype = dtype_of(draw(st.sampled_from(dtypes)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = _values(
        rng, shape, draw(st.sampled_from([1e-6, 1.0, 30.0])), draw(st.sampled_from(["normal", "equal", "wide"]))
    )
    if dtype.name in FLOATS and draw(st.booleans()):
        x = np.where(rng.random(shape) < 0.2, rng.choice(ODD, shape), x)
    return _arranged(_cast(x, dtype), draw(st.sampled_from(["plain", "transposed", "reversed", "every second"])))


def _values(rng: np.random.Generator, shape: tuple[int, ...], size: float, kind: str) -> np.ndarray:
    x = rng.normal(size=shape)
    if kind == "equal":
        x = np.full(shape, rng.normal())
    elif kind == "wide":
        x = x * 10.0 ** rng.integers(-6, 6, shape)
    return np.asarray(x * size)


def _cast(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    with np.errstate(all="ignore"):
        if dtype.kind in "iu":
            info = np.iinfo(dtype)
            return np.clip(np.nan_to_num(x), max(info.min, -(2**62)), min(info.max, 2**62)).astype(dtype)
        if dtype.name in ("int4", "uint4"):
            return np.clip(np.nan_to_num(x), -8 if dtype.name == "int4" else 0, 7).astype(np.int8).astype(dtype)
        return x.astype(dtype)


def _arranged(x: np.ndarray, how: str) -> np.ndarray:
    if x.ndim == 0 or how == "plain":
        return x
    if how == "transposed":
        return x.T
    return x[::-1] if how == "reversed" else np.repeat(x, 2, axis=-1)[..., ::2]
