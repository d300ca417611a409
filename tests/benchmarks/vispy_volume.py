"""VisPy's own volume (`vispy.visuals.VolumeVisual`, which napari draws with), seen by a camera of ours."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.compute.space.perspective import eye
from nnscope.core.frame import Rect

if TYPE_CHECKING:
    from nnscope.core.space import Camera3D

_NEAR = 1e-3  # of the distance from the eye to what it looks at


class VispyVolume:
    """The greatest value along each ray, in grey from 0 to 1, drawn offscreen and read back.

    Parameters
    ----------
    voxels : ndarray of float32, shape [z, y, x]
    pixels : int
        Along each side of the picture.
    step : float
        Voxels between samples.
    interpolation : {"linear", "nearest"}
    """

    def __init__(self, voxels: np.ndarray, pixels: int, step: float, interpolation: str) -> None:
        from vispy import scene

        os.environ["EGL_PLATFORM"] = "surfaceless"  # VisPy asks for the default display
        self._shape, self._pixels = voxels.shape, pixels
        self._canvas: Any = scene.SceneCanvas(size=(pixels, pixels), show=False, app="egl")
        visual = scene.visuals.Volume(
            voxels, parent=self._canvas.scene, method="mip", clim=(0, 1), texture_format="r32f",
            interpolation=interpolation, relative_step_size=step,
        )  # fmt: skip
        visual.transform = self._transform = scene.transforms.MatrixTransform()

    def draw(self, camera: Camera3D) -> np.ndarray:
        """The picture: uint8, shape (pixels, pixels, 4)."""
        self._transform.matrix = projection(camera, self._shape, self._pixels)
        picture: np.ndarray = self._canvas.render()
        return picture


def projection(camera: Camera3D, shape: tuple[int, int, int], pixels: int) -> np.ndarray:
    """From VisPy's voxels, whose centres are whole numbers, to pixels: the matrix (4, 4) for rows, as `Eye.project`."""
    seen = eye(camera, shape, Rect(0, 0, pixels, pixels))
    distance = float(np.linalg.norm(seen.centre - seen.position))
    diagonal = float(np.linalg.norm(shape))
    near, far = _NEAR * distance, distance + diagonal
    flat = np.stack((seen.right, seen.down), 1) * (distance / seen.scale)
    depth = seen.ahead
    matrix = np.zeros((4, 4))
    matrix[:3, :2] = flat + np.outer(depth, seen.middle)
    matrix[:3, 2] = depth * (far + near) / (far - near)
    matrix[:3, 3] = depth
    matrix[3] = -seen.position @ matrix[:3]
    matrix[3, 2] -= 2 * far * near / (far - near)
    matrix[3] += 0.5 * matrix[:3].sum(0)
    return matrix
