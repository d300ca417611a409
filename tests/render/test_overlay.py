"""The geometry of furniture, without GL: corners, what they map to, colours and order."""

from __future__ import annotations

import numpy as np
import pytest

from nnscope.core.frame import DARK, Rect
from nnscope.render.glyphs import Glyphs
from nnscope.render.overlay import GLYPH, PLAIN, ROUNDED, Overlay, TextStyle, aligned
from nnscope.scene.typeface import Face

STYLE = TextStyle(13, (10, 20, 30))


@pytest.fixture
def overlay() -> Overlay:
    return Overlay(Glyphs(), DARK, 1.0)


def _quads(overlay: Overlay) -> np.ndarray:
    return overlay.vertices().reshape(-1, 4)


def _box(quad: np.ndarray) -> tuple[float, ...]:
    """x0, y0, x1, y1 of a quad, whose corners must be those of a rectangle in the right order."""
    corners = quad["a_place"][:, :2]
    (x0, y0), (x1, y1) = corners[0], corners[3]
    assert corners.tolist() == [[x0, y0], [x1, y0], [x0, y1], [x1, y1]]
    return (float(x0), float(y0), float(x1), float(y1))


def test_only_float32_reaches_the_gpu(overlay: Overlay) -> None:
    overlay.text("a", 0, 0, STYLE)
    dtype = overlay.vertices().dtype
    assert dtype.names is not None
    assert {dtype[name].base for name in dtype.names} == {np.dtype(np.float32)}


def test_an_empty_overlay_has_no_vertices(overlay: Overlay) -> None:
    assert len(overlay.vertices()) == 0


def test_rect(overlay: Overlay) -> None:
    overlay.rect(Rect(3, 5, 10, 20), (51, 102, 255), 0.5)
    (quad,) = _quads(overlay)
    assert _box(quad) == (3, 5, 13, 25)
    assert quad["a_colour"][0] == pytest.approx((0.2, 0.4, 1.0, 0.5))
    assert (quad["a_shape"][:, 0] == PLAIN).all()


def test_rounded_knows_the_way_from_its_centre(overlay: Overlay) -> None:
    overlay.rounded(Rect(0, 0, 30, 10), 99, (0, 0, 0))
    (quad,) = _quads(overlay)
    assert quad["a_place"][:, 2:].tolist() == [[-15, -5], [15, -5], [-15, 5], [15, 5]]
    assert quad["a_shape"][0].tolist() == [ROUNDED, 15, 5, 5], "the radius is at most half a side"


def test_outline_covers_its_border_once(overlay: Overlay) -> None:
    overlay.outline(Rect(2, 3, 10, 8), 2, (0, 0, 0))
    covered = _coverage(overlay, (20, 20))
    wanted = np.zeros((20, 20), int)
    wanted[3:11, 2:12] = 1
    wanted[5:9, 4:10] = 0
    assert (covered == wanted).all()


def test_outline_stays_within(overlay: Overlay) -> None:
    overlay.outline(Rect(-5, 2, 10, 8), 1, (0, 0, 0), within=Rect(0, 0, 20, 6))
    covered = _coverage(overlay, (20, 20))
    wanted = np.zeros((20, 20), int)
    wanted[2, 0:5] = wanted[2:6, 4] = 1
    assert (covered == wanted).all()


