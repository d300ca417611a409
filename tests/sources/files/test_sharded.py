"""Checkpoints in several files: a folder by ``transformers``, and indexes that try to reach elsewhere."""

from __future__ import annotations

import json
import os
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest
import safetensors.numpy
import torch

from nnscope.core.errors import FileError, NnscopeError
from nnscope.sources.files import sharded
from nnscope.sources.files.open import open_file
from tests.sources.files.reading import read_all, same_bits
from tests.sources.files.torch_values import to_numpy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

A, B = np.arange(6.0).reshape(2, 3), np.ones(4, np.float16)
FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"


def write_index(folder: Path, weights: dict[str, str], name: str = "model.safetensors.index.json") -> Path:
    path = folder / name
    path.write_text(json.dumps({"metadata": {"total_size": 56}, "weight_map": weights}))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two shards of one tensor each, and their index."""
    safetensors.numpy.save_file({"a": A}, tmp_path / FIRST)
    safetensors.numpy.save_file({"b": B}, tmp_path / SECOND)
    write_index(tmp_path, {"a": FIRST, "b": SECOND})
    return tmp_path


@pytest.mark.parametrize("place", ["", "model.safetensors.index.json"])
def test_a_folder_and_its_index_are_the_same_source(folder: Path, place: str) -> None:
    listing, values = read_all(folder / place)
    assert (listing.format, listing.path) == ("safetensors-sharded", str(folder / place))
    assert list(values) == ["a", "b"]
    assert same_bits(values["a"], A)  # type: ignore[arg-type]
    assert same_bits(values["b"], B)  # type: ignore[arg-type]
    assert dict(listing.metadata)["total_size"] == "56"
    assert listing.nbytes == sum((folder / name).stat().st_size for name in (FIRST, SECOND))


def test_a_hugging_face_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers import GPT2Config, GPT2LMHeadModel

        torch.manual_seed(0)
        model = GPT2LMHeadModel(GPT2Config(n_layer=2, n_embd=32, n_head=2, vocab_size=64, n_positions=16))
        model.save_pretrained(tmp_path, max_shard_size="40KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 2
    listing, values = read_all(tmp_path)
    state = model.state_dict()
    assert listing.format == "safetensors-sharded"
    assert values.keys() <= state.keys()
    assert state.keys() - values.keys() == {"lm_head.weight"}  # tied to the embedding and not written
    for name, found in values.items():
        assert same_bits(found, to_numpy(state[name])), name  # type: ignore[arg-type]


def test_pytorch_shards(tmp_path: Path) -> None:
    torch.save({"a": torch.tensor(A)}, tmp_path / "pytorch_model-00001-of-00002.bin")
    torch.save({"b": torch.tensor(B)}, tmp_path / "pytorch_model-00002-of-00002.bin")
    weights = {"a": "pytorch_model-00001-of-00002.bin", "b": "pytorch_model-00002-of-00002.bin"}
    write_index(tmp_path, weights, "pytorch_model.bin.index.json")
    listing, values = read_all(tmp_path)
    assert listing.format == "pytorch-sharded"
    assert same_bits(values["b"], B)  # type: ignore[arg-type]


def test_numbered_shards_need_no_index(folder: Path) -> None:
    os.remove(folder / "model.safetensors.index.json")
    _, values = read_all(folder)
    assert list(values) == ["a", "b"]


@pytest.mark.parametrize("name", ["model.safetensors", "adapter.safetensors", "pytorch_model.bin"])
def test_a_folder_with_one_file(tmp_path: Path, name: str) -> None:
    if name.endswith("bin"):
        torch.save({"a": torch.tensor(A)}, tmp_path / name)
    else:
        safetensors.numpy.save_file({"a": A}, tmp_path / name)
    (tmp_path / "config.json").write_text("{}")
    listing, values = read_all(tmp_path)
    assert listing.path == str(tmp_path)
    assert listing.format in ("safetensors", "pytorch-zip")
    assert same_bits(values["a"], A)  # type: ignore[arg-type]


def _shard_named(name: str) -> Callable[[Path], object]:
    return lambda folder: write_index(folder, {"a": FIRST, "b": name})


def _linked_outside(folder: Path) -> None:
    outside = folder.parent / "outside.safetensors"
    safetensors.numpy.save_file({"b": B}, outside)
    os.remove(folder / SECOND)
    (folder / SECOND).symlink_to(outside)


def _linked_to_device(folder: Path) -> None:
    os.remove(folder / SECOND)
    (folder / SECOND).symlink_to("/dev/zero")


def _fifo(folder: Path) -> None:
    os.remove(folder / SECOND)
    os.mkfifo(folder / SECOND)


def _in_both(folder: Path) -> None:
    safetensors.numpy.save_file({"a": A, "b": B}, folder / SECOND)


def _in_the_other(folder: Path) -> None:
    write_index(folder, {"a": SECOND, "b": FIRST})


def _text_index(text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "model.safetensors.index.json").write_text(text)


def _many_shards(folder: Path) -> None:
    write_index(folder, {f"t{i}": f"model-{i}.safetensors" for i in range(100_000)})


HOSTILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "parent-path": (_shard_named("../../x"), "bad-shard"),
    "parent": (_shard_named(".."), "bad-shard"),
    "absolute": (_shard_named("/etc/passwd"), "bad-shard"),
    "backslash": (_shard_named("..\\x"), "bad-shard"),
    "drive": (_shard_named("C:x"), "bad-shard"),
    "nul": (_shard_named("a\0b"), "bad-shard"),
    "empty-name": (_shard_named(""), "bad-shard"),
    "missing": (_shard_named("model-9.safetensors"), "missing-shard"),
    "index-as-shard": (_shard_named("model.safetensors.index.json"), "unknown-format"),
    "link-out": (_linked_outside, "link"),
    "link-to-a-device": (_linked_to_device, "link"),
    "fifo": (_fifo, "not-a-file"),
    "in-two-shards": (_in_both, "duplicate-name"),
    "in-the-other-shard": (_in_the_other, "duplicate-name"),
    "not-in-its-shard": (lambda f: write_index(f, {"a": FIRST, "b": SECOND, "c": FIRST}), "missing-tensor"),
    "100000-shards": (_many_shards, "too-many-shards"),
    "no-tensors": (lambda f: write_index(f, {}), "bad-index"),
    "no-map": (_text_index('{"metadata": {}}'), "bad-index"),
    "map-twice": (_text_index('{"weight_map": {}, "weight_map": {}}'), "duplicate-name"),
    "name-twice": (_text_index(f'{{"weight_map": {{"a": "{FIRST}", "a": "{SECOND}"}}}}'), "duplicate-name"),
    "shard-not-text": (_text_index('{"weight_map": {"a": 3}}'), "bad-header"),
    "map-is-a-list": (_text_index('{"weight_map": []}'), "bad-header"),
    "deep-metadata": (_text_index('{"metadata":' + "[" * 100_000 + "}"), "bad-header"),
    "not-json": (_text_index('{"weight_map'), "bad-header"),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_index(kind: str, folder: Path) -> None:
    spoil, code = HOSTILE[kind]
    spoil(folder)
    with pytest.raises(FileError) as caught:
        open_file(folder / "model.safetensors.index.json")
    assert caught.value.code == code, str(caught.value)
    assert len(str(caught.value)) < 1000


def test_a_link_within_the_folder_is_followed(folder: Path) -> None:
    (folder / SECOND).rename(folder / "stored")
    (folder / SECOND).symlink_to("stored")
    _, values = read_all(folder)
    assert same_bits(values["b"], B)  # type: ignore[arg-type]


def test_tensors_that_the_index_forgot_are_shown_and_told(folder: Path) -> None:
    safetensors.numpy.save_file({"b": B, "extra": A}, folder / SECOND)
    listing, values = read_all(folder)
    assert "extra" in values
    assert "1 tensors of the shards are not in the index." in listing.warnings


@pytest.mark.parametrize(
    ("names", "code"),
    [((), "directory"), (("one.safetensors", "two.safetensors"), "ambiguous"), (("readme.txt",), "directory")],
)
def test_folders_that_are_no_checkpoint(tmp_path: Path, names: tuple[str, ...], code: str) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(FileError) as caught:
        open_file(tmp_path)
    assert caught.value.code == code


def test_a_shard_that_fails_closes_the_others(folder: Path) -> None:
    (folder / SECOND).write_bytes(b"x" * 20)
    before = sorted(os.listdir("/proc/self/fd"))
    with pytest.raises(FileError):
        open_file(folder)
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_closing_and_unknown_names(folder: Path) -> None:
    source = open_file(folder)
    with pytest.raises(NnscopeError, match="no tensor of this name"):
        source.reader("c")
    reader = source.reader("a")
    source.close()
    source.close()
    with pytest.raises(FileError) as caught:
        reader.read(((0, 1, 1), (0, 1, 1)))
    assert caught.value.code == "closed"


def test_a_changed_shard_is_noticed(folder: Path) -> None:
    source = open_file(folder)
    reader = source.reader("b")
    os.truncate(folder / SECOND, 40)
    with pytest.raises(FileError) as caught:
        reader.read(((0, 4, 1),))
    assert caught.value.code == "changed"
    source.close()


def test_the_limit_of_shards(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharded, "MAX_SHARDS", 1)
    os.remove(folder / "model.safetensors.index.json")
    with pytest.raises(FileError) as caught:
        open_file(folder)
    assert caught.value.code == "too-many-shards"
