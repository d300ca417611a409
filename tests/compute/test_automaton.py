"""The automaton against scipy.ndimage.convolve, by every path that takes a step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import convolve

from nnscope.arrays import cuda
from nnscope.arrays.backend import available_gpu
from nnscope.compute import automaton as module
from nnscope.compute.automaton import BOUNDARIES, FUNCTIONS, CellState, MooreRule, evolve
from nnscope.core.errors import Cancelled, NnscopeError
from tests.arrays.shim import host
from tests.compute.peak import peak_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

SHAPES = [(9, 14), (1, 1), (1, 7), (2, 2), (5, 4, 6), (1, 3, 2), (2, 1, 1)]
MODES = {"wrap": "wrap", "reflect": "reflect", "fixed": "constant"}

shapes = st.one_of(st.tuples(*[st.integers(1, 9)] * 2), st.tuples(*[st.integers(1, 6)] * 3))
rules = st.builds(
    MooreRule,
    alpha=st.floats(0, 1),
    beta=st.floats(-5, 5),
    gamma=st.floats(-5, 5),
    boundary=st.sampled_from(BOUNDARIES),
    outside=st.sampled_from([0.0, 0.75]),
)


@pytest.fixture(
    params=[
        "plain",
        "compiled",
        pytest.param("device", marks=pytest.mark.skipif(host.compiler() is None, reason="there is no C++ compiler")),
        pytest.param(
            "gpu", marks=[pytest.mark.gpu, pytest.mark.skipif(not available_gpu(), reason="there is no GPU for CuPy")]
        ),
    ]
)
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    take(request.param, monkeypatch)
    return request.param


def take(path: str, patch: pytest.MonkeyPatch) -> None:
    """Steps go by ``path``."""
    patch.setattr(module, "_BAND", 40)
    if path == "compiled":
        patch.setattr(module, "_SMALL", 0)
    if path == "device":
        patch.setattr(cuda, "launch", host.launch)
        patch.setattr(module._Step, "_plain", module._Step.on_device)


def step(state: CellState, rule: MooreRule, path: str = "plain") -> np.ndarray:
    """The next mean, on the host."""
    if path != "gpu":
        return rule.step(state).mean
    import cupy

    held = {name: getattr(state, name) for name in CellState.__slots__}
    on_device = CellState(**{name: None if a is None else cupy.asarray(a) for name, a in held.items()})
    return cupy.asnumpy(rule.step(on_device).mean)


def random_state(shape: tuple[int, ...], seed: int = 0) -> CellState:
    rng = np.random.default_rng(seed)
    x, gradient, scale = rng.uniform(-1, 1, (3, *shape)).astype(np.float32)
    return CellState(x, gradient=gradient, weight_scale=scale)


def by_convolution(state: CellState, rule: MooreRule) -> np.ndarray:
    """§12 in float64."""
    kernel = np.ones((3,) * state.mean.ndim)
    kernel[(1,) * state.mean.ndim] = 0
    x = state.mean.astype(np.float64)
    mean = convolve(x, kernel / kernel.sum(), mode=MODES[rule.boundary], cval=rule.outside)
    x = (x + rule.alpha * (mean - x) + rule.gamma * state.gradient) * (1 + rule.beta * state.weight_scale)
    return {"identity": lambda: x, "relu": lambda: np.maximum(x, 0), "tanh": lambda: np.tanh(x)}[rule.function]()


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_step_is_a_convolution(shape: tuple[int, ...], boundary: str, function: str, path: str) -> None:
    state = random_state(shape)
    for rule in (MooreRule(0.7, 0.3, -0.4, boundary, function, 0.5), MooreRule(1.0, 0, 0, boundary, function)):
        expected = by_convolution(state, rule)
        np.testing.assert_allclose(step(state, rule, path), expected, atol=2e-6)


@pytest.mark.parametrize("shape", [(20, 15), (7, 6, 5)], ids=str)
@pytest.mark.parametrize("function", ["identity", "tanh"])
def test_a_hundred_steps_stay_within_1e_5(shape: tuple[int, ...], function: str, path: str) -> None:
    rule = MooreRule(0.8, -0.05, 0.01, "reflect", function)
    state = replace(random_state(shape), weight_scale=np.full(shape, 0.5, np.float32))
    exact = state.mean.astype(np.float64)
    for _ in range(100):
        state = replace(state, mean=step(state, rule, path))
        holder = CellState(np.zeros(shape), gradient=state.gradient, weight_scale=state.weight_scale)
        object.__setattr__(holder, "mean", exact)
        exact = by_convolution(holder, rule)
    assert np.abs(state.mean - exact).max() < 1e-5


@settings(max_examples=30, deadline=None)
@given(shapes, rules, st.integers(0, 1000), st.floats(0, 100))
@pytest.mark.parametrize("small", [0, 1 << 12], ids=["compiled", "plain"])
def test_tanh_stays_within_one(small: int, shape: tuple[int, ...], rule: MooreRule, seed: int, size: float) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_SMALL", small)
        state = random_state(shape, seed)
        state = replace(state, weight_scale=state.weight_scale * size, gradient=state.gradient * size)
        found = evolve(state, replace(rule, function="tanh"), 3).mean
    assert (np.abs(found) <= 1).all()


@given(st.sampled_from([0, 1 << 12]), shapes, rules, st.sampled_from(FUNCTIONS), st.integers(0, 6), st.integers(0, 99))
@settings(max_examples=60)
def test_memory_used_again_changes_nothing(
    small: int, shape: tuple[int, ...], rule: MooreRule, function: str, steps: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x, gradient, scale = (rng.standard_normal(shape, np.float32) for _ in range(3))
    x[rng.random(shape) < 0.1] = np.nan  # of which the plain path takes care, in some steps of the compiled one
    state, rule = CellState(x, gradient=gradient, weight_scale=scale), replace(rule, function=function)
    before, expected, states = x.copy(), state, [state]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_SMALL", small)
        for _ in range(steps):
            expected = rule.step(expected)
            states.append(expected)
        kept = [held.mean.copy() for held in states]
        found = evolve(state, rule, steps)
        again = evolve(found, rule, 3)
    np.testing.assert_array_equal(found.mean, expected.mean)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(state.mean, before)
    for held, copy in zip(states, kept, strict=True):  # states that somebody holds are nobody's room
        np.testing.assert_array_equal(held.mean, copy)
    assert steps == 0 or not np.shares_memory(again.mean, found.mean)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_without_weights_nothing_changes(boundary: str, path: str) -> None:
    state = random_state((6, 7))
    np.testing.assert_array_equal(step(state, MooreRule(0.0, boundary=boundary), path), state.mean)


@settings(max_examples=20, deadline=None)
@given(shapes, st.floats(0, 1), st.integers(0, 1000))
@pytest.mark.parametrize("small", [0, 1 << 12], ids=["compiled", "plain"])
def test_mixing_conserves_mass(small: int, shape: tuple[int, ...], alpha: float, seed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_SMALL", small)
        state = random_state(shape, seed)
        found = evolve(state, MooreRule(alpha), 5).mean
    assert found.sum(dtype=np.float64) == pytest.approx(state.mean.sum(dtype=np.float64), abs=1e-6 * found.size)


def test_what_is_not_finite_stays_and_is_no_neighbour(path: str) -> None:
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    x[1, 1], x[0, 3] = np.nan, np.inf
    found = step(CellState(x), MooreRule(1.0, boundary="fixed", outside=2.0), path)
    assert np.isnan(found[1, 1])
    assert found[0, 3] == np.inf
    assert found[0, 0] == pytest.approx((5 * 2 + 1 + 4) / 7)
    assert found[2, 3] == pytest.approx((5 * 2 + 6 + 7 + 10) / 8)
    alone = step(CellState(np.array([[3.0, np.nan]])), MooreRule(1.0, boundary="reflect"), path)
    assert alone[0, 0] == 3.0


def test_odd_gradients_and_scales_count_as_zero(path: str) -> None:
    odd = np.array([[np.nan, np.inf, -np.inf, 2.0]], np.float32)
    state = CellState(np.ones((1, 4)), gradient=odd, weight_scale=odd)
    assert step(state, MooreRule(0.0, 1.0, 1.0), path).tolist() == [[1, 1, 1, 9]]


def test_states_stay_within_the_limit(path: str) -> None:
    x = np.array([[3e38, -3e38, 1.0], [1e30, -1e30, 0.0]], np.float32)
    state = CellState(x, gradient=x, weight_scale=x)
    for rule in (MooreRule(1.0, 1e30, 1e30), MooreRule(0.5, 1e30, -1e30, "fixed", "relu"), MooreRule(0.0, -1e30)):
        found = step(state, rule, path)
        assert np.isfinite(found).all()
        assert np.abs(found).max() <= np.float32(1e30)


def test_nothing_evolves_into_nothing() -> None:
    for shape in ((0, 4), (4, 0), (3, 0, 2)):
        assert MooreRule().step(CellState(np.zeros(shape))).mean.shape == shape


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_any_dtype_and_strides(boundary: str, path: str) -> None:
    x = (np.random.default_rng(0).normal(size=(8, 9)) * 9).astype(np.float16)
    rule = MooreRule(0.4, boundary=boundary)
    expected = step(CellState(np.ascontiguousarray(x.T[::-1], np.float32)), rule, path)
    np.testing.assert_array_equal(step(CellState(x.T[::-1]), rule, path), expected)


class _Blink:
    """A rule as a plugin brings one."""

    def step(self, state: CellState) -> CellState:
        return replace(state, mean=-state.mean)


def test_any_object_with_a_step_is_a_rule() -> None:
    seen: list[tuple[int, int]] = []
    found = evolve(CellState(np.ones((2, 2))), _Blink(), 3, lambda done, total: seen.append((done, total)))
    assert (found.mean == -1).all()
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_evolution_stops_when_asked() -> None:
    def cancel(done: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        evolve(CellState(np.ones((2, 2))), MooreRule(), 5, cancel)


@pytest.mark.parametrize(
    "wrong",
    [{"alpha": 1.5}, {"alpha": np.nan}, {"beta": np.inf}, {"outside": 1e31}, {"boundary": "x"}, {"function": "x"}],
    ids=str,
)
def test_what_is_no_rule_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(NnscopeError):
        MooreRule(**wrong)


def test_what_is_no_state_is_refused() -> None:
    with pytest.raises(NnscopeError, match="two or three"):
        CellState(np.zeros(4))
    with pytest.raises(NnscopeError, match="one shape"):
        CellState(np.zeros((2, 2)), gradient=np.zeros((2, 3)))


def test_memory_is_that_of_the_states() -> None:
    state = random_state((700, 1000))
    rule = MooreRule(0.5, 0.1, 0.1)
    assert peak_bytes(lambda: rule.step(state)) <= 1.1 * state.mean.nbytes
    state.mean[3, 4] = np.nan
    assert peak_bytes(lambda: rule.step(state)) <= 3 * state.mean.nbytes


def test_tanh_is_tanh() -> None:
    from nnscope.arrays.kernels.automaton import tanh

    x = np.concatenate([np.linspace(-12, 12, 4001), [1e-30, -1e-4, 1e30, -1e30]]).astype(np.float32)
    found = np.array([tanh(v) for v in x])
    np.testing.assert_allclose(found, np.tanh(x.astype(np.float64)), rtol=6e-7)
    assert np.abs(found).max() <= 1
