"""Volumes as drawn, against NumPy: rays, modes, values that are no number, levels, folds, and what is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnscope.compute.space.perspective import eye
from nnscope.core.frame import Frame
from nnscope.core.space import Camera3D
from tests.render import building, volumes

if TYPE_CHECKING:
    from nnscope.render.offscreen import Offscreen

pytestmark = pytest.mark.gl

CAMERAS = {
    "front, parallel": volumes.FRONT,
    "aslant, parallel": Camera3D(30, 20, 2.0, None, 0.0),
    "aslant": Camera3D(-125, 35, 1.7),
    "from below": Camera3D(200, -60, 2.0, None, 50.0),
    "from the top": Camera3D(0, 90, 2.0),
    "inside": Camera3D(40, 10, 0.2, None, 60.0),
    "off centre": Camera3D(15, -10, 1.2, (3.0, 12.0, 1.0)),
}


def _noise(shape: tuple[int, int, int] = (11, 17, 21), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


@pytest.mark.parametrize("mode", ["mip", "minip", "signed"])
def test_along_an_axis_the_picture_is_the_extreme_of_each_column(screen: Offscreen, mode: str) -> None:
    x = _noise((9, 16, 16))
    shown = volumes.pane(volumes.picture(x), volumes.FRONT, (128, 128), mode=mode)
    pixels, values, states = volumes.drawn(screen, shown)
    best = np.take_along_axis(x, np.abs(x).argmax(0)[None], 0)[0]
    expected = {"mip": x.max(0), "minip": x.min(0), "signed": best}[mode]
    assert set(np.unique(states)) == {0, volumes.NOTHING}
    assert shown.normalisation is not None
    assert shown.style is not None
    for y, col in zip(*np.nonzero(states == 0), strict=True):
        origin, _, _ = volumes.ray(shown, int(col), int(y))
        value = expected[int(origin[1]), int(origin[0])]
        assert values[y, col] == value
        box = (states[y - 1 : y + 2, col - 1 : col + 2] != 0).any()  # its lines lie over the edge
        assert box or tuple(pixels[y, col]) == building.colour_of(float(value), 0, shown.normalisation, shown.style)


@pytest.mark.parametrize("share", [1.0, 0.02], ids=["dense", "mostly 0"])
@pytest.mark.parametrize("shape", [(9, 16, 16), (64, 64, 64)], ids=str)
def test_along_an_axis_the_picture_is_the_average_of_each_column(
    screen: Offscreen, shape: tuple[int, int, int], share: float
) -> None:
    x = _noise(shape)
    x[np.add.reduce(np.indices(shape) // 8) % round(1 / share) != 0] = 0  # bricks, which rays pass over
    shown = volumes.pane(volumes.picture(x), volumes.FRONT, (128, 128), mode="average")
    assert shown.style is not None
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 4, 1)
    shown = replace(shown, style=replace(shown.style, lut=ramp))
    pixels, values, states = volumes.drawn(screen, shown)
    assert set(np.unique(states)) == {0, volumes.NOTHING}
    places = np.argwhere(_within(states))
    columns = [volumes.ray(shown, col, y)[0].astype(int) for y, col in places.tolist()]
    expected = x.astype(np.float64).mean(0)[tuple(np.array(columns).T[1::-1])]
    np.testing.assert_allclose(values[tuple(places.T)], expected, rtol=0, atol=1e-6)
    greys = np.rint(255 * (expected + 1) / 2)[:, None]
    np.testing.assert_allclose(pixels[tuple(places.T)].astype(float), np.broadcast_to(greys, (len(greys), 3)), atol=1)


def _within(states: np.ndarray) -> np.ndarray:
    """Where a ray meets the volume and those beside it do, too: the lines of the box lie elsewhere."""
    met = np.pad(states == 0, 1)
    inside: np.ndarray = np.lib.stride_tricks.sliding_window_view(met, (3, 3)).all((2, 3))
    return inside


@pytest.mark.parametrize("interpolation", ["nearest", "linear"])
@pytest.mark.parametrize("mode", ["mip", "minip", "signed"])
@pytest.mark.parametrize("camera", CAMERAS.values(), ids=CAMERAS)
def test_rays_find_what_float64_finds(screen: Offscreen, camera: Camera3D, mode: str, interpolation: str) -> None:
    shown = volumes.pane(volumes.picture(_noise()), camera, mode=mode, interpolation=interpolation)
    _, values, states = volumes.drawn(screen, shown)
    off = 0
    for y in range(0, values.shape[0], 5):
        for x in range(0, values.shape[1], 5):
            along = volumes.met(shown, x, y)
            value, state = volumes.extreme(along, mode)
            same = states[y, x] == state and abs(values[y, x] - value) < 2e-3
            near_edge = not len(along) or (not same and _grazes(shown, x, y))
            off += not same and not near_edge
    assert off == 0


@pytest.mark.parametrize("interpolation", ["nearest", "linear"])
@pytest.mark.parametrize("mode", ["average", "additive"])
@pytest.mark.parametrize("camera", CAMERAS.values(), ids=CAMERAS)
def test_sums_are_those_of_float64(screen: Offscreen, camera: Camera3D, mode: str, interpolation: str) -> None:
    shown = volumes.pane(volumes.picture(_noise()), camera, mode=mode, interpolation=interpolation)
    _, values, states = volumes.drawn(screen, shown)
    for y in range(0, values.shape[0], 5):
        for x in range(0, values.shape[1], 5):
            met = volumes.met_at(shown, x, y)
            if len(met.lengths) and met.lengths.sum() > 0.01:
                total = float(met.values @ met.lengths)
                expected = total / met.lengths.sum() if mode == "average" else total
                assert states[y, x] == 0
                assert values[y, x] == pytest.approx(expected, abs=2e-3)


CURVES = {"square": (), "hills": ((0.0, 0.9), (0.2, 0.0), (0.5, 0.3), (0.55, 0.3), (0.8, 1.0), (1.0, 0.1))}


@pytest.mark.parametrize("points", CURVES.values(), ids=CURVES)
@pytest.mark.parametrize("interpolation", ["nearest", "linear"])
@pytest.mark.parametrize("camera", CAMERAS.values(), ids=CAMERAS)
def test_mist_is_composed_from_the_front(
    screen: Offscreen, camera: Camera3D, interpolation: str, points: tuple[tuple[float, float], ...]
) -> None:
    from nnscope.compute.space.transfer import colour_places, shares

    how = {"mode": "translucent", "interpolation": interpolation, "gain": 2.0, "opacity": points}
    shown = volumes.pane(volumes.picture(_noise()), camera, **how)
    assert shown.style is not None
    shown = replace(shown, style=_soft(shown.style))
    assert shown.style is not None
    _, _, _ = volumes.drawn(screen, shown)
    with screen.renderer() as renderer:
        found = renderer.spaces.found(0)
    norm = shown.normalisation
    assert norm is not None
    lut = np.concatenate((shown.style.lut[:, :3], [shown.style.under, shown.style.over])) / 255.0
    u = np.append((np.arange(256) + 0.5) / 256, (0.0, 1.0))
    opacity = np.interp(u, *np.array(points).T) if points else (2 * u - 1) ** 2
    table = 2.0 / (11 * 17 * 21) ** (1 / 3) * opacity
    for y in range(0, 80, 5):
        for x in range(0, 96, 5):
            met = volumes.met_at(shown, x, y)
            places = colour_places(norm, met.values)
            weights = shares(table[places], met.lengths) if len(places) else np.zeros(0)
            assert found[y, x, :3] == pytest.approx(weights @ lut[places], abs=1 / 255)
            assert found[y, x, 3] == pytest.approx(weights.sum(), abs=0.005)


@pytest.mark.parametrize("signed", [True, False], ids=["both signs", "one sign"])
@pytest.mark.parametrize("interpolation", ["nearest", "linear"])
@pytest.mark.parametrize("own", ["tints", "tints of places", "weights", "both"])
def test_mist_with_hues_and_opacities_of_its_own(screen: Offscreen, own: str, interpolation: str, signed: bool) -> None:
    from nnscope.compute.space.transfer import colour_places, extinctions, shares

    x = _noise((9, 10, 12))
    rng = np.random.default_rng(1)
    tints = rng.integers(0, 256, (1 if own == "tints of places" else 9, 10, 12, 3)).astype(np.uint8)
    weights = np.linspace(0.1, 1.0, 9).astype(np.float32)
    picture = replace(volumes.picture(x), tints=None if own == "weights" else tints)
    picture = replace(picture, weights=None if own.startswith("tints") else weights)
    limits = (-1.0, 1.0) if signed else (0.0, 1.0)
    norm = building.linear(*limits)
    shown = volumes.pane(picture, Camera3D(-125, 35, 1.7), mode="translucent", interpolation=interpolation)
    shown = replace(shown, normalisation=norm)
    assert shown.style is not None
    shown = replace(shown, style=_soft(shown.style))
    assert shown.style is not None
    volumes.drawn(screen, shown)
    with screen.renderer() as renderer:
        found = renderer.spaces.found(0)
    u = np.append(np.arange(256) / 255, (0.0, 1.0))
    strengths = np.abs(2 * u - 1) if signed else u
    lut = np.concatenate((shown.style.lut[:, :3], [shown.style.under, shown.style.over])) / 255.0
    table = extinctions(norm, 6.0, (9, 10, 12))
    for row in range(0, 80, 7):
        for col in range(0, 96, 7):
            met = volumes.met_at(shown, col, row)
            z, y, x_ = met.voxels.T if len(met.voxels) else np.zeros((3, 0), int)
            places = colour_places(norm, met.values) if len(z) else np.zeros(0, int)
            absorbs = table[places] * (1 if picture.weights is None else weights[z])
            colours = lut[places]
            if picture.tints is not None:
                colours = tints[z % len(tints), y, x_] / 255 * strengths[places][:, None]
            expected = (shares(absorbs, met.lengths) if len(z) else np.zeros(0)) @ colours
            assert found[row, col, :3] == pytest.approx(expected, abs=1.5 / 255)


def _soft(style: Any) -> Any:
    """Colours that change little from one to the next, so that rounding decides nothing."""
    ramp = np.linspace(0, 255, 256).astype(np.uint8)
    return replace(style, lut=np.stack((ramp, ramp[::-1], ramp // 2, ramp), 1))


@pytest.mark.parametrize("camera", CAMERAS.values(), ids=CAMERAS)
def test_surfaces_are_the_first_voxels_that_reach_the_threshold(screen: Offscreen, camera: Camera3D) -> None:
    shown = volumes.pane(volumes.picture(_noise()), camera, mode="surface", threshold=0.8)
    _, values, states = volumes.drawn(screen, shown)
    for y in range(0, 80, 5):
        for x in range(0, 96, 5):
            along = volumes.met(shown, x, y)
            reach = np.flatnonzero(np.abs(along) >= 0.8)
            if not _grazes(shown, x, y):
                assert states[y, x] == (0 if len(reach) else volumes.NOTHING)
                assert values[y, x] == (np.float32(along[reach[0]]) if len(reach) else 0)


def test_a_ball_is_round_and_lit_from_the_eye(screen: Offscreen) -> None:
    z, y, x = np.mgrid[:32, :32, :32] - 15.5
    ball = np.exp(-(x**2 + y**2 + z**2) / 150)
    camera = Camera3D(40, 25, 2.0, None, 0.0)
    shown = volumes.pane(
        volumes.picture(ball), camera, (160, 160), mode="surface", interpolation="linear", threshold=float(np.exp(-1))
    )
    _, values, states = volumes.drawn(screen, shown)
    with screen.renderer() as renderer:
        light = renderer.spaces.found(0)[..., 2]
    seen = eye(camera, (32, 32, 32), shown.picture)
    radius = np.sqrt(150) / seen.scale
    rows, cols = np.mgrid[:160, :160] + 0.5 - 80
    apart = np.hypot(rows, cols) / radius
    assert (states[apart < 0.97] == 0).all()
    assert (states[apart > 1.03] == volumes.NOTHING).all()
    assert values[apart < 0.97] == pytest.approx(np.exp(-1), abs=0.03)
    inner = apart < 0.9
    assert light[inner] == pytest.approx(0.35 + 0.65 * np.sqrt(1 - apart[inner] ** 2), abs=0.03)


def _grazes(shown: object, x: int, y: int) -> bool:
    """Whether the ray passes a voxel's edge so closely that float32 may decide otherwise."""
    from nnscope.compute.space.rays import crossed

    origin, towards, box = volumes.ray(shown, x, y)  # type: ignore[arg-type]
    _, bounds = crossed(origin, towards, box)
    return len(bounds) == 0 or bool((np.diff(bounds) * np.linalg.norm(towards)).min() < 1e-3)


