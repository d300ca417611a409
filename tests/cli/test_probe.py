"""``nnscope probe``: the value under an index, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    ("address", "at", "index"),
    [
        ("conv1.weight", "7,2,4,3", (7, 2, 4, 3)),
        ("conv1.weight[7]", "2,4,3", (7, 2, 4, 3)),
        ("conv1.weight[-1, :, 4]", "2,3", (7, 2, 4, 3)),
        ("conv1.weight[7, 2, 4, 3]", "", (7, 2, 4, 3)),
        ("conv1.weight", "-1,-1,0,0", (7, 2, 0, 0)),
        ("conv1.bias", "5", (5,)),
        ("head.steps", "", ()),
    ],
)
def test_value(nnscope: Callable, npz: Path, weights: dict, address: str, at: str, index: tuple[int, ...]) -> None:
    result = nnscope("probe", npz, address, "--at", at, "--json")
    document = result.document
    array = weights[address.partition("[")[0]]
    assert list(document) == ["address", "index", "value", "zscore", "block"]
    assert (result.code, document["address"]) == (0, address.partition("[")[0])
    assert (tuple(document["index"]), document["value"]) == (index, array[index].item())
    assert document["block"] is None


def test_zscore_is_against_the_whole_tensor(nnscope: Callable, npz: Path, weights: dict) -> None:
    array = weights["conv1.weight"].astype(np.float64)
    document = nnscope("probe", npz, "conv1.weight[2]", "--at", "0,0,0", "--json").document
    assert document["zscore"] == pytest.approx((array[2, 0, 0, 0] - array.mean()) / array.std(), rel=1e-9)


@pytest.mark.parametrize(("at", "word"), [("0,0", "nan"), ("0,1", "inf"), ("0,2", "-inf")])
def test_what_is_no_number_is_a_word(nnscope: Callable, npz: Path, at: str, word: str) -> None:
    assert nnscope("probe", npz, "head.odd", "--at", at, "--json").document["value"] == word


def test_block(nnscope: Callable, npy: Path) -> None:
    array = np.load(npy).astype(np.float64)
    document = nnscope("probe", npy, "matrix", "--at", "13,30", "--level", "3", "--json").document
    block = array[8:16, 24:32]
    assert document["index"] == [13, 30]
    assert document["value"] == np.load(npy)[13, 30].item()
    expected = {"count": 64, "finite": 64, "mean": block.mean(), "min": block.min(), "max": block.max()}
    found = document["block"]
    assert found.pop("std") == pytest.approx(block.std(), rel=1e-6)
    assert found == pytest.approx(expected)


def test_a_level_above_the_top_is_the_top(nnscope: Callable, npy: Path) -> None:
    document = nnscope("probe", npy, "matrix", "--at", "13,30", "--level", "62", "--json").document
    assert (document["block"]["count"], document["block"]["finite"]) == (960, 960)


def test_line(nnscope: Callable, npy: Path) -> None:
    value = str(np.load(npy)[1, 2]).replace("-", "−")
    lines = nnscope("probe", npy, "matrix", "--at", "1,2", "--level", "1").out.splitlines()
    assert lines[0].startswith(f"matrix [1, 2] = {value}  z=−")
    assert lines[1].startswith("block: 4 values  mean −")


@pytest.mark.parametrize(
    ("address", "at", "words"),
    [
        ("matrix", "24,0", "Index 24 is outside axis 0 of size 24."),
        ("matrix", "1", "1 indices do not name one element. Give 2, one for each axis of (24, 40)."),
        ("matrix", "1,1,1", "3 entries for 2 axes"),
        ("matrix[30]", "1", "outside axis 0"),
        ("matrix[x]", "1", "The index is not understood."),
        ("matrix@5", "1,1", "Only a recorded run has steps."),
        ("matrx", "1,1", "There is no tensor of this name. Did you mean matrix?"),
    ],
)
def test_stated_failures(nnscope: Callable, npy: Path, address: str, at: str, words: str) -> None:
    result = nnscope("probe", npy, address, "--at", at, "--json")
    assert (result.code, result.out) == (1, "")
    assert words in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize("at", ["a,b", "1.5,2", "1;2", "1,,2"])
def test_wrong_usage(nnscope: Callable, npy: Path, at: str) -> None:
    result = nnscope("probe", npy, "matrix", "--at", at)
    assert (result.code, result.out) == (2, "")
    assert "no list of integers" in result.err
