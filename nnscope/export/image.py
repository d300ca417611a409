"""Still pictures: PNG with what was shown written into it as text, so that a picture can be traced to its tensor."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import nnscope
from nnscope.core.atomic import write_atomically
from nnscope.core.text import plain

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    import numpy as np

    from nnscope.core.picture import Step


def write_png(path: str | os.PathLike[str], rgba: np.ndarray, metadata: Mapping[str, str]) -> None:
    """Write a picture atomically.

    Parameters
    ----------
    path : path
    rgba : ndarray of uint8, shape (height, width, 4)
        Row 0 on top. Written exactly, pixel for pixel.
    metadata : mapping of str to str
        Text chunks: keyword (at most 79 Latin-1 characters) to text.

    Raises
    ------
    NnscopeError
        If the file can't be written.
    """
    write_atomically(path, encode_png(rgba, metadata))


def encode_png(rgba: np.ndarray, metadata: Mapping[str, str]) -> bytes:
    """The bytes of the PNG file; see `write_png`."""
    from PIL import Image, PngImagePlugin  # only a picture that is saved pays for the import

    chunks = PngImagePlugin.PngInfo()
    for keyword, text in metadata.items():
        chunks.add_text(keyword, plain(text, limit=0))  # tEXt, or iTXt when it isn't Latin-1
    buffer = io.BytesIO()
    # level 4 instead of 6: a third of the time for a few per cent of the size on heat maps
    Image.fromarray(rgba, "RGBA").save(buffer, "PNG", pnginfo=chunks, compress_level=4)
    return buffer.getvalue()


def picture_metadata(addresses: tuple[str, ...], recipe: tuple[Step, ...], scientific: bool) -> dict[str, str]:
    """The text chunks of a picture: address, recipe, mode and the version of the program."""
    steps = (
        f"{step.name}{f' ({step.detail})' if step.detail else ''}{'' if step.faithful else ' *'}" for step in recipe
    )
    return {
        "Software": f"nnscope {nnscope.__version__}",
        "Address": "; ".join(addresses),
        "Recipe": " > ".join(steps),
        "Mode": "scientific" if scientific else "aesthetic steps are marked *",
    }
