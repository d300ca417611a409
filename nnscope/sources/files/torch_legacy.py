"""PyTorch files from before the zip form: one to show, and two to name.

``torch.save`` before 1.6 (and with ``_use_new_zipfile_serialization=False`` since) wrote five pickles in a row: a magic
number, a version, the machine's sizes, the object, the keys of its storages; then each storage, as its number of
elements in 8 bytes and its little-endian values. Tar archives (before 0.2) and plain pickles get one clear sentence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from nnscope.core.errors import FileError
from nnscope.sources.files.dtypes import element
from nnscope.sources.files.formats import FileFormat
from nnscope.sources.files.handle import FileSection
from nnscope.sources.files.pickle_machine import Cursor, PickleMachine
from nnscope.sources.files.source import open_guarded
from nnscope.sources.files.torch_listing import Checkpoint, Storage, checkpoint_source
from nnscope.sources.files.torch_rebuild import TorchVocabulary

if TYPE_CHECKING:
    from nnscope.sources.files.handle import FileHandle
    from nnscope.sources.files.source import FileSource
    from nnscope.sources.files.torch_rebuild import StorageRef

MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
_BINARY_MAGIC = b"\x8a\x0a" + MAGIC.to_bytes(10, "little") + b"."
_TEXT_MAGIC = b"L%dL\n." % MAGIC


def open_torch_legacy(path: str, follow_links: bool = True) -> FileSource:
    """Open a checkpoint in the form that ``torch.save`` wrote before PyTorch 1.6.

    Raises
    ------
    FileError
        If it is malformed or cut short.
    """
    return open_guarded(path, _read, follow_links)


def _read(handle: FileHandle) -> FileSource:
    cursor = Cursor(handle.read, 0, handle.size, handle.path)
    refused: dict[str, None] = {}
    vocabulary = TorchVocabulary()
    magic, version, _, root, keys = (PickleMachine(cursor, vocabulary, refused).run() for _ in range(5))
    if magic != MAGIC or version != _VERSION or not isinstance(keys, list):
        what = "The start is not that of a PyTorch checkpoint."
        raise FileError("bad-pickle", what, handle.path, "It is damaged.", offset=0)
    sections = _sections(handle, cursor.at, keys, vocabulary.storages)

    def storage(key: str) -> Storage:
        return Storage(sections.get(key), "Its values are not in the file.")

    return checkpoint_source(Checkpoint(handle, FORMAT.name, root, storage, refused=tuple(refused)))


def _sections(
    handle: FileHandle, at: int, keys: list[object], storages: dict[str, StorageRef]
) -> dict[str, FileSection]:
    """Where each storage lies, in the order of ``keys`` from byte ``at`` on."""
    sections: dict[str, FileSection] = {}
    for key in keys:
        known = storages.get(key) if isinstance(key, str) else None
        if known is None or known.key in sections:
            what = "A storage belongs to no tensor, or occurs twice."
            raise FileError("bad-pickle", what, handle.path, "The file is damaged.", offset=at)
        kind = element(known.dtype)
        numel = int.from_bytes(handle.read(at, 8), "little")
        size = (numel * kind.bits + 7) // 8
        if at + 8 + size > handle.size:
            what = f"A storage needs {size} bytes; the file has {handle.size - at - 8} more."
            raise FileError("truncated", what, handle.path, "It is cut short; fetch it again.", offset=handle.size)
        sections[known.key] = FileSection(handle, at + 8, size)
        at += 8 + size
    return sections


def _sniff(head: bytes, path: str) -> bool:
    return _BINARY_MAGIC in head[:32] or head.startswith(_TEXT_MAGIC)


def _refuse_tar(path: str) -> NoReturn:
    what = "This is a tar archive; PyTorch wrote such checkpoints before version 0.2, in 2017."
    remedy = "If you trust it, load it with torch.load(path, weights_only=False) and save it again with torch.save."
    raise FileError("tar", what, path, remedy)


def _refuse_pickle(path: str) -> NoReturn:
    what = "This is a plain Python pickle: running it could do anything, so nothing in it is run."
    remedy = "If you trust it, load it in Python and save its arrays with torch.save, safetensors or numpy.savez."
    raise FileError("plain-pickle", what, path, remedy)


def _is_tar(head: bytes, path: str) -> bool:
    return head[257:262] == b"ustar"


def _is_pickle(head: bytes, path: str) -> bool:
    return head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")


FORMAT = FileFormat("pytorch-legacy", (), _sniff, open_torch_legacy)
TAR = FileFormat("tar", (), _is_tar, _refuse_tar)
PICKLE = FileFormat("pickle", (), _is_pickle, _refuse_pickle)
