"""Which Gaussians make up what is seen at a place of splats, and a Gaussian in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nnscope.core.splats import SplatPicture
from nnscope.fields.splatting import projected, shares_at

if TYPE_CHECKING:
    from nnscope.core.frame import PaneFrame


@dataclass(frozen=True, slots=True)
class Shown:
    """A Gaussian at a place of a picture.

    Attributes
    ----------
    name : int
        That it keeps over training.
    given, share : float
        What it gives there in the tensor's values, and that over the magnitudes of all: in [0, 1].
    amplitude : float
    centre, axes, along : tuple of float
        In cells: position, standard deviations with the longest first, and the direction of that.
    error : float or None
        See `SplatPicture.errors`.
    """

    name: int
    given: float
    share: float
    amplitude: float
    centre: tuple[float, ...]
    axes: tuple[float, ...]
    along: tuple[float, ...]
    error: float | None


def shares_under(pane: PaneFrame, x: float, y: float) -> tuple[SplatPicture, np.ndarray] | None:
    """The splats of a pane and what each gives at a screen position, float64 (n,); None where none does."""
    space = pane.space
    shown = space.picture if space is not None else None
    if space is None or not isinstance(shown, SplatPicture):
        return None
    seen = projected(shown, space.camera, pane.picture, mode=shown.how.mode)
    shares = shares_at(seen, x - pane.picture.x, y - pane.picture.y, shown.how.cutoff)
    return (shown, shares) if np.abs(shares).max(initial=0.0) > 0 else None


def strongest_under(pane: PaneFrame, x: float, y: float, most: int = 12) -> tuple[tuple[Shown, ...], int]:
    """Those that give most at a screen position, and how many give anything."""
    found = shares_under(pane, x, y)
    if found is None:
        return (), 0
    shown, shares = found
    size = np.abs(shares)
    order = np.argsort(-size, kind="stable")[: min(most, int((size > 0).sum()))]
    return tuple(_shown(shown, int(at), shares) for at in order), int((size > 0).sum())


def told(shown: SplatPicture, at: int, shares: np.ndarray) -> str:
    """A Gaussian in words: its name, centre, axes, orientation and amplitude, and its share of what is seen."""
    one = _shown(shown, at, shares)
    centre = ", ".join(f"{part:.2f}" for part in one.centre)
    lengths = " × ".join(f"{length:.3g}" for length in one.axes)
    along = ", ".join(f"{part:.2f}" for part in one.along)
    return (
        f"Gaussian {one.name}: centre ({centre})  σ {lengths} along ({along})  "
        f"amplitude {one.amplitude:.4g}  gives {one.share:.1%} of what is here"
    )


def _shown(shown: SplatPicture, at: int, shares: np.ndarray) -> Shown:
    flat = 3 if shown.layout.depth else 2
    axes, directions = _axes(shown.factors[at], flat)
    return Shown(
        int(shown.names[at]),
        float(shares[at]),
        float(abs(shares[at]) / np.abs(shares).sum()),
        float(shown.weights[at]),
        tuple(shown.means[at, :flat].tolist()),
        tuple(axes.tolist()),
        tuple(directions[0].tolist()),
        None if shown.errors is None else float(shown.errors[at]),
    )


def _axes(factor: np.ndarray, flat: int) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviations along the principal axes, the longest first, and unit vectors along these."""
    lower = np.zeros((3, 3))
    lower[np.tril_indices(3)] = factor
    left, lengths, _ = np.linalg.svd(lower[:flat, :flat])
    directions = left.T * np.where(left.T[:, :1] < 0, -1.0, 1.0)
    return lengths, directions + 0.0
