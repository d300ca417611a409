"""Recognising files, the registry of formats, and what opening must not do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
import safetensors.numpy
import torch

from nnscope.core import plugins
from nnscope.core.errors import FileError
from nnscope.core.plugins import Loaded
from nnscope.core.registry import ReaderSpec, Registry
from nnscope.core.tensor import Listing
from nnscope.sources.files.open import open_file
from nnscope.sources.files.source import FileSource
from tests.hostile.pickle_cases import CALLS
from tests.hostile.torch_archive import archive
from tests.sources.files.reading import read_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _npy(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.ones(2))


def _npz(path: Path) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, w=np.ones(2))


WRITERS: dict[str, Callable[[Path], None]] = {
    "safetensors": lambda p: safetensors.numpy.save_file({"w": np.ones(2)}, p),
    "pytorch-zip": lambda p: torch.save({"w": torch.ones(2)}, p),
    "pytorch-legacy": lambda p: torch.save({"w": torch.ones(2)}, p, _use_new_zipfile_serialization=False),
    "npy": _npy,
    "npz": _npz,
}


@pytest.mark.parametrize("suffix", [".pt", ".npy", ".safetensors", ".txt", ""])
@pytest.mark.parametrize("name", WRITERS)
def test_files_are_known_by_their_content(name: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"file{suffix}"
    WRITERS[name](path)
    assert read_all(path)[0].format == name


@pytest.mark.parametrize("suffix", [".pt", ".npy", ".npz", ".safetensors", ".json", ".index.json", ".bin", ".txt", ""])
@pytest.mark.parametrize("content", [b"", b"x", b"P", b"{", b"\x80", b"\x93", bytes(9), b"PK\x03\x04", b"\xff" * 300])
def test_tiny_and_foreign_files(content: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"file{suffix}"
    path.write_bytes(content)
    with pytest.raises(FileError) as caught:
        open_file(path)
    assert str(path) in caught.value.where


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", ["m.pt", "m.safetensors", "model.safetensors.index.json", "m.npz"])
def test_a_pipe_is_refused_at_once(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(FileError) as caught:
        open_file(tmp_path / name)
    assert caught.value.code == "not-a-file"


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_replaced_while_open_is_noticed(name: str, tmp_path: Path) -> None:
    path = tmp_path / "w"
    WRITERS[name](path)
    source = open_file(path)
    reader = source.reader("w")
    assert reader.read(((0, 2, 1),)).tolist() == [1, 1]
    WRITERS[name](tmp_path / "new")
    os.replace(tmp_path / "new", path)
    with pytest.raises(FileError) as caught:
        reader.read(((0, 2, 1),))
    assert caught.value.code == "changed"
    source.close()


@pytest.mark.parametrize("name", WRITERS)
def test_many_threads_read_one_source(name: str, tmp_path: Path) -> None:
    path = tmp_path / "w"
    WRITERS[name](path)
    source = open_file(path)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda i: source.reader("w").read(((i % 2, 2, 1),)).tolist(), range(200)))
    source.close()
    assert results == [[1, 1], [1]] * 100


def _with_reader(monkeypatch: pytest.MonkeyPatch, open_it: Callable[[Path], FileSource]) -> None:
    registry = Registry()
    registry.add_reader("mine", ReaderSpec("mine", (".mine",), open_it))
    monkeypatch.setattr(plugins, "loaded_plugins", lambda: Loaded(registry, ()))


def test_a_plugin_s_reader_opens_its_suffix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def open_mine(path: Path) -> FileSource:
        return FileSource(Listing(str(path), "mine", ()), lambda i: pytest.fail("it has no tensors"), lambda: None)

    _with_reader(monkeypatch, open_mine)
    (tmp_path / "x.mine").write_bytes(b"PK\x03\x04")
    assert open_file(tmp_path / "x.mine").listing().format == "mine"


def test_a_plugin_s_reader_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _with_reader(monkeypatch, lambda path: FileSource(1 / 0, lambda i: None, lambda: None))  # type: ignore[arg-type,return-value]
    (tmp_path / "x.mine").write_bytes(b"x")
    with pytest.raises(FileError, match="reader of mine failed") as caught:
        open_file(tmp_path / "x.mine")
    assert caught.value.code == "plugin"


_GUARDED = """
import json, sys
for name in ("torch", "safetensors"):
    sys.modules[name] = None
import encodings.cp437, ml_dtypes, numpy
from nnscope.sources.base import full_region
from nnscope.sources.files.open import open_file

WATCHED = ("open", "exec", "import", "pickle", "mmap", "socket", "subprocess", "ctypes", "os")
events = []
sys.addaudithook(lambda event, args: events.append((event, str(args[:1]))) if event.startswith(WATCHED) else None)
for path in sys.argv[1:]:
    source = open_file(path)
    for info in source.listing().tensors:
        source.reader(info.address).read(full_region(info.shape))
    source.close()
print(json.dumps(events))
"""


def test_opening_runs_nothing_imports_nothing_and_reads_only_that_file(tmp_path: Path) -> None:
    """Promises P1 and P2, watched by an audit hook in a process in which torch and safetensors can't be imported."""
    for way, call in CALLS.items():
        (tmp_path / f"{way}.pt").write_bytes(archive(call()))
    for name, write in WRITERS.items():
        write(tmp_path / name)
    paths = [str(path) for path in tmp_path.iterdir()]
    done = subprocess.run([sys.executable, "-c", _GUARDED, *paths], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {tuple(event) for event in json.loads(done.stdout)} == {("open", str((path,))) for path in paths}