def test_values_that_are_no_number_have_their_colours(screen: Offscreen) -> None:
    x = _noise((6, 8, 8))
    x[:, 0, 0] = np.nan
    x[:3, 1, 1] = np.nan
    x[2, 2, 2] = np.inf
    x[2, 3, 3] = -np.inf
    x[:, 4, 4] = -np.inf
    x[:, 5, 5] = np.inf
    for mode in ("mip", "minip", "signed"):
        shown = volumes.pane(volumes.picture(x, mode=mode), mode=mode)
        _, values, states = volumes.drawn(screen, shown)
        for y in range(0, 80, 3):
            for col in range(0, 96, 3):
                value, state = volumes.extreme(volumes.met(shown, col, y), mode)
                assert (states[y, col], values[y, col]) == (state, np.float32(value))


@pytest.mark.parametrize(
    ("shape", "camera"),
    [
        ((1, 1, 1), Camera3D()),
        ((4, 4, 2049), Camera3D(0, 0, 0.05, None, 0.0)),
        ((2049, 4, 4), Camera3D(90, 0, 0.05)),
        ((4096, 8, 8), Camera3D(60, 10, 0.05)),
        ((3, 2600, 2), Camera3D(10, 5, 0.02)),
    ],
    ids=str,
)
@pytest.mark.parametrize("interpolation", ["nearest", "linear"])
def test_shapes_of_all_kinds(
    screen: Offscreen, shape: tuple[int, int, int], camera: Camera3D, interpolation: str
) -> None:
    shown = volumes.pane(volumes.picture(_noise(shape)), camera, interpolation=interpolation, size=(64, 48))
    _, values, states = volumes.drawn(screen, shown)
    assert (states == 0).any()
    for y in range(0, 48, 4):
        for x in range(0, 64, 4):
            value, state = volumes.extreme(volumes.met(shown, x, y), "mip")
            if not _grazes(shown, x, y):
                assert states[y, x] == state
                assert values[y, x] == pytest.approx(value, abs=5e-3)


