"""Landscapes as drawn: predicted pixels, the heat map from above, what is picked, odd values, and light."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from nnscope.compute.space.perspective import pencil
from nnscope.core.frame import Camera2D, Rect
from nnscope.core.space import Camera3D
from tests.render import building, landscapes, volumes

if TYPE_CHECKING:
    from nnscope.core.frame import PaneFrame
    from nnscope.render.offscreen import Offscreen

pytestmark = pytest.mark.gl

CAMERAS = {
    "aslant": Camera3D(30, 20, 1.5),
    "aslant, parallel": Camera3D(-125, 35, 1.5, None, 0.0),
    "from above": Camera3D(10, 85, 1.6),
    "from below": Camera3D(200, -40, 1.6, None, 50.0),
    "grazing": Camera3D(75, 3, 0.9),
    "inside": Camera3D(40, 12, 0.15, None, 60.0),
    "along the axes": Camera3D(0, 0, 1.2, None, 0.0),
}


def _noise(shape: tuple[int, int] = (17, 23), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def test_flat_and_from_above_it_is_the_heat_map(screen: Offscreen) -> None:
    x = building.centred_values(building.linear(), (12, 16))
    x[3, 4], x[5, 6], x[7, 8] = np.nan, np.inf, -np.inf
    shown = landscapes.pane(landscapes.picture(x, domain=(-1e9, 1e9)), landscapes.ABOVE, (160, 120))
    lifted, _, states = volumes.drawn(screen, shown)
    origin, _ = pencil(landscapes.ABOVE, shown.space.picture.bounds, shown.picture).ray(0, 0)  # type: ignore[union-attr]
    zoom = 160 / (2 * (8 - origin[0]))
    numbers = np.nan_to_num(x, nan=0, posinf=0, neginf=0)
    odd = np.select([np.isnan(x), x == np.inf, x == -np.inf], [1, 2, 3], 0).astype(np.uint8)
    flat = building.pane((12, 16), building.tiles(numbers, odd), Camera2D(8, 6, zoom), Rect(8, 8, 160, 120))
    mapped = building.inside(screen.draw(building.frame(flat)), flat)
    inside = states != landscapes.NOTHING
    inside[1:-1, 1:-1] &= inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:]  # the box's lines
    assert inside.sum() > 5000
    assert (lifted[inside] == mapped[inside]).all()


@pytest.mark.parametrize("smooth", [False, True], ids=["columns", "smooth"])
def test_a_ramp_from_the_front(screen: Offscreen, smooth: bool) -> None:
    ramp = np.tile(np.linspace(-1, 1, 8, dtype=np.float32), (5, 1))
    shown = landscapes.pane(landscapes.picture(ramp, smooth), landscapes.FRONT, (160, 80))
    _, _, states = volumes.drawn(screen, shown)
    bounds = shown.space.picture.bounds  # type: ignore[union-attr]
    rays = pencil(landscapes.FRONT, bounds, shown.picture)
    for y in range(0, 80, 2):
        for x in range(0, 160, 3):
            origin, _ = rays.ray(x + 0.5, y + 0.5)
            height = 1 - origin[1] / bounds[1]
            flat, between = np.floor(np.clip(origin[0], 0, 7)), np.clip(origin[0] - 0.5, 0, 7)
            top = (between if smooth else flat) / 7
            if abs(height - top) > 2e-3 and abs(height) > 2e-3:
                seen = 0 <= origin[0] < 8 and 0 < height <= top
                assert (states[y, x] == 0) == seen


def test_the_silhouette_of_one_spike(screen: Offscreen) -> None:
    x = np.full((9, 11), -1.0)
    x[4, 7] = 1.0
    shown = landscapes.pane(landscapes.picture(x), landscapes.FRONT, (220, 120))
    _, values, states = volumes.drawn(screen, shown)
    depth, height, width = shown.space.picture.bounds  # type: ignore[union-attr]
    rays = pencil(landscapes.FRONT, (depth, height, width), shown.picture)
    columns = np.array([rays.ray(px + 0.5, 0)[0][0] for px in range(220)])
    rows = np.array([rays.ray(0, py + 0.5)[0][1] for py in range(120)])
    spike = np.outer((rows > 0) & (rows < height * (1 - 1e-3)), (columns > 7) & (columns < 8))
    assert spike.sum() > 100
    assert (values[spike] == 1).all()
    above = np.outer(rows < height * 0.99, np.ones(220, bool))
    assert ((states == 0) & above == spike & above).all()


@pytest.mark.parametrize("smooth", [False, True], ids=["columns", "smooth"])
@pytest.mark.parametrize("camera", CAMERAS.values(), ids=CAMERAS)
def test_what_is_picked_is_what_is_drawn(screen: Offscreen, camera: Camera3D, smooth: bool) -> None:
    x = _noise()
    shown = landscapes.pane(landscapes.picture(x, smooth), camera)
    _, values, states = volumes.drawn(screen, shown)
    for place in np.random.default_rng(1).permutation(96 * 80)[:200]:
        row, col = divmod(int(place), 96)
        here = landscapes.picked(shown, col + 0.5, row + 0.5)
        same = (here is None) == (states[row, col] == landscapes.NOTHING)
        if here is not None and not smooth:
            same &= values[row, col] == x[here.place]
        elif here is not None:
            around = x[max(here.place[0] - 1, 0) : here.place[0] + 2, max(here.place[1] - 1, 0) : here.place[1] + 2]
            same &= around.min() - 1e-5 <= values[row, col] <= around.max() + 1e-5
        assert same or _near_an_edge(shown, col, row)


def _near_an_edge(shown: PaneFrame, col: int, row: int) -> bool:
    """Whether rays nearby meet other cells, so that float32 may decide otherwise."""
    shifts = ((0.0, 0.0), (0.02, 0.02), (-0.02, 0.02), (0.02, -0.02), (-0.02, -0.02))
    return len({landscapes.picked(shown, col + 0.5 + dx, row + 0.5 + dy) for dx, dy in shifts}) > 1


@pytest.mark.parametrize("smooth", [False, True], ids=["columns", "smooth"])
@pytest.mark.parametrize("camera", [landscapes.ABOVE, Camera3D(30, 35, 1.4)], ids=["from above", "aslant"])
def test_what_is_no_number_is_a_hole_of_its_colour(screen: Offscreen, camera: Camera3D, smooth: bool) -> None:
    x = _noise((6, 6))
    x[2, 3], x[4, 1], x[0, 0] = np.nan, np.inf, -np.inf
    shown = landscapes.pane(landscapes.picture(x, smooth), camera, (120, 120))
    _, _, states = volumes.drawn(screen, shown)
    seen = set()
    for row in range(3, 120, 5):
        for col in range(3, 120, 5):
            here = landscapes.picked(shown, col + 0.5, row + 0.5)
            value = x[here.place] if here is not None else 0.0
            odd = int(np.select([np.isnan(value), value == np.inf, value == -np.inf], [1, 2, 3], 0))
            expected = landscapes.NOTHING if here is None else odd
            seen.add(expected)
            assert states[row, col] == expected or _near_an_edge(shown, col, row)
    assert {0, 1, 2} <= seen


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1), (1, 4096), (3, 1000)], ids=str)
@pytest.mark.parametrize("value", [0.25, np.nan], ids=["constant", "all NaN"])
@pytest.mark.parametrize("smooth", [False, True], ids=["columns", "smooth"])
def test_shapes_and_values_of_all_kinds(screen: Offscreen, shape: tuple[int, int], value: float, smooth: bool) -> None:
    low = landscapes.picture(np.full(shape, value), smooth, relief=0.5 / max(shape) ** 0.5)
    shown = landscapes.pane(low, Camera3D(0, 30, 4 / max(shape)), (64, 48))
    _, values, states = volumes.drawn(screen, shown)
    seen = states != landscapes.NOTHING
    assert seen.any()
    assert (states[seen] == (1 if np.isnan(value) else 0)).all()
    assert values[seen] == pytest.approx(np.nan_to_num(value))


def test_light_darkens_smooth_surfaces_only(screen: Offscreen) -> None:
    for smooth in (False, True):
        volumes.drawn(screen, landscapes.pane(landscapes.picture(_noise(), smooth), CAMERAS["aslant"]))
        with screen.renderer() as renderer:
            found = renderer.spaces.found(0)
        light = found[..., 2][found[..., 1] == 0]
        assert (light == 1).all() if not smooth else 0 < light.min() < 0.5 < light.max() <= 1
