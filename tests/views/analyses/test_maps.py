"""Maps and volumes from a file, against the methods on arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.tensor import Tensor

    Make = Callable[[np.ndarray], Tensor]


def values(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def test_an_automaton_steps_as_a_convolution_does(tensor: Make) -> None:
    x = values(9, 11)
    kernel = np.full((3, 3), 1 / 8)
    kernel[1, 1] = 0
    expected = x.astype(np.float64)
    for _ in range(5):
        expected = 0.75 * expected + 0.25 * ndimage.convolve(expected, kernel, mode="wrap")
    found = tensor(x).analyse("automaton", steps=5, alpha=0.25)
    np.testing.assert_allclose(found.arrays["state"], expected, atol=1e-5)


def test_three_axes_are_a_volume_and_four_a_map(tensor: Make) -> None:
    assert tensor(values(3, 4, 5)).analyse("automaton").arrays["state"].shape == (3, 4, 5)
    assert tensor(values(3, 4, 5, 2)).analyse("automaton").arrays["state"].shape == (3, 40)


def test_cells_that_are_not_finite_are_told(tensor: Make) -> None:
    x = values(6, 6)
    x[2, 2] = np.nan
    assert dict(tensor(x).analyse("automaton", steps=3).facts)["nonfinite"] == 1
    assert dict(tensor(x).analyse("blending").facts)["nonfinite"] == 1


def test_blending_nothing_in_changes_nothing(tensor: Make) -> None:
    x = values(7, 5)
    assert (tensor(x).analyse("blending", share=1.0).arrays["map"] == x).all()


def test_texels_hold_means_within_half_a_step(tensor: Make) -> None:
    x = values(8, 6)
    found = tensor(x).analyse("subpixels")
    means = x.reshape(4, 2, 3, 2).mean((1, 3))
    decoded = found.arrays["offset"][0] + found.arrays["scale"][0] * found.arrays["texels"][..., 0]
    assert np.abs(decoded - means).max() <= found.arrays["scale"][0] / 2 + 1e-6


def test_a_ramp_has_one_hue(tensor: Make) -> None:
    ramp = np.add.outer(np.arange(9), np.zeros(7)).astype(np.float32)  # it rises downwards: a quarter of the wheel
    colours = tensor(ramp).analyse("gradient-colours").arrays["colours"]
    assert (colours.dtype, colours.shape) == (np.uint8, (9, 7, 3))
    np.testing.assert_allclose(colours[-1], np.tile([128, 255, 0], (7, 1)), atol=1)
