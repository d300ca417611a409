"""Cuts and clip boxes: predicted pixel by pixel with NumPy, and the voxel under the pointer against brute force."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnscope.compute.space import cutting
from nnscope.compute.space.perspective import pencil
from nnscope.core.cut import Box, Cut
from nnscope.core.space import Camera3D
from nnscope.views.volume_pick import voxel_under
from tests.render import volumes

if TYPE_CHECKING:
    from nnscope.core.frame import PaneFrame
    from nnscope.render.offscreen import Offscreen

pytestmark = pytest.mark.gl

SHAPE = (12, 17, 21)
BESIDE = 1e-4  # voxels from an edge within which float32 may decide otherwise
CAMERAS = {
    "parallel": Camera3D(30, 20, 2.0, None, 0.0),
    "behind": Camera3D(160, -35, 1.8),
    "near": Camera3D(-70, 15, 0.9),
}
CUTS = {
    "z": Cut("z", 5),
    "x slab": Cut("x", 6, 4, "mean"),
    "y slab": Cut("y", 9, 3, "extremes"),
    "free": Cut("", 1.3, 1, "mean", 40, 25),
    "free slab": Cut("", -2.0, 3, "max", -110, 60),
}


def _noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, SHAPE).astype(np.float32)


def _cut(x: np.ndarray, cut: Cut, camera: Camera3D, clip: Box | None = None, **how: Any) -> PaneFrame:
    shown = volumes.pane(volumes.picture(x), camera, (64, 56), **how)
    assert shown.space is not None
    plane = cutting.facing(cutting.placed(cut, SHAPE), camera, SHAPE, shown.picture)
    return replace(shown, space=replace(shown.space, plane=plane, clip=clip))


def _reduced(values: np.ndarray, reduction: str) -> float:
    if reduction == "mean":
        return float(values.mean())
    return float(values.max() if reduction == "max" else values[np.abs(values).argmax()])


def _brute(pane: PaneFrame, x: np.ndarray, cut: Cut, px: float, py: float) -> tuple[float | None, bool]:
    """What the cut shows at a pixel, from its definition alone; and whether rounding may decide."""
    assert pane.space is not None
    origin, towards = pencil(pane.space.camera, SHAPE, pane.picture).ray(px, py)
    across = cutting.direction(cut)
    middle = cut.at + cut.thickness / 2 if cut.axis else across @ np.array(SHAPE[::-1]) / 2 + cut.at
    sign = np.sign(across @ towards)
    first = middle - sign * cut.thickness / 2
    t = (first - across @ origin) / (across @ towards)
    point = origin + t * towards
    low, high = (np.array(end) for end in pane.space.clip or ((0, 0, 0), SHAPE[::-1]))
    edge = bool((np.abs(np.concatenate((point - low, point - high))) < BESIDE).any()) and not cut.axis
    if t <= 0 or (point < low - 1e-9).any() or (point > high + 1e-9).any():
        return None, edge
    places = point + sign * (np.arange(cut.thickness) + 0.5)[:, None] * across
    inside = ((places >= 0) & (places < SHAPE[::-1])).all(1)
    off = np.abs(places - np.round(places))
    close = bool((off[:, ~across.astype(bool)] if cut.axis else off).min() < BESIDE)
    cells = np.floor(places[inside]).astype(int)
    return (_reduced(x[tuple(cells.T[::-1])], cut.reduction) if len(cells) else None), close or edge


@pytest.mark.parametrize("camera", CAMERAS.values(), ids=list(CAMERAS))
@pytest.mark.parametrize("cut", CUTS.values(), ids=list(CUTS))
def test_the_cut_shows_exact_values_and_hides_what_is_before_it(screen: Offscreen, cut: Cut, camera: Camera3D) -> None:
    x = _noise()
    shown = _cut(x, cut, camera, mode="mip")
    _, values, states = volumes.drawn(screen, shown)
    seen = sure = 0
    for py in range(0, 56, 2):
        for px in range(0, 64, 2):
            expected, close = _brute(shown, x, cut, px + 0.5, py + 0.5)
            if close or expected is None:
                continue
            sure += 1
            assert states[py, px] == 0
            seen += abs(values[py, px] - expected) < 1e-6
    assert sure > 10
    assert seen == sure


@pytest.mark.parametrize("mode", ["mip", "signed", "average", "surface", "translucent"])
@pytest.mark.parametrize("linear", [False, True], ids=["every voxel", "interpolated"])
def test_beside_the_cut_rays_see_what_is_behind_it_and_nothing_else(screen: Offscreen, mode: str, linear: bool) -> None:
    x = _noise(1)
    camera = CAMERAS["parallel"]
    how = {"mode": mode, "interpolation": "linear" if linear else "nearest", "threshold": 0.8}
    cut = Cut("z", 6)
    whole = volumes.pane(volumes.picture(x), camera, (64, 56), **how)
    shown = _cut(x, cut, camera, **how)
    _, all_values, all_states = volumes.drawn(screen, whole)
    _, values, states = volumes.drawn(screen, shown)
    kinds = set()
    assert shown.space is not None
    assert shown.space.plane is not None
    for py in range(1, 56, 3):
        for px in range(1, 64, 3):
            origin, towards = pencil(camera, SHAPE, shown.picture).ray(px + 0.5, py + 0.5)
            box: Box = ((0.0, 0.0, 0.0), (21.0, 17.0, 12.0))
            if cutting.met(shown.space.plane, origin, towards, box) is not None:
                kinds.add("cut")
            elif cutting.hidden(shown.space.plane, origin, towards, box):
                kinds.add("before")
                assert (values[py, px], states[py, px]) == (0, 0 if mode == "translucent" else volumes.NOTHING)
            else:
                kinds.add("behind")
                assert (values[py, px], states[py, px]) == (all_values[py, px], all_states[py, px])
    assert kinds == {"cut", "before", "behind"}


@pytest.mark.parametrize("mode", ["mip", "minip", "signed"])
@pytest.mark.parametrize("camera", CAMERAS.values(), ids=list(CAMERAS))
def test_a_clip_box_is_the_volume_of_its_voxels(screen: Offscreen, mode: str, camera: Camera3D) -> None:
    x = np.random.default_rng(2).normal(size=(30, 40, 50)).astype(np.float32)
    x[5, 5, 5] = 99  # outside
    shown = volumes.pane(volumes.picture(x), camera, (64, 56), mode=mode)
    assert shown.space is not None
    clip: Box = ((11.0, 9.0, 10.0), (37.0, 31.0, 23.0))
    shown = replace(shown, space=replace(shown.space, clip=clip))
    _, values, states = volumes.drawn(screen, shown)
    assert (states == 0).sum() > 100
    for py in range(0, 56, 3):
        for px in range(0, 64, 3):
            value, state = volumes.extreme(volumes.met(shown, px, py), mode)
            assert (values[py, px], states[py, px]) == (pytest.approx(value, abs=1e-6), state)
    hit = np.argwhere(states == 0)[::7]
    for py, px in hit.tolist():
        voxel = voxel_under(shown, shown.picture.x + px + 0.5, shown.picture.y + py + 0.5)
        assert voxel is not None
        assert x[voxel] == values[py, px]


@pytest.mark.parametrize("cut", CUTS.values(), ids=list(CUTS))
def test_two_hundred_rays_find_the_voxel_that_the_cut_shows(screen: Offscreen, cut: Cut) -> None:
    rng, x = np.random.default_rng(4), _noise(3)
    right = hits = 0
    for _ in range(200):
        azimuth, elevation, distance = rng.uniform((-180, -90, 0.9), (180, 90, 2.2))
        camera = Camera3D(azimuth, elevation, distance, fov=float(rng.choice([0.0, 40.0])))
        shown = _cut(x, cut, camera)
        px, py = rng.uniform((0, 0), (64, 56))
        expected, close = _brute(shown, x, cut, px, py)
        if expected is None or close:
            right += 1
            continue
        hits += 1
        voxel = voxel_under(shown, shown.picture.x + px, shown.picture.y + py)
        right += voxel is not None and (
            (cut.reduction == "mean" and cut.thickness > 1) or x[voxel] == np.float32(expected)
        )
    assert right == 200
    assert hits > 15


def test_values_that_are_no_numbers_and_coarse_levels_are_told_on_the_cut(screen: Offscreen) -> None:
    x = np.full((4, 8, 8), 0.25, np.float32)
    x[1, :4] = np.nan
    x[1, 4:, :4] = np.inf
    shown = volumes.pane(volumes.picture(x), volumes.FRONT, (64, 64), mode="mip")
    assert shown.space is not None
    plane = cutting.facing(Cut("z", 1), volumes.FRONT, (4, 8, 8), shown.picture)
    _, values, states = volumes.drawn(screen, replace(shown, space=replace(shown.space, plane=plane)))
    assert {int(s) for s in states[22:30, 30:34].ravel()} == {1}
    assert set(np.unique(states)) == {0, 1, 2, volumes.NOTHING}
    assert set(np.unique(values[states == 0])) == {np.float32(0.25)}
    coarse = volumes.pane(volumes.picture(x, 1, "mip"), volumes.FRONT, (64, 64), mode="mip")
    assert coarse.space is not None
    _, values, states = volumes.drawn(screen, replace(coarse, space=replace(coarse.space, plane=plane)))
    assert set(np.unique(states)) >= {0, 2, volumes.NOTHING}


@pytest.mark.parametrize("cut", CUTS.values(), ids=list(CUTS))
def test_the_outline_lies_on_the_plane_and_in_the_box(cut: Cut) -> None:
    shown = volumes.pane(volumes.picture(_noise()), CAMERAS["behind"])
    plane = cutting.facing(cut, CAMERAS["behind"], SHAPE, shown.picture)
    corners = cutting.outline(plane, ((0.0, 0.0, 0.0), (21.0, 17.0, 12.0)))
    assert 3 <= len(corners) <= 6
    assert np.abs(corners @ np.array(plane.normal) - plane.first).max() < 1e-6
    assert (corners >= -1e-9).all()
    assert (corners <= np.array(SHAPE[::-1]) + 1e-9).all()
    turns = np.cross(np.roll(corners, -1, 0) - corners, np.roll(corners, -2, 0) - np.roll(corners, -1, 0))
    assert ((turns @ np.array(plane.normal)) > 0).all() or ((turns @ np.array(plane.normal)) < 0).all()


@pytest.mark.parametrize(
    ("box", "found"),
    [
        (((0, 0, 0), (21, 17, 12)), None),
        (((-5, 0, 0), (99, 17, 12)), None),
        (((3, 4, 5), (6, 7, 8)), ((3, 4, 5), (6, 7, 8))),
        (((30, 4, 5), (2, 7, 5)), ((20, 4, 5), (21, 7, 6))),
    ],
)
def test_clip_boxes_stay_inside_and_hold_a_voxel(box: Box, found: Box | None) -> None:
    assert cutting.clipped_to(box, SHAPE) == found
