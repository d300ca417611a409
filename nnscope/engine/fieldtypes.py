"""Whether a value is what a dataclass field's annotation says: a function for each field, made once per class."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Check = Callable[[Any], bool]

_NUMBERS: dict[type, tuple[type, ...]] = {int: (int,), float: (float, int), complex: (complex, float, int)}


def field_checks(cls: type, names: Mapping[str, Any]) -> tuple[tuple[str, Check], ...]:
    """The name of each field of ``cls`` and its check, in order.

    Parameters
    ----------
    cls : type
        A dataclass.
    names : mapping
        What the annotations may name beside what its module holds at run time.
    """
    hints = typing.get_type_hints(cls, localns=dict(names))
    return tuple((field.name, check_of(hints[field.name])) for field in dataclasses.fields(cls))


def check_of(hint: Any) -> Check:
    """A function that tells whether a value is of the type ``hint``; a bool is no number here."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is object or hint is Any:
        return lambda value: True
    if origin in (typing.Union, types.UnionType):
        return _any_of([check_of(option) for option in inner])
    if origin is tuple:
        return _tuple_of(inner)
    if origin is dict:
        return _dict_of(*inner)
    if hint in _NUMBERS:
        allowed = _NUMBERS[hint]
        return lambda value: type(value) in allowed
    kind = origin or hint
    return lambda value: isinstance(value, kind)


def _any_of(checks: list[Check]) -> Check:
    return lambda value: any(check(value) for check in checks)


def _dict_of(key: Any, value: Any) -> Check:
    keys, values = check_of(key), check_of(value)
    return lambda found: isinstance(found, dict) and all(map(keys, found)) and all(map(values, found.values()))


def _tuple_of(inner: tuple[Any, ...]) -> Check:
    if len(inner) == 2 and inner[1] is Ellipsis:
        each = check_of(inner[0])
        return lambda value: isinstance(value, tuple) and all(map(each, value))
    checks = [check_of(hint) for hint in inner]
    return lambda value: (
        isinstance(value, tuple)
        and len(value) == len(checks)
        and all(check(item) for check, item in zip(checks, value, strict=True))
    )
