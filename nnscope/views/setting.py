"""Settings of views and analyses: plain values with a default and a range, checked in one place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from nnscope.core.request import Scalar, Settings


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a view or a method.

    Attributes
    ----------
    name : str
    default : str, int, float or bool
        Its type is that of the setting; an int is taken for a float.
    low, high : float
        Range of a number, both ends included.
    choices : tuple of str
        What a word may be.
    title : str
        What it is called beside its control; empty for its name.
    aesthetic : tuple of str
        Those of the choices that scientific mode replaces by the default.
    """

    name: str
    default: str | int | float | bool
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    title: str = ""
    aesthetic: tuple[str, ...] = ()

    def checked(self, value: Scalar) -> Scalar:
        """The value, in the type of the default.

        Raises
        ------
        NnscopeError
            If it is of another type, out of range, or none of the choices.
        """
        kind = type(self.default)
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise NnscopeError(f"{value!r} is no {_WORDS[kind]}.", self.name, self._wanted())
        if self.choices and value not in self.choices:
            raise NnscopeError(f"There is no choice {value!r}.", self.name, self._wanted())
        if isinstance(value, (int, float)) and not self.low <= value <= self.high:  # refuses NaN too
            raise NnscopeError(f"{value!r} is out of range.", self.name, self._wanted())
        return value

    def _wanted(self) -> str:
        if self.choices:
            return f"Choose one of {', '.join(self.choices)}."
        if isinstance(self.default, (str, bool)):
            return f"Give a {_WORDS[type(self.default)]} such as {self.default!r}."
        return f"Give a {_WORDS[type(self.default)]} from {self.low:g} to {self.high:g}."


_WORDS = {str: "word", int: "whole number", float: "number", bool: "yes or no"}


def chosen(options: tuple[Setting, ...], settings: Settings) -> dict[str, Scalar]:
    """The value of each option, checked: as given, else its default. What is no option is passed over.

    Raises
    ------
    NnscopeError
        If a value is none that its option can have.
    """
    given = dict(settings)
    return {option.name: option.checked(given.get(option.name, option.default)) for option in options}
