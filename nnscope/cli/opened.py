"""What a command is about, opened for the length of the command: a tensor, or two sources that are compared."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from nnscope.core.errors import NnscopeError
from nnscope.core.text import plain
from nnscope.headless.look import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnscope.cli.progress import Reporter
    from nnscope.headless.comparing import ComparedClient
    from nnscope.tensor import Tensor


@contextmanager
def opened_tensor(path: str, address: str, sample: int | None, progress: Reporter) -> Iterator[Tensor]:
    """The tensor, after a live model has run on its sample input ``sample`` if one is asked for.

    A demo's weights are in a file: unless an input is to run, no model is started for them.
    """
    from nnscope.collection import TensorCollection
    from nnscope.headless.client import open_client

    client = open_client(path, address if sample is None else "", progress.update)
    with TensorCollection(client) as source:
        if sample is not None:
            source.sample(sample)
        yield source[address]


def opened_pair(path: str, other: str, address: str, sample: int | None, progress: Reporter) -> ComparedClient:
    """Two sources, to be compared; both are closed with it.

    Raises
    ------
    OptionError
        If a sample input is asked for too: it would run in one of them alone.
    NnscopeError
        If one of them can't be opened.
    """
    from nnscope.headless.client import open_client
    from nnscope.headless.comparing import ComparedClient

    if sample is not None:
        raise OptionError("What is compared has no sample input to run.", "--sample", "Leave one of the options out.")
    first = open_client(path, address, progress.update)
    try:
        second = open_client(other, address, progress.update)
    except BaseException:
        first.close()
        raise
    return ComparedClient(first, second)


def three_tensors(pair: ComparedClient, address: str) -> tuple[Tensor, Tensor, Tensor]:
    """A tensor, or part of one, in each of two sources, and the difference.

    Raises
    ------
    NnscopeError
        If one of the two does not hold it, or in another shape.
    """
    from nnscope.headless.part import whole
    from nnscope.tensor import Tensor

    info, parsed = pair.find(address)
    if info.unreadable:
        raise NnscopeError(info.unreadable, plain(address))
    one, other = pair.compared.addresses(info.address)
    part = whole(info.shape)
    part = part.select(parsed.index, plain(address)) if parsed.index else part
    return (
        Tensor(pair.first, pair.first.find(one)[0], part),
        Tensor(pair.second, pair.second.find(other)[0], part),
        Tensor(pair, info, part),
    )
