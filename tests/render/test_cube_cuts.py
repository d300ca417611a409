"""Planes through voxels and leaves: pixels, and the leaf under the pointer, against a walk in tiny steps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnscope.compute.space import cutting
from nnscope.compute.space.perspective import pencil
from nnscope.core.cut import Box, Cut
from nnscope.core.space import Camera3D
from nnscope.render.sections import tree
from nnscope.views.voxel_pick import leaf_under
from tests.render import cubes, volumes

if TYPE_CHECKING:
    from nnscope.core.frame import PaneFrame
    from nnscope.render.offscreen import Offscreen

SHAPE = (13, 10, 17)
THRESHOLD = 0.35
STEP = 4e-3  # voxels
MAKE: dict[str, Any] = {"grid": cubes.on_grid, "list": cubes.as_list}
CAMERAS = {
    "above": Camera3D(25.0, 35.0, 1.6),
    "behind": Camera3D(-160.0, -40.0, 1.1, None, 60.0),
    "parallel": Camera3D(70.0, 12.0, 2.0, None, 0.0),
}
CUTS = {
    "z": Cut("z", 5),
    "x slab": Cut("x", 6, 3, "mean"),
    "y slab": Cut("y", 3, 4, "extremes"),
    "free": Cut("", 1.3, 1, "mean", 40, 25),
    "free slab": Cut("", -1.0, 3, "max", -110, 60),
}
HALF: Box = ((2.0, 0.0, 3.0), (15.0, 8.0, 13.0))


def _blocks(seed: int = 0) -> np.ndarray:
    """Blocks of 4 and single voxels, a third of them 0."""
    rng = np.random.default_rng(seed)
    coarse = np.kron(rng.uniform(-1, 1, tuple(-(-n // 4) for n in SHAPE)), np.ones((4, 4, 4)))
    x = coarse[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    x = np.where(rng.random(SHAPE) < 0.1, rng.uniform(-1, 1, SHAPE), x)
    return np.where(np.abs(x) < 0.3, 0, x).astype(np.float32)


def _cut(made: Any, cut: Cut, camera: Camera3D, clip: Box | None = None, **how: Any) -> PaneFrame:
    shown = cubes.pane(made, camera, (64, 56), threshold=THRESHOLD, clip=clip, **how)
    assert shown.space is not None
    plane = cutting.facing(cutting.placed(cut, SHAPE), camera, SHAPE, shown.picture)
    return replace(shown, space=replace(shown.space, plane=plane))


def _brute(pane: PaneFrame, x: np.ndarray, cut: Cut, at: tuple[float, float]) -> tuple[float | None, bool]:
    """What is seen at a pixel, from the definition alone: None for nothing; and whether rounding may decide.

    ``x`` holds what each voxel of level 0 shows.
    """
    assert pane.space is not None
    origin, towards = pencil(pane.space.camera, SHAPE, pane.picture).ray(*at)
    towards = towards / np.linalg.norm(towards)
    low, high = (np.array(end) for end in pane.space.clip or ((0, 0, 0), SHAPE[::-1]))
    across, size = cutting.direction(cut), np.array(SHAPE[::-1])
    middle = cut.at + cut.thickness / 2 if cut.axis else across @ size / 2 + cut.at
    sign = np.sign(middle - across @ origin if pane.space.camera.fov else across @ towards)
    if sign * (across @ towards) <= 0:
        return None, False
    t = (middle - sign * cut.thickness / 2 - across @ origin) / (across @ towards)
    far = float(np.linalg.norm(size) * 3 + np.linalg.norm(origin))
    places = origin + np.arange(0, far, STEP)[:, None] * towards
    inside = ((places >= low) & (places < high)).all(1)
    if not inside.any():
        return None, bool((np.abs(places - np.clip(places, low, high)).max(1) < 0.02).any())
    entered, left = (float(end) * STEP for end in np.flatnonzero(inside)[[0, -1]])
    close = min(abs(t - entered), abs(t - left)) < 2 * STEP
    if t > left:
        return None, close
    if t > entered:
        column = origin + t * towards + sign * (np.arange(cut.thickness) + 0.5)[:, None] * across
        off = np.abs(column - np.round(column))[:, ~across.astype(bool) if cut.axis else slice(None)]
        close |= bool(off.min() < 1e-3)
        column = np.floor(column[((column >= 0) & (column < size)).all(1)]).astype(int)
        values = x[tuple(column.T[::-1])]
        values = values[np.abs(values) >= THRESHOLD].astype(float)
        if len(values):
            reduced = {"mean": values.mean(), "max": values.max(), "extremes": values[np.abs(values).argmax()]}
            return float(reduced[cut.reduction]), close
    walked = np.floor(places[inside & (np.arange(len(places)) * STEP > t)]).astype(int)
    skips = (np.diff(walked, axis=0) != 0).sum(1) > 1  # steps that may have passed over the corner of a voxel
    seen = x[tuple(walked.T[::-1])]
    drawn = np.abs(seen) >= THRESHOLD
    if not drawn.any():
        return None, close or bool(skips.any())
    first = int(np.argmax(drawn))
    return float(seen[first]), close or bool(skips[:first].any() or drawn[first : first + 4].sum() < 4)


@pytest.mark.gl
@pytest.mark.parametrize("way", MAKE)
@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_pixels_are_what_the_plane_cuts_open_or_lies_behind_it(screen: Offscreen, cut: Cut, way: str) -> None:
    x = _blocks()
    seen = unsure = 0
    for camera, level, clip in zip(CAMERAS.values(), (0, 1, 0), (None, None, HALF), strict=True):
        grid = cubes.on_grid(x, 0.2, level)
        shows = np.kron(grid.values, np.ones((2**level,) * 3))[: SHAPE[0], : SHAPE[1], : SHAPE[2]].astype(np.float32)
        pane = _cut(MAKE[way](x, 0.2, level), cut, camera, clip)
        _, values, states = volumes.drawn(screen, pane)
        for py in range(2, 56, 8):
            for px in range(2, 64, 8):
                expected, close = _brute(pane, shows, cut, (px + 0.5, py + 0.5))
                if close:
                    unsure += 1
                    continue
                seen += expected is not None
                assert states[py, px] == (volumes.NOTHING if expected is None else 0), (px, py)
                assert expected is None or abs(values[py, px] - expected) < 1e-6, (px, py)
    assert seen > 30
    assert unsure < 60


@pytest.mark.parametrize("way", MAKE)
def test_two_hundred_random_rays_find_the_leaf_that_is_seen(way: str) -> None:
    rng, x = np.random.default_rng(5), _blocks(1)
    made = MAKE[way](x)
    right = hits = 0
    for i in range(200):
        cut = list(CUTS.values())[i % len(CUTS)]
        azimuth, elevation, distance = rng.uniform((-180, -90, 0.9), (180, 90, 2.2))
        camera = Camera3D(azimuth, elevation, distance, fov=float(rng.choice([0.0, 40.0])))
        pane, at = _cut(made, cut, camera), tuple(rng.uniform((16, 14), (48, 42)))
        expected, close = _brute(pane, x, cut, at)
        met = leaf_under(pane, pane.picture.x + at[0], pane.picture.y + at[1])
        if close:
            right += 1
            continue
        hits += expected is not None
        if expected is None or met is None:
            right += expected is None and met is None
            continue
        row, col, depth = met.place
        mean = cut.reduction == "mean" and cut.thickness > 1
        right += x[depth, row, col] == np.float32(expected) or (mean and abs(x[depth, row, col]) >= THRESHOLD)
    assert right == 200
    assert hits > 60


@pytest.mark.gl
def test_what_is_no_number_is_seen_on_the_plane_and_lit_faces_keep_their_colours(screen: Offscreen) -> None:
    x = np.full((6, 8, 8), 0.5, np.float32)
    x[2, :4], x[2, 4:, :4], x[2, 4:, 4:] = np.nan, np.inf, 0
    camera = cubes.FRONT
    for reduction, told in (("mean", {0, 1, 2}), ("extremes", {0, 1, 2})):
        pane = _cut(cubes.on_grid(x), Cut("z", 2, 1, reduction), camera)
        plane = cutting.facing(Cut("z", 2, 1, reduction), camera, (6, 8, 8), pane.picture)
        assert pane.space is not None
        _, values, states = volumes.drawn(screen, replace(pane, space=replace(pane.space, plane=plane, shaded=True)))
        assert set(np.unique(states)) == told | {volumes.NOTHING}
        assert set(np.unique(values[states == 0])) == {np.float32(0.5)}  # below the threshold: what is behind
        with screen.renderer() as renderer:
            light = renderer.spaces.found(0)[..., 2]
        assert (light[states == 1] == 1.0).any()


@pytest.mark.gl
def test_a_plane_on_a_face_of_the_volume_is_a_plane(screen: Offscreen) -> None:
    from tests.render.volumes import pane as volume_pane
    from tests.render.volumes import picture

    x = np.random.default_rng(0).uniform(0.4, 1, SHAPE).astype(np.float32)
    for cut, camera in ((Cut("z", 0, 5), CAMERAS["above"]), (Cut("z", 9, 4), CAMERAS["behind"])):
        means = x[cut.at : cut.at + cut.thickness].mean(0)  # type: ignore[misc]
        for shown in (_cut(cubes.on_grid(x), cut, camera), _cut(cubes.as_list(x), cut, camera), None):
            pane = shown or volume_pane(picture(x), camera, (64, 56), mode="mip")
            assert pane.space is not None
            plane = cutting.facing(cut, camera, SHAPE, pane.picture)
            _, values, states = volumes.drawn(screen, replace(pane, space=replace(pane.space, plane=plane)))
            seen = 0
            for py, px in np.ndindex(56, 64):
                origin, towards = pencil(camera, SHAPE, pane.picture).ray(px + 0.5, py + 0.5)
                t = (plane.first * plane.normal[2] - origin[2]) / towards[2]
                col, row, _ = origin + t * towards
                near = min(abs(col - round(col)), abs(row - round(row))) < 1e-3
                if t > 0 and not near and 0 < col < SHAPE[2] and 0 < row < SHAPE[1]:
                    assert states[py, px] == 0
                    assert abs(values[py, px] - means[int(row), int(col)]) < 1e-5
                    seen += 1
            assert seen > 100


@pytest.mark.gl
def test_a_plane_or_box_that_moves_takes_its_outline_along(screen: Offscreen) -> None:
    from nnscope.render.offscreen import Offscreen as Fresh

    made, camera = cubes.on_grid(_blocks()), CAMERAS["above"]
    first, second = (_cut(made, Cut("", at, 1, "mean", 60, 35), camera) for at in (0.0, 3.0))
    assert second.space is not None
    for moved in (second, replace(second, space=replace(second.space, clip=HALF))):
        volumes.drawn(screen, first)
        again, _, _ = volumes.drawn(screen, moved)
        with Fresh() as fresh:
            assert (again == volumes.drawn(fresh, moved)[0]).all()


def test_the_tree_finds_every_leaf() -> None:
    x = _blocks(3)
    picture = cubes.as_list(x, 0.2)
    table, root = tree(picture)
    entries = table.reshape(-1)
    for place in np.ndindex(*SHAPE):
        entry, low, side = -1.0, np.zeros(3), float(root)
        node = 0
        while entry < 0:
            side /= 2
            half = np.array(place) >= low + side
            low += half * side
            entry = entries[8 * node + int(half @ (4, 2, 1))]
            node = -int(entry)
        leaf = int(entry) - 1
        assert picture.nodes[leaf] == np.log2(side)
        assert (picture.origin[leaf] == low).all()
