"""Attention rollout: how much of each input token is left in each token after all layers (Abnar and Zuidema 2020).

Each layer's mean over heads is mixed with the identity, for the residual connection, and the layers are multiplied:
R_l = rownorm(½(A_l + I)) · R_{l−1}, R_0 = I. A query that is masked in a layer passes that layer by the residual
connection alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nnscope.compute.attention.maps import head_mean, square
from nnscope.compute.attention.recursion import add_residual
from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True, slots=True, eq=False)
class Rollout:
    """The product over layers.

    Attributes
    ----------
    weights : ndarray of float32, shape (tokens, tokens)
        Row: token after the last layer; column: input token. Rows sum to 1.
    masked : ndarray of bool, shape (tokens,)
        Queries that are masked in every layer.
    layers : int
    """

    weights: Any
    masked: Any
    layers: int


def rollout(layers: Iterable[Any], progress: Callable[[int], None] = lambda done: None) -> Rollout:
    """Roll attention out over layers.

    Parameters
    ----------
    layers : iterable of ndarray, shape (heads, tokens, tokens)
        From the first layer to the last; taken one at a time.
    progress : callable
        Called with the number of layers that are done; may raise `Cancelled`.

    Raises
    ------
    NnscopeError
        If there is no layer, or the layers have different numbers of tokens.
    """
    product = masked = None
    count = 0
    for count, attention in enumerate(layers, 1):
        mean = head_mean(attention)
        mixed = square(mean.weights)
        add_residual(mixed)
        if product is not None and product.shape != mixed.shape:
            raise NnscopeError("All layers must be about the same tokens.", f"{len(product)} and {len(mixed)} tokens")
        product = mixed if product is None else mixed @ product
        masked = mean.masked if masked is None else masked & mean.masked
        progress(count)
    if product is None:
        raise NnscopeError("A rollout needs the attention of one layer at least.")
    return Rollout(product, masked, count)
