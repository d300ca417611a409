"""safetensors files written by the format's own library, value by value, and the cost of opening them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import ml_dtypes
import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from nnscope.core.errors import FileError
from nnscope.sources.files.dtypes import SAFETENSORS
from nnscope.sources.files.open import open_file
from tests.hostile.safetensors_cases import entry, many, raw, with_header
from tests.sources.files.memory import opening_of
from tests.sources.files.reading import read_all, same_bits
from tests.sources.files.torch_values import golden, shapes, to_numpy

if TYPE_CHECKING:
    from pathlib import Path


def test_every_element_type_and_shape(tmp_path: Path) -> None:
    tensors = golden() | shapes()
    path = tmp_path / "m.safetensors"
    safetensors.torch.save_file(tensors, path, metadata={"format": "pt", "note": "a\u202eb"})
    listing, values = read_all(path)
    assert values.keys() == tensors.keys()
    assert (listing.format, listing.nbytes) == ("safetensors", path.stat().st_size)
    assert dict(listing.metadata) == {"format": "pt", "note": "a\u202eb"}
    for name, tensor in tensors.items():
        assert same_bits(values[name], to_numpy(tensor)), name  # type: ignore[arg-type]


def test_every_type_of_the_format_is_known() -> None:
    assert len(SAFETENSORS) == 22


def test_packed_4_bit_floats(tmp_path: Path) -> None:
    codes = np.arange(24, dtype=np.uint8) % 16
    packed = (codes[::2] | codes[1::2] << 4).tobytes()
    path = tmp_path / "m.safetensors"
    path.write_bytes(with_header({"w": entry([4, 6], 0, 12, "F4")}, packed))
    _, values = read_all(path)
    assert same_bits(values["w"], codes.reshape(4, 6).view(ml_dtypes.float4_e2m1fn))  # type: ignore[arg-type]


def test_6_bit_floats_are_listed_and_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(with_header({"w": entry([4], 0, 3, "F6_E2M3")}, b"abc"))
    source = open_file(path)
    assert "6-bit" in source.listing().tensors[0].unreadable
    with pytest.raises(FileError) as caught:
        source.reader("w")
    assert caught.value.code == "unreadable"
    source.close()


def test_tied_weights_left_out_by_the_library_are_aliases(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
    model[1].weight = model[0].weight
    path = str(tmp_path / "m.safetensors")
    safetensors.torch.save_model(model, path)
    listing, values = read_all(tmp_path / "m.safetensors")
    (info,) = listing.tensors
    assert {info.address, *info.aliases} == {"0.weight", "1.weight"}
    for name in ("0.weight", "1.weight"):
        assert same_bits(values[name], to_numpy(model[0].weight))  # type: ignore[arg-type]


def test_a_region_equals_the_library_s_slice(tmp_path: Path) -> None:
    tensor = torch.randn(40, 30, 5, generator=torch.Generator().manual_seed(1)).to(torch.bfloat16)
    path = tmp_path / "m.safetensors"
    safetensors.torch.save_file({"w": tensor}, path)
    source = open_file(path)
    values = source.reader("w").read(((3, 33, 7), (5, 29, 1), (1, 5, 3)))
    source.close()
    assert same_bits(values, to_numpy(tensor[3:33:7, 5:29, 1:5:3]))


def test_200_000_tensors_open_fast_and_small(tmp_path: Path) -> None:
    """Promised is less than 2 s; compared is with the time in which Python's JSON parser reads the same header."""
    path = tmp_path / "m.safetensors"
    path.write_bytes(many(200_000))
    header = path.read_bytes()[8:-200_000]
    opening = opening_of(path)
    assert opening.names == 200_000
    assert opening.seconds < 2.0 or opening.seconds < 4 * _seconds_of_parser(header)
    assert opening.memory <= 64e6 + 2 * len(header)


def _seconds_of_parser(header: bytes) -> float:
    start = time.process_time()
    json.loads(header)
    return time.process_time() - start


ENTRY = b'"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'
HEADERS = {
    "entries": b"{" + b",".join(ENTRY % i for i in range(240_000)) + b"}",
    "metadata": b'{"__metadata__":{' + b",".join(b'"%d":""' % i for i in range(290_000)) + b"}}",
    "lists": b'{"w":' + b"[]," * 10_000_000,
    "shape": b'{"w":{"dtype":"F32","shape":[' + b"1," * 1_000_000 + b'1],"data_offsets":[0,4]}}',
    "spaces": b"{" + b" " * 20_000_000 + b"}",
    "wide-text": '{"\U0001f600'.encode() + b"a" * 30_000_000 + b'":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}',
}


@pytest.mark.parametrize("kind", HEADERS)
def test_opening_keeps_to_its_memory(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(raw(HEADERS[kind], b""))
    assert opening_of(path).memory <= 64e6 + 2 * len(HEADERS[kind])
