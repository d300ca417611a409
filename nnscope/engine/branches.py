"""The residual structure of a source's model as nested rectangles whose widths are norms (methods.md §14)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nnscope.compute.branches import Part, block_of, branch_layout
from nnscope.core.answer import Branches
from nnscope.core.errors import NnscopeError
from nnscope.sources.residual import activation_norms, weight_norms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnscope.core.statistics import TensorStats
    from nnscope.engine.context import Context
    from nnscope.sources.residual import ResidualBlock

Norms = tuple[tuple[float, ...], ...]


def branches(context: Context, activations: bool) -> Branches:
    """The branches of the whole model.

    Parameters
    ----------
    context : Context
    activations : bool
        Whether norms are those of what branches add; else of their weights.

    Raises
    ------
    NnscopeError
        If nothing has run whose activations could be looked at.
    """
    blocks = context.residual_blocks()
    norms = _of_activations(context, blocks) if activations else _of_weights(context, blocks)
    regions = branch_layout(nested(blocks, norms))
    return Branches(regions, activations, all(block.traced for block in blocks))


def nested(blocks: Sequence[ResidualBlock], norms: Norms) -> tuple[Part, ...]:
    """Blocks with those inside of their branches, which are all whose modules are among a branch's."""
    through = [frozenset(path for branch in block.branches for path in branch.modules) for block in blocks]
    inside: dict[tuple[int, int] | None, list[int]] = {}
    holders = _holders(blocks)
    for number in range(len(blocks)):
        inside.setdefault(_parent(number, through, holders), []).append(number)

    def part(number: int) -> Part:
        return block_of(
            blocks[number].path,
            tuple(
                Part(branch.name, norm, tuple(map(part, inside.get((number, side), ()))), branch.skip)
                for side, (branch, norm) in enumerate(zip(blocks[number].branches, norms[number], strict=True))
            ),
        )

    return tuple(map(part, inside.get(None, ())))


_Holder = tuple[int, int, frozenset[str]]  # block, branch, and the branch's modules


def _holders(blocks: Sequence[ResidualBlock]) -> dict[str, list[_Holder]]:
    """The branches that go through each module, the smallest first."""
    found: dict[str, list[_Holder]] = {}
    for number, block in enumerate(blocks):
        for side, branch in enumerate(block.branches):
            for path in branch.modules:
                found.setdefault(path, []).append((number, side, frozenset(branch.modules)))
    for held in found.values():
        held.sort(key=lambda holder: len(holder[2]))
    return found


def _parent(
    number: int, through: Sequence[frozenset[str]], holders: dict[str, list[_Holder]]
) -> tuple[int, int] | None:
    """The smallest branch of another, larger block that goes through all that this one does."""
    mine = through[number]
    candidates = holders.get(next(iter(mine), ""), [])
    fitting = (
        (other, side)
        for other, side, modules in candidates
        if other != number and len(through[other]) > len(mine) and mine <= modules
    )
    return next(fitting, None)


def _of_weights(context: Context, blocks: Sequence[ResidualBlock]) -> Norms:
    tensors = [info for info in context.source.listing().tensors if not info.unreadable]
    return weight_norms(blocks, tensors, lambda address: _norm(context.stats(address)))


def _of_activations(context: Context, blocks: Sequence[ResidualBlock]) -> Norms:
    shown = (info for info in context.source.listing().tensors if not info.unreadable)
    captured = {info.address for info in shown if info.kind in ("input", "output")}
    if not captured:
        raise NnscopeError("There are no activations here.", remedy="Ask for weights, or open a model that runs.")
    return activation_norms(blocks, lambda at: _norm(context.stats(at)) if at in captured else 0.0)


def _norm(stats: TensorStats) -> float:
    """Frobenius norm of the finite values."""
    return math.sqrt(stats.finite) * math.hypot(stats.mean, math.sqrt(stats.variance)) if stats.finite else 0.0
