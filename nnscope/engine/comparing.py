"""Two sources compared: what the first holds minus what the second holds under the same address, for all addresses.

Neither needs to be in this process: each is an engine, and values are asked for where they are subtracted. In
addresses of recorded runs ``NAME@120`` means step 120 of whichever is a run, and ``NAME@120-100`` step 120 of the first
and step 100 of the second.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from nnscope.core.address import parse_address
from nnscope.core.errors import NnscopeError
from nnscope.core.request import GetInfo, ListTensors
from nnscope.core.tensor import Listing
from nnscope.core.text import plain
from nnscope.engine.asking import AskedReader
from nnscope.sources.difference import KIND, Difference, alike, difference_info, extent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nnscope.core.tensor import TensorInfo
    from nnscope.engine.asking import Ask

    Pair = tuple[TensorInfo | None, TensorInfo | None]  # a tensor in the first, in the second

COMPARISON = "comparison"  # the format of such a listing
RUN = "run"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: what it is called, and how its engine is asked (an answer, or `NnscopeError`)."""

    name: str
    ask: Ask


class Compared:
    """Differences between two engines (a `Source`); see the module docstring.

    Parameters
    ----------
    first, second : Side
    on_close : callable
        Ends what was opened for the comparison.
    """

    def __init__(self, first: Side, second: Side, on_close: Callable[[], None]) -> None:
        self._sides = first, second
        self._on_close = on_close
        self._listings: tuple[Listing, ...] = ()
        self._entries: dict[str, Pair] = {}  # of listed names
        self._moments: dict[str, Pair] = {}  # of steps of runs, which never change

    def listing(self) -> Listing:
        """The tensors that either holds; where there is no difference, the entry says why."""
        first, second = self._listings = tuple(_ask(side, ListTensors()) for side in self._sides)
        ours, theirs = _by_name(first), _by_name(second)
        names = [info.address for info in first.tensors]
        names += [info.address for info in second.tensors if not {info.address, *info.aliases} & ours.keys()]
        self._entries = {name: (ours.get(name), theirs.get(name)) for name in names}
        return Listing(
            " − ".join(side.name for side in self._sides),
            COMPARISON,
            tuple(self._entry(name, *pair) for name, pair in self._entries.items()),
            first.modules,
            nbytes=first.nbytes + second.nbytes,
        )

    def reader(self, address: str) -> Difference:
        """The difference of a tensor that both hold, at present or at steps.

        Raises
        ------
        NnscopeError
            If one of them doesn't hold it, not at that step, or in another shape.
        """
        addresses = self.addresses(address)
        pair = self._entries.get(address) or self._moments.get(address)
        if pair is None:
            pair = self._moments[address] = self._pair(addresses)
        info = self._entry(address, *pair)
        if info.unreadable:
            raise NnscopeError(info.unreadable, plain(address))
        one, other = (
            AskedReader(replace(of, address=name), side.ask)
            for side, name, of in zip(self._sides, addresses, pair, strict=True)
            if of is not None
        )
        return Difference(info, one, other)

    def close(self) -> None:
        """End what was opened for it. Idempotent."""
        self._on_close()

    def _pair(self, addresses: tuple[str, str]) -> Pair:
        one, other = (_ask(side, GetInfo(name)) for side, name in zip(self._sides, addresses, strict=True))
        return one, other

    def addresses(self, address: str) -> tuple[str, str]:
        """What a tensor is called in each of the two, where it is at steps.

        Raises
        ------
        NnscopeError
            If neither holds it, or there are no such steps.
        """
        if not self._listings:
            self.listing()
        if address in self._entries:
            return address, address
        parsed = parse_address(address)
        if parsed.name not in self._entries:
            raise NnscopeError("There is no tensor of this name.", plain(address), "`nnscope info` lists the names.")
        runs = [listing.format == RUN for listing in self._listings]
        if parsed.step is None or not any(runs):
            raise NnscopeError("Neither of the two is a recorded run.", plain(address), "Leave out the part after '@'.")
        if parsed.minus is not None and not all(runs):
            raise NnscopeError("Only one of the two is a recorded run.", plain(address), "Give one step.")
        steps = parsed.step, parsed.step if parsed.minus is None else parsed.minus
        first, second = (f"{parsed.name}@{step}" if run else parsed.name for run, step in zip(runs, steps, strict=True))
        return first, second

    def _entry(self, address: str, one: TensorInfo | None, other: TensorInfo | None) -> TensorInfo:
        """The difference's entry; unreadable where there is none."""
        first, second = (plain(side.name) for side in self._sides)
        if one is None or other is None:
            there, where = (other, second) if one is None else (one, first)
            assert there is not None  # one of them holds it
            return replace(there, address=address, kind=KIND, unreadable=f"It is in {where} alone.")
        version = one.version + other.version
        note = f"{_moment(first, one)} − {_moment(second, other)}"
        if not alike(one, other):
            shapes = f"{extent(one)} in {first} and {extent(other)} in {second}"
            why = f"Only tensors of one shape can be compared; it is {shapes}."
            return replace(one, address=address, kind=KIND, version=version, note=note, unreadable=why)
        info = difference_info(address, note, replace(one, note=""), replace(other, note=""))
        unreadable = one.unreadable or other.unreadable
        return replace(info, version=version, aliases=one.aliases, unreadable=unreadable)


def side_names(first: str, second: str) -> tuple[str, str]:
    """What two paths are called beside each other: their last parts, as many as tell them apart.

    >>> side_names("/runs/a/model.pt", "/runs/b/model.pt")
    ('a/model.pt', 'b/model.pt')
    """
    one, other = PurePath(first).parts, PurePath(second).parts
    for count in range(1, max(len(one), len(other))):
        if one[-count:] != other[-count:]:
            return "/".join(one[-count:]), "/".join(other[-count:])
    return first, second


def _by_name(listing: Listing) -> dict[str, TensorInfo]:
    """Tensors by their names, those of aliases too."""
    found = {alias: info for info in listing.tensors for alias in info.aliases}
    return found | {info.address: info for info in listing.tensors}


def _moment(name: str, info: TensorInfo) -> str:
    step = parse_address(info.address).step
    return name if step is None else f"{name} at step {step}"


def _ask(side: Side, request: ListTensors | GetInfo) -> Any:
    with _named(side):
        return side.ask(request)


@contextmanager
def _named(side: Side) -> Iterator[None]:
    """Whatever goes wrong is said of that one."""
    try:
        yield
    except NnscopeError as error:
        where = f"{error.where} in {plain(side.name)}" if error.where else plain(side.name)
        raise NnscopeError(error.what, where, error.remedy) from error
