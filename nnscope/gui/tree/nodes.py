"""The tree of modules and tensors as plain objects: built from listings, sorted and grouped on demand.

Addresses are split at their dots; a kind (``:output``) is a row of its own under its module. Children are sorted and
numbered only when someone looks at them, so a tree of 200 000 tensors costs one pass over its names, and that pass can
be taken in slices (`grow`).

Filtering builds a second, smaller tree instead of hiding rows: `QSortFilterProxyModel` calls Python once per row, which
stalls the window for seconds at that size.

A node with more than `GROUP` children shows them in groups of `GROUP`, as debuggers show long arrays: a view asks for
each row of an open branch.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from nnscope.core.address import split_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nnscope.core.statistics import TensorStats
    from nnscope.core.tensor import ModuleInfo, TensorInfo

    Match = Callable[[str], bool] | None
    Known = Callable[["Node"], TensorStats | None]

GROUP = 1000  # children shown under one node
DEPTH = 48  # levels of modules; what a hostile name has beyond stays in one piece
SLICE = 500  # tensors added between two chances to stop
_DIGITS = re.compile(r"(\d+)")


class Node:
    """A source, a module, a tensor (with ``info``), or a group of siblings.

    A node may be both: a tensor ``a`` and a module with tensor ``a.b`` share a row.
    """

    __slots__ = ("_rows", "children", "count", "info", "name", "nbytes", "parent", "row", "size", "source", "type")

    def __init__(self, name: str, source: str, parent: Node | None = None) -> None:
        self.name = name
        self.source = source
        self.parent = parent
        self.row = 0
        self.type = ""  # class name of a module
        self.info: TensorInfo | None = None
        self.children: dict[str, Node] = {}
        self.count = 0  # tensors here and below
        self.nbytes = 0
        self.size = 0
        self._rows: list[Node] | None = None

    def child(self, part: str) -> Node:
        """The child of that name, made when it is new."""
        found = self.children.get(part)
        if found is None:
            found = self.children[part] = Node(part, self.source, self)
        return found

    @property
    def branches(self) -> bool:
        """Whether anything lies below; sorts nothing."""
        return bool(self.children or self._rows)

    @property
    def path(self) -> tuple[str, ...]:
        """The names from the root down to here: what a row is remembered by when the tree is built anew."""
        names: list[str] = []
        node: Node | None = self
        while node is not None and node.parent is not None:
            names.append(node.name)
            node = node.parent
        return (self.source, *reversed(names))

    def add(self, size: int, nbytes: int) -> None:
        """Count a tensor that lies here or below."""
        self.count += 1
        self.size += size
        self.nbytes += nbytes

    def rows(self, order: Order) -> list[Node]:
        """The children as they are shown, numbered."""
        if self._rows is None:
            self.show_rows(_grouped(self, order.sorted(list(self.children.values()))))
        assert self._rows is not None
        return self._rows

    def show_rows(self, rows: list[Node]) -> None:
        """Show exactly these below this node."""
        for row, node in enumerate(rows):
            node.row, node.parent = row, self
        self._rows = rows

    def forget_order(self) -> None:
        """Sort anew when next looked at, here and below."""
        open_nodes = [self]
        while open_nodes:
            node = open_nodes.pop()
            if node._rows is not None:  # below an unsorted node nothing is sorted
                open_nodes.extend(node._rows)
                node._rows = None


class Order:
    """How siblings are sorted: ``column`` as in `nnscope.gui.tree.model`, -1 for the order of the file."""

    def __init__(self, column: int = -1, descending: bool = False, statistics: Known | None = None) -> None:
        self.column = column
        self.descending = descending
        self._statistics = statistics or (lambda node: None)

    def sorted(self, nodes: list[Node]) -> list[Node]:
        """``nodes`` in this order; equal ones keep theirs."""
        key = self._KEYS.get(self.column)
        if key is None:
            return nodes
        return sorted(nodes, key=lambda node: key(self, node), reverse=self.descending)

    def _name(self, node: Node) -> list[tuple[int, str]]:
        """Natural order: ``layer.2`` before ``layer.10``."""
        parts = _DIGITS.split(node.name.casefold())
        return [(int(p), "") if p.isdigit() and p.isascii() else (-1, p) for p in parts if p]

    def _size(self, node: Node) -> int:
        return node.size

    def _dtype(self, node: Node) -> str:
        return node.info.dtype if node.info else ""

    def _nbytes(self, node: Node) -> int:
        return node.nbytes

    def _spread(self, node: Node) -> float:
        stats = self._statistics(node)
        return stats.std if stats and stats.finite else -1.0

    def _norm(self, node: Node) -> float:
        stats = self._statistics(node)
        return stats.frobenius if stats else -1.0

    _KEYS: ClassVar[dict[int, Callable[[Order, Node], Any]]] = {
        0: _name,
        1: _size,
        2: _spread,
        3: _norm,
        4: _dtype,
        5: _nbytes,
    }


def grow(root: Node, tensors: tuple[TensorInfo, ...], modules: tuple[ModuleInfo, ...], match: Match) -> Iterator[int]:
    """Add to ``root`` all tensors that match, yielding how many were looked at every `SLICE`."""
    for at, info in enumerate(tensors, 1):
        if match is None or match(info.address) or any(map(match, info.aliases)):
            _insert(root, info)
        if at % SLICE == 0:
            yield at
    for module in modules:
        node = _find(root, module.path)
        if node is not None:
            node.type = module.type
    yield len(tensors)


def _insert(root: Node, info: TensorInfo) -> None:
    node, size, nbytes = root, info.full_size, info.nbytes
    root.add(size, nbytes)
    for part in parts_of(info.address):
        node = node.child(part)
        node.add(size, nbytes)
    node.info = info


def parts_of(address: str) -> list[str]:
    """``"conv.0:output.1"`` → ``["conv", "0", ":output.1"]``. Empty parts stay with their neighbour."""
    if ":" not in address:  # most of them: no kind to look for
        return address.split(".", DEPTH)
    path, kind = split_kind(address)
    tail = [address[len(path) :]] if kind else []
    return [*(path.split(".", DEPTH) if path else []), *tail] or [""]


def _find(root: Node, path: str) -> Node | None:
    node: Node | None = root
    for part in path.split(".", DEPTH) if path else []:
        node = node.children.get(part) if node else None
    return node


def _grouped(parent: Node, nodes: list[Node]) -> list[Node]:
    """``nodes``, or groups of them (groups of groups …) when they are too many for one branch."""
    while len(nodes) > GROUP:
        nodes = [_group(parent, nodes[start : start + GROUP]) for start in range(0, len(nodes), GROUP)]
    return nodes


def _group(parent: Node, members: list[Node]) -> Node:
    group = Node(f"{members[0].name} … {members[-1].name}", parent.source, parent)
    group.count = sum(node.count for node in members)
    group.nbytes = sum(node.nbytes for node in members)
    group.size = sum(node.size for node in members)
    group.show_rows(members)
    return group
