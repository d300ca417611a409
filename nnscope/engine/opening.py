"""From a path to engines: files, folders, demo models, factories in the user's own code, and trainings elsewhere.

A demo opens in two stages: its shipped weights are shown at once from their file, while its model process starts;
then the live engine takes over under the same addresses.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnscope.core.attaching import is_address, without_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nnscope.core.tensor import Listing
    from nnscope.engine.protocol import Engine
    from nnscope.sources.base import Source, TensorReader


def is_live(path: str) -> bool:
    """Whether ``path`` names a model that runs in a process of its own: ``demo:NAME`` or ``file.py:factory``."""
    return path.startswith("demo:") or _factory(path) is not None


def is_guarded(path: str) -> bool:
    """Whether ``path`` is a file that is read in a process of its own (promise P6), by `spawn.start_reader`."""
    if is_address(path) or is_live(path) or _opener(path) is not None:
        return False
    from nnscope.sources.files.open import needs_guard

    return needs_guard(path)


def source_key(path: str) -> str:
    """The name under which an opened path is known: absolute for files, as it stands otherwise.

    Of the address of a training, without its token: names are shown and written down.
    """
    if is_address(path):
        return without_token(path)
    if path.startswith("demo:") or _opener(path) is not None:
        return path
    factory = _factory(path)
    if factory is not None:
        return f"{Path(factory[0]).resolve()}:{factory[1]}"
    return str(Path(path).expanduser().absolute())


def open_engines(path: str, inline: bool = False, live: bool = True) -> Iterator[Engine]:
    """Yield the engines that answer for ``path``, each replacing the one before it.

    Parameters
    ----------
    path : str
    inline : bool
        Answer in the caller's thread where tensors are in this process.
    live : bool
        Start the model process of a demo or factory; without it only what its file holds is shown.

    Raises
    ------
    NnscopeError
        If the path can't be opened.
    """
    if is_address(path):
        from nnscope.engine.attach import attach

        yield attach(path, inline)
        return
    if is_guarded(path):
        from nnscope.engine.spawn import start_reader

        yield start_reader(path, inline)
        return
    stored = stored_source(path)
    if stored is not None:
        from nnscope.engine.local import LocalEngine

        yield LocalEngine(stored, inline)
    if live and is_live(path):
        from nnscope.engine.spawn import start_model

        yield start_model(path)


def load_readers() -> None:
    """Import what opening a file needs, ahead of the first; in any thread."""
    for module in ("nnscope.engine.local", "nnscope.sources.files.open", "nnscope.compute.statistics.summary"):
        import_module(module)


def stored_source(path: str) -> Source | None:
    """What lies in files or what a plugin's source gives, without running a model; None for a factory.

    Raises
    ------
    FileError
        If the file can't be read, or `is_guarded`: then there is no source of it in this process.
    """
    if is_live(path):
        weights = demo_weights(path)
        return None if weights is None else Renamed(weights, path)
    opener = _opener(path)
    if opener is not None:
        source: Source = opener(path)
        return source
    from nnscope.fields.source import with_field
    from nnscope.sources.files.open import open_file

    return with_field(open_file(path), path)


def demo_weights(path: str) -> Source | None:
    """The shipped weights of a demo model as a source of their own, without running it; None for other paths."""
    if not path.startswith("demo:"):
        return None
    from nnscope.core.plugins import find_model
    from nnscope.sources.files.open import open_file

    weights = find_model(path.removeprefix("demo:")).weights
    return None if weights is None else open_file(str(weights))


class Renamed:
    """A source listed under another path (a demo's weights under ``demo:NAME``)."""

    def __init__(self, source: Source, path: str) -> None:
        self._source = source
        self._path = path

    def listing(self) -> Listing:
        """The inner listing under the new path."""
        return replace(self._source.listing(), path=self._path)

    def reader(self, address: str) -> TensorReader:
        """The inner reader."""
        return self._source.reader(address)

    def close(self) -> None:
        """Close the inner source."""
        self._source.close()


def _opener(path: str) -> Callable[[str], Any] | None:
    """How a plugin opens ``scheme:…``, when one registered that scheme and no file has that very name."""
    scheme, colon, _ = path.partition(":")
    if not colon or not scheme.isidentifier() or Path(path).exists():
        return None
    from nnscope.core.plugins import loaded_plugins

    return loaded_plugins().registry.sources.get(scheme)


def _factory(path: str) -> tuple[str, str] | None:
    """``("file.py", "factory")`` if ``path`` names one and no file has that very name."""
    file, colon, name = path.rpartition(":")
    if colon and file.endswith(".py") and name.isidentifier() and not Path(path).exists():
        return file, name
    return None
