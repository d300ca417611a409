"""Rows with names: the picture makes room for them, they are drawn in it, and the pointer agrees with what is drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnscope.core.frame import margins
from nnscope.engine.local import LocalEngine
from nnscope.render.furniture import furniture
from nnscope.render.glyphs import Glyphs
from nnscope.render.overlay import GLYPH
from nnscope.render.placement import axes, grid_rect
from nnscope.scene.controller import Controller
from nnscope.scene.ticks import widest
from tests.scene.sources import ArraySource
from tests.scene.test_controller import settle

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = 24
SHORT = tuple(f"w{i}" for i in range(ROWS))
LONG = tuple(f"blocks.{i}.attention.query" for i in range(ROWS))
LONGEST = tuple(
    f"model.encoder.layers.{i}.self_attention.grouped_query_projection.key_projection.normalised" for i in range(ROWS)
)


class Named(ArraySource):
    """Attention with names of its tokens."""

    names: tuple[str, ...] = ()

    def reader(self, address: str) -> Any:
        reader = super().reader(address)
        reader.info = replace(reader.info, kind="attention", labels=((), self.names, self.names))
        return reader

    def _info(self, name: str) -> Any:
        return replace(super()._info(name), kind="attention", axes=("head", "query", "key"))


@pytest.fixture
def controller() -> Iterator[Controller]:
    made = Controller(inline=True)
    yield made
    made.close()


def show(controller: Controller, names: tuple[str, ...], canvas: tuple[int, int, float]) -> Any:
    """What is drawn of one head once all is there."""
    source = Named({"heads": np.arange(ROWS * ROWS, dtype=np.float32).reshape(1, ROWS, ROWS)})
    source.names = names
    controller.adopt("memory", LocalEngine(source, inline=True))
    controller.show("memory", "heads")
    controller.workspace.update_pane(view="attention", settings=(("show", "head"),))
    settle(controller)
    for _ in range(3):
        controller.frame(*canvas)
    drawn = controller.drawn()
    assert drawn is not None
    assert drawn.composed.frame.pictured
    return drawn


@pytest.mark.parametrize("names", [(), SHORT, LONG, LONGEST], ids=["none", "short", "long", "longest"])
@pytest.mark.parametrize("canvas", [(1280, 800, 1.0), (640, 480, 1.0), (960, 720, 1.5), (420, 420, 1.0)], ids=str)
def test_names_of_rows_are_beside_the_picture(
    controller: Controller, names: tuple[str, ...], canvas: tuple[int, int, float]
) -> None:
    drawn, (width, _, scale) = show(controller, names, canvas), canvas
    frame, picture = controller.frame(*canvas), drawn.picture
    rect, longest = frame.panes[0].rect, widest(names, scale)
    usual, _, right, _ = margins(rect, scale)
    assert picture.x + picture.w == rect.x + rect.w - right
    if names == LONGEST:
        assert picture.x == round(width / 3)
    elif names == LONG:
        assert usual + 16 * scale < picture.x < longest + 36 * scale
        assert picture.x >= min(longest + 16 * scale, width / 3 - 1)
    else:
        assert picture.x == usual, "what has room anyway changes nothing"
    grid = grid_rect(*axes(frame.panes[0]))
    boxes = _letters(frame, grid.x)
    assert boxes[:, 0].min(initial=rect.w) >= rect.x


@pytest.mark.parametrize("names", [(), LONGEST], ids=["none", "longest"])
def test_the_pointer_is_where_the_picture_is(controller: Controller, names: tuple[str, ...]) -> None:
    drawn = show(controller, names, (640, 480, 1.0))
    told: list[Any] = []
    controller.hover_changed.connect(lambda hover: told.append(hover and hover.answer and hover.answer.value))
    grid = grid_rect(*axes(drawn.composed.frame))
    for x, value in ((grid.x, 0.0), (grid.x + grid.w - 1, ROWS - 1.0)):
        controller.hover(x, grid.y)
        assert told[-1] == value
    controller.zoom(grid.x + grid.w / 2, grid.y + grid.h / 2, 4.0)
    controller.frame(640, 480)
    controller.hover(drawn.picture.x + 5, grid.y + 5)
    assert told[-1] is not None
    controller.hover(drawn.picture.x - 1, grid.y + 5)
    assert told[-1] is None, "names are no cells"


def _letters(frame: Any, before: int) -> np.ndarray:
    """Corners of the glyphs left of the grid and below the title."""
    quads = furniture(frame, Glyphs()).vertices().reshape(-1, 4)
    boxes = quads["a_place"][:, [0, 3], :2].reshape(-1, 4)[quads["a_shape"][:, 0, 0] == GLYPH]
    found: np.ndarray = boxes[(boxes[:, 2] <= before) & (boxes[:, 1] > frame.panes[0].picture.y)]
    return found
