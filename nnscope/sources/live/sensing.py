"""How much a model's output follows each of its inputs, at the batch that it was trained on last (methods.md §10).

The batch is copied as the model is called; at a look, products with the Jacobian of the model, as it is by then and in
evaluation mode, give E[(Jᵀv)_i²] for each input i. Nothing of the model changes for it: `linearise` tells how.
"""

from __future__ import annotations

import logging
import math
import weakref
from typing import TYPE_CHECKING, Any

import torch

from nnscope.compute.jacobian import EstimateOptions, sensitivity
from nnscope.core.errors import NnscopeError
from nnscope.sources.live.sensitivity import Call, linearise

if TYPE_CHECKING:
    from torch.utils.hooks import RemovableHandle

SENSITIVITY = "sensitivity"  # the kind that is asked for, and the name of ‖J‖_F among the numbers of a run
ADDRESS = "(model):jacobian"
SAMPLES = 64  # products at most: more than enough for 5 % of a batch of a few dozen

log = logging.getLogger("nnscope")


class Sensing:
    """Sensitivities of one model, which is not kept alive by this."""

    def __init__(self, model: torch.nn.Module) -> None:
        self._model = weakref.ref(model)
        self._call: Call | None = None
        self._handle: RemovableHandle | None = None
        self._refused = False

    @property
    def heard(self) -> bool:
        """Whether a call was heard that nothing was taken of."""
        return self._call is not None

    def attach(self) -> None:
        """Listen to the next call of the model."""
        model = self._model()
        if model is not None and self._handle is None and not self._refused:
            self._handle = model.register_forward_pre_hook(self._called, with_kwargs=True)

    def detach(self) -> None:
        """Take the hook off. Idempotent."""
        if self._handle is not None:
            self._handle.remove()
            self._handle = None

    def take(self) -> tuple[torch.Tensor, float] | None:
        """The sensitivity to each element of the first input, in its shape, and ‖J‖_F; None if there is none.

        Of a model for which it can't be had, one line in the log tells why, once.
        """
        model, call, self._call = self._model(), self._call, None
        self.detach()
        if model is None or call is None:
            return None
        try:
            linear = linearise(model, call)
            found = sensitivity(linear.vjp, linear.output_shape, EstimateOptions(max_samples=SAMPLES))
        except NnscopeError as error:
            self._refused = True
            log.warning("The sensitivity of the model can't be had: %s", error)
            return None
        return torch.from_numpy(found.per_input).to(torch.float32), math.sqrt(found.squared_norm)

    def _called(self, module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if torch.compiler.is_compiling():
            return
        try:
            self._call = Call(*Call(args, kwargs).copied())
        except Exception as error:  # never into the caller's code (P10)
            self._refused = True
            log.warning("The sensitivity of the model can't be had (%s: %s).", type(error).__name__, error)
