"""The one tensor that a command is about, opened for the length of the command."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnscope.cli.progress import Reporter
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
