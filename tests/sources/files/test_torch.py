"""Checkpoints of ``torch.save``, value by value against the tensors that were saved."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import nn

from nnscope.core.errors import FileError, NnscopeError
from nnscope.sources.files.open import open_file
from tests.sources.files.reading import read_all, same_bits
from tests.sources.files.torch_values import golden, shapes, to_numpy

if TYPE_CHECKING:
    from pathlib import Path

FORMS = [pytest.param(True, id="zip"), pytest.param(False, id="legacy")]


class Block(nn.Module):
    """A module with everything that names come from: parameters, buffers, children in lists, ties, plain tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(5, 4)
        self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(2))
        self.norm = nn.BatchNorm1d(4)
        self.head = nn.Linear(4, 5, bias=False)
        self.head.weight = self.embed.weight
        self.twin = self.layers[0]
        self.register_buffer("mask", torch.ones(4, 4).tril())
        self.cache = torch.arange(3.0)


class Named(OrderedDict):  # type: ignore[type-arg]
    """A subclass, which a pickle makes by calling it."""


def save(value: object, path: Path, new: bool = True, **kwargs: Any) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(value, path, _use_new_zipfile_serialization=new, **kwargs)
    return path


def check(path: Path, expected: dict[str, torch.Tensor]) -> None:
    _, values = read_all(path)
    assert values.keys() == expected.keys()
    for name, tensor in expected.items():
        found = values[name]
        assert found is not None, name
        assert same_bits(found, to_numpy(tensor)), name


@pytest.mark.parametrize("new", FORMS)
def test_every_element_type_and_shape(tmp_path: Path, new: bool) -> None:
    tensors = golden() | shapes() | {"complex128": torch.tensor([1 + 2j, -0.0j], dtype=torch.complex128)}
    check(save(tensors, tmp_path / "m.pt", new), tensors)


@pytest.mark.parametrize("new", FORMS)
@pytest.mark.parametrize("protocol", range(6))
def test_every_pickle_protocol(tmp_path: Path, protocol: int, new: bool) -> None:
    state = Block().state_dict()
    check(save(state, tmp_path / "m.pt", new, pickle_protocol=protocol), state)


@pytest.mark.parametrize("new", FORMS)
def test_views_of_shared_storage(tmp_path: Path, new: bool) -> None:
    base = torch.arange(120.0).reshape(2, 3, 4, 5)
    views = {
        "base": base,
        "transposed": base.permute(3, 1, 0, 2),
        "every-other": base[:, ::2, 1:, ::3],
        "column": base[0, 0, :, 2],
        "expanded": base[0, :1, :, :1].expand(7, 4, 6),
        "windows": torch.as_strided(base, (10, 5), (2, 1), 3),
        "channels-last": base.contiguous(memory_format=torch.channels_last),
    }
    check(save(views, tmp_path / "m.pt", new), views)


@pytest.mark.parametrize("new", FORMS)
def test_regions_of_a_transposed_view(tmp_path: Path, new: bool) -> None:
    tensor = torch.randn(64, 48, generator=torch.Generator().manual_seed(0)).T
    source = open_file(save({"w": tensor}, tmp_path / "m.pt", new))
    region = ((3, 40, 5), (10, 60, 7))
    values = source.reader("w").read(region)
    source.close()
    assert same_bits(values, tensor.numpy()[3:40:5, 10:60:7])


@pytest.mark.parametrize("new", FORMS)
def test_a_pickled_module_is_listed_as_its_named_parameters(tmp_path: Path, new: bool) -> None:
    model = Block()
    listing, values = read_all(save(model, tmp_path / "m.pt", new))
    kinds = {name: info.kind for info in listing.tensors for name in (info.address, *info.aliases)}
    for name, tensor in model.named_parameters(remove_duplicate=False):
        assert same_bits(values[name], to_numpy(tensor)), name  # type: ignore[arg-type]
        assert kinds[name] == "parameter", name
    for name, tensor in model.named_buffers(remove_duplicate=False):
        assert same_bits(values[name], to_numpy(tensor)), name  # type: ignore[arg-type]
        assert kinds[name] == "buffer", name
    assert "cache" in values
    assert {module.path: module.type for module in listing.modules}["layers.1"] == "Linear"
    assert any(name.endswith("Block") for name in listing.refused)


