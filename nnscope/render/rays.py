"""How pixels of a picture of three dimensions meet its space: rays for fragments, a matrix for vertices; and programs.

Both put row 0 of the target on top, so ``gl_FragCoord.y`` counts rows from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from vispy import gloo

from nnscope.compute.space.perspective import eye, pencil
from nnscope.shaders import FOLDER, load

if TYPE_CHECKING:
    from nnscope.core.frame import Rect, SpaceFrame

SHADERS = FOLDER / "volume"
WHOLE = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]], np.float32)  # a strip over the whole target, for ``march.vert``


class Programs:
    """Programs by their texts and constants, each compiled once.

    Fragment shaders are those of `SHADERS`, into which ``scale.glsl`` is handed where CURVE is among the constants.
    """

    def __init__(self) -> None:
        self._made: dict[tuple[object, ...], Any] = {}

    def get(self, vertex: str, fragment: str, **constants: int) -> Any:
        """The program of two shaders."""
        key = (vertex, fragment, *constants.items())
        if key not in self._made:
            self._made[key] = gloo.Program(*_texts(vertex, fragment, constants))
        return self._made[key]

    def delete(self) -> None:
        """Free them; the context must be current."""
        for program in self._made.values():
            program.delete()
        self._made.clear()


def apply_rays(program: Any, space: SpaceFrame, picture: Rect, level: int | None = None) -> None:
    """Set the uniforms of ``ray.glsl``: the rays in voxels of a level, which is the picture's by default."""
    side, bounds = 2.0 ** (space.picture.level if level is None else level), space.picture.bounds
    rays = pencil(space.camera, bounds, picture)
    for name in ("origin", "origin_x", "origin_y", "towards", "towards_x", "towards_y"):
        program[f"u_{name}"] = tuple(getattr(rays, name) / side)
    low, high = space.clip or ((0.0, 0.0, 0.0), bounds[::-1])
    program["u_low"] = tuple(at / side for at in low)
    program["u_box"] = tuple(at / side for at in high)
    program["u_pixel"] = (float(space.quality), float(space.quality))


def projection(space: SpaceFrame, picture: Rect, near: float = 1e-3) -> np.ndarray:
    """From points (x, y, z, 1) of the picture's space to clip coordinates of the target: p @ matrix, float64 (4, 4).

    Depth is 0 at ``near`` diagonals before the eye and 1 at the box's far end, and linear in 1/distance in perspective.
    In a parallel projection nothing is cut off in front.
    """
    bounds, quality = space.picture.bounds, space.quality
    seen = eye(space.camera, bounds, picture)
    size = quality * np.array((-(-picture.w // quality), -(-picture.h // quality)))
    centre, corners = np.append(seen.centre, 1.0), _corners(bounds)
    distance = float(np.linalg.norm(seen.centre - seen.position))
    ahead = np.append(seen.ahead, distance - seen.ahead @ seen.centre)  # depth of a point
    depths = corners @ ahead
    diagonal = float(np.linalg.norm(bounds))
    across = [np.append(v, -(v @ centre[:3])) / seen.scale for v in (seen.right, seen.down)]
    last = np.array((0.0, 0.0, 0.0, 1.0))
    w = last if seen.parallel else ahead / distance
    x, y = (2 / n * (v + middle * w) - w for v, middle, n in zip(across, seen.middle, size, strict=True))
    low, high = float(depths.min()), float(depths.max())
    if seen.parallel:
        low, high = low - 1e-3 * diagonal, high + 1e-3 * diagonal
        return np.stack((x, y, (2 * ahead - (low + high) * last) / (high - low), w), 1)
    low, high = max(low, near * diagonal) / distance, max(high * 1.001, 2 * near * diagonal) / distance
    z = (high + low) / (high - low) * w - 2 * high * low / (high - low) * last
    return np.stack((x, y, z, w), 1)


def _corners(bounds: tuple[float, float, float]) -> np.ndarray:
    ends = np.array(np.meshgrid(*((0.0, size) for size in reversed(bounds)), (1.0,), indexing="ij"))
    return ends.reshape(4, -1).T


def _texts(vertex: str, fragment: str, constants: dict[str, int]) -> tuple[str, str]:
    numbers = {name: int(value) for name, value in constants.items()}
    before = load("scale.glsl", CURVE=numbers.pop("CURVE")) if "CURVE" in numbers else ""
    return load(vertex, SHADERS), before + load(fragment, SHADERS, **numbers)
