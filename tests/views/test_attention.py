"""Attention side by side and transformed: cells are what NumPy computes, wherever they lie, however far zoomed out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnscope.core.picture import TILE, State, TilePicture
from nnscope.core.request import BuildPicture, GetInfo, Probe
from nnscope.core.tensor import TensorInfo
from nnscope.engine.local import LocalEngine
from nnscope.views.attention import Attention
from nnscope.views.tiling import base_level
from tests.scene.sources import ArraySource

if TYPE_CHECKING:
    from nnscope.core.layout import Layout
    from nnscope.core.request import Settings

LAYERS, HEADS, TOKENS = 3, 4, 20
AXES = ("layer", "batch", "head", "query", "key")
NAMES = tuple(f"t{i}" for i in range(TOKENS))


class Attended(ArraySource):
    """Tensors of kind attention, with names of their axes and tokens."""

    def reader(self, address: str) -> Any:
        reader = super().reader(address)
        axes = AXES if reader.info.ndim == 5 else AXES[-reader.info.ndim :]
        labels = ((),) * (reader.info.ndim - 2) + (NAMES, NAMES) if TOKENS in reader.info.shape else ()
        reader.info = replace(reader.info, kind="attention", axes=axes, labels=labels)
        return reader


def weights(*shape: int, seed: int = 0, causal: bool = False) -> np.ndarray:
    x = np.random.default_rng(seed).exponential(size=shape) ** 2
    x = np.tril(x) if causal else x
    return (x / x.sum(-1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def stack() -> np.ndarray:
    return weights(LAYERS, 2, HEADS, TOKENS, TOKENS)


def ask(x: np.ndarray, *requests: Any) -> list[Any]:
    engine = LocalEngine(Attended({"t": x}), inline=True)
    try:
        return [engine.submit(request).future.result() for request in requests]
    finally:
        engine.close()


def arrange(x: np.ndarray, settings: Settings, at: tuple[tuple[int, int], ...] = ()) -> Layout:
    info = ask(x, GetInfo("t"))[0]
    layout = Attention().layout(info)
    for axis, index in at:
        layout = layout.with_fixed(axis, index)
    return Attention().arranged(info, layout, settings)


def picture(x: np.ndarray, level: int = 0, at: tuple[tuple[int, int], ...] = (), **settings: Any) -> TilePicture:
    given = tuple(sorted(settings.items()))
    found = ask(x, BuildPicture("t", arrange(x, given, at), "attention", given, level=level))[0]
    assert isinstance(found, TilePicture), found
    return found


def cells(found: TilePicture) -> np.ndarray:
    """Values of the first tile, NaN where there is padding."""
    tile = found.tiles[0]
    return np.where(tile.states == State.PADDING, np.nan, tile.values)


def test_every_head_has_its_place_and_gaps_are_empty(stack: np.ndarray) -> None:
    found = picture(stack, at=((1, 1),))
    period = TOKENS + 1
    assert found.grid == (LAYERS * period - 1, HEADS * period - 1)
    expected = np.full((LAYERS * period, HEADS * period), np.nan, np.float32)
    for layer in range(LAYERS):
        for head in range(HEADS):
            row, col = layer * period, head * period
            expected[row : row + TOKENS, col : col + TOKENS] = stack[layer, 1, head]
    np.testing.assert_array_equal(cells(found), expected[:-1, :-1])
    assert all(step.faithful for step in found.recipe)
    assert found.labels == ((), ())


def test_zoomed_out_gaps_take_no_part_in_means(stack: np.ndarray) -> None:
    fine, coarse = cells(picture(stack)), cells(picture(stack, level=2))
    rows, cols = (-(-n // 4) for n in fine.shape)
    padded = np.full((4 * rows, 4 * cols), np.nan)
    padded[: fine.shape[0], : fine.shape[1]] = fine
    with np.errstate(all="ignore"):
        means = np.nanmean(padded.reshape(rows, 4, cols, 4), axis=(1, 3))
    np.testing.assert_allclose(coarse, means, rtol=1e-5)


def test_a_large_overview_is_that_of_its_parts() -> None:
    x, level = weights(4, 1, 4, 400, 400), 3
    found, grid = picture(x, level=level), arrange(x, ()).grid
    assert grid == (4 * 425 - 25, 4 * 425 - 25)
    assert base_level(grid) == 1
    assert max(grid) >> level < TILE
    block = x[0, 0, 0, :8, :8].mean()
    assert found.tiles[0].values[0, 0] == pytest.approx(block, rel=1e-5)
    block = x[3, 0, 3, -3:, -3:].mean()
    assert found.tiles[0].values[-1, -1] == pytest.approx(block, rel=1e-3)


def test_one_layer_is_a_mosaic_of_its_heads() -> None:
    x = weights(2, 5, 6, 6)
    found = picture(x, at=())
    assert arrange(x, ()).gap == 1
    values = cells(found)
    np.testing.assert_array_equal(values[:6, :6], x[0, 0])
    np.testing.assert_array_equal(values[:6, 7:13], x[0, 1])
    assert np.isnan(values[6]).all()
    assert np.isnan(values[-6:, -6:]).all()  # five heads in six places


def test_one_head_with_its_tokens(stack: np.ndarray) -> None:
    found = picture(stack, show="head", layer=2, head=3)
    np.testing.assert_array_equal(cells(found), stack[2, 0, 3])
    assert found.labels == (NAMES, NAMES)
    assert any(note.startswith("entropy") for note in found.notes)
    spectrum = np.abs(np.linalg.eigvals(stack[2, 0, 3].astype(np.float64)))
    assert f"eigenvalues {np.sort(spectrum)[-1]:.3g}," in " ".join(found.notes)
    np.testing.assert_array_equal(cells(picture(stack, show="head", layer=99, head=99)), stack[2, 0, 3])


def test_the_mean_over_heads_of_each_layer(stack: np.ndarray) -> None:
    found = cells(picture(stack, show="mean"))
    np.testing.assert_allclose(found[:TOKENS, :TOKENS], stack[0, 0].mean(0), atol=1e-6)
    np.testing.assert_allclose(found[:TOKENS, TOKENS + 1 : 2 * TOKENS + 1], stack[1, 0].mean(0), atol=1e-6)


def test_rollout_is_the_product_of_the_layers(stack: np.ndarray) -> None:
    product = np.eye(TOKENS)
    for layer in stack[:, 0].astype(np.float64):
        mixed = 0.5 * (layer.mean(0) + np.eye(TOKENS))
        product = mixed / mixed.sum(-1, keepdims=True) @ product
    found = picture(stack, show="rollout")
    np.testing.assert_allclose(cells(found), product, atol=1e-5)
    assert Attention().domain((("show", "rollout"),)) == (0.0, 1.0)
    assert Attention().domain(()) is None


@pytest.mark.parametrize(("keys", "scale"), [(64, "linear"), (65, "log")])
def test_many_keys_call_for_a_logarithmic_scale(keys: int, scale: str) -> None:
    assert Attention().scale(TensorInfo("t", (3, keys, keys), "float32", "attention")) == scale


@pytest.mark.parametrize("mode", ["plain", "residual", "sink-excluded"])
def test_recursion_is_a_power(stack: np.ndarray, mode: str) -> None:
    first = stack[1, 0, 2].astype(np.float64)
    sink = int(first.sum(0).argmax())
    if mode == "residual":
        first = 0.5 * (first + np.eye(TOKENS))
    if mode == "sink-excluded":
        first[:, sink] = 0
    first /= first.sum(-1, keepdims=True)
    expected = np.linalg.matrix_power(first, 8)
    found = picture(stack, show="head", layer=1, head=2, recursion=mode, squarings=3)
    np.testing.assert_allclose(cells(found), expected, atol=1e-5)
    heaviest = int(expected.sum(0).argmax())
    told = " ".join(found.notes)
    assert f"{expected[:, heaviest].mean():.1%} of the mass on token {heaviest} ‘t{heaviest}’" in told
    assert "spectral gap" in told
    assert (f"left out: token {sink}" in told) == (mode == "sink-excluded")
    everywhere = cells(picture(stack, recursion=mode, squarings=3))
    row, col = TOKENS + 1, 2 * (TOKENS + 1)
    np.testing.assert_allclose(everywhere[row : row + TOKENS, col : col + TOKENS], expected, atol=1e-5)


def test_symmetrised(stack: np.ndarray) -> None:
    found = cells(picture(stack, show="head", symmetrised=True))
    np.testing.assert_allclose(found, (stack[0, 0, 0] + stack[0, 0, 0].T) / 2, atol=1e-7)


def test_fiedler_order_brings_blocks_together() -> None:
    parts = np.random.default_rng(1).permutation(TOKENS) % 2
    x = np.where(parts[:, None] == parts, 1.0, 0.0) + 0.01
    x = np.broadcast_to(x / x.sum(-1, keepdims=True), (1, 1, 1, TOKENS, TOKENS)).astype(np.float32)
    found = picture(x, show="head", order="fiedler")
    order = [NAMES.index(name) for name in found.labels[0]]
    assert found.labels[1] == found.labels[0]
    assert np.count_nonzero(np.diff(parts[order])) == 1
    np.testing.assert_array_equal(cells(found), x[0, 0, 0][np.ix_(order, order)])
    given = (("order", "fiedler"), ("show", "head"))
    answer = ask(x, Probe("t", arrange(x, given), 3, 15, 0, "attention", given))[0]
    assert answer.index == (0, 0, 0, order[3], order[15])
    assert answer.value == x[answer.index]
    assert answer.names[-2:] == (f"{order[3]} ‘t{order[3]}’", f"{order[15]} ‘t{order[15]}’")


def test_hovering_tells_layer_head_query_and_key(stack: np.ndarray) -> None:
    period = TOKENS + 1
    layout = arrange(stack, (), ((1, 1),))
    inside = Probe("t", layout, 2 * period + 7, 3 * period + 5, 0, "attention")
    gap = Probe("t", layout, period - 1, 3, 0, "attention")
    coarse = Probe("t", layout, 1, 2, 2, "attention")
    at, between, block = ask(stack, inside, gap, coarse)
    assert at.index == (2, 1, 3, 7, 5)
    assert at.value == float(stack[2, 1, 3, 7, 5])
    assert between.index is None
    window = stack[0, 1, 0, 4:8, 8:12]
    assert block.index == (0, 1, 0, 4, 8)
    assert block.block.count == window.size
    assert block.block.mean == pytest.approx(window.mean(), rel=1e-6)


def test_hovering_over_what_was_computed(stack: np.ndarray) -> None:
    given: Settings = (("show", "rollout"),)
    answer = ask(stack, Probe("t", arrange(stack, given), 4, 9, 0, "attention", given))[0]
    assert answer.value == pytest.approx(cells(picture(stack, show="rollout"))[4, 9])
    assert answer.names[0] == "0 … 2"
    assert answer.names[2] == "mean"


def test_masked_queries_are_padding() -> None:
    x = weights(1, 1, 1, 8, 8)
    x[0, 0, 0, 3] = 0
    assert np.isnan(cells(picture(x, show="mean"))[3]).all()
    assert "masked queries: 1" in picture(x, show="head").notes


def test_heads_are_stepped_through() -> None:
    info = TensorInfo("t", (2, 1, 3, 5, 5), "float32", "attention", axes=AXES)
    view, settings = Attention(), ()
    seen = []
    for by in (1, 1, 1, 1, -1):
        settings = view.stepped(info, settings, by)
        told = dict(settings)
        seen.append((told["layer"], told["head"]))
    assert seen == [(0, 0), (0, 1), (0, 2), (1, 0), (0, 2)]
    assert dict(view.stepped(info, (("show", "head"),), -1)) == {"show": "head", "layer": 1, "head": 2}
    rest, pinned = view.pinned(info, {0: 1, 1: 0, 2: 2}, ())
    assert (rest, dict(pinned)) == ({1: 0}, {"show": "head", "layer": 1, "head": 2})
    assert view.subject(info, view.arranged(info, view.layout(info), pinned), pinned) == "layer 1, head 2"


@pytest.mark.parametrize(
    ("shape", "kind", "fits"),
    [
        ((2, 4, 5, 5), "attention", True),
        ((2, 4, 5, 9), "attention", True),
        ((4, 6, 6), "array", True),
        ((4, 6, 7), "array", False),
        ((8, 4, 3, 3), "parameter", False),
        ((5, 5), "array", False),
    ],
)
def test_what_is_refused(shape: tuple[int, ...], kind: str, fits: bool) -> None:
    assert (Attention().refuses(TensorInfo("t", shape, "float32", kind)) == "") == fits


def test_what_needs_square_attention_says_so() -> None:
    x = weights(1, 2, 3, 5, 9)
    found = ask(x, BuildPicture("t", arrange(x, ()), "attention"))[0]
    assert isinstance(found, TilePicture)
    given = (("recursion", "plain"),)
    failure = ask(x, BuildPicture("t", arrange(x, given), "attention", given))[0]
    assert "square" in str(failure)
