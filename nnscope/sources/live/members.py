"""The tensors inside what a module takes or gives: members of tuples, dictionaries and dataclasses, by name.

A member's name continues the address: ``:output.0`` for an item, ``:output.key`` for a field or a key, and so on
inwards. A lone tensor has the empty name. Characters that an address can't hold become ``_``.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any

import torch

MAX_MEMBERS = 256  # tensors told apart in one value
MAX_DEPTH = 8
_NOT_WORD = re.compile(r"\W")


def tensors_of(value: Any) -> list[tuple[str, torch.Tensor]]:
    """Every tensor in ``value`` with its name: ``""``, ``".0"``, ``".hidden.1"`` …

    Goes into tuples (named ones by field, `PackedSequence` among them), lists, mappings (``ModelOutput``) and
    dataclasses, `MAX_DEPTH` deep, and stops at `MAX_MEMBERS`. Other objects are left alone.
    """
    if type(value) is torch.Tensor:  # as most are
        return [("", value)]
    found: dict[str, torch.Tensor] = {}
    _collect(value, "", MAX_DEPTH, found)
    return list(found.items())


def arguments(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """What a module was called with, as one value: the only positional argument itself, else members by name."""
    if len(args) == 1 and not kwargs:
        return args[0]
    return {**{str(i): value for i, value in enumerate(args)}, **kwargs}


def _collect(value: Any, name: str, depth: int, found: dict[str, torch.Tensor]) -> None:
    if len(found) >= MAX_MEMBERS:
        return
    if isinstance(value, torch.Tensor):
        while name in found:  # two keys that differ only in what an address can't hold
            name += "_"
        found[name] = value
    elif depth:
        for key, member in _members(value):
            _collect(member, f"{name}.{_NOT_WORD.sub('_', str(key))}", depth - 1, found)


def _members(value: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        return value.items()
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return zip(value._fields, value, strict=True)
    if isinstance(value, tuple | list):
        return enumerate(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [(field.name, getattr(value, field.name, None)) for field in dataclasses.fields(value)]
    return ()
