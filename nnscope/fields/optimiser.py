"""Adam over the Gaussians of a field, with rates of its own for each parameter (Kingma & Ba 2015, algorithm 1).

The moments are rows beside the parameters' rows. When Gaussians are removed and added, the survivors take theirs along
and newcomers begin with none (`select`): a stale optimiser would move Gaussians by what others had felt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from nnscope.fields.module import GaussianField

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-15
NAMES = ("means", "chol", "amplitudes")


class Adam:
    """Moves the parameters of ``field``.

    Parameters
    ----------
    field : GaussianField
    rates : mapping of str to float or Tensor
        For ``means``, ``chol`` and ``amplitudes``; a tensor has a rate for each column.
    """

    def __init__(self, field: GaussianField, rates: Mapping[str, float | torch.Tensor]) -> None:
        self.field = field
        self.rates = rates
        self.steps = 0
        self.first = {name: torch.zeros_like(getattr(field, name)) for name in NAMES}
        self.second = {name: torch.zeros_like(getattr(field, name)) for name in NAMES}

    def step(self, share: float = 1.0) -> None:
        """One step along the gradients that are in the parameters, ``share`` of the rates long."""
        self.steps += 1
        unbias1, unbias2 = 1 - BETA1**self.steps, 1 - BETA2**self.steps
        with torch.no_grad():
            for name in NAMES:
                parameter = getattr(self.field, name)
                self.first[name].lerp_(parameter.grad, 1 - BETA1)
                self.second[name].mul_(BETA2).addcmul_(parameter.grad, parameter.grad, value=1 - BETA2)
                move = (self.first[name] / unbias1) / ((self.second[name] / unbias2).sqrt_() + EPSILON)
                parameter.sub_(move * self.rates[name] * share)
                parameter.grad = None

    def select(self, sources: np.ndarray, fresh: np.ndarray) -> None:
        """Follow the field to other Gaussians.

        Parameters
        ----------
        sources : ndarray of int64, shape (n,)
            Which Gaussian of before each of now was, or comes from.
        fresh : ndarray of bool, shape (n,)
            Whether it is new: its moments begin at zero.
        """
        index, new = torch.from_numpy(sources), torch.from_numpy(fresh)
        for moments in (self.first, self.second):
            for name in NAMES:
                moments[name] = moments[name][index]
                moments[name][new] = 0

    def moments(self) -> dict[str, np.ndarray]:
        """As a checkpoint holds them (`nnscope.fields.checkpoint`)."""
        pairs = (("first", self.first), ("second", self.second))
        return {f"{name}.{which}": held[name].numpy().copy() for which, held in pairs for name in NAMES}

    def resume(self, moments: Mapping[str, np.ndarray], steps: int) -> None:
        """Go on from a checkpoint's moments."""
        for which, held in (("first", self.first), ("second", self.second)):
            for name in NAMES:
                held[name] = torch.tensor(moments[f"{name}.{which}"], dtype=held[name].dtype)
        self.steps = steps
