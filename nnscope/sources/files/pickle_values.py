"""What a pickle's objects become here: plain containers, and inert stand-ins that can do nothing.

No name in a pickle is ever looked up, imported or called (promise P1). A name is a `Global`; what calling it would
have made is a `Placeholder` that keeps the pieces, so that tensors inside can still be found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable

_MAX_KEY_INT = 1 << 60
_MAX_KEY_ITEMS = 8


class Global:
    """A name that the pickle mentions, such as ``torch.FloatStorage``: text, nothing more."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Placeholder:
    """An object that the pickle wanted made by calling something.

    Attributes
    ----------
    name : str
        What would have been called.
    args : tuple
        With which arguments.
    states : list
        What its ``__setstate__`` would have been given, usually one dict of attributes.
    items : dict
        What would have been set by ``object[key] = value``.
    values : list
        What would have been appended or added.
    """

    __slots__ = ("args", "items", "name", "states", "values")

    def __init__(self, name: str, args: tuple[object, ...] = ()) -> None:
        self.name = name
        self.args = args
        self.states: list[object] = []
        self.items: dict[Hashable, object] = {}
        self.values: list[object] = []


class Skipped:
    """Text or bytes too long to be of use, left in the file."""

    __slots__ = ("length",)

    def __init__(self, length: int) -> None:
        self.length = length


class CompoundKey:
    """A key whose hash can't be trusted: hashing nested tuples recurses, and chosen integers can all collide."""

    __slots__ = ()


class Vocabulary(Protocol):
    """What a reader understands of the names in a pickle."""

    def knows(self, name: str) -> bool:
        """Whether ``name`` is understood and therefore not listed as refused."""
        ...

    def call(self, name: str, args: tuple[object, ...]) -> object:
        """The description of what calling ``name`` would make; a `Placeholder` if it isn't understood."""
        ...

    def persistent(self, identity: object) -> object:
        """The description of what a persistent id stands for."""
        ...


def safe_key(key: object) -> Hashable:
    """``key`` if its hash is cheap and can't be made to collide, else a `CompoundKey`."""
    if isinstance(key, tuple):
        return key if len(key) <= _MAX_KEY_ITEMS and all(map(_is_safe_scalar, key)) else CompoundKey()
    return key if _is_safe_scalar(key) else CompoundKey()  # type: ignore[return-value]


def _is_safe_scalar(key: object) -> bool:
    if type(key) is int:
        return -_MAX_KEY_INT < key < _MAX_KEY_INT
    return key is None or type(key) in (str, bytes, bool, float)
