"""``nnscope info``: what a file or a model holds."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnscope.cli.document import print_document
from nnscope.cli.failures import say
from nnscope.cli.info_compression import (
    COMPRESSION_COLUMNS,
    compression_cells,
    compression_cost,
    compression_entry,
    compression_of,
)
from nnscope.cli.info_modules import tell_modules
from nnscope.cli.info_run import history_facts, run_facts, tell_history, tell_run
from nnscope.cli.info_spectrum import SPECTRUM_COLUMNS, spectrum_cells, spectrum_cost, spectrum_entry, spectrum_of
from nnscope.cli.opened import opened_pair
from nnscope.cli.options import CompareOption, JsonOption, PathArgument  # noqa: TC001 - Typer reads annotations
from nnscope.cli.progress import reporter
from nnscope.cli.spreading import spread
from nnscope.cli.table import Column, print_table
from nnscope.core.answer import Progress
from nnscope.core.text import plain
from nnscope.headless.history import is_run
from nnscope.headless.look import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nnscope.cli.progress import Reporter
    from nnscope.core.answer import Spectrum
    from nnscope.core.statistics import TensorStats
    from nnscope.core.tensor import Listing
    from nnscope.fields.compression import CompressionTable
    from nnscope.headless.client import Client
    from nnscope.tensor import Tensor

SAID = 20  # warnings, refused names and unreadable tensors that are told one by one
STATISTICS = ("count", "finite", "nan", "posinf", "neginf", "min", "max", "mean", "std", "zeros", "abs_max")

_COLUMNS = (Column("address"), Column("shape"), Column("dtype"), Column("bytes", numeric=True), Column("kind"))
_SHOWN = ("min", "max", "mean", "std", "zeros", "nan", "posinf", "neginf")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for beside the listing."""

    stats: Annotated[bool, typer.Option("--stats", help="Read all values and give their statistics.")] = False
    spectrum: Annotated[
        bool, typer.Option("--spectrum", help="Give the singular values of matrices, their ranks and exponents.")
    ] = False
    compression: Annotated[
        bool, typer.Option("--compression", help="Compare codes of an eighth of the bytes, and a field, by their SNR.")
    ] = False


@dataclass(frozen=True, slots=True)
class Row:
    """A tensor and what was computed: None for what was not asked for, and for values that can't be shown."""

    tensor: Tensor
    stats: TensorStats | None = None
    spectrum: Spectrum | None = None
    compression: CompressionTable | None = None


@spread
def info(
    path: PathArgument,
    wanted: Wanted,
    address: Annotated[
        str,
        typer.Argument(metavar="[ADDRESS]", help="One tensor; of a recorded run with its steps.", show_default=False),
    ] = "",
    layer: Annotated[
        str, typer.Option("--layer", metavar="GLOB", help="Only tensors of these names or modules.")
    ] = "*",
    modules: Annotated[
        bool, typer.Option("--modules", help="List a model's modules, and what can be observed of each.")
    ] = False,
    compare: CompareOption = "",
    as_json: JsonOption = False,
) -> int:
    """List the tensors of a file, model or recorded run, or with --compare the differences between two.

    Of a run also its steps and its numbers over them, and what is damaged or lost. Address, shape, dtype, bytes and
    kind of each tensor; the totals are those of the whole file, whatever is listed of it. Statistics are over finite
    values. A spectrum is that of a tensor as a matrix of its first axis × all others: whole up to a shorter side of
    4096, the 16 largest singular values beyond. Codes are compared up to 2²⁰ values.
    """
    from nnscope.collection import TensorCollection
    from nnscope.headless.client import open_client

    if address and (modules or layer != "*"):
        raise OptionError("An address names one tensor, not several.", "--modules" if modules else "--layer")
    with reporter() as progress, ExitStack() as open_while:
        pair = opened_pair(path, compare, "", None, progress) if compare else None
        client = pair or open_client(path, on_progress=progress.update)
        source = open_while.enter_context(TensorCollection(client))
        if modules:
            return tell_modules(source.listing, layer, as_json)
        one = source[address] if address else None
        rows = _rows(source.matching(layer) if one is None else [one], wanted, progress)
        if as_json:
            print_document({**_document(source.listing, rows, wanted), **_over_steps(client, one)})
        elif one is None:
            tell_run(client)
            _print_rows(rows, wanted)
            print(_totals(source.listing))
        else:
            _print_rows(rows, wanted)
            tell_history(client, one)
    _tell(source.listing, rows, layer)
    return 0


def _over_steps(client: Client, tensor: Tensor | None) -> dict[str, Any]:
    """What the document of a recorded run has more, or of a tensor in it."""
    if not is_run(client):
        return {}
    return {"run": run_facts(client)} if tensor is None else history_facts(client, tensor)


