"""Checkpoints in several files: a folder as Hugging Face libraries write it, or its ``*.index.json``.

An index is a stranger's list of file names. A shard is opened only if its name is one plain basename and the file,
links resolved, is a regular file of that very folder (promise P2). A tensor is where the index says, nowhere else.
"""

from __future__ import annotations

import os
import re
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NoReturn

from nnscope.core.errors import FileError, NnscopeError
from nnscope.core.tensor import Listing, TensorInfo
from nnscope.core.text import plain
from nnscope.sources.files import safetensors, torch_legacy, torch_zip
from nnscope.sources.files.formats import FileFormat, recognise
from nnscope.sources.files.handle import FileHandle
from nnscope.sources.files.strict_json import JsonScanner

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nnscope.sources.base import Source, TensorReader
    from nnscope.sources.files.source import FileSource

MAX_INDEX = 100_000_000
MAX_SHARDS = 1000
"""Most shards of one checkpoint: each stays open."""

_OPENERS = {
    safetensors.FORMAT: safetensors.open_safetensors,
    torch_zip.FORMAT: torch_zip.open_torch_zip,
    torch_legacy.FORMAT: torch_legacy.open_torch_legacy,
}
_NUMBERED = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.(?:safetensors|bin)")
_PREFERRED = (
    "model.safetensors.index.json",
    "diffusion_pytorch_model.safetensors.index.json",
    "model.safetensors",
    "diffusion_pytorch_model.safetensors",
    "adapter_model.safetensors",
    "pytorch_model.bin.index.json",
    "pytorch_model.bin",
)
"""What a folder is opened by, best first, when it holds several."""


@dataclass
class _Index:
    """What an index says: which shard holds which tensor, and its plain metadata."""

    weights: dict[str, str] = field(default_factory=dict)
    metadata: tuple[tuple[str, str], ...] = ()


class ShardedSource:
    """Several files as one source.

    Parameters
    ----------
    listing : Listing
    parts : dict of str to FileSource
        Which part holds each listed tensor and alias.
    """

    def __init__(self, listing: Listing, parts: dict[str, FileSource], opened: Iterable[FileSource]) -> None:
        self._listing = listing
        self._parts = parts
        self._opened = tuple(opened)

    @property
    def origin(self) -> str:
        """As of a single file; a tensor's version is that of its shard."""
        return os.path.realpath(self._listing.path)

    def listing(self) -> Listing:
        """What all shards hold, in the order of the shards."""
        return self._listing

    def reader(self, address: str) -> TensorReader:
        """The tensor of that listed name or alias; see `Source.reader`."""
        part = self._parts.get(address)
        if part is None:
            raise NnscopeError("There is no tensor of this name.", plain(address), "`nnscope info` lists the names.")
        return part.reader(address)

    def close(self) -> None:
        """Close all shards. Idempotent."""
        for part in self._opened:
            part.close()


def open_folder(path: str) -> Source:
    """Open the checkpoint in a folder: by its index, its one file, or its numbered shards.

    Raises
    ------
    FileError
        If there is none, several, or a damaged one.
    """
    names = _names(path)
    for name in _PREFERRED:
        if name in names:
            return _open_named(path, name)
    indexes = [name for name in names if name.endswith(".index.json")]
    files = [name for name in names if name.endswith(".safetensors")]
    for found in (indexes, files):
        if len(found) == 1:
            return _open_named(path, found[0])
    shards = files or [name for name in names if name.startswith("pytorch_model-") and name.endswith(".bin")]
    if _are_numbered(shards) and not indexes:
        return _open_shards(path, path, shards, _Index())
    _refuse_folder(path, indexes or shards)


def open_index(path: str) -> Source:
    """Open the checkpoint that a ``*.index.json`` describes.

    Raises
    ------
    FileError
        If the index is malformed, names what may not be opened, or disagrees with its shards.
    """
    return _open_index(path, path)


def _open_index(index_path: str, path: str) -> Source:
    """Open by an index; ``path`` is what the user named, the index itself or its folder."""
    index = _read_index(index_path)
    shards = list(dict.fromkeys(index.weights.values()))
    if not shards:
        raise FileError("bad-index", "The index names no tensors.", index_path)
    return _open_shards(path, os.path.dirname(index_path) or ".", shards, index)


def _names(path: str) -> list[str]:
    try:
        return sorted(os.listdir(path))
    except OSError as error:
        raise FileError("no-permission", f"The folder can't be read: {error.strerror}.", path) from None


def _refuse_folder(path: str, found: list[str]) -> NoReturn:
    if found:
        what = f"The folder holds several checkpoints: {', '.join(plain(name, 60) for name in found[:5])} …"
        raise FileError("ambiguous", what, path, "Name one of its files.")
    what = "The folder holds no checkpoint (model.safetensors, *.index.json, pytorch_model.bin)."
    raise FileError("directory", what, path, "Name a file instead.")


def _are_numbered(names: list[str]) -> bool:
    """Whether the names are all shards of one set: ``model-00001-of-00003.safetensors`` …"""
    matches = [_NUMBERED.fullmatch(name) for name in names]
    found = [(match[1], int(match[3])) for match in matches if match is not None]
    return bool(found) and len(set(found)) == 1 and len(found) == len(names) == found[0][1]


def _open_named(folder: str, name: str) -> Source:
    if name.endswith(".index.json"):
        return _open_index(_inside(folder, name, folder), folder)
    part = _open_shard(folder, name, folder)
    listing = replace(part.listing(), path=folder)
    return ShardedSource(listing, _addresses(part), (part,))


