"""A picture of a tensor, made with no window: composed by the scene, as the window composes it, and drawn offscreen.

The same look and size give the same pixels as the canvas of the window (promise P21).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnscope.core.text import plain
from nnscope.headless.studio import Studio

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    import numpy as np

    from nnscope.core.legend import Legend
    from nnscope.core.picture import Step
    from nnscope.core.tensor import TensorInfo
    from nnscope.headless.client import Client
    from nnscope.headless.look import Look


@dataclass(frozen=True, slots=True, eq=False)
class RenderedPicture:
    """A picture with what is written beside it and how it was made. A notebook shows it.

    Attributes
    ----------
    rgba : ndarray of uint8, shape (height, width, 4)
        Row 0 on top.
    legend : Legend
        Normalisation, domain, level, share clipped, counts of NaN and infinities.
    steps : tuple of Step
        From the tensor to the screen, each marked faithful or not.
    address : str
    view : str
    scientific : bool
    """

    rgba: np.ndarray
    legend: Legend
    steps: tuple[Step, ...]
    address: str
    view: str
    scientific: bool

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.rgba.shape[1], self.rgba.shape[0]

    @property
    def faithful(self) -> bool:
        """Whether every step is."""
        return all(step.faithful for step in self.steps)

    def png(self) -> bytes:
        """The PNG file, with address and steps as text in it."""
        from nnscope.export.image import encode_png, picture_metadata

        return encode_png(self.rgba, picture_metadata((self.address,), self.steps, self.scientific))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as PNG, atomically.

        Raises
        ------
        NnscopeError
            If the file can't be written.
        """
        from nnscope.core.atomic import write_atomically

        write_atomically(path, self.png())

    def __repr__(self) -> str:
        width, height = self.size
        badge = "scientific" if self.scientific else "faithful" if self.faithful else "aesthetic"
        return f"RenderedPicture({plain(self.address)!r}, {self.view}, {width}x{height}, {badge})"

    def _repr_png_(self) -> bytes:
        return self.png()


def take_picture(client: Client, info: TensorInfo, fixed: Mapping[int, int], look: Look) -> RenderedPicture:
    """Draw one tensor.

    Parameters
    ----------
    client : Client
    info : TensorInfo
    fixed : mapping of axis to index
        Axes of the tensor that are shown at one index.
    look : Look

    Raises
    ------
    NnscopeError
        If the view can't show this tensor, its values can't be read, or nothing can be drawn on this machine.
    """
    from nnscope.render.offscreen import render_offscreen

    still = Studio(client, look).still(info, fixed)
    rgba = render_offscreen(still.frame)
    return RenderedPicture(rgba, still.legend, still.steps, info.address, look.view, look.scientific)
