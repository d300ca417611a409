"""Voxels as cubes: predicted pixels along an axis, both ways of drawing against rays in float64, sub-uploads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnscope.core.space import Camera3D
from nnscope.render.cubes import CubeTextures, changed
from nnscope.views.voxel_pick import leaf_under
from tests.render import cubes, volumes

if TYPE_CHECKING:
    from nnscope.render.offscreen import Offscreen

pytestmark = pytest.mark.gl

CAMERAS = {
    "front": cubes.FRONT,
    "above": Camera3D(25.0, 35.0, 1.6),
    "below, behind": Camera3D(-160.0, -40.0, 1.1, None, 60.0),
    "parallel": Camera3D(70.0, 12.0, 2.0, None, 0.0),
    "inside": Camera3D(33.0, 10.0, 0.1),
}
MAKE: dict[str, Any] = {"grid": cubes.on_grid, "list": cubes.as_list}


def _blocks(shape: tuple[int, int, int] = (13, 10, 17), seed: int = 0) -> np.ndarray:
    """Blocks of 4 and single voxels, a third of them 0."""
    rng = np.random.default_rng(seed)
    coarse = np.kron(rng.uniform(-1, 1, tuple(-(-n // 4) for n in shape)), np.ones((4, 4, 4)))
    x = coarse[: shape[0], : shape[1], : shape[2]]
    x = np.where(rng.random(shape) < 0.1, rng.uniform(-1, 1, shape), x)
    return np.where(np.abs(x) < 0.3, 0, x).astype(np.float32)


@pytest.mark.parametrize("way", MAKE)
def test_along_an_axis_the_first_voxel_from_the_threshold_on_is_seen(screen: Offscreen, way: str) -> None:
    x = _blocks((12, 8, 8))
    shown = cubes.pane(MAKE[way](x), size=(128, 128), threshold=0.4)
    _, values, states = volumes.drawn(screen, shown)
    assert states.min() == 0
    for row in range(0, 128, 3):
        for col in range(0, 128, 3):
            origin, _, _ = volumes.ray(shown, col, row)
            i, j = np.floor(origin[:2]).astype(int)
            if not (0 <= i < 8 and 0 <= j < 8) or np.abs(origin[:2] - np.round(origin[:2])).min() < 1e-3:
                continue
            found = np.flatnonzero(np.abs(x[:, j, i]) >= 0.4)
            assert states[row, col] == (0 if len(found) else volumes.NOTHING)
            if len(found):
                assert values[row, col] == x[found[0], j, i]


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("way", MAKE)
@pytest.mark.parametrize("camera", CAMERAS.values(), ids=CAMERAS)
def test_pixels_are_what_rays_meet(screen: Offscreen, camera: Camera3D, way: str, level: int) -> None:
    x = _blocks()
    picture = MAKE[way](x, 0.2, level)
    grid = cubes.on_grid(x, 0.2, level)
    shown = cubes.pane(picture, camera, threshold=0.35)
    _, values, states = volumes.drawn(screen, shown)
    hits = wrong = 0
    for row in range(1, 80, 5):
        for col in range(1, 96, 5):
            met = leaf_under(shown, shown.picture.x + col + 0.5, shown.picture.y + row + 0.5)
            hits += met is not None
            if met is None:
                wrong += states[row, col] != volumes.NOTHING
                continue
            r, c, z = (i >> level for i in met.place)
            assert grid.nodes[z, r, c] == met.level
            wrong += states[row, col] != 0 or values[row, col] != grid.values[z, r, c]
    assert hits > 40
    assert wrong <= 3  # rays that pass an edge within rounding


def test_empty_bricks_and_courts_of_them_are_skipped(screen: Offscreen) -> None:
    rng, x = np.random.default_rng(2), np.zeros((40, 36, 70), np.float32)
    x[tuple(rng.integers(0, x.shape, (60, 3)).T)] = rng.uniform(0.5, 1, 60)
    x[33:, 5:9, 60:] = 0.7
    grid = cubes.on_grid(x)
    for camera in CAMERAS.values():
        shown = cubes.pane(grid, camera, threshold=0.35)
        _, values, states = volumes.drawn(screen, shown)
        wrong = 0
        for row in range(0, 80, 3):
            for col in range(0, 96, 3):
                met = leaf_under(shown, shown.picture.x + col + 0.5, shown.picture.y + row + 0.5)
                seen = None if met is None else x[met.place[2], met.place[0], met.place[1]]
                wrong += states[row, col] != (volumes.NOTHING if seen is None else 0)
                wrong += seen is not None and values[row, col] != seen
        assert wrong <= 3
        assert (states == 0).any()


def test_both_ways_have_the_same_pixels(screen: Offscreen) -> None:
    x = _blocks()
    for shaded in (False, True):
        for camera in CAMERAS.values():
            one, other = (
                volumes.drawn(screen, cubes.pane(made(x, 0.2), camera, (160, 140), shaded=shaded, threshold=0.35))[0]
                for made in MAKE.values()
            )
            apart = np.abs(one.astype(int) - other).max(-1)
            assert (apart > 3).mean() < 0.004
    rough = cubes.pane(cubes.as_list(x, 0.2), CAMERAS["above"], (97, 81), quality=4, threshold=0.35)
    assert (volumes.drawn(screen, rough)[2] == 0).any()


def test_plain_colours_are_those_of_the_scale(screen: Offscreen) -> None:
    flat = cubes.pane(cubes.on_grid(np.full((4, 4, 4), 0.5)), cubes.FRONT)
    lit = cubes.pane(cubes.on_grid(np.full((4, 4, 4), 0.5)), CAMERAS["above"], shaded=True)
    volume = volumes.pane(volumes.picture(np.full((4, 4, 4), 0.5)), cubes.FRONT)
    a, b = volumes.drawn(screen, flat)[0], volumes.drawn(screen, volume)[0]
    assert (a[40, 48] == b[40, 48]).all()
    volumes.drawn(screen, lit)
    with screen.renderer() as renderer:
        light = renderer.spaces.found(0)
    inside = light[..., 1] == 0
    assert {0.72, 0.86, 1.0} <= set(np.round(light[inside][:, 2].astype(float), 2).ravel().tolist())


def test_what_is_no_finite_number_is_seen_and_padding_is_not(screen: Offscreen) -> None:
    x = np.zeros((9, 9, 9), np.float32)
    x[4, 4, 4], x[4, 4, 6], x[4, 6, 4] = np.nan, np.inf, -np.inf
    _, _, states = volumes.drawn(screen, cubes.pane(cubes.on_grid(x), cubes.FRONT, threshold=0.5))
    assert set(np.unique(states)) == {1, 2, 3, volumes.NOTHING}
    _, _, states = volumes.drawn(screen, cubes.pane(cubes.on_grid(np.full((3, 5, 4), np.nan)), cubes.FRONT))
    assert set(np.unique(states)) == {1, volumes.NOTHING}


def test_a_clip_cuts_cubes_open(screen: Offscreen) -> None:
    x = np.broadcast_to(np.linspace(0.4, 1, 8)[:, None, None], (8, 8, 8)).astype(np.float32)
    for made in MAKE.values():
        clip = ((0.0, 0.0, 3.0), (8.0, 8.0, 8.0))
        _, values, states = volumes.drawn(screen, cubes.pane(made(x), cubes.FRONT, clip=clip))
        assert np.unique(values[states == 0]).tolist() == [x[3, 0, 0]]


def test_a_change_uploads_the_box_that_holds_it(screen: Offscreen) -> None:
    x = _blocks((20, 24, 28))
    y = x.copy()
    y[3:5, 7:9, 11:15] = 0.9
    old, new = cubes.on_grid(x), cubes.on_grid(y)
    box = changed(old, new)
    assert changed(old, old) is None
    assert box is not None
    differs = np.argwhere((old.values != new.values) | (old.nodes != new.nodes))
    assert [(side.start, side.stop) for side in box] == list(zip(differs.min(0), differs.max(0) + 1, strict=True))
    with screen.renderer():
        textures = CubeTextures(old, 2048)
        textures.update(new)
        assert textures.uploaded == x.size + old.values[box].size < 1.02 * x.size
        textures.delete()


def test_textures_that_are_taken_over_show_the_new_picture(screen: Offscreen) -> None:
    pictures = [cubes.on_grid(_blocks(seed=seed)) for seed in range(3)]
    panes = [cubes.pane(picture, CAMERAS["above"], threshold=0.4) for picture in pictures]
    in_turn = [volumes.drawn(screen, pane)[1] for pane in (*panes, *panes)]
    assert all((a == b).all() for a, b in zip(in_turn[:3], in_turn[3:], strict=True))
    assert (in_turn[0] != in_turn[1]).any()
