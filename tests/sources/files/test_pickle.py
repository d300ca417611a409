"""The pickle machine against Python's own pickler, and its memory."""

from __future__ import annotations

import contextlib
import pickle
import pickletools
import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnscope.core.errors import FileError
from nnscope.sources.files import pickle_machine
from nnscope.sources.files.pickle_machine import Cursor, PickleMachine
from nnscope.sources.files.pickle_opcodes import OPCODES
from nnscope.sources.files.pickle_tree import MAX_DEPTH, find_tensors
from nnscope.sources.files.pickle_values import Placeholder
from nnscope.sources.files.torch_rebuild import StorageRef, TensorRef, TorchVocabulary
from tests.hostile import pickles as p
from tests.hostile.torch_archive import archive
from tests.sources.files.memory import opening_of

if TYPE_CHECKING:
    from pathlib import Path

TEXT = st.text() | st.text(min_size=256)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT | st.binary()
KEYS = TEXT | st.integers(-(1 << 59), 1 << 59) | st.booleans() | st.none() | st.tuples(TEXT, st.integers(0, 9))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.lists(inner, max_size=4).map(tuple) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def run(data: bytes, chunk: int = 1 << 20) -> tuple[object, list[str]]:
    """What the machine makes of a pickle, and the names it refused; read in pieces of ``chunk`` bytes."""
    refused: dict[str, None] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pickle_machine, "_CHUNK", chunk)
        cursor = Cursor(lambda offset, length: data[offset : offset + length], 0, len(data), "file")
        return PickleMachine(cursor, TorchVocabulary(), refused).run(), list(refused)


@settings(max_examples=150)
@given(VALUES, st.integers(0, 5), st.sampled_from((1, 7, 1 << 20)))
def test_plain_values_are_what_python_pickled(value: object, protocol: int, chunk: int) -> None:
    made, refused = run(pickle.dumps(value, protocol), chunk)
    assert made == pickle.loads(pickle.dumps(value))
    assert repr(made) == repr(value)  # 1, 1.0 and True are equal, and −0.0 and 0.0
    assert refused == []


@pytest.mark.parametrize("protocol", range(6))
def test_shared_and_self_containing_objects(protocol: int) -> None:
    shared: list[object] = [1]
    loop: list[object] = [shared, shared]
    loop.append(loop)
    made, _ = run(pickle.dumps(loop, protocol))
    assert isinstance(made, list)
    assert made[0] is made[1]
    assert made[2] is made


@pytest.mark.parametrize("protocol", range(6))
def test_sets_are_kept_without_being_hashed(protocol: int) -> None:
    made, refused = run(pickle.dumps([{1, 2}, frozenset((3,))], protocol))
    assert made == [[1, 2], (3,)] or made == [[1, 2], [3]]
    assert refused == []


class Thing:
    def __init__(self) -> None:
        self.inner = {"a": 1}


@pytest.mark.parametrize("protocol", range(6))
def test_objects_become_placeholders_with_their_state(protocol: int) -> None:
    made, refused = run(pickle.dumps(Thing(), protocol))
    assert isinstance(made, Placeholder)
    assert made.states == [{"inner": {"a": 1}}]
    assert made.name.endswith("Thing")
    assert refused[-1].endswith("Thing")


@given(st.binary(max_size=60))
def test_any_bytes_make_something_or_a_file_error(data: bytes) -> None:
    with contextlib.suppress(FileError):
        run(data)


def test_every_opcode_is_known_but_those_for_buffers_outside_the_file() -> None:
    names = {opcode.name for opcode in pickletools.opcodes if OPCODES[ord(opcode.code)] is OPCODES[0]}
    assert names == {"NEXT_BUFFER", "READONLY_BUFFER"}


def test_the_number_of_steps_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_machine, "MAX_STEPS", 1000)
    with pytest.raises(FileError, match="1000 steps"):
        run(b"N0" * 2000 + b"N.")


def test_long_text_and_bytes_are_left_in_the_file() -> None:
    length = 5 << 20
    made, _ = run(
        b"(X" + struct.pack("<I", length) + bytes(length) + b"B" + struct.pack("<I", length) + bytes(length) + b"l."
    )
    assert [type(item).__name__ for item in made] == ["Skipped", "Skipped"]  # type: ignore[union-attr]


def test_tensors_below_the_depth_limit_are_told() -> None:
    tensor = TensorRef(StorageRef("0", "float32", 1), 0, (1,), (1,), "float32")
    nested: object = tensor
    for _ in range(MAX_DEPTH + 2):
        nested = [nested]
    tree = find_tensors([nested, tensor], "stem", "file")
    assert [found.address for found in tree.tensors] == ["1"]
    assert "deeper" in tree.warnings[0]


def test_paths_that_are_written_alike_get_numbers() -> None:
    tensor = TensorRef(StorageRef("0", "float32", 1), 0, (1,), (1,), "float32")
    tree = find_tensors({"a.b": tensor, "a": {"b": tensor}, 1: tensor, "1": tensor}, "stem", "file")
    assert [found.address for found in tree.tensors] == ["a.b", "a.b#2", "1", "1#2"]


def _state_dict(count: int) -> bytes:
    """A state dict in the very opcodes of ``torch.save``, which memoises every object."""
    names = (p.name("torch._utils", "_rebuild_tensor_v2"), p.name("torch", "FloatStorage"))
    shared = (*names, p.text("storage"), p.text("cpu"), p.name("collections", "OrderedDict"))
    return b"".join(
        (
            b"".join(value + b"q" + bytes([i]) + b"0" for i, value in enumerate(shared)),
            b"}(",
            *(_memoised_tensor(i) for i in range(count)),
            b"u",
        )
    )


def _memoised_tensor(i: int) -> bytes:
    put = [b"r" + struct.pack("<I", 5 + 8 * i + j) for j in range(8)]
    name, key = p.text(f"model.layers.{i // 9}.block.{i}.weight") + put[0], p.text(str(i % 100)) + put[1]
    storage = b"(h\x02h\x01" + key + b"h\x03K\x04t" + put[2] + b"Q"
    place = b"K\x00K\x02K\x02\x86" + put[3] + b"K\x02K\x01\x86" + put[4]
    return name + b"h\x00(" + storage + place + b"\x89h\x04)R" + put[5] + b"t" + put[6] + b"R" + put[7]


MEMORY = {
    "lists": b"]" * 3_000_000,
    "dicts": b"(" + b"}" * 3_000_000 + b"l",
    "objects": p.name("x", "y") + b"q\x00(" + b"h\x00)R" * 1_000_000 + b"l",
    "wide-text": b"(" + (b"X\x00\x00\x10\x00" + "\U0001f600".encode() + b"a" * 0x0FFFFC) * 20 + b"l",
    "memo": b"N" + b"".join(b"r" + struct.pack("<I", i * 7) for i in range(1, 1_000_000)),
}


@pytest.mark.parametrize("kind", MEMORY)
def test_opening_keeps_to_its_memory(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    path.write_bytes(archive(MEMORY[kind]))
    assert opening_of(path).memory <= 64e6 + 2 * len(MEMORY[kind])


def test_65_536_tensors_open_within_the_same_memory(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    body = _state_dict(65_536)
    path.write_bytes(archive(body, {str(i): bytes(16) for i in range(100)}))
    opening = opening_of(path)
    assert opening.names == 65_536
    assert opening.memory <= 64e6 + 2 * len(body)
