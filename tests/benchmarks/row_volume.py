"""Row ``volume``: the greatest value along each ray of 256³ float32 voxels, 512² pixels, against VisPy's own Volume.

Both draw with the same software OpenGL into a framebuffer and read it back: r32f, the same filter, 0.8 voxels between
samples, the same camera, which turns with every frame. With the filter "nearest" ours takes every voxel that a ray
crosses, VisPy the samples. Gates: samples so dense that their places do not matter give both the same picture within
2/255 (64² rays through 64³ voxels); 400 of our rays find what float64 finds (`nnscope.compute.space.rays`).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.space.rays import comb, crossed, interpolated
from nnscope.compute.space.voxels import brick_ranges
from nnscope.core.frame import ColourStyle, Frame, PaneFrame, Rect, SpaceFrame
from nnscope.core.layout import volume_layout
from nnscope.core.legend import Normalisation
from nnscope.core.space import Camera3D
from nnscope.core.volume import BRICK, VolumePicture
from nnscope.render.offscreen import Offscreen
from nnscope.views.volume_pick import ray_at
from tests.benchmarks.measure import REPEATS, Goal, Result, compared, interleaved, seconds
from tests.benchmarks.vispy_volume import VispyVolume

if TYPE_CHECKING:
    from collections.abc import Callable

PIXELS = 512
STEP = 0.8
PLACE = Rect(0, 0, PIXELS, PIXELS)
FEW, DENSE = 64, 0.01  # rays and voxels a side, and voxels between samples, of the gate
GOALS = {"5 % occupied": 5.0, "5 % noise": 5.0, "smooth": 1.8, "noise": 0.9}  # times as fast


def run(quick: bool = False) -> list[Result]:
    """Measure the row."""
    side = 64 if quick else 256
    results = []
    with Offscreen() as screen:
        few = scenes(FEW)
        for name, voxels in scenes(side).items():
            alike = _alike(screen, few[name])
            for way in ("linear", "nearest"):
                pane = _pane(voxels, way)
                _check(screen, pane)
                peer = _turning_peer(voxels, way)
                times = interleaved(_turning(screen, pane), peer, 3 if quick else REPEATS)
                note = f"VisPy Volume, r32f, {way}; {alike:.2%} within 2/255; 400 rays equal float64"
                results.append(compared("volume", f"MIP {side}³ {name}, {way}", times, Goal(1 / GOALS[name]), note))
    return results


def scenes(side: int) -> dict[str, np.ndarray]:
    """Volumes in [0, 1]: what rises above all but a twentieth of a smooth field, noise there, the field, noise."""
    rng = np.random.default_rng(0)
    noise = rng.random((side,) * 3, np.float32)
    smooth = _smooth(rng, side)
    faint = np.quantile(smooth, 0.95).astype(np.float32)
    return {
        "5 % occupied": np.maximum(smooth - faint, 0) / (1 - faint),
        "5 % noise": np.where(smooth > faint, noise, 0).astype(np.float32),
        "smooth": smooth,
        "noise": noise,
    }


def _smooth(rng: np.random.Generator, side: int) -> np.ndarray:
    """A random field of blobs of about a tenth of the side, by its Fourier transform."""
    waves = np.fft.fftfreq(side) * side
    distance = np.sqrt(sum(np.meshgrid(*(waves**2,) * 3, indexing="ij")))
    field = np.fft.ifftn(np.fft.fftn(rng.normal(size=(side,) * 3)) * np.exp(-((distance / 5) ** 2))).real
    return ((field - field.min()) / np.ptp(field)).astype(np.float32)


def _pane(voxels: np.ndarray, way: str) -> PaneFrame:
    ranges = brick_ranges(voxels, None, BRICK)
    volume = VolumePicture(
        "t", "volume", volume_layout(voxels.shape), 0, voxels.shape, 0, voxels, None, *ranges, "", ()
    )
    space = SpaceFrame(("volume", id(volume)), volume, Camera3D(30, 20, 2.0), "mip", way, STEP)
    grey = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 4, 1)
    style = ColourStyle("grey", grey, *((0, 0, 0),) * 6)
    norm = Normalisation("linear", "identity", 0.0, 1.0, 0, 1)
    return PaneFrame(PLACE, PLACE, normalisation=norm, style=style, space=space)


def _turning(screen: Offscreen, pane: PaneFrame) -> Callable[[], float]:
    turns = count()

    def draw() -> float:
        assert pane.space is not None
        camera = replace(pane.space.camera, azimuth=30 + 3.0 * next(turns))
        frame = Frame(PIXELS, PIXELS, (replace(pane, space=replace(pane.space, camera=camera)),))
        return seconds(lambda: screen.draw(frame))

    return draw


def _check(screen: Offscreen, pane: PaneFrame) -> None:
    """Rays through 20 × 20 pixels find what float64 finds, but for those that pass an edge between voxels closely."""
    assert pane.space is not None
    screen.draw(Frame(PIXELS, PIXELS, (pane,)))
    with screen.renderer() as renderer:
        found = renderer.spaces.found(0)
    values, wrong = pane.space.picture.values, 0
    for y in range(6, PIXELS, 26):
        for x in range(6, PIXELS, 26):
            ray = ray_at(pane.space, PLACE, x + 0.5, y + 0.5)
            if pane.space.interpolation == "linear":
                met = interpolated(values, comb(*ray, STEP)[0])
            else:
                met = values[tuple(crossed(*ray)[0].T)]
            wrong += len(met) > 0 and abs(float(met.max()) - found[y, x, 0]) > 2e-3
    assert wrong <= 4, f"{wrong} of 400 rays are wrong"


def _turning_peer(voxels: np.ndarray, way: str) -> Callable[[], float]:
    turns, peer = count(), VispyVolume(voxels, PIXELS, STEP, way)

    def draw() -> float:
        camera = Camera3D(30 + 3.0 * next(turns), 20, 2.0)
        return seconds(lambda: peer.draw(camera))

    return draw


def _alike(screen: Offscreen, voxels: np.ndarray) -> float:
    """Share of the pixels within 2/255 of the peer's, with samples so dense that their places do not matter.

    VisPy adds its steps up, and loses its place by a few hundredths of a voxel, which noise shows.
    """
    pane, place = _pane(voxels, "linear"), Rect(0, 0, FEW, FEW)
    assert pane.space is not None
    pane = replace(pane, rect=place, picture=place, space=replace(pane.space, step=DENSE))
    assert pane.space is not None
    screen.draw(Frame(FEW, FEW, (pane,)))
    with screen.renderer() as renderer:
        found = renderer.spaces.found(0)
    theirs = VispyVolume(voxels, FEW, DENSE, "linear").draw(pane.space.camera)
    both = (found[..., 1] == 0) & (theirs[..., 3] > 0)
    alike = float((np.abs(255 * found[..., 0] - theirs[..., 0])[both] <= 2).mean())
    assert both.sum() > 500, "the two do not look from the same place"
    assert alike >= 0.999, f"only {alike:.2%} of the pixels are the same"
    return alike
