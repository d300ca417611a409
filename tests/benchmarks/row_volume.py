"""Row ``volume``: the greatest value along each ray of 256³ float32 voxels, 512² pixels, against VisPy's own Volume.

Both draw with the same software OpenGL into a framebuffer and read it back, linear with 0.8 voxels between samples, a
camera that turns with every frame. Ours has a line for each way of looking: every voxel that a ray crosses, which VisPy
does not have, and samples. The gate compares 400 of our rays with float64 (`nnscope.compute.space.rays`).
"""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from collections.abc import Callable

PIXELS = 512
STEP = 0.8
PLACE = Rect(0, 0, PIXELS, PIXELS)


def run(quick: bool = False) -> list[Result]:
    """Measure the row."""
    side = 64 if quick else 256
    results = []
    with Offscreen() as screen:
        for name, voxels in scenes(side).items():
            peer = _vispy(voxels)
            for way in ("linear", "nearest"):
                pane = _pane(voxels, way)
                _check(screen, pane)
                times = interleaved(_turning(screen, pane), peer, 3 if quick else REPEATS)
                note = "peer: VisPy Volume, r32f, linear; 400 rays equal float64"
                results.append(compared("volume", f"MIP {side}³ {name}, {way}", times, Goal(1.0), note))
    return results


def scenes(side: int) -> dict[str, np.ndarray]:
    """Volumes in [0, 1]: one twentieth occupied, dense and smooth, white noise."""
    rng = np.random.default_rng(0)
    noise = rng.random((side,) * 3, np.float32)
    smooth = _smooth(rng, side)
    faint = np.quantile(smooth, 0.95)
    return {"5 % occupied": np.where(smooth > faint, noise, 0).astype(np.float32), "smooth": smooth, "noise": noise}


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


def _vispy(voxels: np.ndarray) -> Callable[[], float]:
    """Draws VisPy's visual of the same volume with a turning camera."""
    from vispy import scene

    made: dict[str, Any] = {}
    turns = count()

    def draw() -> float:
        if not made:
            os.environ["EGL_PLATFORM"] = "surfaceless"  # VisPy asks for the default display
            canvas = scene.SceneCanvas(size=(PIXELS, PIXELS), show=False, app="egl")
            view = canvas.central_widget.add_view()
            distance = 2.0 * 3**0.5 * len(voxels)
            made["canvas"], made["camera"] = (
                canvas,
                scene.cameras.TurntableCamera(
                    fov=30.0, elevation=20.0, distance=distance, center=(len(voxels) / 2,) * 3
                ),
            )
            view.camera = made["camera"]
            scene.visuals.Volume(
                voxels, parent=view.scene, method="mip", clim=(0, 1), texture_format="r32f",
                interpolation="linear", relative_step_size=STEP,
            )  # fmt: skip
        made["camera"].azimuth = 3.0 * next(turns)
        return seconds(made["canvas"].render)

    return draw
