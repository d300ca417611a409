"""Nested rectangles: they tile what they are in, in proportion to norms."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscope.compute.branches import Part, block_of, branch_layout
from nnscope.core.errors import NnscopeError

norms = st.floats(0, 1e6)
branches = st.lists(norms, min_size=1, max_size=4).map(
    lambda found: tuple(Part(f"b{number}", norm) for number, norm in enumerate(found))
)
blocks = st.lists(branches, max_size=4).map(
    lambda found: tuple(Part(f"block{number}", 1.0, parts) for number, parts in enumerate(found))
)


@given(blocks, blocks)
def test_parts_tile_their_block(outer: tuple[Part, ...], inner: tuple[Part, ...]) -> None:
    nested = (*outer, Part("last", 2.0, (Part("branch", 3.0, inner), Part("skip", 1.0, skip=True))))
    found = {region.path: region for region in branch_layout(nested)}
    for path, region in found.items():
        assert -1e-9 <= region.x <= region.x + region.w <= 1 + 1e-9
        assert region.depth == len(path) - 1
        inside = [other for name, other in found.items() if name[:-1] == path]
        if inside:
            assert sum(other.w * other.h for other in inside) == pytest.approx(region.w * region.h)
    assert sum(region.h for region in found.values() if region.depth == 0) == pytest.approx(1)
    assert found[("last", "branch")].w == pytest.approx(0.75)
    assert found[("last", "skip")].skip


def test_widths_are_shares_of_norms() -> None:
    parts = (Part("a", 3.0), Part("b", 1.0), Part("none", 0.0))
    widths = [region.w for region in branch_layout((Part("block", 1.0, parts),))][1:]
    assert widths == pytest.approx([0.75, 0.25, 0])
    zero = (Part("a", 0.0), Part("b", 0.0))
    assert [region.w for region in branch_layout((Part("block", 0.0, zero),))] == [1, 0.5, 0.5]
    huge = (Part("a", 1e308), Part("b", 1e308))
    assert [region.w for region in branch_layout((Part("block", 0.0, huge),))] == [1, 0.5, 0.5]
    assert branch_layout(()) == ()


@pytest.mark.parametrize("norm", [-1.0, math.nan, math.inf])
def test_what_is_no_norm_is_refused(norm: float) -> None:
    with pytest.raises(NnscopeError, match="from zero up"):
        branch_layout((Part("block", 1.0, (Part("a", norm), Part("b", 1.0))),))


def test_norms_combine() -> None:
    branches = (Part("a", 3.0), Part("b", 4.0))
    assert block_of("block", branches) == Part("block", 5.0, branches)
    assert block_of("nothing", ()).norm == 0