def test_tied_weights_are_listed_once_with_their_other_names(tmp_path: Path) -> None:
    state = Block().state_dict()
    listing, values = read_all(save(state, tmp_path / "m.pt"))
    aliases = {info.address: info.aliases for info in listing.tensors}
    assert aliases["embed.weight"] == ("head.weight",)
    assert aliases["layers.0.bias"] == ("twin.bias",)
    assert "head.weight" not in aliases
    assert same_bits(values["head.weight"], to_numpy(state["head.weight"]))  # type: ignore[arg-type]
    assert listing.parameters == sum(t.numel() for t in dict.fromkeys(state.values()) if t is not None) - 20 - 20


def test_nesting_gives_dotted_names_and_optimizer_state_its_own_kind(tmp_path: Path) -> None:
    moments = {"step": torch.tensor(3.0), "exp_avg": torch.ones(3, 2)}  # as Adam.state_dict() gives them
    saved = {
        "model": nn.Linear(2, 3).state_dict(),
        "optimizer": {"state": {0: moments}, "param_groups": [{"lr": 0.1, "params": [0]}]},
        "history": [torch.ones(1), (torch.zeros(2), None)],
        7: torch.ones(1),
        "epoch": 3,
        "note": "a\nb",
    }
    listing, _ = read_all(save(saved, tmp_path / "m.pt"))
    kinds = {info.address: info.kind for info in listing.tensors}
    assert kinds["model.weight"] == "parameter"
    assert kinds["optimizer.state.0.exp_avg"] == "state"
    assert {"history.0", "history.1.0", "7"} <= kinds.keys()
    assert dict(listing.metadata) == {"epoch": "3", "note": "a\nb"}


@pytest.mark.parametrize("new", FORMS)
def test_subclasses_parameters_and_attributes(tmp_path: Path, new: bool) -> None:
    marked = nn.Parameter(torch.ones(2))
    marked.note = "kept"  # type: ignore[attr-defined]
    saved = Named(a=nn.Parameter(torch.ones(3)), b=marked, c=torch.zeros(2, requires_grad=True))
    saved.extra = torch.arange(4)  # type: ignore[attr-defined]
    listing, values = read_all(save(saved, tmp_path / "m.pt", new))
    assert {info.address for info in listing.tensors} == {"a", "b", "c", "extra"}
    assert values["extra"].tolist() == [0, 1, 2, 3]  # type: ignore[union-attr]


@pytest.mark.filterwarnings("ignore")
def test_quantised_tensors_show_their_integers(tmp_path: Path) -> None:
    values = torch.linspace(-1, 1, 12).reshape(3, 4)
    per_tensor = torch.quantize_per_tensor(values, 0.01, 3, torch.qint8)
    per_channel = torch.quantize_per_channel(values, torch.ones(3) / 50, torch.zeros(3), 0, torch.quint8)
    _, found = read_all(save({"t": per_tensor, "c": per_channel}, tmp_path / "m.pt"))
    assert same_bits(found["t"], per_tensor.int_repr().numpy())  # type: ignore[arg-type]
    assert same_bits(found["c"], per_channel.int_repr().numpy())  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore")
def test_half_precision_complex_values(tmp_path: Path) -> None:
    tensor = torch.complex(torch.tensor([1.0, -2.5]), torch.tensor([0.25, 3.0])).to(torch.complex32)
    listing, values = read_all(save({"z": tensor}, tmp_path / "m.pt"))
    assert listing.tensors[0].dtype == "complex32"
    assert values["z"].tolist() == [1 + 0.25j, -2.5 + 3j]  # type: ignore[union-attr]


def test_pairs_of_4_bit_floats_are_unfolded(tmp_path: Path) -> None:
    packed = torch.arange(6, dtype=torch.uint8).reshape(2, 3).view(torch.float4_e2m1fn_x2)
    listing, values = read_all(save({"w": packed}, tmp_path / "m.pt"))
    assert listing.tensors[0].shape == (2, 6)
    found = values["w"]
    assert found is not None
    assert found.astype(np.float32).tolist() == [[0, 0, 0.5, 0, 1, 0], [1.5, 0, 2, 0, 3, 0]]


