"""``nnscope probe``: what hovering over an element shows."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnscope.cli.document import print_document
from nnscope.cli.opened import opened_tensor
from nnscope.cli.options import AddressArgument, JsonOption, PathArgument, SampleOption, parse_integers
from nnscope.cli.progress import reporter

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
    sample: SampleOption = None,
    as_json: JsonOption = False,
) -> int:
    """Give one element of a tensor exactly.

    In full precision, with its z-score against the whole tensor: what hovering there shows.
    """
    index = parse_integers(at)
    with reporter() as progress, opened_tensor(path, address, sample, progress) as tensor:
        answer = tensor.probe(index, level)
    if as_json:
        print_document(_document(answer))
    else:
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
