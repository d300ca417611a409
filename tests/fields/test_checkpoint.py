"""Fields as files: they come back, open as any file, and damage is told in one sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import nnscope
from nnscope.core.errors import FileError, NnscopeError
from nnscope.fields import Checkpoint, FitSettings, Lattice, evaluate_lattice, fit, load_field, save_field
from tests.fields.fields import as_diagonal, scattered

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Tensors = dict[str, np.ndarray]


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("covariance", ["full", "diagonal"])
def test_a_field_comes_back(tmp_path: Path, dimensions: int, covariance: str) -> None:
    field = scattered(7, dimensions, 9, amplitude="sigmoid")
    field = replace(
        field if covariance == "full" else as_diagonal(field), offset=-1.5, scale=1 / 3, ids=np.arange(7) * 3
    )
    save_field(tmp_path / "f.safetensors", Checkpoint(field, notes={"address": "conv1.weight"}))
    found = load_field(tmp_path / "f.safetensors")
    for name in ("means", "chol", "amplitudes"):
        np.testing.assert_array_equal(getattr(found.field, name), getattr(field, name).astype(np.float32))
    for name in ("amplitude", "covariance", "shape", "offset", "scale"):
        assert getattr(found.field, name) == getattr(field, name)
    np.testing.assert_array_equal(found.field.ids, field.ids)
    assert found.notes["address"] == "conv1.weight"
    assert not found.moments


def test_a_field_opens_as_any_file(tmp_path: Path) -> None:
    field = scattered(5, 3, 9)
    save_field(tmp_path / "f.safetensors", field)
    with nnscope.open(tmp_path / "f.safetensors") as source:
        np.testing.assert_array_equal(source["means"].read(), field.means.astype(np.float32))
        assert dict(source.listing.metadata)["format"] == "nnscope-field"
    with safe_open(tmp_path / "f.safetensors", "numpy") as theirs:
        assert theirs.get_tensor("chol").shape == (5, 6)


def test_a_fit_is_resumed_from_its_file(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((20, 24))
    settings = FitSettings(gaussians=20, steps=12, adapt_every=0)
    half = fit(values, replace(settings, steps=6))
    save_field(tmp_path / "f.safetensors", half.last)
    held = load_field(tmp_path / "f.safetensors")
    np.testing.assert_array_equal(held.moments["chol.second"], half.last.moments["chol.second"])
    one, two = fit(values, settings, start=held), fit(values, settings, start=half.last)
    assert [step.loss for step in one.steps] == [step.loss for step in two.steps]
    assert len(one.steps) == 6


def _without(name: str) -> Callable[[Tensors, dict[str, str]], object]:
    return lambda tensors, metadata: tensors.pop(name)


def _with(name: str, values: Any) -> Callable[[Tensors, dict[str, str]], object]:
    return lambda tensors, metadata: tensors.update({name: np.asarray(values, np.float32)})


def _saying(name: str, text: str) -> Callable[[Tensors, dict[str, str]], object]:
    return lambda tensors, metadata: metadata.update({name: text})


@pytest.mark.parametrize(
    ("damage", "code", "words"),
    [
        (_without("means"), "missing-key", "no tensor means"),
        (_without("chol"), "missing-key", "no tensor chol"),
        (_without("amplitudes"), "missing-key", "no tensor amplitudes"),
        (_without("optimizer.chol.first"), "missing-key", "no tensor optimizer.chol.first"),
        (_with("means", np.zeros((4, 5))), "shape", "means of this field"),
        (_with("means", np.zeros((5, 4))), "shape", "means of this field"),
        (_with("means", 1.0), "shape", "means of this field"),
        (_with("chol", np.zeros((5, 3))), "shape", "chol of this field"),
        (_with("amplitudes", np.zeros((5, 1))), "shape", "amplitudes of this field"),
        (_with("ids", np.zeros(4)), "shape", "ids of this field"),
        (_with("optimizer.means.first", np.zeros((5, 2))), "shape", "optimizer.means.first of this field"),
        (_with("chol", np.full((5, 6), np.nan)), "not-finite", "not finite"),
        (_saying("format", "pt"), "no-field", "no Gaussian field"),
        (_saying("amplitude", "tanh"), "metadata", "amplitude of this field is not sigmoid or identity"),
        (_saying("covariance", "round"), "metadata", "covariance of this field is not full or diagonal"),
        (_saying("shape", "9,x,9"), "metadata", "missing or no number"),
        (_saying("shape", "9,9"), "metadata", "makes no sense"),
        (_saying("shape", "9,0,9"), "metadata", "makes no sense"),
        (_saying("scale", "nan"), "metadata", "makes no sense"),
    ],
    ids=lambda value: value if isinstance(value, str) else "damage",
)
def test_damage_is_one_sentence(tmp_path: Path, damage: Any, code: str, words: str) -> None:
    path = tmp_path / "f.safetensors"
    field = scattered(5, 3, 9)
    names = ("means", "chol", "amplitudes")
    moments = {f"{name}.{which}": getattr(field, name) for name in names for which in ("first", "second")}
    save_field(path, Checkpoint(field, moments))
    with safe_open(path, "numpy") as held:
        metadata = dict(held.metadata())
    tensors = load_file(path)
    damage(tensors, metadata)
    save_file(tensors, path, metadata)
    with pytest.raises(FileError, match=words) as found:
        load_field(path)
    assert found.value.code == code


def test_a_file_cut_short_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "f.safetensors"
    save_field(path, scattered(5, 3, 9))
    whole = path.read_bytes()
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        with pytest.raises(FileError):
            load_field(path)


def test_steps_that_are_no_number(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((8, 8))
    held = fit(values, FitSettings(gaussians=4, steps=2)).last
    with pytest.raises(NnscopeError, match="step of this field is no number"):
        fit(values, FitSettings(gaussians=4), start=replace(held, notes={"step": "many"}))


def test_a_file_that_keeps_the_tensor_tells_of_the_residual(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((20, 24)).astype(np.float32)
    found = fit(values, FitSettings(gaussians=20, steps=12))
    save_field(tmp_path / "f.safetensors", replace(found.checkpoint, target=values))
    with nnscope.open(tmp_path / "f.safetensors") as source:
        field, residual = source["field"].read(), source["residual"].read()
        np.testing.assert_allclose(residual, values - field, atol=1e-6)
        np.testing.assert_array_equal(source["residual"][3:9:2, 1], residual[3:9:2, 1])
        psnr = 20 * np.log10(np.ptp(values) / np.sqrt((residual.astype(np.float64) ** 2).mean()))
        assert psnr == pytest.approx(found.psnr, abs=0.01)
    save_field(tmp_path / "g.safetensors", replace(found.checkpoint, target=values[1:]))
    with nnscope.open(tmp_path / "g.safetensors") as source:
        assert "residual" not in source


def test_errors_are_those_under_each_gaussian(tmp_path: Path) -> None:
    """Of a field that is off by 0.5 in one half of the plane and by 0 in the other."""
    means = np.array([[10.0, 10.0], [30.0, 10.0]])
    field = replace(scattered(2, 2, 20), means=means, chol=np.full((2, 3), [0.3, 0.0, 0.3]), shape=(20, 40))
    values = evaluate_lattice(field, Lattice.of(field.shape)).astype(np.float64)
    values[:, 20:] += 0.5
    found = fit(values, FitSettings(gaussians=2, steps=0, amplitude="identity"), start=replace(field, scale=1.0))
    scale = np.abs(values).max()  # what a start says is in units of the tensor's
    off = np.abs(scale * evaluate_lattice(field, Lattice.of(field.shape)) - values)
    share = [evaluate_lattice(replace(field.where(np.array([k])), amplitudes=np.ones(1)), Lattice.of(field.shape))
             for k in range(2)]  # fmt: skip
    expected = [(off * weight).sum() / weight.sum() for weight in share]
    np.testing.assert_allclose(found.errors, expected, rtol=1e-3)
    save_field(tmp_path / "f.safetensors", found.checkpoint)
    np.testing.assert_allclose(load_field(tmp_path / "f.safetensors").errors, expected, rtol=1e-3)
