"""``nnscope probe``: what hovering over an element shows."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnscope.cli.document import print_document
from nnscope.cli.opened import opened_pair, opened_tensor, three_tensors
from nnscope.cli.options import (
    AddressArgument,
    CompareOption,
    JsonOption,
    PathArgument,
    SampleOption,
    parse_integers,
)
from nnscope.cli.progress import reporter
from nnscope.core.text import plain

if TYPE_CHECKING:
    from nnscope.core.answer import ProbeAnswer
    from nnscope.core.tensor import TensorInfo


def probe(
    path: PathArgument,
    address: AddressArgument,
    at: Annotated[
        str,
        typer.Option("--at", metavar="I,J,…", help="The element: one index per axis that the address leaves."),
    ] = "",
    level: Annotated[
        int,
        typer.Option("--level", min=0, max=62, help="Also the statistics of the block of 2^LEVEL x 2^LEVEL cells."),
    ] = 0,
    compare: CompareOption = "",
    sample: SampleOption = None,
    as_json: JsonOption = False,
) -> int:
    """Give one element of a tensor exactly.

    In full precision, with its z-score against the whole tensor: what hovering there shows. With --compare, that of
    both files, and their difference.
    """
    index = parse_integers(at)
    if compare:
        return _compared(path, compare, address, index, level, sample, as_json)
    with reporter() as progress, opened_tensor(path, address, sample, progress) as tensor:
        answer = tensor.probe(index, level)
    if as_json:
        print_document(_document(answer))
    else:
        _print_lines(answer, tensor.info)
    return 0


def _compared(
    path: str, other: str, address: str, index: tuple[int, ...], level: int, sample: int | None, as_json: bool
) -> int:
    """The element in both, and the difference."""
    with reporter() as progress, closing(opened_pair(path, other, address, sample, progress)) as pair:
        tensors = three_tensors(pair, address)
        answers = [tensor.probe(index, level) for tensor in tensors]
        names = (*pair.names, pair.listing.path)
    if as_json:
        sides = [{"name": name, **_document(a)} for name, a in zip(names[:2], answers[:2], strict=True)]
        print_document({**_document(answers[2]), "compared": sides})
        return 0
    for name, answer, tensor in zip(names, answers, tensors, strict=True):
        print(f"{plain(name)}:")
        _print_lines(answer, tensor.info)
    return 0


def _document(answer: ProbeAnswer) -> dict[str, Any]:
    return {
        "address": answer.address,
        "index": answer.index,
        "value": answer.value,
        "zscore": answer.zscore,
        "block": None if answer.block is None else asdict(answer.block),
    }


def _print_lines(answer: ProbeAnswer, info: TensorInfo) -> None:
    from nnscope.scene import numbers
    from nnscope.scene.hover import hover_text

    print(hover_text(replace(answer, block=None), info))
    if answer.block is not None:
        block = answer.block
        parts = {"mean": block.mean, "min": block.min, "max": block.max, "std": block.std}
        text = "  ".join(f"{name} {numbers.short(value, 6)}" for name, value in parts.items())
        odd = "" if block.finite == block.count else f"  {block.count - block.finite} not finite"
        print(f"block: {block.count} values  {text}{odd}")