@pytest.mark.parametrize("axis", ["z", "x"])
def test_along_an_axis_a_long_volume_is_the_extreme_of_each_column_to_the_pixel(screen: Offscreen, axis: str) -> None:
    x = np.resize(_noise((61, 64, 64)), (4096, 64, 64))  # folded: a side is longer than textures may be
    x[1000:3000, ::2] -= 0.2
    camera = Camera3D(0, 0, 0.02, None, 0.0) if axis == "z" else Camera3D(90, 0, 0.02, None, 0.0)
    shown = volumes.pane(volumes.picture(x), camera, (64, 48))
    pixels, values, states = volumes.drawn(screen, shown)
    assert shown.normalisation is not None
    assert shown.style is not None
    columns = x.max("zyx".index(axis))
    places = np.argwhere(_within(states))
    for y, col in places.tolist():
        origin, _, _ = volumes.ray(shown, col, y)
        value = columns[int(origin[1]), int(origin[0])] if axis == "z" else columns[int(origin[2]), int(origin[1])]
        assert values[y, col] == value
        assert tuple(pixels[y, col]) == building.colour_of(float(value), 0, shown.normalisation, shown.style)
    assert len(places) > 500


@pytest.mark.parametrize("x", [np.full((5, 6, 7), np.nan), np.full((5, 6, 7), 0.25)], ids=["all NaN", "constant"])
def test_volumes_of_one_value(screen: Offscreen, x: np.ndarray) -> None:
    _, values, states = volumes.drawn(screen, volumes.pane(volumes.picture(x)))
    inside = states != volumes.NOTHING
    assert inside.any()
    assert (states[inside] == (1 if np.isnan(x[0, 0, 0]) else 0)).all()
    assert (values[inside] == np.nan_to_num(x[0, 0, 0])).all()


