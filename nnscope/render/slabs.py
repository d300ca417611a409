"""What programs are told of a plane that cuts a picture: see ``ray.glsl`` and ``slab.glsl``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnscope.core.cut import CutPlane
    from nnscope.core.frame import SpaceFrame

SHOWS = {"max": 0, "extremes": 2, "mean": 3}  # MODE of ``slab.glsl``
BEGINS = 2  # CUT of ``ray.glsl`` for rays that begin on the plane


def constants(plane: CutPlane | None) -> dict[str, int]:
    """Those of programs whose rays begin on the plane, if there is one."""
    return {"CUT": 0, "MODE": 0} if plane is None else {"CUT": BEGINS, "MODE": SHOWS[plane.reduction]}


def onto(plane: CutPlane, side: float) -> tuple[float, ...]:
    """The plane in voxels of ``side`` voxels of level 0."""
    return (*plane.normal, plane.first / side)


def apply_slab(program: Any, space: SpaceFrame, plane: CutPlane, level: int | None = None) -> None:
    """Set the uniforms of ``slab.glsl``, in voxels of a level, which is the picture's by default."""
    side = 2.0 ** (space.picture.level if level is None else level)
    program["u_step"] = tuple(part / side for part in plane.normal)
    program["u_through"] = float(plane.thickness)
    program["u_size"] = tuple(size / side for size in reversed(space.picture.bounds))


def apply_begin(program: Any, space: SpaceFrame, plane: CutPlane, level: int | None = None) -> None:
    """Set what rays that begin on the plane need."""
    program["u_plane"] = onto(plane, 2.0 ** (space.picture.level if level is None else level))
    apply_slab(program, space, plane, level)
