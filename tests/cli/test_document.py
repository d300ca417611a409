"""``--json`` prints strict JSON, whatever is in it."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscope.cli.document import strict

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.complex_numbers(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(value=VALUES)
def test_anything_becomes_strict_json(value: object) -> None:
    text = json.dumps(strict(value), allow_nan=False)
    assert text.isascii()
    json.loads(text, parse_constant=lambda word: pytest.fail(word))


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_every_bit(value: float) -> None:
    assert json.loads(json.dumps(strict(value))) == value


@pytest.mark.parametrize(
    ("value", "word"),
    [(math.nan, "nan"), (-math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf"), (True, True), (None, None)],
)
def test_words(value: object, word: object) -> None:
    assert strict({"a": [value]}) == {"a": [word]}