def test_new_limits_and_markers_send_no_rays(screen: Offscreen) -> None:
    shown = volumes.pane(volumes.picture(_noise()))
    first, _, _ = volumes.drawn(screen, shown)
    with screen.renderer() as renderer:
        before = renderer.spaces.marches
    other, _, _ = volumes.drawn(screen, replace(shown, normalisation=building.linear(-2.0, 2.0)))
    with screen.renderer() as renderer:
        assert renderer.spaces.marches == before
    assert (first != other).any()


def test_a_turned_camera_is_drawn_at_rest_as_if_at_once(screen: Offscreen) -> None:
    volume = volumes.picture(_noise())
    at_rest = volumes.pane(volume, Camera3D(50, 20))
    once, _, _ = volumes.drawn(screen, at_rest)
    volumes.drawn(screen, volumes.pane(volume, Camera3D(20, 20)))
    rough, _, _ = volumes.drawn(screen, volumes.with_quality(at_rest, 4))
    again, _, _ = volumes.drawn(screen, at_rest)
    assert (rough != once).any()
    assert (again == once).all()


def test_two_panes_each_have_their_own(screen: Offscreen) -> None:
    a, b = volumes.picture(_noise(seed=1)), volumes.picture(_noise(seed=2))
    left = volumes.pane(a)
    right = volumes.pane(b)
    moved = replace(right, rect=replace(right.rect, x=104), picture=replace(right.picture, x=108))
    pixels = building.inside(screen.draw(Frame(208, 92, (left, moved))), moved)
    alone = building.inside(screen.draw(Frame(104, 92, (right,))), right)
    assert (pixels == alone).all()
