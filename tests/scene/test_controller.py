"""The controller from intentions to frames, over real engines on arrays in memory."""

from __future__ import annotations

import queue
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nnscope.core.answer import Changed
from nnscope.core.picture import State
from nnscope.engine.local import LocalEngine
from nnscope.scene.controller import Controller
from tests.scene.sources import ArraySource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnscope.core.frame import Frame
    from nnscope.core.tensor import TensorInfo

SIZE = (900, 600)


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "bias": rng.normal(size=7).astype(np.float32),
        "weight": rng.normal(size=(40, 60)).astype(np.float32),
        "wide": rng.normal(size=(700, 900)).astype(np.float16),
        "conv": rng.normal(size=(8, 4, 3, 3)).astype(np.float32),
    }


@pytest.fixture
def scene(arrays: dict[str, np.ndarray]) -> Iterator[Controller]:
    controller = Controller(inline=True)
    controller.adopt("memory", LocalEngine(ArraySource(arrays), inline=True))
    yield controller
    controller.close()


def settle(controller: Controller) -> Frame:
    """Frames until nothing is missing any more."""
    for _ in range(20):
        frame = controller.frame(*SIZE)
        if all(not d.composed.missing for d in map(controller.drawn, range(len(frame.panes))) if d):
            return controller.frame(*SIZE)
    raise AssertionError("the picture does not settle")


def test_the_first_matrix_is_shown_first(scene: Controller, arrays: dict[str, np.ndarray]) -> None:
    (pane,) = settle(scene).panes
    assert pane.title == "weight"
    (placed,) = pane.tiles
    np.testing.assert_array_equal(placed.tile.values, arrays["weight"])
    assert not pane.message


def test_hover_tells_the_exact_element(scene: Controller, arrays: dict[str, np.ndarray]) -> None:
    heard = []
    scene.hover_changed.connect(heard.append)
    (pane,) = settle(scene).panes
    zoom, rect = pane.camera.zoom, pane.picture
    x = rect.x + rect.w / 2 + (17.5 - pane.camera.x) * zoom
    y = rect.y + rect.h / 2 + (30.5 - pane.camera.y) * zoom
    scene.hover(x, y)
    assert heard[-1].answer.index == (30, 17)
    assert heard[-1].answer.value == arrays["weight"][30, 17]
    assert heard[-1].text.startswith("weight [30, 17] = ")
    scene.leave()
    assert heard[-1] is None


def test_zoomed_out_hover_tells_of_the_block(scene: Controller, arrays: dict[str, np.ndarray]) -> None:
    scene.show("memory", "wide")
    settle(scene)
    scene.zoom(450, 300, 0.26)
    (pane,) = settle(scene).panes
    level = scene.drawn().composed.level
    assert level >= 1
    scene.hover(pane.picture.x + pane.picture.w / 2, pane.picture.y + pane.picture.h / 2)
    answer = scene._hover.current.answer
    side = 2**level
    row, col = answer.index
    block = arrays["wide"][row : row + side, col : col + side].astype(np.float64)
    assert answer.block.count == block.size
    assert answer.block.mean == pytest.approx(block.mean(), rel=1e-4, abs=1e-6)
    assert (answer.block.min, answer.block.max) == (block.min(), block.max())


def test_zoomed_out_tiles_are_block_means(scene: Controller, arrays: dict[str, np.ndarray]) -> None:
    scene.show("memory", "wide")
    settle(scene)
    scene.zoom(450, 300, 0.3)
    (pane,) = settle(scene).panes
    placed = pane.tiles[-1]
    side = 2**placed.level
    block = arrays["wide"][:side, :side].astype(np.float64)
    assert placed.tile.values[0, 0] == pytest.approx(block.mean(), abs=1e-4)


def test_scientific_mode_leaves_only_faithful_steps(scene: Controller) -> None:
    settle(scene)
    before = scene.resolved().recipe(scene.drawn().composed.picture)
    assert not all(step.faithful for step in before)
    scene.toggle_scientific()
    (pane,) = settle(scene).panes
    assert pane.legend.scientific
    assert pane.legend.faithful
    assert pane.normalisation.name == "linear"
    assert all(step.faithful for step in scene.resolved().recipe(scene.drawn().composed.picture))


def test_limits_change_no_tile(scene: Controller) -> None:
    before = settle(scene).panes[0].tiles
    scene.set_limits(-0.5, 0.25)
    (pane,) = settle(scene).panes
    assert [t.key for t in pane.tiles] == [t.key for t in before]
    assert pane.normalisation.domain == pytest.approx((-0.5, 0.25))
    assert pane.legend.clipped > 0
    scene.reset_limits()
    assert scene.resolved().normalisation.domain != pytest.approx((-0.5, 0.25))


