"""Row ``splat-draw``: 10⁵ Gaussians of 8 pixels drawn into 1280 × 800 float32, summed or their largest.

Ours are projected anew for each frame, drawn by compiled code, and handed over as one texture. The peer draws them as
point sprites with a Gaussian falloff, blended into a float32 target by the same OpenGL, its points uploaded before.
Each side waits until OpenGL has finished. The gate: all pixels within 10⁻⁵ of the peak from float64 arithmetic.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np

from nnscope.arrays.buffers import Buffers
from nnscope.core.frame import Rect
from nnscope.core.layout import volume_layout
from nnscope.core.space import Camera3D
from nnscope.core.splats import SplatPicture, Splatting
from nnscope.fields.splatting import projected, values_of
from nnscope.render.offscreen import Offscreen
from tests.benchmarks.measure import REPEATS, Goal, Result, absolute, compared, interleaved, seconds

PARTS = ("max", "sum")
PLACE = Rect(0, 0, 1280, 800)
SIDE = 256
CAMERA = Camera3D(30, 20, 2.0, None, 0.0)
ACROSS = 8.0  # pixels: twice the cut-off
_VERTEX = """
attribute vec3 a_splat;
varying float v_weight;
void main() {
    v_weight = a_splat.z;
    gl_Position = vec4(a_splat.xy, 0.0, 1.0);
    gl_PointSize = SIZE;
}
"""
_FRAGMENT = """
varying float v_weight;
void main() {
    vec2 d = (gl_PointCoord - 0.5) * 6.0;
    float m = dot(d, d);
    if (m > 9.0) { discard; }
    gl_FragColor = vec4(v_weight * exp(-0.5 * m), 0.0, 0.0, 1.0);
}
"""


def run(quick: bool = False, part: str = "") -> list[Result]:
    """Measure the row."""
    shown, repeats = splats(2000 if quick else 100_000), 2 if quick else REPEATS
    results = []
    with Offscreen() as screen:
        for mode in [part] if part else PARTS:
            worst = _check(shown, mode)
            ours, peer = _Ours(screen, shown, mode), _Sprites(screen, shown, mode)
            times = interleaved(ours.draw, peer.draw, repeats)
            what = f"{len(shown.weights):,} of {ACROSS:g} px, {mode}"
            note = f"peer: GL point sprites; {worst:.1e} of the peak from float64"
            results.append(compared("splat-draw", what, times, Goal(0.25), note))
            rates = [1 / ours.draw() for _ in range(3 * repeats)]
            results.append(absolute("splat-draw", what, rates, Goal(50.0, at_least=True), "fps"))
    return results


def splats(many: int) -> SplatPicture:
    """Round Gaussians of one size anywhere in a cube."""
    rng = np.random.default_rng(0)
    layout, scale = volume_layout((SIDE,) * 3), _cells_per_pixel()
    factors = np.zeros((many, 6))
    factors[:, (0, 2, 5)] = ACROSS / 6 * scale
    means, weights = rng.uniform(0, SIDE, (many, 3)), rng.uniform(0.1, 1, many)
    return SplatPicture(
        "field", "splats", layout, 0, means, factors, weights, np.arange(many), 0.0, Splatting(), recipe=()
    )


def _cells_per_pixel() -> float:
    from nnscope.compute.space.perspective import eye

    return eye(CAMERA, (SIDE,) * 3, PLACE).scale


def _check(shown: SplatPicture, mode: str) -> float:
    """The worst of all pixels against the definition, over the peak."""
    seen = projected(shown, CAMERA, PLACE)
    found = values_of(seen, (PLACE.w, PLACE.h), mode, 3.0)
    expected = np.zeros((PLACE.h, PLACE.w))
    for u, v, a, p, s, w in seen:
        left, top = max(int(u) - 6, 0), max(int(v) - 6, 0)
        part = expected[top : int(v) + 7, left : int(u) + 7]
        dv, du = np.ogrid[: part.shape[0], : part.shape[1]]
        dv, du = dv + top + 0.5 - v, du + left + 0.5 - u
        m = a * (du + p * dv) ** 2 + s * dv**2
        given = np.where(m <= 9, w * np.exp(-m / 2), 0)
        part[:] = part + given if mode == "sum" else np.maximum(part, given)
    worst = float(np.abs(found - expected).max() / expected.max())
    assert worst <= 1e-5, f"a pixel is {worst:.1e} of the peak off"
    return worst


class _Ours:
    """Projected, drawn and handed over."""

    def __init__(self, screen: Offscreen, shown: SplatPicture, mode: str) -> None:
        from vispy import gloo
        from vispy.gloo.context import get_current_canvas

        self._screen, self._shown, self._mode, self._turns = screen, shown, mode, count()
        self._buffers = Buffers()
        with screen.renderer():
            self._texture = gloo.Texture2D((PLACE.h, PLACE.w, 1), format="red", internalformat="r32f")
            get_current_canvas().context.glir.associate(self._texture.glir)  # which no program does here

    def draw(self) -> float:
        """Seconds of a frame from another side."""
        from vispy import gloo

        camera = replace(CAMERA, azimuth=30 + 3.0 * next(self._turns))

        def frame() -> None:
            seen = projected(self._shown, camera, PLACE, buffers=self._buffers)
            image = values_of(seen, (PLACE.w, PLACE.h), self._mode, 3.0, self._buffers)
            self._texture.set_data(image[..., None])
            gloo.finish()

        with self._screen.renderer():
            return seconds(frame)


class _Sprites:
    """Every Gaussian as a point, added or brought to the largest by blending."""

    def __init__(self, screen: Offscreen, shown: SplatPicture, mode: str) -> None:
        from vispy import gloo

        seen = projected(shown, CAMERA, PLACE)
        places = seen[:, :2] / (PLACE.w, PLACE.h) * 2 - 1
        points = np.ascontiguousarray(np.column_stack((places, seen[:, 5])), np.float32)
        self._screen, self._mode = screen, mode
        with screen.renderer():
            self._program = gloo.Program(_VERTEX.replace("SIZE", str(ACROSS)), _FRAGMENT)
            self._program["a_splat"] = gloo.VertexBuffer(points)
            texture: Any = gloo.Texture2D((PLACE.h, PLACE.w, 1), format="red", internalformat="r32f")
            self._target = gloo.FrameBuffer(color=texture)

    def draw(self) -> float:
        """Seconds of a frame."""
        from vispy import gloo

        def frame() -> None:
            gloo.clear(color=(0, 0, 0, 0))
            self._program.draw("points")
            gloo.finish()

        with self._screen.renderer(), self._target:
            gloo.set_viewport(0, 0, PLACE.w, PLACE.h)
            gloo.set_state(blend=True, depth_test=False, scissor_test=False)
            gloo.set_blend_equation("max" if self._mode == "max" else "func_add")
            gloo.set_blend_func("one", "one")
            spent = seconds(frame)
            gloo.set_blend_equation("func_add")
            gloo.set_state(blend=False)
        return spent
