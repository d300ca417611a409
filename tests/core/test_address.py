"""The address grammar: one text for every tensor, and names of files that look like grammar."""

from __future__ import annotations

import pytest

from nnscope.core.address import Address, find_address, parse_address
from nnscope.core.errors import NnscopeError


@pytest.mark.parametrize(
    ("text", "name", "kind", "index", "step"),
    [
        ("encoder.layer.0.attn:attention[3]@120", "encoder.layer.0.attn:attention", "attention", (3,), 120),
        ("conv1.weight", "conv1.weight", "", (), None),
        ("conv1:output", "conv1:output", "output", (), None),
        ("lstm:output.1~2", "lstm:output.1~2", "output", (), None),
        ("w[0, 1:9:2, :]", "w", "", (0, slice(1, 9, 2), slice(None, None)), None),
        ("w[-1]", "w", "", (-1,), None),
        ("odd:name", "odd:name", "", (), None),
        ("user@host", "user@host", "", (), None),
        ("user@host-3", "user@host-3", "", (), None),
        ("a:grad@3-1", "a:grad", "grad", (), 3),
        ("", "", "", (), None),
        ("a:grad@3", "a:grad", "grad", (), 3),
    ],
    ids=str,
)
def test_parsing(text: str, name: str, kind: str, index: tuple, step: int | None) -> None:
    address = parse_address(text)
    assert (address.name, address.kind, address.index, address.step) == (name, kind, index, step)


@pytest.mark.parametrize(
    "address",
    [
        Address("a.b:output", (1, slice(0, 4), slice(None, None, 2)), 7),
        Address("w"),
        Address("w", (3,), 120, 0),
        Address("w", (slice(None, None),)),
    ],
    ids=str,
)
def test_text_and_back(address: Address) -> None:
    assert parse_address(str(address)) == address


def test_path_is_what_stands_before_the_kind() -> None:
    assert parse_address("a.b:output.x~3[1]").path == "a.b"


@pytest.mark.parametrize("text", ["w[a]", "w[1:2:3:4]", "w[1,,2]"])
def test_an_index_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(NnscopeError, match="index is not understood"):
        parse_address(text)


def test_a_name_that_exists_wins_over_its_parse() -> None:
    names = {"w[0]", "w", "x@3"}
    assert find_address("w[0]", names) == Address("w[0]")
    assert find_address("w[1]", names) == Address("w", (1,))
    assert find_address("x@3", names) == Address("x@3")
    with pytest.raises(NnscopeError, match="no tensor of this name"):
        find_address("y", names)
