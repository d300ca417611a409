"""Landscapes through the controller: what the pointer tells, axes that count heights, markers, levels, settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnscope.core.landscape import LandscapePicture
from nnscope.core.space import Camera3D
from nnscope.engine.local import LocalEngine
from nnscope.scene.controller import Controller
from nnscope.scene.ground_axes import height_ticks
from tests.scene.sources import ArraySource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnscope.core.frame import SpaceFrame

SIZE = (900, 600)


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "weight": rng.normal(size=(40, 60)).astype(np.float32),
        "wide": rng.normal(size=(1500, 2100)).astype(np.float16),
        "conv": rng.normal(size=(8, 4, 3, 3)).astype(np.float32),
        "empty": np.zeros((0, 5), np.float32),
    }


@pytest.fixture
def scene(arrays: dict[str, np.ndarray]) -> Iterator[Controller]:
    controller = Controller(inline=True)
    controller.adopt("memory", LocalEngine(ArraySource(arrays), inline=True))
    yield controller
    controller.close()


def _space(scene: Controller, address: str, **changes: Any) -> SpaceFrame:
    scene.show("memory", address)
    scene.workspace.update_pane(view="landscape", **changes)
    for _ in range(4):
        frame = scene.frame(*SIZE)
    space = frame.panes[0].space
    assert space is not None
    return space


@pytest.mark.parametrize("scientific", [False, True])
@pytest.mark.parametrize("address", ["weight", "conv"])
def test_the_pointer_tells_the_exact_element(
    scene: Controller, arrays: dict[str, np.ndarray], address: str, scientific: bool
) -> None:
    if scientific:
        scene.toggle_scientific()
    space = _space(scene, address, orbit=Camera3D(30, 40, 1.2))
    assert isinstance(space.picture, LandscapePicture)
    assert space.picture.smooth == (not scientific)
    told = set()
    for x, y in np.random.default_rng(0).uniform((200, 150), (700, 450), (40, 2)):
        scene.hover(x, y)
        hover = scene._hover.current
        if hover is not None and hover.answer is not None and hover.answer.index is not None:
            told.add(hover.answer.index)
            assert hover.answer.value == arrays[address][hover.answer.index]
            assert space.picture.layout.cell_of(hover.answer.index) == (hover.first[0], hover.first[1])
    assert len(told) > 20


def test_zoomed_out_the_pointer_tells_of_the_block(scene: Controller, arrays: dict[str, np.ndarray]) -> None:
    space = _space(scene, "wide", orbit=Camera3D(0, 90, 4.0))
    side = 2**space.picture.level
    assert side > 1
    scene.hover(SIZE[0] / 2 - 60, SIZE[1] / 2)
    hover = scene._hover.current
    assert hover is not None
    assert hover.answer is not None
    assert hover.answer.block is not None
    row, col = hover.first[:2]
    block = arrays["wide"][row : row + side, col : col + side].astype(np.float64)
    assert hover.answer.block.mean == pytest.approx(block.mean(), abs=1e-6)


def test_rows_run_away_and_heights_are_counted(scene: Controller, arrays: dict[str, np.ndarray]) -> None:
    space = _space(scene, "weight")
    along, up, across = space.axes
    assert along.ticks[0] == (39.5, "0")
    assert across.ticks[0] == (0.5, "0")
    low, high = float(arrays["weight"].min()), float(arrays["weight"].max())
    assert up.name == "value"
    for position, label in up.ticks:
        assert float(label.replace("−", "-")) == pytest.approx(
            high - position / space.picture.bounds[1] * (high - low), abs=1e-4
        )
    assert len(up.ticks) > 2


def test_ticks_of_all_kinds_of_heights() -> None:
    for low, high in ((0.0, 1e-30), (-1e308, 1e308), (1e9, 1e9 + 1), (-1.0, 0.0)):
        ticks = height_ticks((low, high), 20.0, 10.0, "value").ticks
        assert 1 <= len(ticks) <= 20
        assert all(-1e-6 <= position <= 20.0 + 1e-6 for position, _ in ticks)


def test_a_click_marks_the_column(scene: Controller) -> None:
    space = _space(scene, "weight", orbit=Camera3D(30, 40, 1.2))
    scene.click(450, 300)
    pin = scene.workspace.pane.pin
    assert pin is not None
    low, high = space.picture.box_of(pin, 1)
    row, col = pin[:2]
    assert (low[0], high[0], low[2], high[2]) == (col, col + 1, 39 - row, 40 - row)
    assert 0 <= low[1] <= high[1] == space.picture.bounds[1]


def test_settings_change_the_picture_and_say_so(scene: Controller) -> None:
    space = _space(scene, "conv", settings=(("height", "parts"), ("relief", 0.5)))
    assert space.picture.bounds[1] == pytest.approx(0.5 * np.sqrt(24 * 12))
    legend = scene.frame(*SIZE).panes[0].legend
    assert legend is not None
    assert any("Euclidean norm" in note for note in legend.notes)
    assert not legend.faithful
    scene.toggle_scientific()
    for _ in range(4):
        legend = scene.frame(*SIZE).panes[0].legend
    assert legend is not None
    assert legend.faithful


def test_an_empty_tensor_says_so(scene: Controller) -> None:
    scene.show("memory", "empty")
    scene.workspace.update_pane(view="landscape")
    assert "empty" in scene.frame(*SIZE).panes[0].message


def test_where_every_value_does_not_fit_it_is_said_and_the_pointer_tells_the_element(
    scene: Controller, arrays: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    from nnscope.core import landscape

    monkeypatch.setattr(landscape, "SIDE", 600)
    space = _space(scene, "wide", orbit=Camera3D(10, 60, 0.02))
    assert space.picture.level == 2
    legend = scene.frame(*SIZE).panes[0].legend
    assert legend is not None
    assert any("1/4, the finest that fits" in note for note in legend.notes)
    told = set()
    for x, y in np.random.default_rng(0).uniform((200, 150), (700, 450), (60, 2)):
        scene.hover(x, y)
        hover = scene._hover.current
        if hover is not None and hover.answer is not None and hover.answer.index is not None:
            assert hover.answer.value == arrays["wide"][hover.answer.index]
            assert space.picture.layout.cell_of(hover.answer.index) == hover.place[:2]
            told.add(tuple(i % 4 for i in hover.answer.index))
            row, col = hover.first[:2]
            block = arrays["wide"][row : row + 4, col : col + 4].astype(np.float64)
            assert hover.answer.block is not None
            assert hover.answer.block.max == block.max()
    assert len(told) > 8  # not the first of each block only
    fine = _space(scene, "weight")
    assert fine.picture.level == 0
    assert not any("finest" in note for note in fine.picture.notes)
