"""Splats as drawn: against the definition, one Gaussian predicted, the ray's integral, what is picked, odd fields."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nnscope.core.frame import Rect
from nnscope.core.space import Camera3D
from nnscope.fields.seen import stats_of_seen
from nnscope.fields.splatting import splat_image
from nnscope.render.driver import is_software
from nnscope.render.offscreen import Offscreen
from nnscope.render.palettes import Palettes
from nnscope.render.splats import BLENDED, ENVIRONMENT, SplatVisual
from nnscope.views.registry import find_space_view
from tests.render import splats, volumes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnscope.core.frame import PaneFrame
    from nnscope.core.space_picture import Picked
    from nnscope.core.splats import SplatPicture

pytestmark = pytest.mark.gl

SIZE = (96, 80)
FRONT = Camera3D(0, 0, 1.0, None, 0.0)
CAMERAS = {
    "aslant": Camera3D(30, 20, 1.5),
    "from above": Camera3D(-70, 80, 1.2, None, 50.0),
    "parallel": Camera3D(200, -35, 1.1, None, 0.0),
    "inside": Camera3D(10, 5, 0.1, None, 60.0),
}


def _values(screen: Offscreen, shown: PaneFrame) -> tuple[np.ndarray, np.ndarray]:
    _, values, states = volumes.drawn(screen, shown)
    return values, states == volumes.NOTHING


@pytest.mark.parametrize("mode", ["max", "sum"])
@pytest.mark.parametrize("camera", CAMERAS.values(), ids=CAMERAS)
def test_pixels_are_the_definition(screen: Offscreen, camera: Camera3D, mode: str) -> None:
    shown = splats.some(mode=mode)
    values, nothing = _values(screen, splats.pane(shown, camera))
    expected = splats.definition(shown, camera, SIZE)
    assert (~nothing).sum() > 1000
    assert np.abs(values - expected)[~nothing].max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("name", ["aslant", "parallel"])
def test_from_front_to_back(screen: Offscreen, name: str) -> None:
    shown, camera = splats.some(mode="alpha"), CAMERAS[name]
    values, nothing = _values(screen, splats.pane(shown, camera))
    expected = splats.definition(shown, camera, SIZE)
    assert np.abs(values - expected)[~nothing].max() <= 1e-5 * np.abs(expected).max()
    assert (np.abs(values - splats.definition(shown, splats.behind(camera), SIZE)) > 0.01).any()  # order counts


@pytest.mark.parametrize("mode", ["max", "sum", "alpha"])
def test_the_domain_holds_what_is_seen_along_the_axes(mode: str) -> None:
    shown = splats.some(mode=mode)
    stats = stats_of_seen(shown)
    for azimuth, elevation in ((0, 0), (180, 0), (90, 0), (0, 90), (0, -90)):
        image = splat_image(shown, Camera3D(azimuth, elevation, 0.7, None, 0.0), Rect(0, 0, 200, 160))
        assert stats.min <= image.min()
        assert image.max() <= stats.max
        assert mode == "alpha" or image.max() > 0.5 * stats.max


@pytest.fixture
def blending(monkeypatch: pytest.MonkeyPatch) -> Iterator[Offscreen]:
    """A screen on which quads are blended, as on a GPU."""
    monkeypatch.setenv(ENVIRONMENT, BLENDED)
    with Offscreen() as screen:
        yield screen


@pytest.mark.parametrize("mode", ["max", "sum"])
@pytest.mark.parametrize("camera", CAMERAS.values(), ids=CAMERAS)
def test_blended_quads_are_what_compiled_code_draws(blending: Offscreen, camera: Camera3D, mode: str) -> None:
    """But where a Gaussian ends: float32 may take a pixel's centre at the cut-off for one beyond it."""
    for shown, eye in ((splats.some(mode=mode), camera), (_flat(mode), replace(camera, elevation=0.0, azimuth=0.0))):
        values, nothing = _values(blending, splats.pane(shown, eye))
        expected = splat_image(shown, eye, Rect(0, 0, *SIZE))
        off = np.abs(values - expected)[~nothing] / np.abs(expected).max()
        assert (~nothing).sum() > 300
        assert (off > 1e-5).mean() <= 0.002
        assert off.max() <= 0.02  # e^(−9/2), what a Gaussian has where it ends