@pytest.mark.parametrize("upwards", [True, False])
def test_ramp_shows_all_colours_in_order(overlay: Overlay, upwards: bool) -> None:
    colours = np.arange(256)[:, None].repeat(3, 1).astype(np.uint8)
    overlay.ramp(Rect(7, 9, 512, 512), colours, upwards)
    quads = _quads(overlay)
    order = sorted(quads, key=lambda quad: -_box(quad)[3] if upwards else _box(quad)[0])
    assert [round(float(quad["a_colour"][0, 0]) * 255) for quad in order] == [i // 2 for i in range(512)]
    assert (_coverage(overlay, (600, 600))[9:521, 7:519] == 1).all()


def test_a_short_ramp_keeps_to_its_place(overlay: Overlay) -> None:
    overlay.ramp(Rect(0, 0, 4, 3), np.zeros((256, 3), np.uint8), upwards=True)
    assert _coverage(overlay, (10, 10)).sum() == 12


@pytest.mark.parametrize(("align", "left"), [("left", 100), ("centre", 100 - 17), ("right", 100 - 34)])
def test_text_is_aligned_on_whole_pixels(overlay: Overlay, align: str, left: int) -> None:
    width = overlay.text("mmm", 100.4, 50.3, aligned(STYLE, align))  # type: ignore[arg-type]
    quads = _quads(overlay)
    assert 33 < width < 35
    x0, _, _, y1 = _box(quads[0])
    assert abs(x0 - left) <= 2
    assert y1 == 50
    assert all(corner == round(corner) for quad in quads for corner in _box(quad))
    assert (quads["a_shape"][..., 0] == GLYPH).all()


def test_turned_text_reads_upwards(overlay: Overlay) -> None:
    """Turned back by a quarter, every quad is where it is in the line as written, with the same texels."""
    overlay.text("Label", 0, 0, STYLE)
    straight = _quads(overlay)
    turned_overlay = Overlay(overlay.glyphs, DARK, 1.0)
    turned_overlay.text("Label", 200, 300, aligned(STYLE, "left", turned=True))
    for quad, turned in zip(straight, _quads(turned_overlay), strict=True):
        back = {(300 - y, x - 200, s, t) for x, y, s, t in turned["a_place"].tolist()}
        assert back == {tuple(corner) for corner in quad["a_place"].tolist()}
        _box(turned)


def test_text_is_elided_to_its_room(overlay: Overlay) -> None:
    assert overlay.text("a long line of text", 0, 0, STYLE, width=60) <= 60


def test_numbers_are_centred(overlay: Overlay) -> None:
    centres = np.array([[50.0, 40.0], [150.0, 40.0]])
    overlay.numbers(["8", "888"], centres, np.array([[255, 0, 0], [0, 0, 255]]), STYLE)
    quads = _quads(overlay)
    boxes = np.array([_box(quad) for quad in quads])
    for part, centre in ((boxes[:1], 50), (boxes[1:], 150)):
        assert abs((part[:, 0].min() + part[:, 2].max()) / 2 - centre) <= 1
        assert abs((part[:, 1].min() + part[:, 3].max()) / 2 - 40) <= 1
    assert quads["a_colour"][0, 0].tolist() == [1, 0, 0, 1]
    assert quads["a_colour"][3, 0].tolist() == [0, 0, 1, 1]


def test_lines_lie_below_and_the_rest_keeps_its_order(overlay: Overlay) -> None:
    overlay.rect(Rect(0, 0, 1, 1), (255, 0, 0))
    overlay.text("x", 0, 0, STYLE)
    overlay.rects(np.array([[0, 0, 9, 9]]), np.array([0, 255, 0]))
    overlay.rect(Rect(0, 0, 2, 2), (0, 0, 255))
    kinds = [(quad["a_colour"][0, :3].argmax(), float(quad["a_shape"][0, 0])) for quad in _quads(overlay)]
    assert [kinds[0], kinds[1], kinds[3]] == [(1, PLAIN), (0, PLAIN), (2, PLAIN)]
    assert kinds[2][1] == GLYPH


def test_sizes_grow_with_the_scale() -> None:
    double = Overlay(Glyphs(), DARK, 2.0)
    assert double.normal.size == 22
    assert double.address.face is Face.MONO
    assert double.px(7.5) == 15


def _coverage(overlay: Overlay, shape: tuple[int, int]) -> np.ndarray:
    """How often each pixel is covered."""
    count = np.zeros(shape, int)
    for quad in _quads(overlay):
        x0, y0, x1, y1 = map(int, _box(quad))
        count[y0:y1, x0:x1] += 1
    return count