@pytest.mark.filterwarnings("ignore")
def test_sparse_nested_meta_and_conjugate_tensors(tmp_path: Path) -> None:
    saved = {
        "coo": torch.eye(3).to_sparse(),
        "csr": torch.eye(3).to_sparse_csr(),
        "nested": torch.nested.nested_tensor([torch.ones(2), torch.zeros(3)]),
        "meta": torch.zeros(2, 3, device="meta"),
        "conjugate": torch.ones(2, dtype=torch.complex64).conj(),
    }
    listing, values = read_all(save(saved, tmp_path / "m.pt"))
    notes = {info.address: info.unreadable for info in listing.tensors}
    assert values["coo.indices"].tolist() == [[0, 1, 2], [0, 1, 2]]  # type: ignore[union-attr]
    assert values["csr.crow_indices"].tolist() == [0, 1, 2, 3]  # type: ignore[union-attr]
    assert values["nested.values"].tolist() == [1, 1, 0, 0, 0]  # type: ignore[union-attr]
    assert "meta device" in notes["meta"]
    assert "conjugated" in notes["conjugate"]


def test_a_tensor_alone_is_named_by_the_file(tmp_path: Path) -> None:
    check(save(torch.ones(3), tmp_path / "alone.v1.pt"), {"alone.v1": torch.ones(3)})


def test_torchscript_tensors_are_shown_and_its_program_is_not_run(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(model), tmp_path / "m.pt")
    listing, values = read_all(tmp_path / "m.pt")
    assert "TorchScript" in listing.warnings[0]
    for name, tensor in model.state_dict().items():
        assert same_bits(values[name], to_numpy(tensor)), name  # type: ignore[arg-type]


def test_an_archive_packed_anew_with_compression(tmp_path: Path) -> None:
    state = nn.Linear(64, 64).state_dict()
    save(state, tmp_path / "a.pt")
    with (
        zipfile.ZipFile(tmp_path / "a.pt") as old,
        zipfile.ZipFile(tmp_path / "b.pt", "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    check(tmp_path / "b.pt", state)


def test_a_file_saved_without_checksums_says_so(tmp_path: Path) -> None:
    torch.serialization.set_crc32_options(False)
    try:
        save({"w": torch.ones(2)}, tmp_path / "m.pt")
    finally:
        torch.serialization.set_crc32_options(True)
    listing, values = read_all(tmp_path / "m.pt")
    assert values["w"].tolist() == [1, 1]  # type: ignore[union-attr]
    assert "checksum" in listing.warnings[0]


def test_storage_views_of_old_files(tmp_path: Path) -> None:
    """Files from before PyTorch 0.4 name a part of a storage; today's writer never does, so one is edited."""
    stream = io.BytesIO()
    torch.save({"w": torch.arange(6.0)}, stream, _use_new_zipfile_serialization=False)
    data = stream.getvalue()
    view = b"(X\x01\x00\x00\x00vK\x02K\x04t"
    edited = data.replace(b"K\x06N", b"K\x06" + view, 1).replace(b"K\x06\x85", b"K\x03\x85", 1)
    assert len(edited) == len(data) + len(view) - 1
    (tmp_path / "m.pt").write_bytes(edited)
    _, values = read_all(tmp_path / "m.pt")
    assert values["w"].tolist() == [2, 3, 4]  # type: ignore[union-attr]


def test_a_legacy_storage_that_lies_about_its_size(tmp_path: Path) -> None:
    save({"w": torch.ones(4)}, tmp_path / "m.pt", new=False)
    data = (tmp_path / "m.pt").read_bytes()
    (tmp_path / "m.pt").write_bytes(data[:-24] + struct.pack("<Q", 1 << 60) + data[-16:])
    with pytest.raises(FileError) as caught:
        open_file(tmp_path / "m.pt")
    assert caught.value.code == "truncated"


def test_readers_after_close_and_of_unknown_names(tmp_path: Path) -> None:
    source = open_file(save({"w": torch.ones(4)}, tmp_path / "m.pt"))
    with pytest.raises(NnscopeError, match="no tensor of this name"):
        source.reader("v")
    reader = source.reader("w")
    source.close()
    source.close()
    for attempt in (lambda: source.reader("w"), lambda: reader.read(((0, 4, 1),))):
        with pytest.raises(FileError) as caught:
            attempt()
        assert caught.value.code == "closed"
