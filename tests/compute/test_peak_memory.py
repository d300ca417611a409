"""No method holds more than twice what it is given, besides what it gives: one row each, at some megabytes.

What a method works on at a time (a slab, a band of rows, a block of columns) is bounded whatever the size of the input;
rows add that bound as ``room``. Methods whose own modules test this are not repeated here.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnscope.compute import branches, colour, decode, jacobian, normalise
from nnscope.compute.attention import laplacian, maps, rollout
from nnscope.compute.octree import cut, dense, nodes
from nnscope.compute.space import voxels
from nnscope.compute.spectra import baseline, fractal_map, matrix, power_law, singular_values, weight_scale
from nnscope.compute.statistics import quantiles, summary
from tests.compute.attentions import attention
from tests.compute.peak import peak_bytes
from tests.compute.readers import Held

if TYPE_CHECKING:
    from collections.abc import Callable

MB = 1 << 20


@dataclass(frozen=True)
class Row:
    """``given()`` makes the input, ``run`` the output of it; ``room`` is what is worked on at a time, in bytes."""

    given: Callable[[], Any]
    run: Callable[[Any], Any]
    room: int = 1 << 16


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def _sensitivity(x: np.ndarray) -> jacobian.Sensitivity:
    """Of x ↦ x², elementwise: a product is as large as the input."""
    return jacobian.sensitivity(lambda v: 2 * x * v, x.shape)


def _top_pair(x: np.ndarray) -> jacobian.TopSingular:
    return jacobian.top_singular(lambda u: x * u, lambda v: x * v, x.shape, jacobian.PowerOptions(max_iterations=3))


def _fractal_region(m: np.ndarray) -> np.ndarray:
    return np.asarray(fractal_map.fractal_region(m, fractal_map.Fractal(3), (0, 0), (1024, 1024)))


def _chosen(name: str, x: np.ndarray) -> Any:
    return normalise.apply(normalise.normalisation(name, summary.stats_of_array(x[:1000])), x)


def _blocks(count: int) -> tuple[branches.Part, ...]:
    def both() -> tuple[branches.Part, ...]:
        return branches.Part("a", 1.0), branches.Part("identity", 2.0, skip=True)

    return tuple(branches.block_of(f"layers.{i}", both()) for i in range(count))


def _counted(count: int) -> tuple[np.ndarray, np.ndarray]:
    return normal(count).astype(np.float64), np.ones(count, np.int64)


def _cut() -> cut.Cut:
    return cut.cut(dense.dense_octree(normal(80, 80, 80)), nodes.Tolerance(0.5))


ROWS: dict[str, Row] = {
    "nodes of a cut": Row(_cut, cut.cut_nodes),
    "leaves drawn": Row(lambda: cut.cut_leaves(_cut()), lambda leaves: nodes.reconstruct(leaves, (80, 80, 80))),
    # The longest spectrum there is, and the most distinct values that are counted: the room is all they ever take.
    "power law": Row(lambda: np.random.default_rng(0).pareto(2.0, 4096) + 1, power_law.fit_power_law, MB // 4),
    "quantiles of counted values": Row(lambda: _counted(1 << 16), lambda x: quantiles.counted_quantiles(*x), MB),
    "singular values": Row(
        lambda: normal(6000, 256), lambda w: singular_values.top_singular_values(Held(w), 8), 2 * MB
    ),
    "weight scale": Row(lambda: normal(16, 50_000), weight_scale.weight_scale, 2 * MB),
    "weight scale of one channel": Row(lambda: normal(1, 1_000_000), weight_scale.weight_scale, 2 * MB),
    "map to scale": Row(lambda: normal(64, 20_000), lambda x: weight_scale.scaled_map(x, np.ones(64))),
    "fractal map": Row(lambda: normal(700, 900), lambda w: fractal_map.rank_map(w, 8, 16), 6 * MB),
    "fractal region": Row(lambda: normal(8, 8), _fractal_region, 4 * MB),
    "shuffled spectrum": Row(lambda: normal(4000, 100), baseline.shuffled_spectrum),
    "token graph": Row(lambda: attention(1, 600)[0], laplacian.token_graph, MB),
    "Laplacian": Row(lambda: attention(1, 600)[0], laplacian.laplacian, MB),
    "rollout": Row(lambda: [attention(2, 600), attention(2, 600)], rollout.rollout, MB),
    "eigenvalues of attention": Row(lambda: attention(1, 150)[0], maps.eigenvalues, MB // 4),
    "entropy of rows": Row(lambda: attention(2, 700), maps.row_entropy, MB),
    **{
        f"normalisation {name}": Row(lambda: normal(1_000_000), lambda x, name=name: _chosen(name, x))
        for name in normalise.NAMES
    },
    "decoding": Row(lambda: normal(1_000_000).astype(np.float64), decode.to_float32),
    "voxels": Row(lambda: normal(128, 128, 64), lambda x: voxels.reduce_block(x, None, 2, "extremes")),
    "colours of gradients": Row(lambda: normal(1000, 1000), colour.hsv_gradient, 4 * MB),
    "sensitivity": Row(lambda: normal(200_000).astype(np.float64), _sensitivity),
    "top singular pair": Row(lambda: normal(200_000).astype(np.float64), _top_pair),
    "branches": Row(lambda: _blocks(1000), branches.branch_layout),
}


@pytest.fixture(autouse=True)
def small_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less is worked on at a time, so that inputs need not be large to be larger."""
    monkeypatch.setattr(maps, "BAND", 1 << 14)
    monkeypatch.setattr(matrix, "BAND", 1 << 15)


@pytest.mark.parametrize("name", ROWS)
def test_peak(name: str) -> None:
    row = ROWS[name]
    given = row.given()
    found = row.run(given)
    bound = 2 * size(given) + size(found) + row.room
    assert peak_bytes(lambda: row.run(given)) <= bound


def size(held: Any) -> int:
    """Bytes of all arrays in it; of other objects some hundred each."""
    if isinstance(held, np.ndarray):
        return held.nbytes
    if is_dataclass(held):
        return 200 + sum(size(getattr(held, f.name)) for f in fields(held))
    if isinstance(held, (tuple, list)):
        return 64 + sum(8 + size(part) for part in held)
    return 32