def test_stepping_goes_round(scene: Controller) -> None:
    settle(scene)
    seen = []
    for _ in range(5):
        seen.append(scene.workspace.pane.address)
        scene.step_tensor(1)
    assert seen == ["weight", "wide", "conv", "bias", "weight"]
    scene.step_tensor(-1)
    assert scene.workspace.pane.address == "weight"


def test_two_panes_share_cursor_and_camera(scene: Controller) -> None:
    settle(scene)
    scene.split(2)
    frame = settle(scene)
    assert len(frame.panes) == 2
    left, right = frame.panes
    assert left.rect.x + left.rect.w < right.rect.x
    assert right.rect.x + right.rect.w == SIZE[0]
    scene.zoom(left.picture.x + 50, left.picture.y + 50, 2.0)
    frame = settle(scene)
    assert frame.panes[0].camera.zoom == frame.panes[1].camera.zoom
    left = frame.panes[0]
    scene.hover(left.picture.x + left.picture.w / 2, left.picture.y + left.picture.h / 2)
    frame = scene.frame(*SIZE)
    assert frame.panes[0].markers == frame.panes[1].markers != ()
    scene.split(1)
    assert len(settle(scene).panes) == 1


def test_the_cursor_follows_the_element_into_another_layout(scene: Controller) -> None:
    settle(scene)
    scene.split(2)
    scene.show("memory", "conv", 0)
    scene.show("memory", "conv", 1)
    scene.workspace.update_pane(1, view="rgb")
    frame = settle(scene)
    kernels, colours = frame.panes
    assert kernels.grid == (24, 12)
    row, col = 3 * 3 + 1, 2 * 3 + 2  # out 3, in 2, kernel row 1, kernel column 2
    x = kernels.picture.x + kernels.picture.w / 2 + (col + 0.5 - kernels.camera.x) * kernels.camera.zoom
    y = kernels.picture.y + kernels.picture.h / 2 + (row + 0.5 - kernels.camera.y) * kernels.camera.zoom
    scene.hover(x, y)
    kernels, colours = scene.frame(*SIZE).panes
    assert [(m.row, m.col) for m in kernels.markers] == [(row, col)]
    layout = scene.resolved(1).layout
    (marker,) = colours.markers
    assert layout.index_at(marker.row, marker.col) == (3, 0, 1, 2)
    before = colours.camera
    scene.zoom(x, y, 1.5)
    kernels, colours = scene.frame(*SIZE).panes
    assert colours.camera == before  # another grid keeps its own camera


def test_click_pins_and_asks_for_singular_values(scene: Controller, arrays: dict[str, np.ndarray]) -> None:
    (pane,) = settle(scene).panes
    heard = []
    scene.spectrum_changed.connect(lambda *at: heard.append(at))
    scene.click(pane.picture.x + pane.picture.w / 2, pane.picture.y + pane.picture.h / 2)
    assert scene.workspace.pane.pin is not None
    assert heard == [("memory", "weight")]
    _, spectrum = scene.library.spectra["memory", "weight"]
    expected = np.linalg.svd(arrays["weight"].astype(np.float64), compute_uv=False)
    np.testing.assert_allclose(spectrum.sigma, expected[: len(spectrum.sigma)], rtol=1e-6)
    assert any(m.kind == "pin" for m in scene.frame(*SIZE).panes[0].markers)


def test_odd_values_have_states(arrays: dict[str, np.ndarray]) -> None:
    odd = np.array([[np.nan, np.inf], [-np.inf, 1.0]], np.float32)
    controller = Controller(inline=True)
    controller.adopt("memory", LocalEngine(ArraySource({"odd": odd}), inline=True))
    (pane,) = settle(controller).panes
    states = pane.tiles[0].tile.states
    assert states.tolist() == [[State.NAN, State.POSINF], [State.NEGINF, State.FINITE]]
    assert (pane.legend.nan, pane.legend.posinf, pane.legend.neginf) == (1, 1, 1)
    controller.close()


@pytest.mark.parametrize("shape", [(), (0,), (1,), (5, 0, 3), (1, 1), (2, 3, 4, 5, 6), (3000,)], ids=str)
def test_every_shape_has_a_frame(shape: tuple[int, ...]) -> None:
    controller = Controller(inline=True)
    controller.adopt("memory", LocalEngine(ArraySource({"x": np.ones(shape, np.float32)}), inline=True))
    controller.show("memory", "x")
    (pane,) = settle(controller).panes
    assert bool(pane.tiles) != bool(pane.message)
    assert ("empty" in pane.message) == (0 in shape)
    controller.close()


