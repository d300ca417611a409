"""Row ``voxels``: opaque cubes at 10 % occupancy, 512² pixels, against instanced cubes and VisPy's Markers.

Both draw the value seen at each pixel with the same software OpenGL into float32 and read it back, with a camera that
turns with every frame; colours come after that. The peer is what VisPy offers for cubes: one cube of 12 triangles,
drawn once for each voxel (`gloo` with a divisor), with a depth buffer. The gate compares all pixels of both, and 400 of
ours with rays in float64.
"""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.compute.octree.cut import cut
from nnscope.compute.octree.dense import dense_octree
from nnscope.compute.octree.grid import node_grid
from nnscope.compute.octree.nodes import Tolerance
from nnscope.compute.space.voxels import brick_peaks
from nnscope.core.frame import ColourStyle, Frame, PaneFrame, Rect, SpaceFrame
from nnscope.core.layout import volume_layout
from nnscope.core.legend import Normalisation
from nnscope.core.space import Camera3D
from nnscope.core.voxels import BRICK, CutFacts, VoxelPicture
from nnscope.render.cubes import CubeTextures
from nnscope.render.offscreen import Offscreen
from nnscope.render.rays import projection
from nnscope.views.voxel_pick import leaf_under
from tests.benchmarks.measure import REPEATS, Goal, Result, absolute, compared, interleaved, seconds

if TYPE_CHECKING:
    from collections.abc import Callable

PARTS = ("100k", "1m", "near-empty", "change")
SIDES = {"100k": 100, "1m": 215, "near-empty": 215, "change": 215}
PLACE = Rect(0, 0, 512, 512)
CAMERA = Camera3D(30, 20, 2.0)
_GOALS = {"100k": 10, "1m": 50}
_VERTEX = """
attribute vec3 a_corner;
attribute vec4 a_voxel;
uniform mat4 u_projection;
varying float v_value;
void main() {
    v_value = a_voxel.w;
    gl_Position = u_projection * vec4(a_voxel.xyz + a_corner, 1.0);
}
"""
_FRAGMENT = "varying float v_value; void main() { gl_FragColor = vec4(v_value, 0.0, 1.0, 0.0); }"


def run(quick: bool = False, part: str = "") -> list[Result]:
    """Measure the row."""
    repeats = 2 if quick else REPEATS
    results = []
    with Offscreen() as screen:
        for name in [part] if part else PARTS:
            side = 32 if quick else SIDES[name]
            voxels = scene(side, 1e-5 if name == "near-empty" else 0.1)
            if name == "change":
                results.append(_change(screen, voxels, repeats))
            elif name == "near-empty":
                results.append(_alone(screen, voxels, repeats))
            else:
                results.append(_against(screen, voxels, repeats, _GOALS[name]))
    return results


