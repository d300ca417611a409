"""What becomes of one matrix of attention, by `nnscope.compute.attention`, and what can be said of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.arrays.backend import to_host
from nnscope.views.analyses.attention import Heads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnscope.compute.attention.laplacian import TokenGraph
    from nnscope.compute.attention.recursion import Recursion
    from nnscope.sources.base import TensorReader
    from nnscope.views.attention_options import Options
    from nnscope.views.base import BuildContext

    Index = tuple[int, ...]

EIGENVALUES = 256  # tokens up to which the eigenvalues of a matrix are told
TOLD = 3  # of them
CLUSTERS = 10  # tokens of a cluster that are named


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """What has become of one matrix.

    Attributes
    ----------
    weights : ndarray of float32, shape (query, key)
    masked : ndarray of bool, shape (query,)
        Rows that attend to nothing.
    order : ndarray of int64 or None
        The token of each row and column, where they are in another order.
    notes : tuple of str
    """

    weights: np.ndarray
    masked: np.ndarray
    order: np.ndarray | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return self.weights.nbytes + self.masked.nbytes + (0 if self.order is None else self.order.nbytes)


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """Where matrices come from: a tensor (…, head, query, key), and what is to be made of it.

    ``alone`` says that the picture shows one matrix, of which more is told.
    """

    context: BuildContext
    reader: TensorReader
    options: Options
    alone: bool

    @property
    def layered(self) -> bool:
        """Whether the first axis is that of layers."""
        info = self.reader.info
        return "layer" in info.axes or (info.ndim == 4 and not any(info.axes))

    @property
    def layer_count(self) -> int:
        """How many layers there are."""
        return self.reader.info.shape[0] if self.layered else 1

    @property
    def tokens(self) -> tuple[str, ...]:
        """Names of the tokens that are attended to."""
        labels = self.reader.info.labels
        return labels[-1] if labels else ()

    def heads(self, lead: Index) -> Heads:
        """All heads of the layer at ``lead``, the index of a matrix."""
        return Heads(self.reader, lead[:-1])

    def layers(self, lead: Index) -> list[Heads]:
        """The heads of every layer, with the other axes as in ``lead``."""
        if not self.layered:
            return [self.heads(lead)]
        return [self.heads((layer, *lead[1:])) for layer in range(self.layer_count)]


def matrix_of(origin: Origin, lead: Index) -> Matrix:
    """The matrix at ``lead``, the index of all axes but query and key, made into what the options say."""
    from nnscope.compute.attention.maps import symmetrised

    options, tokens = origin.options, origin.tokens
    matrix = _begun(origin, lead)
    if options.recursion != "none":
        matrix = _raised(origin, matrix, tokens)
    elif origin.alone:
        matrix = replace(matrix, notes=tuple(_said(matrix)))
    if options.symmetrised:
        matrix = replace(matrix, weights=symmetrised(matrix.weights))
    return _reordered(matrix, tokens) if options.reordered else matrix


def _begun(origin: Origin, lead: Index) -> Matrix:
    """One head, the mean of a layer's, or the layers rolled out."""
    from nnscope.compute.attention.maps import attention_map, head_mean
    from nnscope.compute.attention.rollout import rollout

    show, context = origin.options.show, origin.context
    found: Any
    if show == "rollout":
        layers = origin.layers(lead)
        found = rollout(layers, lambda done: context.progress(done, len(layers), "Rolling attention out"))
    elif show == "mean":
        found = head_mean(origin.heads(lead), lambda done, total: context.check())
    else:
        found = attention_map(origin.heads(lead)[lead[-1]])
    return Matrix(np.asarray(found.weights), np.asarray(found.masked))


def _raised(origin: Origin, matrix: Matrix, tokens: tuple[str, ...]) -> Matrix:
    from nnscope.compute.attention.recursion import RecursionOptions, recursion

    options = RecursionOptions(origin.options.squarings, origin.options.recursion)
    found = recursion(matrix.weights, options, lambda done, total: origin.context.check())
    return Matrix(to_host(found.weights), to_host(found.masked), notes=tuple(_told(found, tokens)))


def _told(found: Recursion, tokens: tuple[str, ...]) -> Iterator[str]:
    """Where the mass went, and how fast it goes there."""
    last = found.levels[-1]
    if last.heaviest >= 0:
        yield f"power {last.power}: {last.mass:.1%} of the mass on {_token(last.heaviest, tokens)}"
    yield f"spectral gap {last.gap:.3g}"
    if found.sink >= 0:
        yield f"left out: {_token(found.sink, tokens)}"


def _said(matrix: Matrix) -> Iterator[str]:
    """Entropy of the rows, how many are masked, and the largest eigenvalues of a square one that is not too large."""
    from nnscope.compute.attention.maps import eigenvalues, row_entropy

    queries, keys = matrix.weights.shape
    open_rows = ~matrix.masked
    if open_rows.any() and keys > 1:
        entropy = float(row_entropy(matrix.weights[None])[0][open_rows].mean())
        yield f"entropy {entropy:.3g} of {math.log(keys):.3g} nats"
    if not open_rows.all():
        yield f"masked queries: {int(matrix.masked.sum())}"
    if queries == keys and 1 < keys <= EIGENVALUES:
        values = eigenvalues(matrix.weights)[:TOLD]
        yield "eigenvalues " + ", ".join(map(_complex, values))


def _reordered(matrix: Matrix, tokens: tuple[str, ...]) -> Matrix:
    """Tokens by component and Fiedler vector."""
    from nnscope.compute.attention.laplacian import token_graph

    graph = token_graph(matrix.weights, k=2)
    order = graph.order
    weights = np.ascontiguousarray(matrix.weights[np.ix_(order, order)])
    notes = (*matrix.notes, *_clusters(graph, tokens))
    return Matrix(weights, matrix.masked[order], order, notes)


def _clusters(graph: TokenGraph, tokens: tuple[str, ...]) -> Iterator[str]:
    """Components, or the two sides of the Fiedler vector of one."""
    if graph.components > 1:
        yield f"{graph.components} components that don't attend to each other"
        return
    if len(graph.eigenvalues) < 2:
        return
    yield f"Fiedler value {graph.eigenvalues[1]:.3g}"
    above = graph.eigenvectors[:, 1][graph.order] >= 0
    sides = (graph.order[~above], graph.order[above])
    yield "clusters: " + " | ".join(_names(side, tokens) for side in sides if len(side))


def _names(side: np.ndarray, tokens: tuple[str, ...]) -> str:
    shown = " ".join(tokens[i] if tokens else str(i) for i in side[:CLUSTERS])
    return shown + (" …" if len(side) > CLUSTERS else "")


def _token(at: int, tokens: tuple[str, ...]) -> str:
    return f"token {at}" + (f" ‘{tokens[at]}’" if tokens else "")


def _complex(value: complex) -> str:
    if abs(value.imag) < 1e-6:
        return f"{value.real:.3g}"
    return f"{value.real:.3g}{value.imag:+.3g}i"