def test_a_changed_tensor_is_drawn_anew_and_never_blank(arrays: dict[str, np.ndarray]) -> None:
    source = ArraySource(arrays)
    engine = LocalEngine(source, inline=True)
    controller = Controller(inline=True)
    controller.adopt("memory", engine)
    settle(controller)
    fresh = np.ones((40, 60), np.float32)
    version = source.touch("weight", fresh)
    engine.announce(Changed(version, ("weight",)))
    assert controller.frame(*SIZE).panes[0].tiles
    (pane,) = settle(controller).panes
    np.testing.assert_array_equal(pane.tiles[0].tile.values, fresh)
    controller.close()


def test_pca_colours_of_a_convolution(scene: Controller) -> None:
    scene.show("memory", "conv")
    scene.workspace.update_pane(view="rgb")
    (pane,) = settle(scene).panes
    assert pane.tiles[0].tile.rgba is not None
    assert pane.normalisation is None
    assert any("explain" in note for note in pane.legend.notes)
    scene.toggle_scientific()
    assert settle(scene).panes[0].legend.faithful


def test_a_view_that_does_not_apply_says_why(scene: Controller) -> None:
    scene.show("memory", "bias")
    scene.workspace.update_pane(view="rgb")
    (pane,) = scene.frame(*SIZE).panes
    assert "two axes" in pane.message
    choices = {choice.name: choice.refusal for choice in scene.views_for()}
    assert choices["heatmap"] == ""
    assert "two axes" in choices["rgb"]


def test_numbers_stand_in_large_cells(scene: Controller, arrays: dict[str, np.ndarray]) -> None:
    settle(scene)
    for _ in range(5):
        scene.zoom(400, 300, 1.5)
    (pane,) = settle(scene).panes
    numbers = pane.numbers
    assert numbers is not None
    shown = numbers.text[0][0].replace("−", "-")
    assert float(shown) == pytest.approx(float(arrays["weight"][numbers.row, numbers.col]), abs=5e-3)


def test_answers_come_back_through_post(arrays: dict[str, np.ndarray]) -> None:
    todo: queue.SimpleQueue = queue.SimpleQueue()
    controller = Controller(todo.put)
    source = ArraySource(arrays)
    controller.adopt("memory", LocalEngine(source))
    frame = controller.frame(*SIZE)
    while not (frame.panes[0].tiles and controller.settled):
        todo.get(timeout=10)()
        frame = controller.frame(*SIZE)
    assert frame.panes[0].title == "weight"
    controller.close()
    assert source.closed


def test_a_source_that_does_not_open_is_told(tmp_path, scene: Controller) -> None:
    heard = []
    scene.failed.connect(heard.append)
    scene.open(str(tmp_path / "nothing.safetensors"))
    assert "nothing.safetensors" in str(heard[0])
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"\x00" * 5)
    scene.open(str(broken))
    assert len(heard) == 2
    assert settle(scene).panes[0].title == "weight"


def test_closing_a_source_empties_its_panes(scene: Controller) -> None:
    settle(scene)
    scene.close_source("memory")
    (pane,) = scene.frame(*SIZE).panes
    assert not pane.tiles
    assert "not open" in pane.message


class Kept(ArraySource):
    """Arrays of a file."""

    def _info(self, name: str) -> TensorInfo:
        return replace(super()._info(name), kind="array")


def test_hovering_at_the_same_place_asks_anew_when_the_view_changes() -> None:
    rows = np.arange(1, 1 + 2 * 3 * 8 * 8, dtype=np.float32).reshape(2, 3, 8, 8)
    controller = Controller(inline=True)
    controller.adopt("memory", LocalEngine(Kept({"heads": rows}), inline=True))
    settle(controller)
    told: list[object] = []
    controller.hover_changed.connect(lambda hover: told.append(hover.answer.value if hover and hover.answer else None))
    for head in (0, 2):
        settings = (("head", head), ("show", "head"))
        controller.workspace.update_pane(view="attention", layout=None, camera=None, settings=settings)
        settle(controller)
        drawn = controller.drawn()
        assert drawn is not None
        picture = drawn.picture
        controller.hover(picture.x + picture.w / 2, picture.y + picture.h / 2)
    controller.close()
    assert told[-1] == rows[0, 2, 4, 4]
    assert rows[0, 0, 4, 4] in told
