"""The torch module: values, and analytic gradients against differences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch.func import functional_call

from nnscope.fields.definition import define
from nnscope.fields.evaluate import Points
from nnscope.fields.lattice import Lattice
from nnscope.fields.module import GaussianField
from tests.fields.fields import as_diagonal, scattered

if TYPE_CHECKING:
    from nnscope.fields.parameters import Amplitude

NAMES = ("means", "chol", "amplitudes")


def _field(dimensions: int, covariance: str, amplitude: Amplitude) -> GaussianField:
    field = scattered(3, dimensions, 5, amplitude=amplitude)
    return GaussianField(field if covariance == "full" else as_diagonal(field), torch.float64)


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("covariance", ["full", "diagonal"])
@pytest.mark.parametrize("amplitude", ["sigmoid", "identity"])
@pytest.mark.parametrize("where", ["lattice", "points"])
def test_gradcheck(dimensions: int, covariance: str, amplitude: Amplitude, where: str) -> None:
    module, lattice = _field(dimensions, covariance, amplitude), Lattice.of((3, 4, 5)[-dimensions:])
    samples = lattice if where == "lattice" else Points(lattice.positions())

    def values(*parameters: torch.Tensor) -> torch.Tensor:
        return functional_call(module, dict(zip(NAMES, parameters, strict=True)), (samples, 40.0))

    assert torch.autograd.gradcheck(values, tuple(getattr(module, name) for name in NAMES))


def test_squared_error_has_the_gradients_of_its_parts() -> None:
    module, lattice = _field(3, "full", "sigmoid"), Lattice.of((4, 5, 6))
    wanted = np.random.default_rng(0).random(lattice.shape)
    loss, residual = module.squared_error(lattice, wanted)
    loss.backward()
    fused = [getattr(module, name).grad.clone() for name in NAMES]
    module.zero_grad()
    plain = (module(lattice) - torch.from_numpy(wanted)).square()
    plain.mean().backward()
    np.testing.assert_allclose(residual**2, plain.detach().numpy(), atol=1e-12)
    assert float(loss.detach()) == pytest.approx(float(plain.mean().detach()))
    for one, name in zip(fused, NAMES, strict=True):
        torch.testing.assert_close(one, getattr(module, name).grad)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_torch_and_numpy_agree(dimensions: int) -> None:
    module = _field(dimensions, "full", "sigmoid")
    frozen, lattice = module.frozen(), Lattice.of((5, 6, 7)[-dimensions:])
    np.testing.assert_allclose(module.weights.detach(), frozen.weights)
    points = torch.from_numpy(lattice.positions())
    np.testing.assert_allclose(module(points, 30.0).detach(), define(frozen, lattice.positions()), atol=1e-12)
