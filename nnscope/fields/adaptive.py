"""Adding and removing Gaussians during a fit: split, clone, prune (methods.md §13; Kerbl et al. 2023, §5.2).

- **Prune** what is faint, wider than the tensor, or whose mean has left it by more than its own width.
- **Split** a large Gaussian where more is needed: two along its longest axis, moved apart by ± α·σ and narrower by
  √(1 − α²), so that mean and covariance of the pair are the parent's; with its integral.
- **Clone** a small one: two of half its weight, one moved against the gradient of its position.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from nnscope.fields.parameters import Gaussians, cholesky_numbers, weight_amplitudes

_FAINT = 1 / 500  # |w| below which a Gaussian is removed: half a step of 8-bit values
_APART = 0.7  # α
_MOVE = 0.5  # of a clone, in σ
_GROWTH = 0.3  # share of the Gaussians that may be added at a time


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """A field with other Gaussians.

    Attributes
    ----------
    field : Gaussians
    sources : ndarray of int64, shape (n,)
        Which Gaussian of before each was, or comes from.
    fresh : ndarray of bool, shape (n,)
        Whether it is new.
    """

    field: Gaussians
    sources: np.ndarray
    fresh: np.ndarray


def adapt(field: Gaussians, demand: np.ndarray, push: np.ndarray, most: int) -> Change:
    """Prune, then split or clone the Gaussians of the highest demand.

    Parameters
    ----------
    field : Gaussians
    demand : ndarray, shape (n,)
        How much more is needed where each Gaussian is, ≥ 0.
    push : ndarray, shape (n, d)
        Gradient by its position, whose opposite is where a clone goes.
    most : int
        Most Gaussians afterwards.
    """
    kept = np.flatnonzero(surviving(field))
    if not len(kept):
        kept = np.array([int(np.abs(field.weights).argmax())])
    room = min(most - len(kept), max(1, int(_GROWTH * len(kept))))
    chosen = kept[np.argsort(-demand[kept], kind="stable")[: max(0, room)]]
    chosen = chosen[demand[chosen] > 0]
    widths = np.sqrt(np.linalg.eigvalsh(field.covariances[kept])[:, -1])
    large = np.sqrt(np.linalg.eigvalsh(field.covariances[chosen])[:, -1]) > np.median(widths)
    parents = [split(field.where(chosen[large])), clone(field.where(chosen[~large]), push[chosen[~large]])]
    origins = [np.tile(chosen[large], 2), np.tile(chosen[~large], 2)]
    rest = np.setdiff1d(kept, chosen)
    return _joined(field, rest, parents, origins)


def surviving(field: Gaussians) -> np.ndarray:
    """Which Gaussians are not to be removed."""
    sizes = np.array(field.shape[::-1], np.float64)
    reach = np.sqrt(np.einsum("nii->ni", field.covariances))
    inside = ((field.means > -reach) & (field.means < sizes + reach)).all(axis=1)
    return np.asarray(inside & (np.abs(field.weights) >= _FAINT) & (reach <= sizes.max()).all(axis=1))


def split(field: Gaussians) -> Gaussians:
    """Two Gaussians for each, first all of one side, then all of the other; with its integral, mean and covariance."""
    variances, axes = np.linalg.eigh(field.covariances)
    longest, variance = axes[:, :, -1], variances[:, -1]
    offset = _APART * np.sqrt(variance)[:, None] * longest
    narrowed = field.covariances - _APART**2 * variance[:, None, None] * longest[:, :, None] * longest[:, None, :]
    chol = cholesky_numbers(np.linalg.cholesky(narrowed), field.covariance)
    shrunk = np.linalg.det(field.factors) / np.linalg.det(replace(field, chol=chol).factors)
    amplitudes = weight_amplitudes(field.weights * shrunk / 2, field.amplitude)
    means = np.concatenate([field.means - offset, field.means + offset])
    return replace(field, means=means, chol=np.tile(chol, (2, 1)), amplitudes=np.tile(amplitudes, 2), ids=None)


def clone(field: Gaussians, push: np.ndarray) -> Gaussians:
    """Two Gaussians of half the weight for each, the second moved against ``push`` (n, d) by half a σ."""
    length = np.linalg.norm(push, axis=1, keepdims=True)
    sigma = np.linalg.det(field.factors)[:, None] ** (1 / field.dimensions)
    moved = field.means - _MOVE * sigma * push / np.where(length > 0, length, 1)
    amplitudes = np.tile(weight_amplitudes(field.weights / 2, field.amplitude), 2)
    means = np.concatenate([field.means, moved])
    return replace(field, means=means, chol=np.tile(field.chol, (2, 1)), amplitudes=amplitudes, ids=None)


def _joined(field: Gaussians, rest: np.ndarray, parts: list[Gaussians], origins: list[np.ndarray]) -> Change:
    def stacked(name: str) -> np.ndarray:
        values: np.ndarray = getattr(field, name)
        arrays = [values[rest], *(getattr(part, name) for part in parts)]
        return np.concatenate([array.astype(values.dtype) for array in arrays])

    sources = np.concatenate([rest, *origins])
    joined = replace(field, means=stacked("means"), chol=stacked("chol"), amplitudes=stacked("amplitudes"), ids=None)
    return Change(joined, sources, np.arange(len(sources)) >= len(rest))
