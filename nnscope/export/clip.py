"""What an animation is to be, and which ones can be: the file's ending says the format."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMATS = {".mp4": "H.264", ".gif": "GIF", ".png": "APNG", ".apng": "APNG"}
FPS = 25.0
FASTEST = {"H.264": 120.0, "GIF": 50.0, "APNG": 120.0}  # pictures a second; viewers slow faster GIFs down to 10
SLOWEST = 0.1


@dataclass(frozen=True, slots=True)
class Clip:
    """An animation, but for its pictures.

    Attributes
    ----------
    size : (int, int)
        Width and height in pixels.
    fps : float
        Pictures a second, each shown equally long.
    metadata : mapping of str to str
        What a file that can hold it says of itself: ``"title"``, ``"comment"``.
    """

    size: tuple[int, int]
    fps: float = FPS
    metadata: Mapping[str, str] = field(default_factory=dict)


def check_clip(path: str | os.PathLike[str], clip: Clip) -> str:
    """The format of such a file.

    Raises
    ------
    NnscopeError
        If the ending is none of `FORMATS`, or the format does not have this size or rate.
    """
    ending = os.path.splitext(os.fspath(path))[1].lower()
    if ending not in FORMATS:
        raise NnscopeError(
            "Animations are written as MP4, GIF or APNG.", os.fspath(path), "Give a name in .mp4, .gif or .png."
        )
    format, (width, height) = FORMATS[ending], clip.size
    if format == "H.264" and (width % 2 or height % 2):
        even = f"{width + width % 2}x{height + height % 2}"
        raise NnscopeError(f"H.264 has even sides, so that {width}x{height} can't be.", remedy=f"Choose {even}.")
    if not (math.isfinite(clip.fps) and SLOWEST <= clip.fps <= FASTEST[format]):
        raise NnscopeError(
            f"{format} with {clip.fps:g} pictures a second can't be made.",
            remedy=f"Choose {SLOWEST:g} to {FASTEST[format]:g}.",
        )
    return format
