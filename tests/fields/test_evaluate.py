"""A field's values and gradients: each way of computing them against the definition."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from nnscope.arrays import cuda
from nnscope.core.errors import NnscopeError
from nnscope.fields.definition import define
from nnscope.fields.evaluate import (
    Points,
    error_bound,
    evaluate_lattice,
    evaluate_points,
    lattice_moments,
    point_moments,
)
from nnscope.fields.lattice import Lattice
from nnscope.fields.packing import factor_gradients, pack
from nnscope.fields.parameters import Gaussians, cholesky_factors, cholesky_numbers
from nnscope.fields.polynomial import evaluate_polynomial
from tests.arrays.shim import host
from tests.fields.fields import as_diagonal, scattered

SHAPES = pytest.mark.parametrize("shape", [(23, 31), (7, 12, 10)], ids=["plane", "space"])
FAR = 9.0  # σ: beyond it nothing is left in double precision


def test_the_diagonal_sits_at_0_2_and_5() -> None:
    numbers = np.arange(1.0, 7.0)[None] / 10
    a, b, c, d, e, f = numbers[0]
    expected = [[np.exp(a), 0, 0], [b, np.exp(c), 0], [d, e, np.exp(f)]]
    np.testing.assert_allclose(cholesky_factors(numbers, 3)[0], expected)
    np.testing.assert_allclose(cholesky_factors(numbers[:, :3], 2)[0], [[np.exp(a), 0], [b, np.exp(c)]])
    np.testing.assert_allclose(cholesky_numbers(cholesky_factors(numbers, 3)), numbers)


def test_definition_by_hand() -> None:
    field = Gaussians(np.array([[2.0, 3.0]]), np.array([[np.log(2.0), 1.0, np.log(3.0)]]), np.array([0.7]), "identity")
    factor = np.array([[2.0, 0.0], [1.0, 3.0]])
    offset = np.array([1.5, -2.0]) - field.means[0]
    expected = 0.7 * np.exp(-0.5 * offset @ np.linalg.inv(factor @ factor.T) @ offset)
    assert define(field, np.array([[1.5, -2.0]]))[0] == pytest.approx(expected, rel=1e-12)


@SHAPES
@pytest.mark.parametrize(("dtype", "atol"), [(np.float32, 1e-5), (np.float64, 1e-12)], ids=["float32", "float64"])
def test_every_way_is_the_definition(shape: tuple[int, ...], dtype: type, atol: float) -> None:
    field, lattice = scattered(25, len(shape), 12), Lattice.of(shape)
    points = lattice.positions()
    expected = define(field, points)
    on_lattice = evaluate_lattice(field, lattice, FAR, np.zeros(shape, dtype)).ravel()
    np.testing.assert_allclose(on_lattice, expected, atol=atol)
    np.testing.assert_allclose(evaluate_points(field, points.astype(dtype), FAR), expected, atol=atol)
    np.testing.assert_allclose(evaluate_polynomial(field, points.astype(dtype)), expected, atol=10 * atol)


@SHAPES
@pytest.mark.parametrize("cutoff", [1.0, 2.5, 4.0])
def test_the_cut_off_costs_no_more_than_stated(shape: tuple[int, ...], cutoff: float) -> None:
    field, lattice = scattered(25, len(shape), 12), Lattice.of(shape)
    whole, bound = define(field, lattice.positions()), error_bound(field, cutoff)
    assert bound == pytest.approx(np.abs(field.weights).sum() * np.exp(-(cutoff**2) / 2))
    cut = np.abs(evaluate_lattice(field, lattice, cutoff).ravel() - whole).max()
    assert 1e-4 * bound < cut <= bound + 1e-6
    assert np.abs(evaluate_points(field, lattice.positions(), cutoff) - whole).max() <= bound


@SHAPES
def test_a_part_of_a_lattice_is_that_part(shape: tuple[int, ...]) -> None:
    field, stride = scattered(9, len(shape), 10), (2, 3, 4)[: len(shape)]
    part = tuple(slice(1, None, s) for s in stride)
    found = evaluate_lattice(field, Lattice.of(shape).every(stride, (1,) * len(shape)))
    np.testing.assert_allclose(found, evaluate_lattice(field, Lattice.of(shape))[part], atol=1e-6)


@SHAPES
def test_moments_are_sums_over_samples(shape: tuple[int, ...]) -> None:
    field, lattice = scattered(6, len(shape), 10), Lattice.of(shape)
    gradient = np.random.default_rng(1).normal(size=shape)
    space = np.zeros((lattice.size, 3))
    space[:, : len(shape)] = lattice.positions()
    weights = field.weights
    for k, moments in enumerate(lattice_moments(field, lattice, gradient, FAR)):
        ge = gradient.ravel() * define(field.where(np.array([k])), lattice.positions()) / weights[k]
        d = space - np.pad(field.means[k], (0, 3 - len(shape)))
        products = [d[:, i] * d[:, j] for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))]
        expected = [(ge * x).sum() for x in (np.ones(len(d)), *d.T, *products)]
        np.testing.assert_allclose(moments, expected, atol=1e-9 * np.abs(expected).max() + 1e-12)


@SHAPES
def test_points_and_lattices_have_the_same_moments(shape: tuple[int, ...]) -> None:
    field, lattice = scattered(80, len(shape), 10), Lattice.of(shape)
    gradient = np.random.default_rng(2).normal(size=shape)
    expected = lattice_moments(field, lattice, gradient, FAR)
    found = point_moments(field, Points(lattice.positions()), gradient.ravel(), FAR)
    np.testing.assert_allclose(found, expected, atol=1e-9 * np.abs(expected).max())


@settings(max_examples=30)
@given(st.integers(0, 2**31), st.sampled_from([2, 3]), st.floats(0.05, 30.0), st.floats(-40, 60), st.floats(0.3, 6.0))
def test_no_gaussian_is_too_thin_too_far_or_too_wide(
    seed: int, dimensions: int, sigma: float, at: float, cutoff: float
) -> None:
    field = scattered(3, dimensions, 1.0, sigma, seed=seed)
    moved = Gaussians(field.means + at, field.chol, field.amplitudes, "identity")
    lattice = Lattice.of((5, 9, 8)[-dimensions:])
    found = evaluate_lattice(moved, lattice, cutoff, np.zeros(lattice.shape)).ravel()
    whole, bound = define(moved, lattice.positions()), error_bound(moved, cutoff)
    assert np.abs(found - whole).max() <= bound * (1 + 1e-9) + 1e-12
    assert np.abs(evaluate_points(moved, lattice.positions(), cutoff) - whole).max() <= bound * (1 + 1e-9) + 1e-12


def test_threads_change_nothing() -> None:
    field, lattice = scattered(400, 2, 300, 6.0), Lattice.of((300, 300))
    whole = evaluate_lattice(field, lattice)
    part = evaluate_lattice(field.where(np.arange(200)), lattice)
    again = evaluate_lattice(field.where(np.arange(200, 400)), lattice, out=part)
    np.testing.assert_allclose(again, whole, atol=1e-5)
    np.testing.assert_array_equal(evaluate_lattice(field, lattice), whole)


@pytest.mark.parametrize("count", [0, 1])
def test_few_and_none(count: int) -> None:
    field, lattice = scattered(count, 3, 5), Lattice.of((2, 3, 4))
    assert evaluate_lattice(field, lattice).shape == (2, 3, 4)
    assert lattice_moments(field, lattice, np.ones((2, 3, 4))).shape == (count, 10)
    assert evaluate_points(field, np.zeros((0, 3), np.float32)).shape == (0,)
    assert define(field, np.zeros((5, 3))).shape == (5,)


def test_gradients_of_factors_by_differences() -> None:
    field, lattice = scattered(3, 3, 6, 1.0), Lattice.of((6, 6, 6))
    gradient = np.random.default_rng(0).normal(size=lattice.shape)
    means, _, weights = factor_gradients(pack(field), lattice_moments(field, lattice, gradient, FAR))
    moved = Gaussians(field.means + np.array([1e-6, 0, 0]), field.chol, field.amplitudes + 1e-6, "identity")
    change = (define(moved, lattice.positions()) - define(field, lattice.positions())) @ gradient.ravel()
    assert change == pytest.approx(1e-6 * (means[:, 0].sum() + weights.sum()), rel=1e-4)


@pytest.mark.skipif(host.compiler() is None, reason="there is no C++ compiler (g++)")
@SHAPES
def test_the_device_does_the_same(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    from nnscope.fields import device

    monkeypatch.setattr(cuda, "launch", host.launch)
    field, lattice = scattered(150, len(shape), 12), Lattice.of(shape)
    gradient = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    expected = evaluate_lattice(field, lattice, 4.0)
    found = device.add_lattice_on_device(pack(field), lattice, 16.0, np.zeros(shape, np.float32))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    at_points = device.evaluate_points_on_device(pack(field), lattice.positions(), 16.0)
    np.testing.assert_allclose(at_points, expected.ravel(), atol=1e-5)
    moments = lattice_moments(field, lattice, gradient, 4.0)
    on_device = device.lattice_moments_on_device(pack(field), lattice, 16.0, gradient)
    np.testing.assert_allclose(on_device, moments, atol=1e-5 * np.abs(moments).max())


@pytest.mark.gpu
@pytest.mark.skipif(importlib.util.find_spec("cupy") is None, reason="CuPy is not installed")
def test_cupy_arrays_stay_where_they_are() -> None:
    from nnscope.arrays.backend import available_gpu

    probe = available_gpu()
    if not probe:
        pytest.skip(probe.reason)
    import cupy

    field, lattice = scattered(50, 3, 12), Lattice.of((12, 12, 12))
    found = evaluate_lattice(field, lattice, out=cupy.zeros(lattice.shape, cupy.float32))
    np.testing.assert_allclose(found.get(), evaluate_lattice(field, lattice), atol=1e-5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"means": np.zeros((3, 4))}, "n × 2 or n × 3"),
        ({"chol": np.zeros((3, 5))}, "chol of this field should be"),
        ({"amplitudes": np.zeros(2)}, "amplitudes of this field should be"),
        ({"amplitude": "tanh"}, "sigmoid or identity"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(change: dict[str, object], words: str) -> None:
    good = {"means": np.zeros((3, 3)), "chol": np.zeros((3, 6)), "amplitudes": np.zeros(3)}
    with pytest.raises(NnscopeError, match=words):
        Gaussians(**{**good, **change})


def test_a_diagonal_field_is_a_full_one_without_obliqueness() -> None:
    field = as_diagonal(scattered(4, 3, 8))
    full = Gaussians(field.means, cholesky_numbers(field.factors), field.amplitudes, "identity")
    points = Lattice.of((4, 4, 4)).positions()
    np.testing.assert_allclose(define(field, points), define(full, points), atol=1e-14)


def test_importing_fields_loads_nothing() -> None:
    code = "import nnscope.fields, sys; print(*({'torch', 'numba', 'scipy', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []
