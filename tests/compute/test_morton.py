"""Morton codes against bits written out, and the sort against NumPy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnscope.compute.octree import morton
from nnscope.core.errors import NnscopeError

LAST = 2**21 - 1

cells = st.lists(st.tuples(*[st.integers(0, LAST)] * 3), max_size=30).map(lambda a: np.array(a, int).reshape(-1, 3))


@pytest.fixture(params=["plain", "compiled"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "compiled":
        monkeypatch.setattr(morton, "_BLOCK", 4)


def written_out(z: int, y: int, x: int) -> int:
    """Bits of z, y and x in turn, from the highest."""
    return int("".join(a + b + c for a, b, c in zip(*(f"{v:021b}" for v in (z, y, x)), strict=True)), 2)


@pytest.mark.parametrize(
    ("cell", "code"),
    [((0, 0, 1), 1), ((0, 1, 0), 2), ((1, 0, 0), 4), ((1, 1, 1), 7), ((0, 0, 2), 8), ((LAST,) * 3, 2**63 - 1)],
)
def test_known_codes(cell: tuple[int, int, int], code: int) -> None:
    assert morton.encode(np.array([cell])).tolist() == [code]
    assert morton.decode(np.array([code])).tolist() == [list(cell)]


@settings(max_examples=60, deadline=None)
@given(cells)
@pytest.mark.parametrize("block", [4, 1 << 18], ids=["compiled", "plain"])
def test_codes_interleave_bits(block: int, given_cells: np.ndarray) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(morton, "_BLOCK", block)
        codes = morton.encode(given_cells)
        assert codes.tolist() == [written_out(*map(int, cell)) for cell in given_cells]
        assert morton.decode(codes).tolist() == given_cells.tolist()


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("most", [1, 5, 2000, 2**40, 2**62], ids=str)
@pytest.mark.parametrize("n", [0, 1, 3, 1000])
def test_the_sort_is_stable(n: int, most: int) -> None:
    codes = np.random.default_rng(n).integers(0, most, n)
    before = codes.copy()
    ordered, order = morton.sort_by_code(codes)
    expected = np.argsort(codes, kind="stable")
    assert order.dtype == np.int32
    np.testing.assert_array_equal(order, expected)
    np.testing.assert_array_equal(ordered, codes[expected])
    np.testing.assert_array_equal(codes, before)


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((3, 2), int), np.zeros(3, int), np.zeros((2, 3)), np.array([[0, 0, -1]]), np.array([[LAST + 1, 0, 0]])],
    ids=["two coordinates", "one axis", "not whole", "negative", "too large"],
)
def test_what_is_no_cell_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(NnscopeError, match="oordinates"):
        morton.encode(wrong)


def test_narrow_integers_are_cells_too() -> None:
    for dtype in (np.uint8, np.int16, np.uint32, np.uint64):
        assert morton.encode(np.array([[1, 2, 3]], dtype)).tolist() == [written_out(1, 2, 3)]
