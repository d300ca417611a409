"""A hostile or odd input: how to make it, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Case:
    """One row of a table.

    Attributes
    ----------
    id : str
    make : callable
        Gives the bytes of the file.
    suffix : str
        Ending of its name.
    code : str
        Code of the FileError that opening must raise; empty when it must open.
    tensors : dict of str to list, or None
        For a file that opens: addresses and flat values of all tensors (None: can't be shown), or None to not compare.
    refused : tuple of str
        For a file that opens: names that must be listed as refused.
    """

    id: str
    make: Callable[[], bytes]
    suffix: str
    code: str = ""
    tensors: dict[str, list[float] | None] | None = None
    refused: tuple[str, ...] = ()
