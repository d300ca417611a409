"""Splats: a Gaussian field as what each of its Gaussians gives a pixel (methods.md §13).

Positions are in cells of the tensor that the field describes, (x, y, z) as in `nnscope.core.space`; a field of two
dimensions lies in the plane z = ½ of a box of depth 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnscope.core.space_picture import array_bytes

if TYPE_CHECKING:
    import numpy as np

    from nnscope.core.layout import Layout
    from nnscope.core.picture import Step
    from nnscope.core.space_picture import Bounds, Corner
    from nnscope.core.statistics import TensorStats

MODES = {
    "max": "largest of the Gaussians' peaks along each ray",
    "sum": "integral along each ray over a mean side of the box",
    "alpha": "amplitudes from front to back, each hiding what is behind by its share of the largest",
}
FLAT = {"sum": "sum of the Gaussians"}
"""What a mode is in the plane, where there is nothing to integrate along."""

AUTO = "auto"
COLOURS = {
    "density": "what Gaussians give a pixel",
    "amplitude": "amplitude of the strongest Gaussian",
    "error": "mean error under the strongest Gaussian",
}
CUTOFF = 3.0  # standard deviations


@dataclass(frozen=True, slots=True)
class Splatting:
    """What is drawn of Gaussians.

    Attributes
    ----------
    mode : str
        A name of `MODES`; of signed weights the largest magnitude counts, with its sign. In the plane the sum is the
        field itself.
    colour : str
        A name of `COLOURS`.
    outlines : bool
        Ellipses at 1σ and nothing else, in the colour of the amplitude.
    cutoff : float
        Gaussians end there, in standard deviations.
    """

    mode: str = "max"
    colour: str = "density"
    outlines: bool = False
    cutoff: float = CUTOFF


@dataclass(frozen=True, slots=True, eq=False)
class SplatPicture:
    """All Gaussians of a field.

    Attributes
    ----------
    address, view, layout, version
        What is shown, and the content version of the tensor it was made from.
    means : ndarray of float64, shape (n, 3)
    factors : ndarray of float64, shape (n, 6)
        The lower triangles of L with Σ = L·Lᵀ, row by row.
    weights : ndarray of float64, shape (n,)
        In the tensor's values: what a Gaussian has in its middle beyond ``offset``.
    names : ndarray of int64, shape (n,)
    offset : float
        The value where there is no Gaussian.
    how : Splatting
    recipe : tuple of Step
    level, reduction, sampled, notes
        As in every picture of three dimensions.
    errors : ndarray of float64, shape (n,), or None
        Mean magnitude of what the field is off under each Gaussian, in the tensor's values, where it is known.
    seen : TensorStats or None
        Of what is drawn: colours follow it, and not the tensor's own, as sums along rays are no values of the tensor.
    trails : ndarray of float64, shape (n, t, 3), or None
        Where the centres were at steps of training up to this, which are drawn as paths over all else.
    """

    address: str
    view: str
    layout: Layout
    version: int
    means: np.ndarray
    factors: np.ndarray
    weights: np.ndarray
    names: np.ndarray
    offset: float
    how: Splatting
    recipe: tuple[Step, ...]
    level: int = 0
    reduction: str = ""
    sampled: float = 1.0
    notes: tuple[str, ...] = ()
    errors: np.ndarray | None = None
    seen: TensorStats | None = None
    trails: np.ndarray | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return array_bytes(self.means, self.factors, self.weights, self.names, self.errors, self.trails)

    @property
    def bounds(self) -> Bounds:
        """The box of the tensor that the field describes."""
        return self.layout.volume_shape

    def box_of(self, place: tuple[int, ...], size: int) -> tuple[Corner, Corner]:
        """Cells of that tensor from (row, column) or (row, column, depth)."""
        row, col = place[:2]
        at = place[2] if len(place) > 2 else 0
        depth, rows, cols = self.bounds
        return (col, row, at), (min(col + size, cols), min(row + size, rows), min(at + size, depth))
