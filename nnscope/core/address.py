"""One address names any tensor anywhere: ``encoder.layer.0.attn:attention[3]@120``.

Grammar: a module or parameter path; ``:`` and a kind (nothing for a parameter), which for a captured value may go
on with the member of a tuple or dict (``:output.1``) and the call within one forward (``:output~2``); ``[…]`` an
index of integers and slices; ``@`` a step, and after it with ``-`` one that is subtracted (``conv1.weight@120-0`` is
what changed since step 0). Names in files are arbitrary text, so a name that exists as it stands
always wins over its parse: use `find_address`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from collections.abc import Container

ROOT = "(model)"  # what the model itself is called: "(model):output"
KINDS = ("input", "output", "grad_input", "grad_output", "grad", "attention", "jacobian")

_PATTERN = re.compile(
    r"(?P<path>.*?)"
    rf"(?P<kind>:(?:{'|'.join(KINDS)})(?:\.[\w.]+)?(?:~\d+)?)?"
    r"(?P<index>\[[^\[\]]*\])?"
    r"(?:@(?P<step>\d+)(?:-(?P<minus>\d+))?)?",
    re.DOTALL,
)

IndexItem = int | slice


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed address.

    Attributes
    ----------
    name : str
        Path and kind together: the key of the tensor in its source, for example ``"conv1:output"``.
    index : tuple of int or slice
        The part of the tensor meant; empty for all of it.
    step : int or None
        The recorded step meant; None for the present.
    minus : int or None
        The recorded step whose values are subtracted from those of `step`; None for none.
    """

    name: str
    index: tuple[IndexItem, ...] = ()
    step: int | None = None
    minus: int | None = None

    @property
    def path(self) -> str:
        """The module or parameter path, without kind."""
        return split_kind(self.name)[0]

    @property
    def kind(self) -> str:
        """``"output"``, ``"attention"`` …; empty for a parameter."""
        return split_kind(self.name)[1]

    @property
    def moment(self) -> str:
        """``"@120"``, ``"@120-0"``, or nothing for the present."""
        minus = "" if self.minus is None else f"-{self.minus}"
        return "" if self.step is None else f"@{self.step}{minus}"

    def __str__(self) -> str:
        index = f"[{', '.join(map(_format_item, self.index))}]" if self.index else ""
        return f"{self.name}{index}{self.moment}"


def split_kind(name: str) -> tuple[str, str]:
    """``"conv1:output.1~2"`` → ``("conv1", "output")``; a plain parameter name gives an empty kind."""
    path, colon, rest = name.rpartition(":")
    kind = re.split(r"[.~]", rest, maxsplit=1)[0]
    return (path, kind) if colon and kind in KINDS else (name, "")


def parse_address(text: str) -> Address:
    """Parse ``text`` by the grammar above.

    Raises
    ------
    NnscopeError
        If the index is neither integers nor slices.
    """
    match = _PATTERN.fullmatch(text)
    assert match is not None  # every part is optional and the path takes the rest
    name = match["path"] + (match["kind"] or "")
    index = _parse_index(match["index"], text) if match["index"] else ()
    step, minus = (int(match[part]) if match[part] else None for part in ("step", "minus"))
    return Address(name, index, step, minus)


def find_address(text: str, names: Container[str]) -> Address:
    """Parse ``text`` against the names that exist: an exact name wins over its parse.

    Raises
    ------
    NnscopeError
        If neither ``text`` nor its parsed name is in ``names``.
    """
    if text in names:
        return Address(text)
    address = parse_address(text)
    if address.name not in names:
        raise NnscopeError("There is no tensor of this name.", text, "`nnscope info` lists the names.")
    return address


def _parse_index(text: str, whole: str) -> tuple[IndexItem, ...]:
    body = text[1:-1].strip()
    try:
        return tuple(_parse_item(item.strip()) for item in body.split(",")) if body else ()
    except ValueError:
        raise NnscopeError(
            "The index is not understood.", whole, "Write integers and slices, such as [3, 0:16]."
        ) from None


def _parse_item(item: str) -> IndexItem:
    if ":" not in item:
        return int(item)
    parts = [int(part) if part.strip() else None for part in item.split(":")]
    if len(parts) > 3:
        raise ValueError(item)
    return slice(*parts)


def _format_item(item: IndexItem) -> str:
    if isinstance(item, int):
        return str(item)
    parts = ["" if value is None else str(value) for value in (item.start, item.stop)]
    return ":".join(parts + ([str(item.step)] if item.step is not None else []))