def _rows(tensors: Sequence[Tensor], wanted: Wanted, progress: Reporter) -> list[Row]:
    """Each tensor with what is wanted of it; the bar counts bytes read, and all else as bytes that take as long."""
    costs = [_costs(tensor, wanted) for tensor in tensors]
    rows: list[Row] = []
    done, total = 0, sum(map(sum, costs))
    for tensor, (reading, decomposing, coding) in zip(tensors, costs, strict=True):
        stats = spectrum = compression = None
        if wanted.stats and not tensor.unreadable:
            progress.begin(Progress(done, total, tensor.address), reading)
            stats = tensor.stats()
        if wanted.spectrum:
            progress.begin(Progress(done + reading, total, tensor.address), decomposing)
            spectrum = spectrum_of(tensor)
        if wanted.compression:
            progress.begin(Progress(done + reading + decomposing, total, tensor.address), coding)
            compression = compression_of(tensor)
        rows.append(Row(tensor, stats, spectrum, compression))
        done += reading + decomposing + coding
    return rows


def _costs(tensor: Tensor, wanted: Wanted) -> tuple[int, int, int]:
    return (
        tensor.nbytes * wanted.stats,
        spectrum_cost(tensor) * wanted.spectrum,
        compression_cost(tensor) * wanted.compression,
    )


def _document(listing: Listing, rows: Iterable[Row], wanted: Wanted) -> dict[str, Any]:
    return {
        "path": listing.path,
        "format": listing.format,
        "parameters": listing.parameters,
        "bytes": listing.nbytes,
        "warnings": listing.warnings,
        "tensors": [_entry(row, wanted) for row in rows],
    }


def _entry(row: Row, wanted: Wanted) -> dict[str, Any]:
    info = row.tensor.info
    entry = {
        "address": info.address,
        "shape": info.full_shape,
        "dtype": info.dtype,
        "bytes": info.nbytes,
        "kind": info.kind,
    }
    if info.kept is not None:
        entry["kept"] = info.shape
    if info.note:
        entry["note"] = info.note
    if wanted.stats:
        entry["stats"] = None if row.stats is None else {name: getattr(row.stats, name) for name in STATISTICS}
    if wanted.spectrum:
        entry["spectrum"] = None if row.spectrum is None else spectrum_entry(row.spectrum)
    if wanted.compression:
        entry["compression"] = None if row.compression is None else compression_entry(row.compression)
    return entry


def _print_rows(rows: Sequence[Row], wanted: Wanted) -> None:
    heads = _SHOWN * wanted.stats + SPECTRUM_COLUMNS * wanted.spectrum + COMPRESSION_COLUMNS * wanted.compression
    limit = 256 if sys.stdout.isatty() else 0  # a pipe gets names whole
    print_table((*_COLUMNS, *(Column(head, numeric=True) for head in heads)), [_line(r, wanted, limit) for r in rows])


def _line(row: Row, wanted: Wanted, limit: int) -> tuple[str, ...]:
    stats = _numbers(row.stats) if wanted.stats else ()
    spectrum = spectrum_cells(row.spectrum) if wanted.spectrum else ()
    compression = compression_cells(row.compression) if wanted.compression else ()
    return (*_cells(row.tensor, limit), *stats, *spectrum, *compression)


def _cells(tensor: Tensor, limit: int) -> tuple[str, ...]:
    from nnscope.scene import numbers

    info = tensor.info
    names = " = ".join(plain(name, limit) for name in (info.address, *info.aliases))
    kind = f"{info.kind} (unreadable)" if info.unreadable else info.kind
    kept = f", kept: {numbers.shape(info.shape)}{' means' * bool(info.means)}" if info.kept else ""
    return names, numbers.shape(info.full_shape) + kept, plain(info.dtype), numbers.nbytes(info.nbytes), plain(kind)


def _numbers(found: TensorStats | None) -> tuple[str, ...]:
    if found is None:
        return ("",) * len(_SHOWN)
    return tuple(f"{value:.4g}" if isinstance(value := getattr(found, name), float) else str(value) for name in _SHOWN)


def _totals(listing: Listing) -> str:
    from nnscope.scene import numbers

    count = len(listing.tensors)
    tensors = "1 tensor" if count == 1 else f"{count:,} tensors"
    return f"{tensors}, {listing.parameters:,} parameters, {numbers.nbytes(listing.nbytes)} ({plain(listing.format)})"


def _tell(listing: Listing, rows: Sequence[Row], layer: str) -> None:
    """What is not data: damage that was survived, what the file wanted to run, what can't be shown or concluded."""
    if not rows and listing.tensors:
        say(f"No tensor matches {layer}.")
    _say_each(listing.warnings)
    _say_each([f"Refused, never run: {plain(name)}" for name in listing.refused])
    tensors = [row.tensor for row in rows]
    _say_each([f"{plain(tensor.address)}: {tensor.unreadable}" for tensor in tensors if tensor.unreadable])
    spectra = [(row.tensor.address, row.spectrum) for row in rows if row.spectrum is not None]
    _say_each([f"{plain(address)}: {spectrum.warning}." for address, spectrum in spectra if spectrum.warning])


def _say_each(texts: Sequence[str]) -> None:
    for text in texts[:SAID]:
        say(text)
    if len(texts) > SAID:
        say(f"… and {len(texts) - SAID} more like this.")
