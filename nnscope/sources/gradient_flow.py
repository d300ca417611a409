"""How gradients flow through a model while it trains: the norm of each layer's gradient over the steps of a run.

A value is the decimal logarithm of a layer's gradient norm over the median of all of them, in decades: 0 is the median
of the run, −3 a thousandth of it. The norm of a layer is that of its parameters' gradients together,
√Σ‖g‖². A gradient that is no finite number is +∞, one of nothing but zeros −∞, and a step at which a layer was not
recorded is NaN. At most `columns` steps have a column each; beyond, a column stands for as many steps as its
neighbours, and has for each layer the one of them that is farthest from the median: nothing remarkable is averaged
away, and every value is one that was recorded.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.steps import counting
from nnscope.core.tensor import TensorInfo

if TYPE_CHECKING:
    from nnscope.core.request import Region
    from nnscope.store.runs.ranks import Run

ADDRESS = "gradient-flow"
KIND = "gradient-flow"
GRAD = ":grad"  # the end of the address of a parameter's gradient
WIDTH = 3  # columns for each layer, so that rows fill the height of a canvas …
LEAST, MOST = 24, 1024  # … but at least, and at most


@dataclass(slots=True, eq=False)
class GradientFlow:
    """The flow of a run (a `TensorReader`).

    Attributes
    ----------
    info : TensorInfo
        Axes layer, in the order of the model, and step; labelled.
    values : ndarray of float64, shape (layers, columns)
        Decades from the median norm.
    norms : ndarray of float64, shape (layers, columns)
        √Σ‖g‖² itself.
    steps : ndarray of int64, shape (layers, columns)
        The step of each value.
    median : float
        Of all finite norms above zero; NaN when there is none.
    """

    info: TensorInfo
    values: np.ndarray
    norms: np.ndarray
    steps: np.ndarray
    median: float

    def read(self, region: Region) -> np.ndarray:
        """The values of ``region``; see `TensorReader`."""
        return self.values[tuple(slice(*axis) for axis in region)].copy()


def flow_info(run: Run) -> TensorInfo | None:
    """The listing's entry of the flow; None when no gradients were recorded."""
    layers = layers_of(run)
    if not layers:
        return None
    count = len({int(step) for parts in layers.values() for step in run.series(parts[0], "count").steps})
    shape = (len(layers), min(count, columns(len(layers))))
    nbytes, note = 8 * shape[0] * shape[1], pooling(count, shape[1])
    return TensorInfo(ADDRESS, shape, "float64", KIND, nbytes, axes=("layer", "step"), note=note)


def pooling(count: int, columns: int) -> str:
    """How many steps a column stands for, in words; empty where each has its own."""
    if count == columns:
        return ""
    most = -(-count // columns)
    return f"{count} steps in {columns} columns: each shows that of up to {most} farthest from the median"


def gradient_flow(run: Run, info: TensorInfo) -> GradientFlow:
    """The flow of a run whose entry is ``info``."""
    layers = layers_of(run)
    found = [_norms(run, parts) for parts in layers.values()]
    every = np.unique(np.concatenate([steps for steps, _ in found]))
    norms = np.full((len(layers), len(every)), np.nan)
    for row, (steps, values) in zip(norms, found, strict=True):
        row[np.searchsorted(every, steps)] = values
    positive = norms[np.isfinite(norms) & (norms > 0)]
    median = float(np.median(positive)) if len(positive) else np.nan
    with np.errstate(divide="ignore"):
        decades = np.log10(norms) - (np.log10(median) if len(positive) else 0.0)
    starts, chosen = _farthest(decades, info.shape[1])
    steps = every[chosen]
    labels = tuple(layers), tuple(str(step) for step in every[starts])
    labelled = replace(info, labels=labels)
    rows = np.arange(len(layers))[:, None]
    return GradientFlow(labelled, decades[rows, chosen], norms[rows, chosen], steps, median)


def layers_of(run: Run) -> dict[str, list[str]]:
    """Addresses of the gradients of each layer, in the order of the model."""
    tensors = run.tensors()
    grads = [address for address, info in tensors.items() if info.kind == "grad" and address.endswith(GRAD)]
    order = {address: at for at, address in enumerate(tensors)}
    grads.sort(key=lambda address: order.get(address.removesuffix(GRAD), len(order)))
    layers: dict[str, list[str]] = {}
    for address in grads:
        parameter = address.removesuffix(GRAD)
        layers.setdefault(parameter.rpartition(".")[0] or parameter, []).append(address)
    return layers


def columns(layers: int) -> int:
    """How many steps have a column each, at most."""
    return min(max(LEAST, WIDTH * layers), MOST)


def _norms(run: Run, parts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Steps at which all parts of a layer were recorded, rising, and its norm there."""
    fields = [{name: run.series(part, name) for name in ("count", "finite", "variance", "mean")} for part in parts]
    newest = []
    for field in fields:
        places = counting(field["count"].steps)
        steps = field["count"].steps[places]
        count, finite, variance, mean = (field[name].values[places] for name in field)
        squares = np.where(finite > 0, finite * (variance + mean**2), 0.0)
        newest.append((steps, np.where(finite < count, np.inf, squares)))
    shared = newest[0][0]
    for steps, _ in newest[1:]:
        shared = np.intersect1d(shared, steps)
    total = sum(squares[np.searchsorted(steps, shared)] for steps, squares in newest)
    return shared, np.sqrt(total)


def _farthest(decades: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """First place of each of ``count`` parts, and for each layer the place in it that is farthest from the median."""
    edges = np.linspace(0, decades.shape[1], count + 1).round().astype(int)
    remarkable = np.where(np.isnan(decades), -1.0, np.abs(decades))
    chosen = [low + np.argmax(remarkable[:, low:high], axis=1) for low, high in itertools.pairwise(edges)]
    return edges[:-1], np.stack(chosen, axis=1)
