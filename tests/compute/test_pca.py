"""PCA against scikit-learn's full decomposition, over shapes that take every path."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from nnscope.compute.pca import careful as pca_careful
from nnscope.compute.pca import components as module
from nnscope.compute.pca import samples as pca_samples
from nnscope.compute.pca.components import align, pca, score_limits, scores_to_rgb
from nnscope.compute.pca.one_pass import compiled_products, plain_products
from nnscope.compute.pca.samples import Bands, SampleReader
from nnscope.core.errors import Cancelled
from tests.compute.peak import peak_bytes


def decaying(n: int, c: int, seed: int = 0, offset: float = 3.0) -> np.ndarray:
    """Samples with a spectrum that falls by a tenth from component to component, away from the origin."""
    rng = np.random.default_rng(seed)
    r = min(n, c, 60)
    return ((rng.normal(size=(n, r)) * 0.9 ** np.arange(r)) @ rng.normal(size=(r, c)) / c**0.5 + offset).astype(
        np.float32
    )


@pytest.fixture
def careful(monkeypatch: pytest.MonkeyPatch) -> None:
    """The quick way gives up at once."""
    monkeypatch.setattr(module, "certified", lambda problem: None)


def largest_angle(a: np.ndarray, b: np.ndarray) -> float:
    """Largest principal angle between the row spaces of two orthonormal bases, in radians."""
    return float(np.arccos(np.clip(np.linalg.svd(a @ b.T, compute_uv=False).min(), -1, 1)))


@pytest.mark.parametrize(
    ("n", "c"), [(500, 3), (500, 64), (64, 500), (10_000, 100), (100, 10_000), (70, 70), (4, 9)], ids=str
)
def test_agrees_with_the_full_decomposition(n: int, c: int) -> None:
    x = decaying(n, c)
    found, expected = pca(x), PCA(3, svd_solver="full").fit(x.astype(np.float64))
    assert largest_angle(found.components, expected.components_) < 1e-3
    np.testing.assert_allclose(found.explained_variance, expected.explained_variance_, rtol=1e-4)
    np.testing.assert_allclose(found.explained_ratio, expected.explained_variance_ratio_, rtol=1e-4)
    np.testing.assert_allclose(np.abs(found.scores), np.abs(expected.transform(x)), atol=1e-3 * np.abs(x).max())
    np.testing.assert_allclose(found.mean, x.mean(axis=0, dtype=np.float64), rtol=1e-6)
    assert found.angle < 1e-3


@pytest.mark.usefixtures("careful")
@pytest.mark.parametrize("side", [50, 2048], ids=["subspace", "gram"])
@pytest.mark.parametrize(("n", "c"), [(600, 300), (300, 600)], ids=str)
def test_the_careful_way_agrees_too(n: int, c: int, side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pca_careful, "GRAM_SIDE", side)
    monkeypatch.setattr(pca_careful, "BAND", 10_000)
    x = decaying(n, c)
    found, expected = pca(x), PCA(3, svd_solver="full").fit(x.astype(np.float64))
    assert found.passes == 0
    assert largest_angle(found.components, expected.components_) < 1e-6
    np.testing.assert_allclose(found.explained_variance, expected.explained_variance_, rtol=1e-7)
    np.testing.assert_allclose(found.explained_ratio, expected.explained_variance_ratio_, rtol=1e-7)


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "c"), [(5000, 30), (5000, 201), (160, 300), (131, 157)], ids=str)
def test_the_quick_way_shows_how_good_it_is(n: int, c: int, order: str, dtype: type) -> None:
    x = np.asarray(decaying(n, c), dtype, order=order)
    found, expected = pca(x), PCA(3, svd_solver="full").fit(x.astype(np.float64))
    assert found.passes > 0
    assert largest_angle(found.components, expected.components_) <= found.angle + 1e-7 < 1e-3
    np.testing.assert_allclose(found.explained_variance, expected.explained_variance_, rtol=1e-5)
    np.testing.assert_allclose(found.scores, (x - found.mean) @ found.components.T, atol=1e-4)


@pytest.mark.parametrize("name", ["flat", "equal pair", "huge mean", "one massive component"])
def test_spectra_that_try_the_certificate(name: str) -> None:
    rng = np.random.default_rng(4)
    shape = {"flat": np.ones(150), "equal pair": np.r_[9, 5, 3, 3, np.full(146, 0.1)]}
    sigma = shape.get(name, np.r_[1e4 if "massive" in name else 9, 5, 3, np.full(147, 0.1)])
    x = (rng.normal(size=(2000, 150)) * sigma + (1e4 if "mean" in name else 0)).astype(np.float32)
    found, expected = pca(x), PCA(3, svd_solver="full").fit(x.astype(np.float64))
    np.testing.assert_allclose(found.explained_variance, expected.explained_variance_, rtol=1e-4)
    if name not in ("flat", "equal pair"):
        assert largest_angle(found.components, expected.components_) < 1e-3


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize(("n", "c", "width"), [(1, 1, 4), (37, 5, 4), (300, 257, 12), (513, 300, 8)], ids=str)
def test_the_kernel_is_its_definition(n: int, c: int, width: int, order: str) -> None:
    rng = np.random.default_rng(n)
    x, block = np.asarray(rng.normal(size=(n, c)), np.float32, order=order), rng.normal(size=(c, width))
    bands = Bands(SampleReader.of(x), rng.normal(size=c).astype(np.float32))
    rows = slice(n // 3, n)
    found, expected = compiled_products(bands, block, rows), plain_products(bands, block, rows)
    for name in ("projected", "image", "sums", "square"):
        scale = np.abs(getattr(expected, name)).max()
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=0, atol=1e-4 * scale)


def test_a_start_saves_passes_and_changes_nothing() -> None:
    x = decaying(20_000, 160)
    later = (x + 1e-3 * np.random.default_rng(1).normal(size=x.shape)).astype(np.float32)
    cold, warm = pca(later), pca(later, start=pca(x).components)
    assert warm.passes < cold.passes
    assert largest_angle(cold.components, warm.components) < 1e-3
    np.testing.assert_allclose(warm.explained_variance, cold.explained_variance, rtol=1e-5)
    other = pca(later, start=np.eye(3, 160))
    assert largest_angle(cold.components, other.components) < 1e-3
    assert pca(later, start=np.eye(3, 4)).passes == cold.passes  # of another width: not used


def test_samples_are_read_in_parts_once_per_pass() -> None:
    x = decaying(30_000, 140)
    sizes: list[int] = []

    def read(rows: slice, columns: slice) -> np.ndarray:
        part = x[rows, columns].copy()
        sizes.append(part.size)
        return part

    found = pca(SampleReader(x.shape, x.dtype, read))
    assert largest_angle(found.components, pca(x).components) < 1e-6
    assert max(sizes) <= pca_samples.BAND
    assert sum(sizes) <= (found.passes + 0.2) * x.size


def test_memory_is_a_fraction_of_the_samples() -> None:
    x = decaying(40_000, 150)
    assert peak_bytes(lambda: pca(x)) < 0.5 * x.nbytes
    noise = np.random.default_rng(0).normal(size=(40_000, 150)).astype(np.float32)
    assert peak_bytes(lambda: pca(noise)) < x.nbytes


def test_it_can_be_cancelled() -> None:
    def cancel() -> None:
        raise Cancelled

    for x in (decaying(5000, 20), np.full((9, 9), np.nan)):
        with pytest.raises(Cancelled):
            pca(x, check=cancel)


def test_it_is_deterministic() -> None:
    x = decaying(20_000, 150)
    np.testing.assert_array_equal(pca(x).scores, pca(x.copy()).scores)


@given(st.integers(0, 1000), st.integers(0, 6), st.integers(0, 6))
def test_any_shape_gives_a_defined_result(seed: int, n: int, c: int) -> None:
    x = np.random.default_rng(seed).normal(size=(n, c)).astype(np.float32)
    found = pca(x)
    assert found.scores.shape == (n, 3)
    assert found.components.shape == (3, c)
    assert found.rank <= min(3, max(n - 1, 0), c)
    for part in (found.scores, found.components, found.explained_variance, found.explained_ratio):
        assert np.isfinite(part).all()
    assert not found.components[found.rank :].any()
    assert not found.scores[:, found.rank :].any()


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_missing_components_are_zero(rank: int) -> None:
    rng = np.random.default_rng(1)
    x = (rng.normal(size=(200, rank)) @ rng.normal(size=(rank, 30)) + 7).astype(np.float32)
    found = pca(x)
    assert found.rank == rank
    assert not found.scores[:, rank:].any()
    assert found.explained_ratio.sum() == pytest.approx(min(rank, 1), abs=1e-6)


def test_the_largest_loading_is_positive() -> None:
    for seed in range(5):
        components = pca(decaying(100, 20, seed)).components
        largest = np.abs(components).argmax(axis=1)
        assert (components[np.arange(3), largest] > 0).all()


def test_samples_that_are_not_finite_take_no_part() -> None:
    x = decaying(100, 20)
    spoilt = x.copy()
    spoilt[[3, 50]] = [[np.nan] * 20, [np.inf] + [1] * 19]
    found, clean = pca(spoilt), pca(np.delete(x, [3, 50], axis=0))
    assert np.flatnonzero(~found.valid).tolist() == [3, 50]
    assert not found.scores[[3, 50]].any()
    np.testing.assert_allclose(np.delete(found.scores, [3, 50], axis=0), clean.scores, atol=1e-5)
    np.testing.assert_allclose(found.explained_variance, clean.explained_variance, rtol=1e-5)


@pytest.mark.parametrize("size", [1e-42, 1e-30, 1e37, 1e200, 1e300])
def test_any_magnitude(size: float) -> None:
    x = (decaying(50, 10, offset=0).astype(np.float64) * size).astype(np.float64 if size > 1e38 else np.float32)
    found = pca(x)
    assert found.rank == 3
    assert np.isfinite(found.scores).all()
    assert found.explained_ratio == pytest.approx(pca(decaying(50, 10, offset=0)).explained_ratio, rel=0.2)


def test_aligned_components_follow_the_frame_before() -> None:
    before = pca(decaying(300, 40))
    turned = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    after = align(before, turned @ before.components)
    np.testing.assert_allclose(after.components, turned @ before.components, atol=1e-9)
    np.testing.assert_allclose(after.scores, before.scores @ turned.T, atol=1e-5)
    np.testing.assert_allclose(after.explained_variance, after.scores.var(axis=0, ddof=1), rtol=1e-4)
    assert after.explained_ratio.sum() == pytest.approx(before.explained_ratio.sum())


def test_alignment_undoes_a_flip_and_survives_missing_components() -> None:
    found = pca(decaying(100, 12))
    np.testing.assert_allclose(align(found, -found.components).scores, -found.scores, atol=1e-5)
    constant = pca(np.ones((10, 4), np.float32))
    assert align(constant, found.components[:, :4]) is constant


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 100), st.sampled_from([None, (0.01, 0.99), (0.25, 0.75)]))
def test_colours_span_their_limits(seed: int, quantiles: tuple[float, float] | None) -> None:
    scores = np.random.default_rng(seed).normal(size=(500, 3)).astype(np.float32)
    limits = score_limits(scores, quantiles)
    rgb = scores_to_rgb(scores, limits)
    assert rgb.dtype == np.uint8
    assert (rgb.min(axis=0) == 0).all()
    assert (rgb.max(axis=0) == 255).all()
    expected = np.clip((scores - limits[0]) / (limits[1] - limits[0]), 0, 1) * 255
    assert np.abs(rgb - expected).max() <= 0.501


def test_a_missing_component_has_no_colour() -> None:
    scores = np.zeros((4, 5, 3), np.float32)
    assert not scores_to_rgb(scores, score_limits(scores.reshape(-1, 3))).any()
    assert score_limits(np.zeros((0, 3))).tolist() == [[0.0] * 3] * 2
