"""Fits: what is known is found, the same seed gives the same, and bad input is told in a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from nnscope.core.errors import Cancelled, NnscopeError
from nnscope.fields import FitSettings, Lattice, Rates, evaluate_lattice, fit, fit_sequence
from nnscope.fields.adaptive import adapt, clone, split
from nnscope.fields.module import GaussianField
from nnscope.fields.optimiser import Adam
from nnscope.fields.parameters import Gaussians
from nnscope.fields.starts import WEIGHINGS, farthest, local_maxima, start_of
from nnscope.fields.target import target_of
from tests.fields.fields import scattered, separated
from tests.fields.neurites import neurites

if TYPE_CHECKING:
    from nnscope.fields.fitting import FitResult
    from nnscope.fields.record import Step


@pytest.fixture(scope="module")
def waves() -> np.ndarray:
    """A smooth signed picture."""
    y, x = np.mgrid[:48, :64]
    return np.asarray(np.sin(x / 7) * np.cos(y / 6) + 0.3 * np.sin(x / 4 + y / 5), np.float32)


@pytest.mark.parametrize("seed", range(3))
def test_known_gaussians_are_found(seed: int) -> None:
    known = separated(seed)
    volume = evaluate_lattice(known, Lattice.of(known.shape), 8.0)
    found = fit(volume, FitSettings(gaussians=8, steps=120, start="peaks", adapt_every=0, seed=seed)).field
    distance = np.linalg.norm(found.means[:, None] - known.means, axis=2)
    rows, columns = linear_sum_assignment(distance)
    assert len(rows) == 8
    assert distance[rows, columns].max() < 0.1
    np.testing.assert_allclose(found.covariances[rows], known.covariances[columns], rtol=0.1, atol=0.2)


def test_a_start_from_the_data_is_ahead(waves: np.ndarray) -> None:
    for values in (waves, neurites(32)):
        led = _steps_to(30, values, "octree", 100) + WEIGHINGS
        assert _steps_to(30, values, "random", 5 * led) > 5 * led - 1


def _steps_to(decibels: float, values: np.ndarray, start: str, most: int) -> int:
    """Steps until a fit shows that, and one more than it had where it never does."""

    def watch(step: Step) -> None:
        if step.psnr >= decibels:
            raise Cancelled

    settings = FitSettings(gaussians=150, steps=most, adapt_every=0, start=start)
    found = fit(values, settings, watch=watch)
    return len(found.steps) if found.ended == "cancelled" else settings.steps + 1


def test_the_same_seed_gives_the_same(waves: np.ndarray) -> None:
    settings = FitSettings(gaussians=40, steps=30, start="random", adapt_every=10, batch=500, seed=5)
    one, two, other = fit(waves, settings), fit(waves, settings), fit(waves, replace(settings, seed=6))
    np.testing.assert_array_equal(one.field.means, two.field.means)
    assert [s.loss for s in one.steps] == [s.loss for s in two.steps]
    assert not np.array_equal(one.field.means[:5], other.field.means[:5])


def test_batches_get_there_too(waves: np.ndarray) -> None:
    found = fit(waves, FitSettings(gaussians=120, steps=200, batch=600))
    assert found.psnr > 32


def test_a_fit_goes_on_from_its_checkpoint(waves: np.ndarray) -> None:
    settings = FitSettings(gaussians=30, steps=40, adapt_every=0, batch=500)

    def stop(step: Step) -> None:
        if step.number == 25:
            raise Cancelled

    whole, half = fit(waves, settings), fit(waves, settings, watch=stop)
    assert (half.ended, half.last.notes["step"], len(half.steps)) == ("cancelled", "25", 26)
    rest = fit(waves, settings, start=half.last)
    assert [s.loss for s in rest.steps] == pytest.approx([s.loss for s in whole.steps[25:]], rel=1e-4)


def test_cancelled_at_once_is_the_start(waves: np.ndarray) -> None:
    def stop(step: Step) -> None:
        raise Cancelled

    found = fit(waves, FitSettings(gaussians=30), watch=stop)
    assert found.ended == "cancelled"
    np.testing.assert_array_equal(found.field.means, start_of(target_of(waves, 30), FitSettings(gaussians=30)).means)


def test_patience_ends_a_fit(waves: np.ndarray) -> None:
    still = FitSettings(gaussians=4, steps=500, patience=20, adapt_every=0, rates=Rates(0, 0, 0))
    found = fit(waves, still)
    assert (found.ended, len(found.steps)) == ("patience", 21)


def test_every_step_is_recorded(waves: np.ndarray) -> None:
    found = fit(waves, FitSettings(gaussians=50, steps=20, adapt_every=5))
    assert [step.number for step in found.steps] == list(range(20))
    first = found.steps[0]
    start = start_of(target_of(waves, 50), FitSettings(gaussians=50))
    spread = np.sqrt(start.means.var(axis=0).mean())
    assert first.spread[0] == pytest.approx(spread, rel=1e-5)
    error = evaluate_lattice(start, Lattice.of(waves.shape), 4.5) * start.scale - waves
    assert first.psnr == pytest.approx(20 * np.log10(np.ptp(waves) / np.sqrt((error**2).mean())), abs=1e-3)
    assert all(np.isfinite([*step.gradients, *step.spread, step.loss]).all() for step in found.steps)


def _quality(found: FitResult, values: np.ndarray) -> float:
    field = found.field
    back = field.offset + field.scale * evaluate_lattice(field, Lattice.of(values.shape))
    return float(20 * np.log10(np.ptp(values) / np.sqrt(np.square(back - values, dtype=np.float64).mean())))


@pytest.mark.parametrize("offset", [0.0, 5.0, -5.0], ids=["signed", "positive", "negative"])
def test_values_come_back_in_their_unit(waves: np.ndarray, offset: float) -> None:
    values = 40 * waves + 40 * offset
    found = fit(values, FitSettings(gaussians=150, steps=150))
    assert found.field.amplitude == ("sigmoid" if offset > 0 else "identity")
    assert _quality(found, values) == pytest.approx(found.psnr, abs=0.1)


def test_gaussians_are_added_where_they_are_missed(waves: np.ndarray) -> None:
    settings = FitSettings(gaussians=120, steps=160, start="peaks", adapt_every=20)
    few = start_of(target_of(waves, 10), replace(settings, gaussians=10))
    grown = {densify: fit(waves, replace(settings, densify=densify), start=few) for densify in ("error", "gradient")}
    kept = fit(waves, replace(settings, adapt_every=0), start=few)
    for found in grown.values():
        assert len(kept.field) < len(found.field) <= 120
        assert found.psnr > kept.psnr + 6


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("amplitude", ["identity", "sigmoid"])
def test_children_keep_what_their_parent_is(dimensions: int, amplitude: str) -> None:
    parents = scattered(5, dimensions, 20, 2.0, amplitude)
    pair = split(parents)
    np.testing.assert_allclose(pair.integrals[:5] + pair.integrals[5:], parents.integrals, rtol=1e-4)
    apart = (pair.means[5:] - pair.means[:5]) / 2
    np.testing.assert_allclose((pair.means[:5] + pair.means[5:]) / 2, parents.means, atol=1e-9)
    both = pair.covariances[:5] + apart[:, :, None] * apart[:, None, :]
    np.testing.assert_allclose(both, parents.covariances, rtol=1e-6, atol=1e-9)
    copies = clone(parents, np.ones((5, dimensions)))
    np.testing.assert_allclose(copies.weights[:5] + copies.weights[5:], parents.weights, rtol=1e-4)


def test_what_is_faint_wide_or_outside_goes() -> None:
    means = np.array([[10.0, 10.0], [10.0, 12.0], [-9.0, 5.0], [15.0, 15.0]])
    chol = np.log([[2.0, 1, 2.0], [1.0, 1, 1.0], [2.0, 1, 2.0], [90.0, 1, 90.0]])
    field = Gaussians(means, chol, np.array([0.5, 1e-4, 0.5, 0.5]), "identity", shape=(30, 30))
    change = adapt(field, np.zeros(4), np.zeros((4, 2)), 10)
    assert change.sources.tolist() == [0]
    assert not change.fresh.any()


def test_moments_follow_their_gaussians() -> None:
    module = GaussianField(scattered(4, 2, 10))
    adam = Adam(module, {"means": 0.1, "chol": 0.1, "amplitudes": 0.1})
    module(Lattice.of((10, 10))).sum().backward()
    adam.step()
    before = adam.moments()
    adam.select(np.array([2, 0, 2]), np.array([False, False, True]))
    after = adam.moments()
    for name, values in before.items():
        np.testing.assert_array_equal(after[name][:2], values[[2, 0]])
        assert not after[name][2].any()


def test_maxima_and_farthest_points() -> None:
    x = np.zeros((7, 9))
    x[2, 3], x[5, 7], x[5, 6] = 3, 2, 1
    assert local_maxima(x).tolist() == [[2, 3], [5, 7]]
    points = np.array([[0.0, 0], [1, 0], [10, 0], [5, 0]])
    assert farthest(points, 3).tolist() == [0, 2, 3]


@pytest.mark.parametrize("start", ["octree", "peaks", "random"])
@pytest.mark.parametrize("shape", [(9, 20), (5, 6, 7), (1, 1), (1, 30)], ids=str)
def test_starts_keep_to_their_number(start: str, shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).random(shape).astype(np.float32)
    for count in (1, min(17, values.size)):
        field = start_of(target_of(values, count), FitSettings(gaussians=count, start=start))
        assert 1 <= len(field) <= count
        assert np.isfinite(field.chol).all()
        assert np.isfinite(field.amplitudes).all()


@pytest.mark.parametrize("value", [0.0, 7.0])
def test_a_constant_is_fitted(value: float) -> None:
    found = fit(np.full((8, 8), value), FitSettings(gaussians=4, steps=5))
    assert np.isfinite(found.psnr)
    assert np.isfinite(found.field.means).all()


@pytest.mark.parametrize(
    ("values", "settings", "words"),
    [
        (np.array([[1.0, np.nan], [np.inf, 2.0]]), {"gaussians": 2}, "2 of 4 values are not finite"),
        (np.ones((2, 2)), {"gaussians": 5}, "5 Gaussians are more than the 4 values"),
        (np.ones((3, 0, 4)), {"gaussians": 1}, "without extent"),
        (np.ones(5), {"gaussians": 1}, "two or three axes"),
        (np.ones((2, 3, 4, 5)), {"gaussians": 1}, "two or three axes"),
        (np.array([["a", "b"]]), {"gaussians": 1}, "not numbers"),
        (np.ones((4, 4)), {"gaussians": 0}, "at least 1"),
        (np.ones((4, 4)), {"start": "middle"}, "start of a fit is octree or peaks or random"),
        (np.ones((4, 4)), {"densify": "noise"}, "densify of a fit is"),
        (np.ones((4, 4)), {"covariance": "round"}, "covariance of a fit is"),
        (np.ones((4, 4)), {"cutoff": 0.0}, "above 0"),
    ],
    ids=["NaN", "too many", "no extent", "1-d", "4-d", "text", "none", "start", "densify", "covariance", "cut-off"],
)
def test_bad_input_is_one_sentence(values: np.ndarray, settings: dict[str, object], words: str) -> None:
    with pytest.raises(NnscopeError, match=words):
        fit(values, FitSettings(**settings))


def test_a_field_of_another_shape_is_no_start(waves: np.ndarray) -> None:
    with pytest.raises(NnscopeError, match="of another shape"):
        fit(waves, start=scattered(3, 2, 10))


def test_gaussians_keep_their_names_over_training(waves: np.ndarray) -> None:
    tensors = [waves * (1 + 0.1 * i) + 0.05 * i * np.roll(waves, 3, axis=1) for i in range(3)]
    found = list(fit_sequence(tensors, FitSettings(gaussians=80, steps=120), following=30))
    cold = [fit(x, FitSettings(gaussians=80, steps=1)) for x in tensors]
    for result, other in zip(found[1:], cold[1:], strict=True):
        np.testing.assert_array_equal(result.field.ids, found[0].field.ids)
        assert result.steps[0].psnr > other.steps[0].psnr + 3
        assert np.linalg.norm(result.field.means - found[0].field.means, axis=1).mean() < 2
    with pytest.raises(NnscopeError, match="one shape"):
        list(fit_sequence([waves, waves[1:]], FitSettings(gaussians=8, steps=1)))
