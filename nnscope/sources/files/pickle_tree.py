"""Finding the tensors in what a pickle described, and naming them by their path.

Paths go through dicts by key, through lists and tuples by index, and through objects by attribute; the three
registries of a pickled ``nn.Module`` (``_parameters``, ``_buffers``, ``_modules``) leave no trace, so that names come
out as ``model.named_parameters()`` gives them. The walk is iterative. Containers may be shared (tied modules) and even
contain themselves; walking shared ones again is bounded, or 27 doublings would be walked 2²⁷ times.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from nnscope.core.errors import FileError
from nnscope.core.tensor import ModuleInfo
from nnscope.sources.files.pickle_values import CompoundKey, Placeholder
from nnscope.sources.files.torch_rebuild import TensorRef

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH = 200
MAX_REPEATS = 10_000
MAX_TENSORS = 250_000
MAX_NAMES = 32 << 20

_REGISTRIES = {"_parameters": "parameter", "_buffers": "buffer", "_modules": ""}
_OPTIMIZER = frozenset(("state", "param_groups"))


class Found(NamedTuple):
    """A tensor with its path and kind (``"parameter"``, ``"buffer"``, or ``"state"`` of an optimizer)."""

    address: str
    tensor: TensorRef
    kind: str


class _Child(NamedTuple):
    """A member of a container: its key (None leaves no trace in the path) and the kind its tensors would be."""

    key: str | None
    value: object
    kind: str


class _Path(NamedTuple):
    parent: _Path | None
    key: str


class _Frame(NamedTuple):
    """A container being walked."""

    container: object
    children: Iterator[_Child]
    path: _Path | None


@dataclass
class Tree:
    """What a pickle holds: tensors in the order of the file, modules, and sentences about what was left out."""

    tensors: list[Found] = field(default_factory=list)
    modules: list[ModuleInfo] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def find_tensors(root: object, stem: str, where: str) -> Tree:
    """All tensors within ``root``.

    Parameters
    ----------
    root : object
        What a pickle described.
    stem : str
        The name of a tensor that is all there is.
    where : str
        The file, for messages.

    Raises
    ------
    FileError
        If there are more tensors, or longer names, than can be listed.
    """
    return _Walk(stem, where).run(root)


class _Walk:
    def __init__(self, stem: str, where: str) -> None:
        self._stem = stem
        self._where = where
        self._tree = Tree()
        self._names: set[str] = set()
        self._name_length = 0
        self._seen: set[int] = set()
        self._open: set[int] = set()
        self._frames: list[_Frame] = []
        self._repeats = 0

    def run(self, root: object) -> Tree:
        self._visit(_Child(None, root, ""), None)
        while self._frames:
            frame = self._frames[-1]
            child = next(frame.children, None)
            if child is None:
                self._open.discard(id(frame.container))
                self._frames.pop()
            else:
                self._visit(child, frame.path)
        return self._tree

    def _visit(self, child: _Child, path: _Path | None) -> None:
        value = child.value
        if not isinstance(value, TensorRef | dict | list | tuple | Placeholder):
            return
        below = path if child.key is None else _Path(path, child.key)
        if isinstance(value, TensorRef):
            self._add(value, below, child.kind)
        elif value and self._may_enter(value):
            self._enter(value, below, child.kind)

    def _may_enter(self, value: dict[object, object] | list[object] | tuple[object, ...] | Placeholder) -> bool:
        if len(self._frames) > MAX_DEPTH:
            self._warn(f"Objects nested deeper than {MAX_DEPTH} levels were not searched for tensors.")
            return False
        if id(value) in self._open:
            return False
        if id(value) in self._seen:
            self._repeats += 1 if isinstance(value, Placeholder) else len(value)
            if self._repeats > MAX_REPEATS:
                self._warn("Objects that occur very often are listed only where they occur first.")
                return False
        return True

    def _enter(self, value: object, path: _Path | None, kind: str) -> None:
        self._seen.add(id(value))
        self._open.add(id(value))
        if isinstance(value, Placeholder) and _is_module(value):
            self._tree.modules.append(ModuleInfo(_join(path), value.name.rpartition(".")[2], len(self._tree.modules)))
        self._frames.append(_Frame(value, _children(value, kind), path))

    def _add(self, tensor: TensorRef, path: _Path | None, kind: str) -> None:
        address = self._stem if path is None else _join(path)
        self._name_length += len(address)
        if len(self._tree.tensors) >= MAX_TENSORS or self._name_length > MAX_NAMES:
            what = f"It names more than {MAX_TENSORS} tensors, or names them at more than {MAX_NAMES >> 20} MiB."
            raise FileError("too-many-tensors", what, self._where)
        self._tree.tensors.append(Found(self._unique(address), tensor, kind or "parameter"))

    def _unique(self, address: str) -> str:
        """``address``, or with a number where two paths are written alike (``{"a.b": …, "a": {"b": …}}``)."""
        unique, number = address, 1
        while unique in self._names:
            number += 1
            unique = f"{address}#{number}"
        self._names.add(unique)
        return unique

    def _warn(self, sentence: str) -> None:
        if sentence not in self._tree.warnings:
            self._tree.warnings.append(sentence)


def _join(path: _Path | None) -> str:
    keys: list[str] = []
    while path is not None:
        keys.append(path.key)
        path = path.parent
    return ".".join(reversed(keys))


def _children(value: object, kind: str) -> Iterator[_Child]:
    if isinstance(value, dict):
        inner = "state" if value.keys() >= _OPTIMIZER else kind
        return (_Child(_key(key), child, inner) for key, child in value.items())
    if isinstance(value, list | tuple):
        return (_Child(str(i), child, kind) for i, child in enumerate(value))
    assert isinstance(value, Placeholder)
    return _members(value, kind)


def _members(value: Placeholder, kind: str) -> Iterator[_Child]:
    """What an object consists of, attributes first."""
    for state in value.states:
        for attributes in state if isinstance(state, tuple) else (state,):  # (attributes, slots) is a tuple
            if isinstance(attributes, dict):
                yield from _attributes(attributes, kind)
            else:
                yield _Child(None, attributes, kind)
    yield _Child(None, value.items, kind)
    yield _Child(None, value.values, kind)
    yield _Child(None, value.args, kind)


def _attributes(attributes: dict[object, object], kind: str) -> Iterator[_Child]:
    for key, child in attributes.items():
        if isinstance(key, str) and key in _REGISTRIES:
            yield _Child(None, child, _REGISTRIES[key])
        else:
            yield _Child(_key(key), child, kind)


def _key(key: object) -> str:
    return "(key)" if isinstance(key, CompoundKey) else str(key)


def _is_module(value: Placeholder) -> bool:
    return any(isinstance(state, dict) and "_modules" in state for state in value.states)
