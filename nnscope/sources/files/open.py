"""From a path to the source of what lies there, whatever its name says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from nnscope.sources.files import npy, npz, safetensors, sharded, torch_legacy, torch_zip
from nnscope.sources.files.formats import add_format, recognise

if TYPE_CHECKING:
    from nnscope.sources.base import Source

for _format in (
    sharded.INDEX,
    npy.FORMAT,
    npz.FORMAT,
    torch_zip.FORMAT,
    torch_legacy.FORMAT,
    safetensors.FORMAT,
    torch_legacy.TAR,
    torch_legacy.PICKLE,
):
    add_format(_format)


def open_file(path: str | Path) -> Source:
    """Open a file or a folder of shards, recognised by its content.

    Parameters
    ----------
    path : str or Path
        A file, a folder that ``transformers`` or ``diffusers`` wrote, or its ``*.index.json``.

    Returns
    -------
    Source
        To be closed by the caller.

    Raises
    ------
    FileError
        If there is nothing that can be read, or it is malformed.
    """
    name = os.fspath(path)
    if Path(name).is_dir():
        return sharded.open_folder(name)
    return recognise(name).open(name)
