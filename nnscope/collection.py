"""What `nnscope.open` gives: a mapping from address to tensor, over a file, a folder, or a running model."""

from __future__ import annotations

import fnmatch
import html
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from nnscope.core.errors import NnscopeError
from nnscope.core.request import GetBranches
from nnscope.core.text import plain
from nnscope.headless.history import history, scalars
from nnscope.headless.part import whole
from nnscope.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    import numpy as np

    from nnscope.core.answer import Branches, Series
    from nnscope.core.tensor import Listing
    from nnscope.engine.protocol import Engine
    from nnscope.headless.client import Client

SHOWN = 50  # rows of a collection in a notebook


class TensorCollection(Mapping[str, Tensor]):
    """Tensors by address, in the order of the file or of execution. Opening reads no values.

    ``collection["conv1.weight"]`` is a tensor; ``collection["conv1.weight[3, :, 0]"]`` is the part that the index
    names. Close it, or use it in a ``with`` statement, to free files and to end the process of a running model.
    """

    def __init__(self, client: Client, opened: str = "") -> None:
        self._client = client
        self._opened = opened  # the address of a training says more than its listing

    @property
    def listing(self) -> Listing:
        """All that is known without reading values: format, modules, metadata, refused names, warnings."""
        return self._client.listing

    @property
    def path(self) -> str:
        """What it was opened from."""
        return self.listing.path

    @property
    def parameters(self) -> int:
        """Number of stored elements; shared ones count once, captured ones not at all."""
        return self.listing.parameters

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about damage that was survived, and what was lost by it."""
        return self.listing.warnings

    @property
    def steps(self) -> np.ndarray:
        """The steps of a recorded run, rising, int64; `NnscopeError` for what is none."""
        return history(self._client, "", "").steps

    @property
    def scalars(self) -> Mapping[str, Series]:
        """The numbers that a recorded run has over its steps, by name; `NnscopeError` for what is none.

        Each has ``steps`` (rising, int64) and ``values`` (float64). Where the training started over, the newest of
        equal steps counts.

        Examples
        --------
        >>> run = nnscope.open("run.nnscope")  # doctest: +SKIP
        >>> run.scalars["loss"].values[-1]  # doctest: +SKIP
        """
        return scalars(self._client)

    def matching(self, pattern: str) -> list[Tensor]:
        """The tensors whose address, or whose module, matches a glob such as ``"encoder.*.weight"``; case counts."""
        globs = (pattern, f"{pattern}.*", f"{pattern}:*")  # a module stands for all that is in it
        wanted = re.compile("|".join(map(fnmatch.translate, globs))).match
        return [Tensor(self._client, info) for info in self.listing.tensors if wanted(info.address)]

    def branches(self, activations: bool = False) -> Branches:
        """The residual structure of the model as nested rectangles, as wide as what branches weigh (methods.md §14).

        Parameters
        ----------
        activations : bool
            Widths by the Frobenius norm of what a live model's branches add; else by that of their weights.

        Returns
        -------
        Branches
            ``regions``, outer parts before those inside, each with its ``path`` of names and its ``norm``; read from
            the graph of a live model where it can be traced (``traced``), else from names.

        Raises
        ------
        NnscopeError
            If there are no activations here.
        """
        answer: Branches = self._client.ask(GetBranches(activations))
        return answer

    def difference(self, other: TensorCollection) -> TensorCollection:
        """What it holds minus what ``other`` holds under the same addresses: two checkpoints, two runs, one of each.

        Nothing is read for it; both must stay open. Tensors that only one of them holds, or in another shape, are
        listed with the reason in ``unreadable``. Of runs, ``"w@120"`` is step 120 of both, and ``"w@120-100"`` is step
        120 against step 100 of ``other``.
        """
        from nnscope.headless.comparing import ComparedClient

        return TensorCollection(ComparedClient(self._client, other._client, owned=False))

    def sample(self, index: int) -> None:
        """Run a live model on its sample input ``index``; tensors taken before keep the shapes they had.

        Raises
        ------
        NnscopeError
            If nothing runs here, or there is no such sample.
        """
        self._client.control("sample", index=index)

    def for_window(self) -> tuple[list[str], dict[str, Engine]]:
        """What `nnscope.app.run` opens to show the same: paths, and engines by name."""
        return [self._opened or self.path], {}

    def close(self) -> None:
        """Free files, threads and processes. Idempotent; tensors can't be read any more."""
        self._client.close()

    def __getitem__(self, address: str) -> Tensor:
        info, parsed = self._client.find(address)
        part = whole(info.shape)
        return Tensor(self._client, info, part.select(parsed.index, plain(address)) if parsed.index else part)

    def __contains__(self, address: object) -> bool:
        try:
            return isinstance(address, str) and self[address] is not None
        except NnscopeError:
            return False

    def __iter__(self) -> Iterator[str]:
        return (info.address for info in self.listing.tensors)

    def __len__(self) -> int:
        return len(self.listing.tensors)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        name, kind = plain(self.path), plain(self.listing.format)
        return f"<TensorCollection {name!r}: {kind}, {len(self)} tensors, {self.parameters:,} parameters>"

    def _repr_html_(self) -> str:
        rows = [(t.address, str(t.shape), t.dtype, t.kind) for t in self.listing.tensors[:SHOWN]]
        cells = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
        more = f"<div>… and {len(self) - SHOWN} more</div>" if len(self) > SHOWN else ""
        head = "<tr><th>address</th><th>shape</th><th>dtype</th><th>kind</th></tr>"
        return f"<div><div>{html.escape(repr(self))}</div><table>{head}{cells}</table>{more}</div>"


def _cell(text: str) -> str:
    return f"<td>{html.escape(plain(text))}</td>"
