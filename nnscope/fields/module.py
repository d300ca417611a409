"""The learnable field: a torch module over the parameters of `nnscope.fields.parameters.Gaussians`."""

# mypy: disallow-subclassing-any=False
# (torch is not followed by mypy here: its classes are Any to it)

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from nnscope.fields.autograd import GaussianSum, Kinds, PictureError, SquaredError
from nnscope.fields.evaluate import CUTOFF, Points

if TYPE_CHECKING:
    from nnscope.fields.lattice import Lattice
    from nnscope.fields.parameters import Covariance, Gaussians
    from nnscope.fields.projection import Maxima
    from nnscope.fields.views import Pinhole


class GaussianField(nn.Module):
    """A sum of Gaussians whose means, covariances and amplitudes are parameters.

    Parameters
    ----------
    field : Gaussians
        Where it starts.
    dtype : torch.dtype
        float32, or float64 for checks of gradients.

    Attributes
    ----------
    means, chol, amplitudes : nn.Parameter
        As in `Gaussians`.
    """

    def __init__(self, field: Gaussians, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self._start = field
        self.dtype = dtype
        self.set_parameters(field.means, field.chol, field.amplitudes)

    def set_parameters(self, means: np.ndarray, chol: np.ndarray, amplitudes: np.ndarray) -> None:
        """Hold these values from now on, of any number of Gaussians; gradients are gone."""
        for name, values in (("means", means), ("chol", chol), ("amplitudes", amplitudes)):
            setattr(self, name, nn.Parameter(torch.tensor(np.asarray(values), dtype=self.dtype)))

    @property
    def count(self) -> int:
        """Number of Gaussians."""
        return len(self.means)

    @property
    def dimensions(self) -> int:
        """2 or 3."""
        return int(self.means.shape[1])

    @property
    def covariance(self) -> Covariance:
        """``"full"`` or ``"diagonal"``."""
        return self._start.covariance

    @property
    def weights(self) -> torch.Tensor:
        """w of each Gaussian, shape (n,)."""
        return torch.sigmoid(self.amplitudes) if self._start.amplitude == "sigmoid" else self.amplitudes

    def forward(self, samples: Lattice | Points | torch.Tensor, cutoff: float = CUTOFF) -> torch.Tensor:
        """f at the samples, without offset and scale.

        Parameters
        ----------
        samples : Lattice, Points, or Tensor of shape (m, d)
            Points that are used more than once should be sorted once (`Points`).
        """
        if isinstance(samples, torch.Tensor):
            samples = Points(samples.detach().to(self.dtype).numpy())
        values: torch.Tensor = GaussianSum.apply(self.means, self.chol, self.amplitudes, samples, self._kinds(cutoff))
        return values

    def squared_error(
        self, lattice: Lattice, wanted: np.ndarray, cutoff: float = CUTOFF
    ) -> tuple[torch.Tensor, np.ndarray]:
        """Mean of (f − wanted)² over a lattice, with gradients, and the residual f − wanted."""
        loss, residual = SquaredError.apply(
            self.means, self.chol, self.amplitudes, (lattice, wanted), self._kinds(cutoff)
        )
        return loss, residual.numpy()

    def picture_error(self, camera: Pinhole, wanted: np.ndarray, how: Maxima) -> torch.Tensor:
        """Mean of (maximum projection − wanted)² over a picture [y, x], with gradients."""
        goal = camera, how, wanted
        loss: torch.Tensor = PictureError.apply(self.means, self.chol, self.amplitudes, goal, self._kinds(how.cutoff))
        return loss

    def _kinds(self, cutoff: float) -> Kinds:
        return Kinds(self._start.amplitude, self._start.covariance, cutoff)

    def frozen(self) -> Gaussians:
        """The parameters as they are now, in NumPy."""
        values = {name: getattr(self, name).detach().numpy().copy() for name in ("means", "chol", "amplitudes")}
        ids = self._start.ids if self._start.ids is not None and len(self._start.ids) == self.count else None
        return replace(self._start, **values, ids=ids)
