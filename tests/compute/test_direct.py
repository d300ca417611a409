"""Statistics of few values against those of the passes over many."""

from __future__ import annotations

from dataclasses import fields

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nnscope.compute.statistics.direct import direct_stats
from nnscope.compute.statistics.summary import stats_of_array
from nnscope.core.errors import NnscopeError

WIDE = ("float32", "float64", "int32", "uint64", "complex64")
SUMS = ("mean", "variance", "abs_mean")


@pytest.mark.parametrize("dtype", WIDE)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_wide_values_have_every_field_as_the_passes(dtype: str, data: st.DataObject) -> None:
    shape = hnp.array_shapes(min_dims=0, max_dims=3, max_side=12, min_side=0)
    values = data.draw(hnp.arrays(dtype, shape))
    with np.errstate(over="ignore", invalid="ignore"):  # of magnitudes of complex values
        found, right = direct_stats(values), stats_of_array(values)
    for field in fields(found):
        mine, theirs = getattr(found, field.name), getattr(right, field.name)
        assert np.array_equal(mine, theirs, equal_nan=True), field.name


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, np.int8, np.bool_], ids=str)
def test_narrow_values_too_but_for_the_last_bits(dtype: type) -> None:
    values = (np.random.default_rng(0).normal(size=(17, 31)) * 3).astype(dtype)
    found, right = direct_stats(values), stats_of_array(values)
    for field in fields(found):
        mine, theirs = getattr(found, field.name), getattr(right, field.name)
        if field.name in SUMS:
            assert mine == pytest.approx(theirs, rel=1e-12, abs=1e-15), field.name
        else:
            assert np.array_equal(mine, theirs), field.name


def test_what_holds_no_numbers_is_refused() -> None:
    with pytest.raises(NnscopeError, match="not numbers"):
        direct_stats(np.array(["a"]))
