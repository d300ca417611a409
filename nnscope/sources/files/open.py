"""From a path to the source of what lies there, whatever its name says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from nnscope.core.errors import FileError, NnscopeError
from nnscope.sources.files import npy, npz, safetensors, sharded, torch_legacy, torch_zip
from nnscope.sources.files.formats import recognise, suffix_of
from nnscope.sources.guarded.formats import GUARDED
from nnscope.store.runs.folder import is_run

if TYPE_CHECKING:
    from nnscope.core.registry import ReaderSpec
    from nnscope.sources.base import Source

FORMATS = (
    sharded.INDEX,
    npy.FORMAT,
    npz.FORMAT,
    torch_zip.FORMAT,
    torch_legacy.FORMAT,
    safetensors.FORMAT,
    torch_legacy.TAR,
    torch_legacy.PICKLE,
)
"""The built-in formats that are read in this process, in the order in which they are asked."""

KNOWN = (*FORMATS, *GUARDED)
"""All built-in formats."""


def open_file(path: str | Path) -> Source:
    """Open a file or a folder of shards, recognised by its content.

    Parameters
    ----------
    path : str or Path
        A file, a folder that ``transformers`` or ``diffusers`` wrote, or its ``*.index.json``. A suffix that no
        built-in format has may belong to a plugin's reader.

    Returns
    -------
    Source
        To be closed by the caller.

    Raises
    ------
    FileError
        If there is nothing that can be read, it is malformed, or it `needs_guard`.
    """
    name = os.fspath(path)
    if is_run(name):
        raise FileError("guarded", "A recorded run is read in a process of its own only.", name)
    if Path(name).is_dir():
        return sharded.open_folder(name)
    reader = _plugin_reader(suffix_of(name))
    if reader is not None:
        return _open_by_plugin(reader, name)
    found = recognise(name, KNOWN)
    if found in GUARDED:
        raise FileError("guarded", f"A file of the format {found.name} is read in a process of its own only.", name)
    return found.open(name)


def needs_guard(path: str | Path) -> bool:
    """Whether a file must be read in a process of its own (promise P6), because a library of others parses it."""
    name = os.fspath(path)
    if Path(name).is_dir():
        return is_run(name)
    if _plugin_reader(suffix_of(name)) is not None:
        return False
    try:
        return recognise(name, KNOWN) in GUARDED
    except FileError:
        return False  # `open_file` tells what is wrong


def _plugin_reader(suffix: str) -> ReaderSpec | None:
    """The plugin's reader of that suffix. Plugins are loaded only for suffixes that no built-in format has."""
    if not suffix or any(suffix in known.suffixes for known in KNOWN):
        return None
    from nnscope.core.plugins import loaded_plugins

    readers = loaded_plugins().registry.readers.values()
    return next((reader for reader in readers if suffix in reader.suffixes), None)


def _open_by_plugin(reader: ReaderSpec, path: str) -> Source:
    """Open by a plugin's reader; whatever goes wrong in it becomes one sentence that names it."""
    try:
        source: Source = reader.open(Path(path))
    except NnscopeError:
        raise
    except Exception as error:
        what = f"The plugin's reader of {reader.name} failed ({type(error).__name__})."
        raise FileError("plugin", what, path, "Tell the author of the plugin.") from error
    return source
