"""Colour maps: equal lightness for equal magnitudes, cmap's own entries, odd values that no map can be mistaken for."""

from __future__ import annotations

import json

import cmap
import numpy as np
import pytest

from nnscope.compute import colour
from nnscope.core.assets import assets_folder
from nnscope.core.errors import NnscopeError

_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE Lab (D65) of sRGB bytes."""
    c = np.asarray(rgb, np.float64) / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _XYZ.T / _XYZ.sum(axis=1)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


def test_the_default_diverging_map_is_fair_to_both_signs() -> None:
    shades = lab(colour.colour_maps()[colour.DIVERGING].lut[:, :3])
    assert np.abs(shades[:, 0] - shades[::-1, 0]).max() <= 1
    assert np.linalg.norm(shades[127:129, 1:], axis=1).max() < 3  # zero is neutral
    assert (np.diff(shades[:128, 0]) > 0).all()  # magnitude is lightness
    negative, positive = shades[20], shades[235]
    assert negative[2] < -30  # blue
    assert positive[1] > 30  # red


def sources() -> dict[str, str]:
    """Name of each map that is not our own, and what cmap calls it."""
    entries = json.loads((assets_folder() / "colour_maps.json").read_text())
    return {entry["name"]: entry["source"] for entry in entries if entry["source"]}


@pytest.mark.parametrize(("name", "source"), sources().items())
def test_maps_are_what_they_are_called(name: str, source: str) -> None:
    expected = np.round(cmap.Colormap(source)(np.linspace(0, 1, 256))[:, :3] * 255)
    np.testing.assert_array_equal(colour.colour_maps()[name].lut[:, :3], expected)


def test_sequential_maps_grow_lighter() -> None:
    for chosen in colour.colour_maps().values():
        if chosen.kind == "sequential":
            assert (np.diff(lab(chosen.lut[:, :3])[:, 0]) > -0.6).all(), chosen.name


def test_odd_values_look_like_nothing_else() -> None:
    style = colour.colour_style("viridis")
    odd = lab(np.array([style.under, style.over, style.nan, style.posinf, style.neginf]))
    for i in range(len(odd)):
        for j in range(i):
            assert np.linalg.norm(odd[i] - odd[j]) > 40
        for chosen in colour.colour_maps().values():
            assert np.linalg.norm(lab(chosen.lut[:, :3]) - odd[i], axis=1).min() > 25, (chosen.name, i)


def test_an_unknown_map_is_refused() -> None:
    with pytest.raises(NnscopeError, match="no colour map"):
        colour.colour_style("rainbow")


def test_hsv_gradient_tells_direction_and_size() -> None:
    ramp = np.tile(np.arange(8.0), (8, 1))
    to_the_right = colour.hsv_gradient(ramp)[4, 7]
    downwards = colour.hsv_gradient(ramp.T)[7, 4]
    assert to_the_right.tolist() == [255, 0, 0]  # hue 0
    assert downwards.tolist() == [128, 255, 0]  # hue 1/4
    assert colour.hsv_gradient(np.zeros((1, 5))).shape == (1, 5, 3)
    assert not colour.hsv_gradient(np.zeros((3, 3))).any()


def test_hsv_gradient_is_the_same_in_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).normal(size=(11, 7))
    at_once = colour.hsv_gradient(x)
    down, right = np.gradient(x)
    largest = np.unravel_index(np.hypot(down, right).argmax(), x.shape)
    assert at_once[largest].min() == 0  # full saturation
    monkeypatch.setattr(colour, "_BAND", 14)
    np.testing.assert_array_equal(colour.hsv_gradient(x), at_once)