def scene(side: int, share: float, seed: int = 0) -> np.ndarray:
    """A share of the voxels in [0.5, 1], the others 0."""
    rng = np.random.default_rng(seed)
    x = np.where(rng.random((side,) * 3) < share, 0.5 + rng.random((side,) * 3) / 2, 0).astype(np.float32)
    x[side // 2, side // 2, side // 2] = 1
    return x


def picture(voxels: np.ndarray) -> VoxelPicture:
    """The voxels as the view builds them."""
    values, nodes = node_grid(cut(dense_octree(voxels), Tolerance()), 0)
    layout, facts = volume_layout(voxels.shape), CutFacts(voxels.size, 1.0, 0.0)
    peaks = brick_peaks(values, None, BRICK)
    return VoxelPicture("t", "voxels", layout, 0, voxels.shape, 0, values, None, nodes, peaks, facts, "", ())


def _pane(shown: VoxelPicture) -> PaneFrame:
    style = ColourStyle("grey", np.repeat(np.arange(256, dtype=np.uint8)[:, None], 4, 1), *((0, 0, 0),) * 6)
    space = SpaceFrame(("voxels", id(shown)), shown, CAMERA, threshold=0.25)
    norm = Normalisation("linear", "identity", 0.0, 1.0, 0, 1)
    return PaneFrame(PLACE, PLACE, normalisation=norm, style=style, space=space)


def _turning(screen: Offscreen, pane: PaneFrame) -> Callable[[], float]:
    turns = count()

    def draw() -> float:
        assert pane.space is not None
        camera = replace(CAMERA, azimuth=30 + 3.0 * next(turns))
        frame = Frame(PLACE.w, PLACE.h, (replace(pane, space=replace(pane.space, camera=camera)),))
        with screen.renderer() as renderer:
            return seconds(lambda: (renderer.spaces.march(frame), renderer.spaces.found(0)))

    return draw


def _against(screen: Offscreen, voxels: np.ndarray, repeats: int, times: int) -> Result:
    pane, cubes = _pane(picture(voxels)), _Cubes(screen, voxels)
    _check(screen, pane, cubes)
    figures = interleaved(_turning(screen, pane), cubes.turning(pane), repeats)
    cubes.delete()
    note = "peer: instanced cubes; 99.5 % of the pixels are equal, 400 equal float64"
    what = f"{np.count_nonzero(voxels):,} voxels of {len(voxels)}³"
    return compared("voxels", what, figures, Goal(1 / times), note)


def _alone(screen: Offscreen, voxels: np.ndarray, repeats: int) -> Result:
    draw = _turning(screen, _pane(picture(voxels)))
    draw()
    times = [1e3 * draw() for _ in range(3 * repeats)]
    return absolute("voxels", f"{np.count_nonzero(voxels):,} voxels of {len(voxels)}³", times, Goal(30.0), "ms")


def _change(screen: Offscreen, voxels: np.ndarray, repeats: int) -> Result:
    """One voxel in a hundred: those in a block in the middle get other values."""
    side = len(voxels)
    part = slice(side * 2 // 5, side * 2 // 5 + max(1, round(side / 100 ** (1 / 3))))
    other = voxels.copy()
    other[part, part, part] *= 0.9
    pictures = picture(voxels), picture(other)
    turns = count()
    with screen.renderer():
        textures = CubeTextures(pictures[0], 2048)

    def ours() -> float:
        from vispy import gloo

        with screen.renderer():
            gloo.finish()
            return seconds(lambda: (textures.update(pictures[(next(turns) + 1) % 2]), gloo.finish()))

    figures = interleaved(ours, _markers(voxels), repeats)
    with screen.renderer():
        textures.delete()
    moved = np.count_nonzero(voxels != other)
    note = "peer: VisPy Markers.set_data before any upload; ours finds what changed, and is uploaded"
    return compared("voxels", f"change {moved:,} of {np.count_nonzero(voxels):,} voxels", figures, Goal(0.1), note)


def _markers(voxels: np.ndarray) -> Callable[[], float]:
    from vispy import scene

    os.environ["EGL_PLATFORM"] = "surfaceless"  # VisPy asks for the default display
    canvas = scene.SceneCanvas(size=(64, 64), show=False, app="egl")
    view = canvas.central_widget.add_view()
    places = np.argwhere(voxels)[:, ::-1].astype(np.float32)
    colours = np.ones((len(places), 4), np.float32)
    markers = scene.visuals.Markers(parent=view.scene)

    return lambda: seconds(lambda: markers.set_data(places, size=2, face_color=colours, edge_width=0))


class _Cubes:
    """Every voxel as an instance of one cube."""

    def __init__(self, screen: Offscreen, voxels: np.ndarray) -> None:
        from OpenGL import GL
        from vispy import gloo

        self._screen = screen
        for name in ("glDrawElementsInstanced", "glVertexAttribDivisor"):  # VisPy has them in another name space
            setattr(gloo.gl, name, getattr(GL, name))
        places = np.argwhere(voxels)
        rows = np.ascontiguousarray(np.column_stack((places[:, ::-1], voxels[tuple(places.T)])), np.float32)
        corners = np.array(list(np.ndindex(2, 2, 2)), np.float32)
        faces = [[c for c in range(8) if corners[c, a] == end] for a in range(3) for end in (0, 1)]
        triangles = [f[i] for f in faces for i in (0, 1, 2, 1, 3, 2)]
        with screen.renderer():
            self._program = gloo.Program(_VERTEX, _FRAGMENT)
            self._program["a_corner"] = gloo.VertexBuffer(corners)
            self._program["a_voxel"] = gloo.VertexBuffer(rows, divisor=1)
            self._indices = gloo.IndexBuffer(np.array(triangles, np.uint32))
            self._seen = gloo.Texture2D((PLACE.h, PLACE.w, 4), format="rgba", internalformat="rgba32f")
            self._depth = gloo.RenderBuffer((PLACE.h, PLACE.w), 33190)
            self._target = gloo.FrameBuffer(color=self._seen, depth=self._depth)

    def draw(self, pane: PaneFrame) -> np.ndarray:
        """The values that are seen, row 0 on top; 0 where nothing is."""
        from vispy import gloo

        assert pane.space is not None
        with self._screen.renderer(), self._target:
            gloo.set_viewport(0, 0, PLACE.w, PLACE.h)
            gloo.set_state(blend=False, depth_test=True, depth_func="less", scissor_test=False, cull_face=False)
            gloo.clear(color=(0, 0, 0, 0), depth=1.0)
            self._program["u_projection"] = projection(pane.space, PLACE).astype(np.float32)
            self._program.draw("triangles", self._indices)
            pixels: Any = gloo.read_pixels((0, 0, PLACE.w, PLACE.h), out_type="float")
            gloo.set_state(depth_test=False)
        values: np.ndarray = pixels[::-1, :, 0]
        return values

    def delete(self) -> None:
        """Free everything."""
        with self._screen.renderer():
            for thing in (self._target, self._seen, self._depth, self._program, self._indices):
                thing.delete()

    def turning(self, pane: PaneFrame) -> Callable[[], float]:
        """Draws with a turning camera."""
        turns = count()

        def draw() -> float:
            assert pane.space is not None
            camera = replace(CAMERA, azimuth=30 + 3.0 * next(turns))
            return seconds(lambda: self.draw(replace(pane, space=replace(pane.space, camera=camera))))

        return draw


def _check(screen: Offscreen, pane: PaneFrame, cubes: _Cubes) -> None:
    """Both pictures are one but for pixels on edges; 20 × 20 of ours are what rays in float64 meet."""
    screen.draw(Frame(PLACE.w, PLACE.h, (pane,)))
    with screen.renderer() as renderer:
        found = renderer.spaces.found(0)
    apart = np.abs(np.where(found[..., 1] == 0, found[..., 0], 0) - cubes.draw(pane)) > 1e-5
    assert apart.mean() < 0.005, f"{apart.mean():.2%} of the pixels differ"
    wrong = 0
    assert pane.space is not None
    assert isinstance(pane.space.picture, VoxelPicture)
    for y in range(6, PLACE.h, 26):
        for x in range(6, PLACE.w, 26):
            met = leaf_under(pane, x + 0.5, y + 0.5)
            if met is None:
                wrong += found[y, x, 1] == 0
            else:
                row, col, depth = met.place
                wrong += found[y, x, 0] != pane.space.picture.values[depth, row, col]
    assert wrong <= 4, f"{wrong} of 400 rays are wrong"
