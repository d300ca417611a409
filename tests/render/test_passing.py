"""Bricks that rays pass over, and rays that begin and end at bricks that hold anything, change no pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnscope.compute.space.transfer import extinctions
from nnscope.core.space import MODES, Camera3D
from nnscope.render import bricks as of
from tests.render import building, volumes

if TYPE_CHECKING:
    from nnscope.core.frame import PaneFrame
    from nnscope.core.volume import VolumePicture
    from nnscope.render.offscreen import Offscreen

pytestmark = pytest.mark.gl

CAMERAS = {
    "front, parallel": volumes.FRONT,
    "aslant, parallel": Camera3D(30, 20, 2.0, None, 0.0),
    "aslant": Camera3D(-125, 35, 1.7),
    "from below": Camera3D(200, -60, 2.0, None, 50.0),
    "inside": Camera3D(40, 10, 0.2, None, 60.0),
    "in a blob": Camera3D(70, 30, 1e-3, (30.0, 12.0, 10.0), 100.0),
    "far": Camera3D(15, -10, 30.0),
}


def _blobs(shape: tuple[int, int, int] = (26, 33, 67), background: float = 0.0) -> np.ndarray:
    """Noise in a few balls, one of them over a corner; elsewhere the background."""
    rng = np.random.default_rng(3)
    places = np.stack(np.indices(shape), -1)
    x = np.full(shape, background, np.float32)
    for centre, radius in (((10, 12, 30), 7.0), ((25, 32, 66), 9.0), ((4, 28, 5), 3.0)):
        ball = np.linalg.norm(places - centre, axis=-1) < radius
        x[ball] = rng.uniform(-1, 1, int(ball.sum()))
    return x


def _both(screen: Offscreen, shown: PaneFrame, monkeypatch: pytest.MonkeyPatch) -> tuple[np.ndarray, np.ndarray, Any]:
    """What rays find with bricks and without, and the bricks."""
    from nnscope.render.voxels import VoxelTextures

    found, looked = [], []
    bricks = VoxelTextures.bricks

    def kept(self: Any, *given: Any) -> Any:
        looked.append(bricks(self, *given))
        return looked[-1]

    for way in (kept, lambda *_: None):
        monkeypatch.setattr(VoxelTextures, "bricks", way)
        volumes.drawn(screen, volumes.with_quality(shown, 2))  # so that the next is drawn anew
        volumes.drawn(screen, shown)
        with screen.renderer() as renderer:
            found.append(renderer.spaces.found(0))
    return found[0], found[1], looked[-1]


@pytest.mark.parametrize("interpolation", ["nearest", "linear"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("camera", CAMERAS.values(), ids=CAMERAS)
def test_pictures_are_the_same_to_the_bit(
    screen: Offscreen, camera: Camera3D, mode: str, interpolation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    background = {"mip": -1.0, "minip": 1.0}.get(mode, 0.0)
    shown = volumes.pane(
        volumes.picture(_blobs(background=background)), camera, mode=mode, interpolation=interpolation, threshold=0.2
    )
    fast, plain, looked = _both(screen, shown, monkeypatch)
    assert looked is not None
    assert looked.hull is not None
    _compare(fast, plain, mode)


def _compare(fast: np.ndarray, plain: np.ndarray, mode: str) -> None:
    assert len(np.unique(plain[..., 0])) > 1
    if mode == "average":  # lengths add up to another rounding
        assert fast[..., 0] == pytest.approx(plain[..., 0], abs=1e-6)
        fast = np.concatenate((plain[..., :1], fast[..., 1:]), -1)
    assert (fast == plain).all()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("made", ["no numbers", "level 1", "folded", "one voxel"])
def test_volumes_of_all_kinds(screen: Offscreen, mode: str, made: str, monkeypatch: pytest.MonkeyPatch) -> None:
    camera, x = Camera3D(25, 15, 1.2), _blobs()
    if made == "no numbers":
        x[12, 12, 33], x[3, 3, 60], x[20, 2, 50] = np.nan, np.inf, -np.inf
    if made == "folded":
        x, camera = np.zeros((2100, 5, 9), np.float32), Camera3D(60, 10, 0.05)
        x[1050:1055, 1:3, 2:7] = 0.9 if mode != "minip" else -0.9
    if made == "one voxel":
        x = np.zeros((40, 40, 40), np.float32)
        x[20, 21, 22] = 0.8 if mode != "minip" else -0.8
    volume: VolumePicture = volumes.picture(x, int(made == "level 1"), mode)
    shown = volumes.pane(volume, camera, mode=mode, interpolation="linear", threshold=0.5)
    fast, plain, _ = _both(screen, shown, monkeypatch)
    _compare(fast, plain, mode)


def test_faces_enclose_what_is_occupied() -> None:
    occupied = np.zeros((3, 4, 5), bool)
    occupied[1, 2, 3] = occupied[1, 2, 4] = True
    corners = of.faces(occupied, (38.0, 32.0, 24.0)).reshape(-1, 4, 3)
    assert len(corners) == 10
    assert corners.min((0, 1)).tolist() == [24, 16, 8]
    assert corners.max((0, 1)).tolist() == [39, 24, 16]


def test_mist_is_empty_where_nothing_absorbs() -> None:
    x = np.zeros((8, 8, 64), np.float32)
    x[..., 40:] = 1.0
    norm, volume = building.linear(0.0, 1.0), volumes.picture(x)
    found = of.misty_bricks(volume, norm, of.cleared(extinctions(norm, 6.0, volume.shape), volume.shape)).occupied
    assert found.tolist() == [[[False] * 4 + [True] * 4]]
