"""Residual branching as nested rectangles: the width of a branch is its share of the norms (methods.md §14).

A block adds what its branches make of the same input. Each branch is a column inside the rectangle of its block; its
share of the width is its Frobenius norm's share of the sum of norms there. Blocks inside a branch are stacked in it
from top to bottom, in the order of execution, each as wide as the branch. Depth is the level of nesting: with it the
rectangles are a tree in 3D.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnscope.core.answer import BranchRegion
from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Part:
    """A block or a branch of one.

    Attributes
    ----------
    name : str
    norm : float
        Frobenius norm of its weights, or of its activations; ≥ 0.
    parts : tuple of Part
        Of a block, the branches that are added, side by side; of a branch, the blocks inside, one after the other.
    skip : bool
        Whether it is the way past the block.
    """

    name: str
    norm: float = 0.0
    parts: tuple[Part, ...] = ()
    skip: bool = False


def block_of(name: str, branches: tuple[Part, ...]) -> Part:
    """A block of these branches; its norm is that of all their arrays as one, the root of the sum of squares."""
    return Part(name, math.hypot(*(branch.norm for branch in branches)), branches)


def branch_layout(blocks: tuple[Part, ...]) -> tuple[BranchRegion, ...]:
    """Blocks one below the other in the unit square, and all that is inside them.

    Outer parts come before those inside. Parts side by side have widths in proportion to their norms, or all the same
    when these are zero; a norm of zero beside others has no width.

    Raises
    ------
    NnscopeError
        If a norm is negative or not finite.
    """
    for block in blocks:
        _check(block)
    return tuple(_stacked(blocks, (), (0.0, 0.0, 1.0, 1.0)))


def _check(part: Part) -> None:
    if not (math.isfinite(part.norm) and part.norm >= 0):
        raise NnscopeError("A norm must be a number from zero up.", part.name)
    for inside in part.parts:
        _check(inside)


_Box = tuple[float, float, float, float]
_Arrange = Callable[[tuple[Part, ...], tuple[str, ...], _Box], "Iterator[BranchRegion]"]


def _stacked(parts: tuple[Part, ...], path: tuple[str, ...], box: _Box) -> Iterator[BranchRegion]:
    """Blocks one below the other, all of the same height."""
    x, y, w, h = box
    for number, part in enumerate(parts):
        yield from _placed(part, path, (x, y + h * number / len(parts), w, h / len(parts)), _beside)


def _beside(parts: tuple[Part, ...], path: tuple[str, ...], box: _Box) -> Iterator[BranchRegion]:
    """Branches side by side, as wide as their norms."""
    x, y, w, h = box
    edges = _edges([part.norm for part in parts])
    for part, left, right in zip(parts, edges, edges[1:], strict=False):
        yield from _placed(part, path, (x + w * left, y, w * (right - left), h), _stacked)


def _placed(part: Part, path: tuple[str, ...], box: _Box, inside: _Arrange) -> Iterator[BranchRegion]:
    path = (*path, part.name)
    yield BranchRegion(path, *box, len(path) - 1, part.norm, part.skip)
    yield from inside(part.parts, path, box)


def _edges(norms: list[float]) -> list[float]:
    """Ends of the columns in [0, 1], one more than there are norms."""
    largest = max(norms, default=0.0)
    if largest == 0:
        return [number / max(1, len(norms)) for number in range(len(norms) + 1)]
    shares = [norm / largest for norm in norms]
    ends = [0.0, *itertools.accumulate(shares)]
    return [min(1.0, end / ends[-1]) for end in ends]
