"""The tree as plain objects: nothing is lost, kinds go under their module, and size does not hurt."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscope.core.tensor import ModuleInfo, TensorInfo
from nnscope.gui.tree.filter import matcher
from nnscope.gui.tree.nodes import DEPTH, GROUP, Node, Order, grow, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator


def tree(names: list[str], text: str = "", modules: tuple[ModuleInfo, ...] = ()) -> Node:
    root = Node("file", "source")
    infos = tuple(TensorInfo(name, (at + 1,), "float32", nbytes=4 * (at + 1)) for at, name in enumerate(names))
    for _ in grow(root, infos, modules, matcher(text)):
        pass
    return root


def leaves(node: Node, order: Order) -> list[str]:
    """Addresses in the order of the rows."""
    own = [node.info.address] if node.info else []
    return own + [name for child in node.rows(order) for name in leaves(child, order)]


@given(st.lists(st.text(alphabet="ab.:[é\0 ", max_size=12), unique=True, max_size=30))
def test_every_tensor_has_one_row(names: list[str]) -> None:
    shown = leaves(tree(names), Order())
    assert sorted(shown) == sorted(names)


def test_kinds_and_parameters_are_rows_of_their_module() -> None:
    root = tree(["conv.weight", "conv:output", "conv:output.1~2", "conv:x", ":input"])
    assert list(root.children) == ["conv", "conv:x", ":input"]
    assert list(root.children["conv"].children) == ["weight", ":output", ":output.1~2"]


def test_a_tensor_that_is_also_a_module() -> None:
    root = tree(["a", "a.b"])
    assert root.children["a"].info is not None
    assert root.children["a"].children["b"].info is not None
    assert (root.count, root.nbytes) == (2, 12)


def test_sums_of_a_branch() -> None:
    root = tree(["m.a", "m.b", "n"])
    assert (root.children["m"].count, root.children["m"].size, root.children["m"].nbytes) == (2, 3, 12)


def test_modules_carry_their_class() -> None:
    root = tree(["conv.weight"], modules=(ModuleInfo("conv", "Conv2d"), ModuleInfo("gone", "ReLU")))
    assert root.children["conv"].type == "Conv2d"
    assert "gone" not in root.children


@pytest.mark.parametrize(
    ("column", "descending", "expected"),
    [
        (-1, False, ["b.10", "b.2", "a"]),
        (0, False, ["a", "b.2", "b.10"]),
        (0, True, ["b.10", "b.2", "a"]),
        (1, True, ["b.2", "b.10", "a"]),
        (5, False, ["a", "b.10", "b.2"]),
    ],
    ids=["file", "natural", "natural-down", "size-down", "bytes"],
)
def test_order(column: int, descending: bool, expected: list[str]) -> None:
    root = Node("file", "source")
    sizes = {"b.10": 5, "b.2": 7, "a": 3}
    infos = tuple(TensorInfo(name, (n,), "uint8", nbytes=n) for name, n in sizes.items())
    list(grow(root, infos, (), None))
    assert leaves(root, Order(column, descending)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["enc.0.weight", "enc.1.weight", "Head.bias", "odd[1]"]),
        ("  ", ["enc.0.weight", "enc.1.weight", "Head.bias", "odd[1]"]),
        ("WEIGHT", ["enc.0.weight", "enc.1.weight"]),
        ("weight enc.1", ["enc.1.weight"]),
        ("enc.*.weight", ["enc.0.weight", "enc.1.weight"]),
        ("*bias", ["Head.bias"]),
        ("enc.[1-9].*", ["enc.1.weight"]),
        ("odd[1]", ["odd[1]"]),
        ("nothing", []),
    ],
)
def test_filter(text: str, expected: list[str]) -> None:
    assert leaves(tree(["enc.0.weight", "enc.1.weight", "Head.bias", "odd[1]"], text), Order()) == expected


@given(st.text(max_size=20))
def test_no_filter_text_is_an_error(text: str) -> None:
    test = matcher(text)
    assert test is None or isinstance(test("a.b"), bool)


def test_long_rows_of_siblings_are_grouped_and_sort_again() -> None:
    names = [f"t{at}" for at in range(2 * GROUP + 1)]
    root = tree(names)
    assert [len(group.rows(Order())) for group in root.rows(Order())] == [GROUP, GROUP, 1]
    assert next(group.name for group in root.rows(Order())) == f"t0 … t{GROUP - 1}"
    assert leaves(root, Order()) == names
    root.forget_order()
    assert leaves(root, Order(0, descending=True)) == names[::-1]
    assert all(child.row < GROUP for child in root.children.values())


def test_endless_names_stay_shallow() -> None:
    assert len(parts_of("a." * 100_000)) == DEPTH + 1
    assert leaves(tree(["a." * 10_000]), Order()) == ["a." * 10_000]


@pytest.fixture
def no_garbage() -> Iterator[None]:
    """Garbage is collected when the window rests (`nnscope.gui.garbage`), and not in the middle of what is timed."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_garbage")
def test_a_slice_is_short() -> None:
    """What runs between two chances to stop is a fraction of a frame."""
    infos = tuple(TensorInfo(f"layers.{i % 50}.block.t{i}", (3, 4), "float32") for i in range(20_000))
    root, longest, last = Node("file", "source"), 0.0, time.thread_time()
    for _ in grow(root, infos, (), None):
        now = time.thread_time()
        longest, last = max(longest, now - last), now
    assert root.count == 20_000
    assert longest < 0.25  # processor seconds, so that a busy machine changes nothing
