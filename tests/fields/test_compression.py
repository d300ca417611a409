"""Codes at equal bytes: what each holds is true, and a field that loses is shown to."""

from __future__ import annotations

import numpy as np
import pytest

from nnscope.fields import FitSettings, compression_table
from nnscope.fields.codes import octree_code, pyramid_code, quantised, svd_code
from nnscope.fields.compression import CODES, spectral_flatness

QUICK = FitSettings(steps=120, adapt_every=40)


@pytest.fixture(scope="module")
def bumps() -> np.ndarray:
    """Smooth, and of no low rank."""
    rng, (y, x) = np.random.default_rng(0), np.mgrid[:64, :64]
    centres = rng.uniform(5, 59, (12, 2))
    return np.asarray(sum(np.exp(-((x - u) ** 2 + (y - v) ** 2) / 60) for u, v in centres), np.float32)


def test_a_smooth_tensor_is_for_a_field(bumps: np.ndarray) -> None:
    table = compression_table(bumps, 1024, QUICK)
    rows = {row.name: row for row in table.rows}
    assert list(rows) == ["field", *CODES]
    assert all(row.nbytes <= 1024 for row in table.rows)
    assert rows["field"].psnr > 40
    assert rows["field"].snr > max(rows[name].snr for name in ("octree", "mip pyramid", "8-bit", "4-bit"))
    assert table.gain > 15
    assert rows["field"].psnr - rows["field"].snr == pytest.approx(20 * np.log10(np.ptp(bumps) / bumps.std()), abs=0.01)


def test_white_weights_are_not() -> None:
    table = compression_table(np.random.default_rng(0).normal(size=(48, 48)), 0, QUICK)
    assert table.nbytes == table.whole // 8
    assert table.gain < 0.3
    assert table.lost
    assert table.rows[0].snr < 1.2
    assert table.best.name == "4-bit"


def test_flatness() -> None:
    rng = np.random.default_rng(0)
    assert spectral_flatness(rng.normal(size=(128, 128))) == pytest.approx(1, abs=0.02)
    assert spectral_flatness(np.ones((5, 5))) == 1
    assert spectral_flatness(np.ones((1, 1))) == 1
    assert spectral_flatness(np.sin(np.mgrid[:64, :64][1] * 2 * np.pi / 16)) < 1e-9
    smoothed = rng.normal(size=(128, 128))
    smoothed = smoothed + np.roll(smoothed, 1, 0) / 2
    assert spectral_flatness(smoothed) == pytest.approx(0.8, abs=0.03)  # |1 + ½e^iω|²: geometric mean 1, mean 5/4


def test_codes_with_all_bytes_lose_nothing_or_half_a_step() -> None:
    x = np.random.default_rng(0).normal(size=(12, 10)).astype(np.float32)
    most = 100 * x.nbytes
    np.testing.assert_array_equal(octree_code(x, most)[0], x)
    np.testing.assert_allclose(pyramid_code(x, most)[0], x, atol=1e-6)
    np.testing.assert_allclose(svd_code(x, most)[0], x, atol=1e-5)
    for bits in (4, 8):
        back, held = quantised(bits)(x, most)
        assert np.abs(back - x).max() <= np.ptp(x) / ((1 << bits) - 1) / 2 * 1.001
        assert held == 8 + x.size * bits // 8


def test_few_bytes_keep_what_is_farthest_from_the_mean() -> None:
    x = np.zeros((16, 16), np.float32)
    x[3, 4], x[7, 7] = 5, -5
    back, held = quantised(8)(x, 60)
    assert held <= 60
    np.testing.assert_allclose(back[[3, 7], [4, 7]], [5, -5])


@pytest.mark.parametrize("shape", [(33, 7), (9, 10, 11)], ids=str)
@pytest.mark.parametrize("name", CODES)
def test_every_code_keeps_to_its_bytes_and_shape(shape: tuple[int, ...], name: str) -> None:
    x = np.random.default_rng(0).random(shape).astype(np.float32)
    back, held = CODES[name](x, x.nbytes // 8)
    assert back.shape == shape
    assert np.isfinite(back).all()
    assert held <= x.nbytes // 8


def test_a_pyramid_of_a_ramp_is_the_ramp_inside() -> None:
    ramp = np.add.outer(np.arange(32.0), 2 * np.arange(24.0)).astype(np.float32)
    back, held = pyramid_code(ramp, ramp.nbytes // 8)
    assert held == ramp.nbytes // 16
    np.testing.assert_allclose(back[2:-2, 2:-2], ramp[2:-2, 2:-2], atol=1e-4)
