"""PyTorch checkpoints as ``torch.save`` has written them since 1.6: a zip archive of a pickle and raw storages.

``data.pkl`` is run by our own machine, which only describes; storages are mapped by their place in the archive and
read region by region. ``.storage_alignment`` is of no use here and is not looked at. TorchScript archives have the same
form: their tensors are shown, their program is neither read nor run.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from nnscope.core.errors import FileError
from nnscope.core.text import plain
from nnscope.sources.files.formats import FileFormat
from nnscope.sources.files.pickle_machine import Cursor, PickleMachine
from nnscope.sources.files.source import open_guarded
from nnscope.sources.files.torch_listing import Checkpoint, Storage, checkpoint_source
from nnscope.sources.files.torch_rebuild import TorchVocabulary
from nnscope.sources.files.zip_directory import STORED, is_zip
from nnscope.sources.files.zip_members import ZipArchive

if TYPE_CHECKING:
    from nnscope.sources.files.handle import FileHandle
    from nnscope.sources.files.source import FileSource
    from nnscope.sources.files.zip_directory import Member

_CHECKSUM = "The checksum of data.pkl does not match: the file is damaged, or was saved without checksums."
_TORCHSCRIPT = "This is a TorchScript archive: its tensors are shown, its program is neither read nor run."


def open_torch_zip(path: str, follow_links: bool = True) -> FileSource:
    """Open a checkpoint of ``torch.save``.

    Raises
    ------
    FileError
        If it is none, or malformed.
    """
    return open_guarded(path, _read, follow_links)


def _read(handle: FileHandle) -> FileSource:
    if not is_zip(handle.read(0, min(4, handle.size))):
        what = "This is no PyTorch checkpoint: neither a zip archive nor a pickle of torch.save."
        raise FileError("unknown-format", what, handle.path, "It is damaged, or has the wrong ending.", offset=0)
    archive = ZipArchive(handle)
    pickle = _find_pickle(archive)
    prefix = pickle.name.removesuffix("data.pkl")
    refused: dict[str, None] = {}
    root = PickleMachine(_cursor(archive, pickle), TorchVocabulary(), refused).run()

    @cache
    def storage(key: str) -> Storage:
        return _storage(archive, f"{prefix}data/{key}")

    checkpoint = Checkpoint(
        handle, FORMAT.name, root, storage, _byteorder(archive, prefix), tuple(refused), _warnings(archive, pickle)
    )
    return checkpoint_source(checkpoint)


def _find_pickle(archive: ZipArchive) -> Member:
    """The archive's ``data.pkl``, at its top or in its one folder."""
    found = [m for m in archive.members.values() if m.name.split("/")[-1] == "data.pkl" and m.name.count("/") <= 1]
    if len(found) == 1:
        return found[0]
    what = "This zip archive is no checkpoint: " + ("it has two data.pkl." if found else "it has no data.pkl.")
    remedy = "Checkpoints of torch.save and archives of numpy.savez can be opened; unpack others first."
    raise FileError("not-a-checkpoint", what, archive.handle.path, remedy)


def _cursor(archive: ZipArchive, pickle: Member) -> Cursor:
    handle = archive.handle
    if pickle.method == STORED:
        return Cursor(handle.read, pickle.start, pickle.start + pickle.size, handle.path)
    data = archive.read(pickle)
    return Cursor(lambda offset, length: data[offset : offset + length], 0, len(data), handle.path)


def _warnings(archive: ZipArchive, pickle: Member) -> tuple[str, ...]:
    damaged = pickle.method == STORED and not archive.matches_checksum(pickle)
    script = pickle.name.removesuffix("data.pkl") + "constants.pkl" in archive.members
    return (*((_CHECKSUM,) if damaged else ()), *((_TORCHSCRIPT,) if script else ()))


def _byteorder(archive: ZipArchive, prefix: str) -> str:
    member = archive.members.get(f"{prefix}byteorder")
    order = archive.head(member, 8) if member else b"little"
    if order not in (b"little", b"big"):
        what = f"The byte order {plain(repr(order))} is neither little nor big."
        raise FileError("bad-byteorder", what, archive.handle.path)
    return order.decode()


def _storage(archive: ZipArchive, name: str) -> Storage:
    member = archive.members.get(name)
    if member is None:
        return Storage(None, f"Its values are not in the file: the member {plain(name, 80)!r} is missing.")
    refusal = archive.refusal(member)
    return Storage(archive.section(member)) if refusal is None else Storage(None, refusal.what)


def _sniff(head: bytes, path: str) -> bool:
    return is_zip(head)


FORMAT = FileFormat("pytorch-zip", (".pt", ".pth", ".bin", ".ckpt"), _sniff, open_torch_zip)
