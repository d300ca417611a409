"""``nnscope fit``: a field's file, and what is printed of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from nnscope.fields import Lattice, evaluate_lattice, load_field
from tests.fields.neurites import write_neurites
from tests.store.runs.made import WEIGHT, write_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEYS = ["gaussians", "bytes", "psnr", "psnr_heldout", "seconds", "steps_per_second", "loss_first", "loss_last"]


def test_a_tensor_becomes_a_file(nnscope: Callable, npy: Path, tmp_path: Path) -> None:
    out = tmp_path / "field.safetensors"
    options = ("--gaussians", "30", "--steps", "60", "--keep-tensor", "--json")
    result = nnscope("fit", npy, "matrix", "-o", out, *options)
    document, values = result.document, np.load(npy)
    assert (result.code, list(document), document["psnr_heldout"]) == (0, KEYS, None)
    held = load_field(out)
    assert (len(held.field), held.field.nbytes, held.notes["address"]) == (
        document["gaussians"],
        document["bytes"],
        "matrix",
    )
    back = held.field.offset + held.field.scale * evaluate_lattice(held.field, Lattice.of(values.shape))
    psnr = 20 * np.log10(np.ptp(values) / np.sqrt(((back - values) ** 2).mean()))
    assert psnr == pytest.approx(document["psnr"], abs=0.1)
    assert document["loss_last"] < document["loss_first"]
    listed = [entry["address"] for entry in nnscope("info", out, "--json").document["tensors"]]
    assert listed[:2] == ["field", "residual"]


def test_a_stack_is_fitted_to_its_views(nnscope: Callable, tmp_path: Path) -> None:
    write_neurites(tmp_path / "neuron.tif", 24)
    listed = nnscope("info", tmp_path / "neuron.tif", "--json").document["tensors"][0]["address"]
    out = tmp_path / "field.safetensors"
    options = ("--gaussians", "100", "--steps", "20", "--views", "12", "--json")
    document = nnscope("fit", tmp_path / "neuron.tif", listed, "-o", out, *options).document
    assert document["psnr_heldout"] > 15
    assert load_field(out).notes["rendering"] == "mip"


def test_steps_of_a_run_are_fitted_into_one_file(nnscope: Callable, tmp_path: Path) -> None:
    write_run(tmp_path / "run", range(6))
    out, options = (
        tmp_path / "over.safetensors",
        ("--gaussians", "6", "--steps", "10", "--over-training", "4", "--json"),
    )
    document = nnscope("fit", tmp_path / "run", WEIGHT.address, "-o", out, *options).document
    assert document["steps"] == [0, 2, 3, 5]
    path = load_field(out).path
    assert path is not None
    assert path.means.shape == (4, document["gaussians"], 2)
    listed = [entry["address"] for entry in nnscope("info", out, "--json").document["tensors"]]
    assert listed[:5] == ["field", "field@0", "field@2", "field@3", "field@5"]
    refused = nnscope("fit", out, "field", "-o", tmp_path / "no.safetensors", "--over-training", "4")
    assert refused.code == 2
    assert "several steps of a recorded run" in refused.err


def test_sentence(nnscope: Callable, npy: Path, tmp_path: Path) -> None:
    out = tmp_path / "field.safetensors"
    line = nnscope("fit", npy, "matrix", "-o", out, "--gaussians", "9", "--steps", "3").out
    assert " Gaussians, " in line
    assert line.rstrip().endswith(str(out))


@pytest.mark.parametrize(
    ("address", "options", "code", "words"),
    [
        ("conv1.bias", (), 1, "two or three axes"),
        ("conv1.weight[0, 0]", (), 1, "256 Gaussians are more than the 25 values"),
        ("head.odd", ("--gaussians", "4"), 1, "3 of 20 values are not finite"),
        ("conv1.weight[0]", ("--gaussians", "0"), 1, "at least 1"),
        ("conv1.weight[0]", ("--gaussians", "5", "--views", "1"), 1, "held out"),
        ("nothing", (), 1, "no tensor of this name"),
    ],
    ids=["1-d", "too many", "NaN", "none", "views", "name"],
)
def test_bad_input_is_one_sentence(
    nnscope: Callable, npz: Path, tmp_path: Path, address: str, options: tuple[str, ...], code: int, words: str
) -> None:
    result = nnscope("fit", npz, address, "-o", tmp_path / "f.safetensors", *options)
    assert (result.code, result.out, len(result.err.splitlines())) == (code, "", 1)
    assert words in result.err
    assert not (tmp_path / "f.safetensors").exists()


def test_another_suffix_is_refused_at_once(nnscope: Callable, tmp_path: Path) -> None:
    result = nnscope("fit", tmp_path / "no.npy", "x", "-o", "field.pt")
    assert (result.code, "safetensors" in result.err) == (2, True)
