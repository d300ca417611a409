"""``nnscope render``: the picture, its document, and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.gl


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where the picture goes."""
    return tmp_path / "picture.png"


def test_document(nnscope: Callable, npy: Path, out: Path) -> None:
    result = nnscope("render", npy, "matrix", "-o", out, "--size", "400x300", "--json")
    document = result.document
    assert (result.code, result.err) == (0, "")
    assert list(document) == ["out", "size", "view", "scientific", "legend", "steps"]
    assert (document["out"], document["size"]) == (str(out), [400, 300])
    assert (document["view"], document["scientific"]) == ("heatmap", False)
    legend = document["legend"]
    names = ["normalisation", "domain", "level", "reduction", "clipped", "nan", "posinf", "neginf"]
    assert list(legend) == names
    assert (legend["level"], legend["reduction"]) == (0, "")
    assert all(set(step) == {"name", "faithful"} for step in document["steps"])
    with Image.open(out) as image:
        assert (image.size, image.mode) == ((400, 300), "RGBA")
        assert image.info["Address"] == "matrix"


@pytest.mark.parametrize("view", ["heatmap", "rgb"])
def test_scientific_mode_is_faithful_throughout(nnscope: Callable, npy: Path, out: Path, view: str) -> None:
    arguments = ("render", npy, "matrix", "-o", out, "--view", view, "--size", "300x200", "--scientific", "--json")
    document = nnscope(*arguments).document
    assert document["scientific"] is True
    assert document["steps"]
    assert all(step["faithful"] for step in document["steps"])
    if view == "heatmap":
        assert document["legend"]["normalisation"] == "linear"


def test_aesthetic_steps_are_marked(nnscope: Callable, npy: Path, out: Path) -> None:
    document = nnscope("render", npy, "matrix", "-o", out, "--size", "300x200", "--json").document
    assert {step["name"]: step["faithful"] for step in document["steps"]}["tanh"] is False


def test_limits_and_counts(nnscope: Callable, npz: Path, out: Path) -> None:
    arguments = ("--limits", "-0.25,0.25", "--normalisation", "linear", "--size", "300x200", "--json")
    legend = nnscope("render", npz, "head.odd", "-o", out, *arguments).document["legend"]
    with np.load(npz) as file:
        values = file["head.odd"]
    finite = values[np.isfinite(values)]
    assert legend["domain"] == [-0.25, 0.25]
    assert (legend["nan"], legend["posinf"], legend["neginf"]) == (1, 1, 1)
    assert legend["clipped"] == pytest.approx((np.abs(finite) > 0.25).mean(), abs=0.06)


def test_large_pictures_say_what_a_cell_is(nnscope: Callable, tmp_path: Path, out: Path) -> None:
    np.save(tmp_path / "big.npy", np.zeros((2000, 3000), np.float16))
    arguments = ("--size", "400x300", "--reduction", "max", "--json")
    legend = nnscope("render", tmp_path / "big.npy", "big", "-o", out, *arguments).document["legend"]
    assert legend["level"] >= 3
    assert legend["reduction"] == f"max of {2 ** legend['level']}×{2 ** legend['level']}"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--theme", "light"],
        ["--colours", "magma"],
        ["--rows", "1", "--cols", "0"],
        ["--rows", "0"],
        ["--scale", "2"],
        ["--quick"],
    ],
    ids=" ".join,
)
def test_ways_of_looking(nnscope: Callable, npy: Path, out: Path, arguments: list[str]) -> None:
    assert nnscope("render", npy, "matrix", "-o", out, "--size", "320x240").code == 0
    plain = out.read_bytes()
    result = nnscope("render", npy, "matrix", "-o", out, "--size", "320x240", *arguments)
    assert (result.code, result.out, result.err) == (0, "", "")
    assert (out.read_bytes() == plain) == (arguments == ["--quick"])  # small tensors are read whole in any case


def test_settings_of_a_view(nnscope: Callable, tmp_path: Path, out: Path) -> None:
    np.save(tmp_path / "cube.npy", np.random.default_rng(0).normal(size=(9, 9, 9)).astype(np.float32))
    render = ("render", tmp_path / "cube.npy", "cube", "-o", out, "--size", "320x240", "--view", "voxels")
    pictures = []
    for arguments in (["--threshold", "0"], ["--threshold", "0", "--set", "epsilon=2,tau=inf"], ["--threshold", "2"]):
        assert nnscope(*render, *arguments).code == 0
        pictures.append(out.read_bytes())
    assert len(set(pictures)) == 3
    for wrong in ("epsilon", "epsilon=-1", "epsilon=x", "nothing=1"):
        assert nnscope(*render, "--set", wrong).code == 2


def test_an_index_shows_its_slice(nnscope: Callable, npz: Path, out: Path) -> None:
    assert nnscope("render", npz, "conv1.weight[3, 1]", "-o", out, "--size", "300x200", "--json").code == 0
    first = out.read_bytes()
    assert nnscope("render", npz, "conv1.weight[4, 1]", "-o", out, "--size", "300x200", "--json").code == 0
    assert out.read_bytes() != first


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--size", "800"], "no size"),
        (["--size", "0x10"], "can't be made"),
        (["--size", "20000x20000"], "can't be made"),
        (["--limits", "1"], "no range"),
        (["--limits", "2,1"], "no range"),
        (["--limits", "nan,1"], "no range"),
        (["--normalisation", "cubic"], "linear, minmax, zscore"),
        (["--reduction", "median"], "mean, extremes"),
        (["--theme", "blue"], "dark, light"),
        (["--rows", "0", "--cols", "7"], "no axis 7"),
        (["--scale", "100"], "scale"),
        (["-o", "x.jpg"], "ends in .png"),
        (["--view", "piechart"], "heatmap, rgb"),
        (["--colours", "nonesuch"], "nonesuch"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage(nnscope: Callable, npy: Path, out: Path, arguments: list[str], words: str) -> None:
    result = nnscope("render", npy, "matrix", "-o", out, *arguments)
    assert (result.code, result.out) == (2, "")
    assert words in result.err
    assert result.err.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize(
    ("file", "address", "words"),
    [
        ("npz", "conv1.weight[0:2]", "A picture shows whole axes."),
        ("npz", "conv1.weights", "Did you mean conv1.weight"),
        ("npz", "conv1.weight[9]", "outside axis 0"),
        ("empty", "empty", "This tensor is empty"),
    ],
)
def test_stated_failures(
    nnscope: Callable, npz: Path, tmp_path: Path, out: Path, file: str, address: str, words: str
) -> None:
    np.save(tmp_path / "empty.npy", np.zeros((3, 0)))
    result = nnscope("render", npz if file == "npz" else tmp_path / "empty.npy", address, "-o", out, "--json")
    assert (result.code, result.out) == (1, "")
    assert words in result.err
    assert result.err.count("\n") == 1
    assert not out.exists()


def test_a_view_that_does_not_apply_says_why(nnscope: Callable, npz: Path, out: Path) -> None:
    result = nnscope("render", npz, "conv1.bias", "-o", out, "--view", "rgb")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "at least two axes" in result.err


def test_a_folder_that_is_not_there(nnscope: Callable, npy: Path, tmp_path: Path) -> None:
    result = nnscope("render", npy, "matrix", "-o", tmp_path / "no" / "a.png", "--size", "100x100")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "could not be written" in result.err
