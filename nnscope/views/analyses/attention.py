"""What becomes of attention (methods.md §9): of one head, or of the mean over heads, of any stack [..., query, key]."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.core.errors import NnscopeError
from nnscope.views.analyses.base import Found, Method, Work
from nnscope.views.setting import Setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnscope.core.request import Scalar
    from nnscope.core.tensor import TensorInfo
    from nnscope.sources.base import TensorReader

MEAN = -1  # for a head: the mean over all of them

_HEAD = Setting("head", MEAN, MEAN, 1 << 20)


def _square(info: TensorInfo) -> str:
    fits = info.ndim >= 2 and info.size and info.shape[-1] == info.shape[-2]
    return "" if fits else "This needs attention: the last two axes must be the same tokens."


def _layers(info: TensorInfo) -> str:
    return _square(info) or (
        "" if info.ndim == 4 else "This needs the attention of all layers: layers × heads × N × N."
    )


class Heads:
    """Attention [heads, query, key] that is read a few rows at a time; axes before the last two are the heads.

    It can be indexed as the functions of `nnscope.compute.attention.maps` do: ``heads[head]``, ``heads[head, rows]``.
    """

    def __init__(self, reader: TensorReader, first: tuple[int, ...] = ()) -> None:
        self._reader = reader
        self._first = first
        *lead, query, key = reader.info.shape[len(first) :]
        self._lead = tuple(lead)
        self.shape = (int(np.prod(lead)), query, key)
        self.ndim = 3

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, place: Any) -> np.ndarray:
        head, rows = place if isinstance(place, tuple) else (place, slice(None))
        start, stop, step = rows.indices(self.shape[1])
        lead: tuple[Any, ...] = np.unravel_index(head, self._lead) if self._lead else ()
        at = (*self._first, *map(int, lead))
        region = (*((i, i + 1, 1) for i in at), (start, stop, step), (0, self.shape[2], 1))
        return self._reader.read(region).reshape(-1, self.shape[2])


def _one(work: Work) -> np.ndarray:
    """The weights that the settings name."""
    from nnscope.compute.attention.maps import attention_map, head_mean

    heads, head = Heads(work.reader), int(work.settings["head"])
    if head >= len(heads):
        raise NnscopeError(f"There is no head {head}.", work.reader.info.address, f"Heads are 0 to {len(heads) - 1}.")
    found = head_mean(heads, work.progress) if head == MEAN else attention_map(heads[head])
    return np.asarray(found.weights)


def _recursion(work: Work) -> Found:
    from nnscope.compute.attention.recursion import RecursionOptions, recursion

    options = RecursionOptions(int(work.settings["levels"]), str(work.settings["mode"]))
    result = recursion(_one(work), options, work.progress)
    levels = {
        "power": np.array([level.power for level in result.levels], np.int64),
        "heaviest": np.array([level.heaviest for level in result.levels], np.int64),
        "mass": np.array([level.mass for level in result.levels]),
        "gap": np.array([level.gap for level in result.levels]),
    }
    return Found({"weights": result.weights, "masked": result.masked, **levels}, {"sink": result.sink})


def _rollout(work: Work) -> Found:
    from nnscope.compute.attention.rollout import rollout

    count = work.reader.info.shape[0]
    layers: Iterator[Heads] = (Heads(work.reader, (layer,)) for layer in range(count))
    result = rollout(layers, lambda done: work.progress(done, count))
    return Found({"weights": result.weights, "masked": result.masked}, {"layers": result.layers})


def _graph(work: Work) -> Found:
    from nnscope.compute.attention.laplacian import token_graph

    result = token_graph(_one(work), int(work.settings["k"]), bool(work.settings["normalised"]))
    arrays = {
        "eigenvalues": result.eigenvalues,
        "eigenvectors": result.eigenvectors,
        "labels": result.labels,
        "order": result.order,
    }
    facts: dict[str, Scalar] = {"components": result.components, "converged": result.converged}
    return Found(arrays, facts)


def _eigenvalues(work: Work) -> Found:
    from nnscope.compute.attention.maps import eigenvalues

    return Found({"eigenvalues": eigenvalues(_one(work), int(work.settings["k"]))})


def _entropy(work: Work) -> Found:
    from nnscope.compute.attention.maps import row_entropy

    return Found({"entropy": row_entropy(Heads(work.reader))})


METHODS = (
    Method(
        "attention-recursion",
        "Attention raised to powers of two",
        _square,
        _recursion,
        (_HEAD, Setting("levels", 6, 0, 20), Setting("mode", "plain", choices=("plain", "residual", "sink-excluded"))),
    ),
    Method("attention-rollout", "Attention rolled out over layers", _layers, _rollout),
    Method(
        "token-graph",
        "Clusters of tokens by attention",
        _square,
        _graph,
        (_HEAD, Setting("k", 4, 1, 64), Setting("normalised", False)),
    ),
    Method(
        "attention-eigenvalues", "Eigenvalues of attention", _square, _eigenvalues, (_HEAD, Setting("k", 32, 1, 4096))
    ),
    Method("attention-entropy", "Entropy of attention", _square, _entropy),
)
