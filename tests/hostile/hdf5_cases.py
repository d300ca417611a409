"""Hostile and odd HDF5 files. What would lead out of the file names things that are not there."""

from __future__ import annotations

import io
import zlib
from functools import partial
from typing import TYPE_CHECKING

import h5py
import numpy as np

from tests.hostile.case import Case

if TYPE_CHECKING:
    from collections.abc import Callable

VALUES = [1.0, 2.0, 3.0, 4.0]


def made(write: Callable[[h5py.File], object], **options: object) -> bytes:
    """The bytes of a file with a good dataset ``w`` and what ``write`` adds."""
    stream = io.BytesIO()
    with h5py.File(stream, "w", **options) as file:
        file["w"] = np.array(VALUES)
        write(file)
    return stream.getvalue()


def _case(case_id: str, write: Callable[[h5py.File], object], others: dict[str, list[float] | None]) -> Case:
    return Case(case_id, partial(made, write), ".h5", tensors={"w": VALUES, **others})


def _listed(case_id: str, write: Callable[[h5py.File], object], name: str = "x") -> Case:
    """``x`` is listed and can't be shown; the good dataset beside it can."""
    return _case(case_id, write, {name: None})


def _link(link: object) -> Callable[[h5py.File], object]:
    return lambda file: file.__setitem__("x", link)


def _virtual(source: str) -> Callable[[h5py.File], object]:
    def write(file: h5py.File) -> None:
        layout = h5py.VirtualLayout((4,), "f8")
        layout[:] = h5py.VirtualSource(source, "w", (4,))
        file.create_virtual_dataset("x", layout)

    return write


def _loop(file: h5py.File) -> None:
    file["a/b/c"] = np.ones(1)
    file["a/b/back"] = file["a"]
    file["root"] = file["/"]


def _deep(file: h5py.File) -> None:
    group = file
    for _ in range(400):
        group = group.create_group("g")
    group["x"] = np.ones(1)


def _bomb(file: h5py.File) -> None:
    """One chunk that claims 80 bytes and inflates to 512 MiB."""
    packer = zlib.compressobj(9)
    head = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    data = file.create_dataset("x", (10,), "f8", chunks=(10,), compression="gzip")
    data.id.write_direct_chunk((0,), head + again * 512)


def _zeros(file: h5py.File) -> None:
    """A whole chunk of zeros, in a dataset that claims a terabyte of them."""
    data = file.create_dataset("x", (1 << 17, 1 << 20), "f8", chunks=(1024, 1024), compression="gzip")
    data[:1024, :1024] = 0


def _filter(file: h5py.File) -> None:
    """A filter of no known number, which HDF5 would look for among the plugins."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk((4,))
    properties.set_filter(4711, h5py.h5z.FLAG_OPTIONAL)
    h5py.h5d.create(file.id, b"x", h5py.h5t.IEEE_F64LE, h5py.h5s.create_simple((4,)), properties)


def _names(file: h5py.File) -> None:
    file[b"\xff\xfe"] = np.ones(1)
    file["\u202e<img src=x>\x1b[2J"] = np.ones(1)


CASES = [
    _case("good", lambda file: None, {}),
    _listed("soft-link-to-nowhere", _link(h5py.SoftLink("/nowhere"))),
    _listed("soft-link-to-itself", _link(h5py.SoftLink("x"))),
    _listed("soft-link-through-external", lambda f: (_link(h5py.SoftLink("/e/w"))(f),), "x"),
    _listed("external-link", _link(h5py.ExternalLink("elsewhere.h5", "/w"))),
    _case("soft-link-within", _link(h5py.SoftLink("/w")), {}),
    _listed("external-storage", lambda f: f.create_dataset("x", (4,), "f8", external="elsewhere.bin")),
    _listed("virtual-of-another-file", _virtual("elsewhere.h5")),
    _listed("virtual-of-itself", _virtual(".")),
    _listed("unknown-filter", _filter),
    _listed("scale-offset", lambda f: f.create_dataset("x", data=np.arange(4), scaleoffset=2)),
    _listed("terabytes-of-nothing", lambda f: f.create_dataset("x", (1 << 20, 1 << 20), "f4", chunks=(1024, 1024))),
    _listed("terabytes-of-zeros", _zeros),
    _listed("chunk-of-gigabytes", lambda f: f.create_dataset("x", (1 << 28,), "f8", chunks=(1 << 28,))),
    Case("chunk-bomb", partial(made, _bomb), ".h5", "damaged"),
    _case("cycle-of-groups", _loop, {"a/b/c": [1.0]}),
    _case("four-hundred-groups-deep", _deep, {}),
    _case("names", _names, {"\\xff\\xfe": [1.0], "\u202e<img src=x>\x1b[2J": [1.0]}),
    _listed("text", lambda f: f.__setitem__("x", "hello")),
    _listed("lists", lambda f: f.create_dataset("x", (3,), h5py.vlen_dtype("i4"))),
    _listed("references", lambda f: f.create_dataset("x", (3,), h5py.ref_dtype)),
    _listed("records", lambda f: f.create_dataset("x", (3,), [("a", "f4"), ("b", "i4")])),
    _listed("arrays", lambda f: f.create_dataset("x", (3,), np.dtype(("f4", (2,))))),
    _listed("raw-bytes", lambda f: f.create_dataset("x", (3,), "V5")),
    _listed("long-double", lambda f: f.create_dataset("x", (3,), np.longdouble)),
    _listed("null", lambda f: f.__setitem__("x", h5py.Empty("f4"))),
    Case("behind-a-block", partial(made, lambda f: None, userblock_size=1024), "", tensors={"w": VALUES}),
    Case("no-hdf5", lambda: b"hello", ".h5", "damaged"),
    Case("signature-only", lambda: b"\x89HDF\r\n\x1a\n", ".hdf5", "damaged"),
]
