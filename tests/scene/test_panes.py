"""Where panes lie: they fill the canvas but for the lines between them."""

from __future__ import annotations

import pytest

from nnscope.scene.panes import places


@pytest.mark.parametrize(
    ("width", "height", "count", "rects"),
    [
        (201, 101, 1, [(0, 0, 201, 101)]),
        (201, 101, 2, [(0, 0, 100, 101), (101, 0, 100, 101)]),
        (302, 100, 3, [(0, 0, 100, 100), (101, 0, 100, 100), (202, 0, 100, 100)]),
        (101, 201, 3, [(0, 0, 50, 100), (51, 0, 50, 100), (0, 101, 101, 100)]),
        (201, 101, 4, [(0, 0, 100, 50), (101, 0, 100, 50), (0, 51, 100, 50), (101, 51, 100, 50)]),
    ],
    ids=["one", "two", "three in a row", "three, the last below", "four"],
)
def test_places(width: int, height: int, count: int, rects: list[tuple[int, ...]]) -> None:
    found = [place.rect for place in places(width, height, count, 1.0)]
    assert [(r.x, r.y, r.w, r.h) for r in found] == rects
