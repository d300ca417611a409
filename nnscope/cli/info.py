"""``nnscope info``: what a file or a model holds."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnscope.cli.document import print_document
from nnscope.cli.failures import say
from nnscope.cli.options import JsonOption, PathArgument  # noqa: TC001 - Typer reads annotations
from nnscope.cli.progress import reporter
from nnscope.cli.table import Column, print_table
from nnscope.core.answer import Progress
from nnscope.core.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nnscope.cli.progress import Reporter
    from nnscope.core.statistics import TensorStats
    from nnscope.core.tensor import Listing
    from nnscope.tensor import Tensor

    Row = tuple[Tensor, TensorStats | None]

SAID = 20  # warnings, refused names and unreadable tensors that are told one by one
STATISTICS = ("count", "finite", "nan", "posinf", "neginf", "min", "max", "mean", "std", "zeros", "abs_max")

_COLUMNS = (Column("address"), Column("shape"), Column("dtype"), Column("bytes", numeric=True), Column("kind"))
_SHOWN = ("min", "max", "mean", "std", "zeros", "nan", "posinf", "neginf")


def info(
    path: PathArgument,
    stats: Annotated[bool, typer.Option("--stats", help="Read all values and give their statistics.")] = False,
    layer: Annotated[
        str, typer.Option("--layer", metavar="GLOB", help="Only tensors of these names or modules.")
    ] = "*",
    as_json: JsonOption = False,
) -> int:
    """List the tensors of a file or model.

    Address, shape, dtype, bytes and kind of each. The totals are those of the whole file, whatever is listed of it.
    Statistics are over finite values.
    """
    from nnscope.collection import TensorCollection
    from nnscope.headless.client import open_client

    with reporter() as progress, TensorCollection(open_client(path, on_progress=progress.update)) as source:
        tensors = source.matching(layer)
        rows = _with_statistics(tensors, progress) if stats else [(tensor, None) for tensor in tensors]
    if as_json:
        print_document(_document(source.listing, rows, stats))
    else:
        _print_rows(rows, stats)
        print(_totals(source.listing))
    _tell(source.listing, tensors, layer)
    return 0


def _with_statistics(tensors: Sequence[Tensor], progress: Reporter) -> list[Row]:
    """Each tensor with its statistics; None for those whose values can't be shown."""
    rows: list[Row] = []
    done, total = 0, sum(tensor.nbytes for tensor in tensors)
    for tensor in tensors:
        progress.begin(Progress(done, total, tensor.address), tensor.nbytes)
        rows.append((tensor, None if tensor.unreadable else tensor.stats()))
        done += tensor.nbytes
    return rows


def _document(listing: Listing, rows: Iterable[Row], stats: bool) -> dict[str, Any]:
    return {
        "path": listing.path,
        "format": listing.format,
        "parameters": listing.parameters,
        "bytes": listing.nbytes,
        "tensors": [_entry(*row, stats) for row in rows],
    }


def _entry(tensor: Tensor, found: TensorStats | None, stats: bool) -> dict[str, Any]:
    info = tensor.info
    entry = {
        "address": info.address,
        "shape": info.shape,
        "dtype": info.dtype,
        "bytes": info.nbytes,
        "kind": info.kind,
    }
    if stats:
        entry["stats"] = None if found is None else {name: getattr(found, name) for name in STATISTICS}
    return entry


def _print_rows(rows: Sequence[Row], stats: bool) -> None:
    limit = 256 if sys.stdout.isatty() else 0  # a pipe gets names whole
    columns = (*_COLUMNS, *(Column(name, numeric=True) for name in _SHOWN)) if stats else _COLUMNS
    print_table(columns, [_cells(tensor, limit) + (_numbers(found) if stats else ()) for tensor, found in rows])


def _cells(tensor: Tensor, limit: int) -> tuple[str, ...]:
    from nnscope.scene import numbers

    info = tensor.info
    names = " = ".join(plain(name, limit) for name in (info.address, *info.aliases))
    kind = f"{info.kind} (unreadable)" if info.unreadable else info.kind
    return names, numbers.shape(info.shape), plain(info.dtype), numbers.nbytes(info.nbytes), plain(kind)


def _numbers(found: TensorStats | None) -> tuple[str, ...]:
    if found is None:
        return ("",) * len(_SHOWN)
    return tuple(f"{value:.4g}" if isinstance(value := getattr(found, name), float) else str(value) for name in _SHOWN)


def _totals(listing: Listing) -> str:
    from nnscope.scene import numbers

    count = len(listing.tensors)
    tensors = "1 tensor" if count == 1 else f"{count:,} tensors"
    return f"{tensors}, {listing.parameters:,} parameters, {numbers.nbytes(listing.nbytes)} ({plain(listing.format)})"


def _tell(listing: Listing, tensors: Sequence[Tensor], layer: str) -> None:
    """What is not data: damage that was survived, what the file wanted to run, what can't be shown."""
    if not tensors and listing.tensors:
        say(f"No tensor matches {layer}.")
    _say_each(listing.warnings)
    _say_each([f"Refused, never run: {plain(name)}" for name in listing.refused])
    _say_each([f"{plain(tensor.address)}: {tensor.unreadable}" for tensor in tensors if tensor.unreadable])


def _say_each(texts: Sequence[str]) -> None:
    for text in texts[:SAID]:
        say(text)
    if len(texts) > SAID:
        say(f"… and {len(texts) - SAID} more like this.")
