"""Numbers over the steps of a recorded run, as they are asked for from Python and from the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from nnscope.compute.steps import rising
from nnscope.core.errors import NnscopeError
from nnscope.core.request import GetSeries
from nnscope.core.text import plain

if TYPE_CHECKING:
    from nnscope.core.answer import Series
    from nnscope.headless.client import Client

RUN = "run"  # the format of such a source


def is_run(client: Client) -> bool:
    """Whether it is a recorded run."""
    return client.listing.format == RUN


def check_run(client: Client) -> None:
    """Raise `NnscopeError` unless the source is a recorded run."""
    if not is_run(client):
        what = "Only a recorded run has numbers over steps."
        raise NnscopeError(what, plain(client.listing.path), "Record one by `nnscope.watch` or `nnscope record`.")


def history(client: Client, address: str, name: str) -> Series:
    """What `GetSeries` gives, at steps that rise: where a training started over, the newest of equal steps counts.

    Raises
    ------
    NnscopeError
        If the source is no recorded run, or nothing of that name was recorded in it.
    """
    check_run(client)
    found: Series = client.ask(GetSeries(address, name))
    return rising(found)


def scalars(client: Client) -> Scalars:
    """The numbers of a recorded run by name.

    Raises
    ------
    NnscopeError
        If the source is none.
    """
    check_run(client)
    return Scalars(client)


class Scalars(Mapping[str, "Series"]):
    """The numbers that were given to ``step``, by name; each is read when it is asked for."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._names = client.listing.scalars

    def __getitem__(self, name: str) -> Series:
        if name not in self._names:
            raise KeyError(name)
        return history(self._client, "", name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"<numbers over steps: {plain(', '.join(self._names)) or 'none'}>"
