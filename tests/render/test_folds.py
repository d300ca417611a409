"""Volumes with two sides longer than textures may be, against NumPy and against the same volumes that fit.

The limit is lowered, so that small volumes are folded.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnscope.core.cut import CutPlane
from nnscope.core.space import MODES, Camera3D
from nnscope.render.cubes import CubeTextures
from nnscope.render.voxels import VoxelTextures, folded_nbytes
from nnscope.views.volume_pick import voxel_under
from nnscope.views.voxel_pick import leaf_under
from tests.render import cubes, volumes

if TYPE_CHECKING:
    from nnscope.core.frame import PaneFrame
    from nnscope.render.offscreen import Offscreen

pytestmark = pytest.mark.gl

LIMIT = 32
SHAPES = [(3, 50, 45), (70, 2, 40), (50, 45, 3)]
ALONG = {0: Camera3D(0, 0, 1.2, None, 0.0), 1: Camera3D(0, 90, 1.2, None, 0.0), 2: Camera3D(90, 0, 1.2, None, 0.0)}
ASLANT = Camera3D(35, 25, 1.1)


class Folding:
    """Lowers the limit while it is on, and counts what was folded."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.on, self.folded = True, 0
        for kind in (VoxelTextures, CubeTextures):
            monkeypatch.setattr(kind, "__init__", self._lowered(kind.__init__))

    def _lowered(self, made: Any) -> Any:
        def init(textures: Any, picture: Any, limit: int) -> None:
            made(textures, picture, LIMIT if self.on else limit)
            self.folded += textures.fold is not None
            assert textures.nbytes >= picture.nbytes or textures.fold is None

        return init


@pytest.fixture
def folding(monkeypatch: pytest.MonkeyPatch) -> Folding:
    """The lowered limit."""
    return Folding(monkeypatch)


def _noise(shape: tuple[int, int, int]) -> np.ndarray:
    x = np.random.default_rng(sum(shape)).uniform(-1, 1, shape).astype(np.float32)
    x[tuple(slice(side // 3, side // 3 + 17) for side in shape)] = 0  # bricks that rays pass over
    return x


def _inside(states: np.ndarray) -> list[list[int]]:
    """Where a ray meets the volume and those beside it do, too: the lines of the box lie elsewhere."""
    met = np.lib.stride_tricks.sliding_window_view(np.pad(states == 0, 1), (3, 3)).all((2, 3))
    places: list[list[int]] = np.argwhere(met).tolist()
    return places


@pytest.mark.parametrize(("shape", "axis"), list(zip(SHAPES, (0, 1, 1), strict=False)), ids=str)
@pytest.mark.parametrize("mode", ["mip", "signed", "average"])
def test_along_an_axis_pixels_are_those_of_numpy_and_picking_agrees(
    screen: Offscreen, folding: Folding, mode: str, shape: tuple[int, int, int], axis: int
) -> None:
    x = _noise(shape)
    best = np.take_along_axis(x, np.abs(x).argmax(axis, keepdims=True), axis).squeeze(axis)
    expected = {"mip": x.max(axis), "signed": best, "average": x.astype(np.float64).mean(axis)}[mode]
    shown = volumes.pane(volumes.picture(x), ALONG[axis], (80, 60), mode=mode)
    assert shown.style is not None
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 4, 1)
    shown = replace(shown, style=replace(shown.style, lut=ramp))
    pixels, values, states = volumes.drawn(screen, shown)
    places = _inside(states)
    assert len(places) > 60
    for y, col in places:
        middle = _voxel_beside(shown, col, y, axis, shape)
        value = expected[middle]
        assert values[y, col] == pytest.approx(value, abs=1e-6 if mode == "average" else 0)
        assert np.abs(pixels[y, col].astype(float) - 255 * (float(value) + 1) / 2).max() <= 1
    for y, col in places[:: len(places) // 20]:
        found = voxel_under(shown, shown.picture.x + col + 0.5, shown.picture.y + y + 0.5)
        assert found is not None
        assert tuple(np.delete(found, axis)) == _voxel_beside(shown, col, y, axis, shape)
        assert mode == "average" or x[found] == values[y, col]
    assert folding.folded == 1


def _voxel_beside(shown: PaneFrame, col: int, y: int, axis: int, shape: tuple[int, int, int]) -> tuple[int, ...]:
    """The column of voxels along an axis that a ray goes through: its place along the two other axes."""
    origin, _, _ = volumes.ray(shown, col, y)
    return tuple(int(origin[2 - a]) for a in range(3) if a != axis)


@pytest.mark.parametrize(
    ("kind", "mode"),
    [*(("linear", mode) for mode in MODES), ("nearest", "additive"), ("no numbers", "mip"), ("cut", "mip")],
)
def test_folded_volumes_look_like_those_that_are_not(screen: Offscreen, folding: Folding, mode: str, kind: str) -> None:
    for shape in SHAPES[:2]:
        x = _noise(shape)
        if kind == "no numbers":
            x[tuple(side // 2 for side in shape)], x[0, 0, 0], x[-1, -1, -1] = np.nan, np.inf, -np.inf
        how: dict[str, Any] = {"interpolation": "linear" if kind == "linear" else "nearest", "threshold": 0.6}
        if kind == "cut":
            how["plane"] = CutPlane((0.0, 0.0, 1.0), shape[0] / 2.0)
        plain, folded = _both(screen, folding, volumes.picture(x, mode=mode), mode=mode, **how)
        assert len(np.unique(plain[..., 0])) > 10
        if kind == "linear":
            np.testing.assert_allclose(folded, plain, rtol=0, atol=4e-3 if mode == "translucent" else 2e-4)
        else:
            np.testing.assert_array_equal(folded, plain)


def _both(screen: Offscreen, folding: Folding, picture: Any, **how: Any) -> tuple[np.ndarray, np.ndarray]:
    """What rays find in a volume that fits, and in the same one folded."""
    found = []
    for folding.on in (False, True):
        before = folding.folded
        volumes.drawn(screen, volumes.pane(picture, ASLANT, **how))
        with screen.renderer() as renderer:
            found.append(renderer.spaces.found(0))
        assert folding.folded - before == folding.on
    return found[0], found[1]


@pytest.mark.parametrize(("shape", "level"), [((3, 50, 45), 0), ((70, 66, 1), 1)], ids=str)
def test_folded_cubes_are_what_rays_meet(
    screen: Offscreen, folding: Folding, shape: tuple[int, int, int], level: int
) -> None:
    x = np.where(np.abs(x := _noise(shape)) < 0.7, 0, x).astype(np.float32)
    grid = cubes.on_grid(x, 0.0, level)
    shown = cubes.pane(grid, ASLANT, threshold=0.5)
    _, values, states = volumes.drawn(screen, shown)
    assert folding.folded == 1
    hits = wrong = 0
    for row in range(1, 80, 3):
        for col in range(1, 96, 3):
            met = leaf_under(shown, shown.picture.x + col + 0.5, shown.picture.y + row + 0.5)
            wrong += (met is None) != (states[row, col] == volumes.NOTHING)
            if met is not None:
                hits += 1
                r, c, z = (i >> level for i in met.place)
                wrong += values[row, col] != grid.values[z, r, c]
    assert hits > 60
    assert wrong <= 3  # rays that pass an edge within rounding


def test_the_budget_counts_what_lies_around_pieces() -> None:
    from nnscope.core.volume import fold

    shape = (3, 4096, 4096)
    assert folded_nbytes(4 * 3 * 4096**2, 3 * 4096**2, fold(shape)) == 4 * 45 * 1368**2 < 512 << 20
    assert folded_nbytes(100, 25, None) == 100