def _open_shards(path: str, folder: str, shards: list[str], index: _Index) -> Source:
    if len(shards) > MAX_SHARDS:
        what = f"It has {len(shards)} shards; more than {MAX_SHARDS} are not opened."
        raise FileError("too-many-shards", what, path)
    with ExitStack() as opened:
        parts: dict[str, FileSource] = {}
        for name in shards:
            parts[name] = _open_shard(folder, name, path)
            opened.callback(parts[name].close)
        holders = _holders(path, parts, index)
        source = ShardedSource(_listing(path, parts, index), holders, parts.values())
        opened.pop_all()
    return source


def _open_shard(folder: str, name: str, where: str) -> FileSource:
    path = _inside(folder, name, where)
    return _OPENERS[recognise(path, tuple(_OPENERS), follow_links=False)](path, follow_links=False)


def _inside(folder: str, name: str, where: str) -> str:
    """The path of a file of ``folder`` itself, with links resolved."""
    if name in ("", ".", "..") or any(c in name for c in "/\\:\0"):
        what = f"It names the file {plain(name, 80)!r}, which is not a plain file name."
        raise FileError("bad-shard", what, where, "The index is damaged or was made to harm.")
    path = os.path.join(folder, name)
    if not os.path.lexists(path):
        raise FileError("missing-shard", f"Its file {plain(name, 80)!r} is missing.", where, "Fetch it, too.")
    real = os.path.realpath(path)
    if os.path.dirname(real) != os.path.realpath(folder):
        what = f"Its file {plain(name, 80)!r} is a link that leads out of the folder."
        raise FileError("link", what, where, "Name that file itself, or copy it into the folder.")
    return real


def _holders(path: str, parts: dict[str, FileSource], index: _Index) -> dict[str, FileSource]:
    """Which part holds each tensor, checked against the index."""
    holders: dict[str, FileSource] = {}
    for name, part in parts.items():
        for address in _addresses(part):
            if address in holders or index.weights.get(address, name) != name:
                what = f"The tensor {plain(address, 80)!r} is in two shards, or not where the index says."
                raise FileError("duplicate-name", what, path, "Fetch the checkpoint again.")
            holders[address] = part
    missing = next((address for address in index.weights if address not in holders), None)
    if missing is not None:
        what = f"The index promises the tensor {plain(missing, 80)!r}, which its shard does not have."
        raise FileError("missing-tensor", what, path, "Fetch the checkpoint again.")
    return holders


def _addresses(part: FileSource) -> dict[str, FileSource]:
    infos: tuple[TensorInfo, ...] = part.listing().tensors
    return {address: part for info in infos for address in (info.address, *info.aliases)}


def _listing(path: str, parts: dict[str, FileSource], index: _Index) -> Listing:
    listings = [part.listing() for part in parts.values()]
    kind = "safetensors" if listings[0].format == safetensors.FORMAT.name else "pytorch"
    metadata = dict(pair for listing in listings for pair in listing.metadata) | dict(index.metadata)
    return Listing(
        path=path,
        format=f"{kind}-sharded",
        tensors=tuple(info for listing in listings for info in listing.tensors),
        refused=tuple(dict.fromkeys(name for listing in listings for name in listing.refused)),
        warnings=(*_unlisted(listings, index), *(text for listing in listings for text in listing.warnings)),
        metadata=tuple(metadata.items()),
        nbytes=sum(listing.nbytes for listing in listings),
    )


def _unlisted(listings: list[Listing], index: _Index) -> tuple[str, ...]:
    if not index.weights:
        return ()
    count = sum(info.address not in index.weights for listing in listings for info in listing.tensors)
    return (f"{count} tensors of the shards are not in the index.",) if count else ()


def _read_index(path: str) -> _Index:
    handle = FileHandle(path)
    try:
        if handle.size > MAX_INDEX:
            what = f"The index has {handle.size} bytes; more than {MAX_INDEX} are not read."
            raise FileError("header-too-long", what, path)
        return _parse_index(handle.read(0, handle.size), path)
    finally:
        handle.close()


def _parse_index(text: bytes, path: str) -> _Index:
    scanner = JsonScanner(text, path)
    index = _Index()
    seen: set[str] = set()
    for key in scanner.object_keys():
        if key in seen:
            scanner.fail(f"{plain(key, 80)!r} occurs twice", code="duplicate-name")
        seen.add(key)
        if key == "weight_map":
            index.weights = _read_weights(scanner)
        else:
            value = scanner.small_value()
            index.metadata = _plain_items(value) if key == "metadata" else index.metadata
    scanner.finish()
    if "weight_map" not in seen:
        raise FileError("bad-index", "This JSON file has no weight_map: it is no index of shards.", path)
    return index


def _read_weights(scanner: JsonScanner) -> dict[str, str]:
    weights: dict[str, str] = {}
    shards: dict[str, str] = {}
    for name, shard in scanner.string_pairs():
        if name in weights:
            scanner.fail(f"the name {plain(name, 80)!r} occurs twice", code="duplicate-name")
        weights[name] = shards.setdefault(shard, shard)
        if len(shards) > MAX_SHARDS:
            scanner.fail(f"more than {MAX_SHARDS} shards are not opened", code="too-many-shards")
    return weights


def _plain_items(value: object) -> tuple[tuple[str, str], ...]:
    items = value.items() if isinstance(value, dict) else ()
    return tuple((key, str(item)) for key, item in items if type(item) in (str, int, float, bool))


def _sniff(head: bytes, path: str) -> bool:
    return head.lstrip()[:1] == b"{" and (path.endswith(".index.json") or b'"weight_map"' in head)


INDEX = FileFormat("sharded", (".json",), _sniff, open_index)
