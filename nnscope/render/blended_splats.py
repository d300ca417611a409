"""Splats drawn by the GPU: a quad for each Gaussian, blended into a float32 target.

A quad is the parallelogram around a Gaussian up to its cut-off. Its corners know the Gaussian's number and stay on the
GPU; what is projected anew is one small texture, from which vertices read. (VisPy draws instances with ``gl+`` only.)
Sums are blended by addition, largest
values by MAX into two channels: positive weights, and magnitudes of negative ones. Projections are those of the
compiled path, in float64, so that both draw the same picture but for rounding: pixels at the very edge of a Gaussian
may count as inside here and as outside there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from vispy import gloo

from nnscope.render.quads import QuadBuffer

if TYPE_CHECKING:
    from nnscope.render.rays import Programs

VERTEX = np.dtype([("a_corner", np.float32, 2), ("a_number", np.float32)])
ROW = 512  # Gaussians in a row of the texture
_CORNERS = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]], np.float32)


class BlendedSplats:
    """Draws into a texture of its own, which `draw` hands out.

    Parameters
    ----------
    programs : Programs
    """

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._quads = QuadBuffer()
        self._count = 0  # quads that are there
        self._table: Any = None
        self._texture: Any = None
        self._target: Any = None

    def draw(self, splats: np.ndarray, size: tuple[int, int], mode: str, cutoff: float) -> Any:
        """Draw projected Gaussians; another target than before is bound meanwhile.

        Parameters
        ----------
        splats : ndarray, shape (n, 6)
            As `nnscope.arrays.kernels.splats` has them.
        size : (int, int)
            Width and height in texels.
        mode : {"sum", "max"}
        cutoff : float
            Standard deviations.

        Returns
        -------
        gloo.Texture2D
            Sums in its red channel, or the largest of positive weights there and of negative ones in its green.
        """
        self._resize(size)
        seen = splats[splats[:, 5] != 0.0]
        with self._target:
            gloo.set_viewport(0, 0, *size)
            gloo.clear(color=(0.0, 0.0, 0.0, 0.0), depth=False)
            if len(seen):
                gloo.set_state(blend=True, blend_equation="max" if mode == "max" else "func_add")
                gloo.set_blend_func("one", "one")
                self._quads.draw(self._program(seen, size, mode, cutoff))
                gloo.set_state(blend=False, blend_equation="func_add")
        gloo.set_viewport(0, 0, *size)
        return self._texture

    def delete(self) -> None:
        """Free it; the context must be current."""
        self._quads.delete()
        self._free(self._table)
        self._free(self._target, self._texture)

    def _program(self, seen: np.ndarray, size: tuple[int, int], mode: str, cutoff: float) -> Any:
        self._hand_over(seen)
        program = self._programs.get("gaussian.vert", "gaussian.frag", LARGEST=mode == "max")
        program["u_splats"], program["u_table"] = self._table, (float(ROW), float(self._table.shape[0]))
        program["u_size"], program["u_cutoff"] = tuple(map(float, size)), cutoff
        return program

    def _hand_over(self, seen: np.ndarray) -> None:
        """A quad and two texels for each."""
        rows = -(-len(seen) // ROW)
        if self._table is None or self._table.shape[0] != rows:
            self._free(self._table)
            self._table = gloo.Texture2D(
                (rows, 2 * ROW, 4), format="rgba", internalformat="rgba32f", interpolation="nearest"
            )
        table = np.zeros((rows * ROW, 2, 4), np.float32)
        table[: len(seen), 0, :2], table[: len(seen), 1] = seen[:, :2], seen[:, 2:]
        self._table.set_data(table.reshape(rows, 2 * ROW, 4))
        if len(seen) != self._count:
            self._count = len(seen)
            corners = np.empty((len(seen), 4), VERTEX)
            corners["a_corner"], corners["a_number"] = _CORNERS, np.arange(len(seen))[:, None]
            self._quads.fill(corners.reshape(-1))

    def _resize(self, size: tuple[int, int]) -> None:
        if self._texture is None or self._texture.shape[1::-1] != size:
            self._free(self._target, self._texture)
            made = {"format": "luminance_alpha", "internalformat": "rg32f", "interpolation": "nearest"}
            self._texture = gloo.Texture2D((*size[::-1], 2), **made)
            self._target = gloo.FrameBuffer(color=self._texture)

    @staticmethod
    def _free(*things: Any) -> None:
        for thing in things:
            if thing is not None:
                thing.delete()