def test_the_driver_decides_unless_the_environment_does(
    screen: Offscreen, blending: Offscreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    with blending.renderer():
        assert SplatVisual(Palettes())._blended is not None
    monkeypatch.setenv(ENVIRONMENT, "")
    with screen.renderer() as renderer:
        assert (SplatVisual(Palettes())._blended is None) == is_software(renderer.driver)
    assert not is_software("NVIDIA GeForce RTX 4090/PCIe/SSE2")
    assert is_software("llvmpipe (LLVM 15.0.7, 256 bits)")


def _flat(mode: str) -> SplatPicture:
    """A field of the plane."""
    rng = np.random.default_rng(1)
    lower = np.zeros((40, 3, 3))
    lower[:, :2, :2] = np.tril(rng.normal(0, 1.2, (40, 2, 2)))
    lower[:, range(2), range(2)] = np.exp(rng.uniform(-1, 1, (40, 2)))
    means = np.column_stack((rng.uniform(0, (28, 24), (40, 2)), np.full(40, 0.5)))
    return splats.picture(means, lower, rng.uniform(-1, 1, 40), (24, 28), mode=mode)


def test_one_gaussian_seen_from_the_front(screen: Offscreen) -> None:
    centre, sigma = np.array([14.0, 12.0, 10.0]), np.diag([3.0, 1.5, 2.0])
    shown = splats.pane(splats.picture(centre, sigma, [0.8]), FRONT)
    values, _ = _values(screen, shown)
    scale = np.linalg.norm((20, 24, 28)) * 2 * np.tan(np.radians(15)) / 80
    v, u = np.mgrid[:80, :96] + 0.5
    x, y = (u - 48) * scale, (v - 40) * scale
    m = (x / 3) ** 2 + (y / 1.5) ** 2
    inside = (np.abs(x) < 13.9) & (np.abs(y) < 11.9) & (np.abs(m - 9) > 1e-3)
    expected = np.where(m <= 9, 0.8 * np.exp(-m / 2), 0)
    assert np.abs(values - expected)[inside].max() < 1e-5


def test_sums_are_integrals_of_the_field() -> None:
    from nnscope.fields.splatting import projected, values_of

    lower = np.array([[1.5, 0, 0], [0.4, 1.2, 0], [-0.5, 0.3, 1.8]])
    shown = splats.picture([14, 12, 10], lower, [0.7], mode="sum", cutoff=8.0)
    pane = splats.pane(shown, FRONT, (40, 40))
    found = values_of(projected(shown, FRONT, pane.picture, mode="sum"), (40, 40), "sum", 8.0)
    scale = np.linalg.norm((20, 24, 28)) * 2 * np.tan(np.radians(15)) / 40
    depth = np.linspace(-12, 12, 4001)
    for u, v in ((20, 20), (22, 19), (17, 23)):
        offset = np.stack(np.broadcast_arrays((u + 0.5 - 20) * scale, (v + 0.5 - 20) * scale, depth))
        along = 0.7 * np.exp(-0.5 * (np.linalg.solve(lower, offset) ** 2).sum(0))
        assert found[v, u] == pytest.approx(np.trapezoid(along, depth) / (20 * 24 * 28) ** (1 / 3), rel=1e-4)


@pytest.mark.parametrize("camera", CAMERAS.values(), ids=CAMERAS)
def test_the_strongest_is_picked(camera: Camera3D) -> None:
    shown = splats.some(mode="max")
    pane, given = splats.pane(shown, camera), splats.shares(shown, camera, SIZE)
    which = np.arange(len(shown.weights)) if len(given) == len(shown.weights) else None
    for row, col in np.random.default_rng(0).integers(0, (80, 96), (60, 2)):
        here, there = _picked(pane, col, row), np.abs(given[:, row, col])
        assert (here is None) == (there.max() == 0)
        if here is not None and which is not None:
            assert here.note.startswith(f"Gaussian {there.argmax()}: centre (")
            assert f"gives {there.max() / there.sum():.1%} of" in here.note


def test_colour_by_amplitude_is_that_of_the_strongest(screen: Offscreen) -> None:
    shown = splats.some(colour="amplitude")
    values, nothing = _values(screen, splats.pane(shown, CAMERAS["aslant"]))
    given = np.abs(splats.shares(shown, CAMERAS["aslant"], SIZE))
    expected = np.where(given.max(0) > 0, shown.weights[given.argmax(0)], 0)
    assert (values == expected.astype(np.float32))[~nothing].mean() > 0.999


def test_outlines_pass_at_one_sigma(screen: Offscreen) -> None:
    shown = splats.picture([14, 12, 10], np.diag([5.0, 2.5, 2.0]), [0.8], outlines=True)
    _, nothing = _values(screen, splats.pane(shown, FRONT))
    scale = np.linalg.norm((20, 24, 28)) * 2 * np.tan(np.radians(15)) / 80
    v, u = np.nonzero(~nothing)
    d = np.hypot((u + 0.5 - 48) * scale / 5, (v + 0.5 - 40) * scale / 2.5)
    assert len(d) > 60
    assert (np.abs(d - 1) < 0.2).all()


@pytest.mark.parametrize("mode", ["max", "sum"])
def test_odd_fields(screen: Offscreen, mode: str) -> None:
    camera = CAMERAS["aslant"]
    empty = splats.picture(np.zeros((0, 3)), np.zeros((0, 3, 3)), [], mode=mode)
    assert not _values(screen, splats.pane(empty, camera))[0].any()
    behind = splats.picture([14, 12, -500], np.eye(3), [1.0], mode=mode)
    assert not _values(screen, splats.pane(behind, Camera3D(0, 0, 1.0)))[0].any()
    for sigma in (2e-9, 5e8):
        thin = splats.picture([14, 12, 10], np.diag([sigma, 1, 1]), [1.0], mode=mode)
        values, _ = _values(screen, splats.pane(thin, camera))
        assert np.isfinite(values).all()


def _picked(pane: PaneFrame, col: int, row: int) -> Picked | None:
    return find_space_view("splats").pick(pane, pane.picture.x + col + 0.5, pane.picture.y + row + 0.5)
