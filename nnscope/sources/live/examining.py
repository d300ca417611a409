"""The compatibility report of a model: its modules as they are listed, if need be after a first run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from nnscope.core.errors import NnscopeError
from nnscope.sources.live.capture import Capture
from nnscope.sources.live.evaluating import evaluating
from nnscope.sources.live.source import SHOWN, LiveSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nnscope.core.tensor import ModuleInfo


def examine(model: torch.nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[ModuleInfo, ...]:
    """Every module with what can be observed of it; with inputs, after the model has run on them once.

    It runs in evaluation mode and without a graph; modes and random states are afterwards as before.

    Raises
    ------
    NnscopeError
        If the model can't be run on these inputs.
    """
    source = LiveSource(model, type(model).__name__, kinds=SHOWN)
    if args or kwargs:
        try:
            with evaluating(model), torch.no_grad(), Capture(model, source, SHOWN):
                model(*args, **kwargs)
        except Exception as error:
            raise NnscopeError(f"The model can't be run on these inputs ({type(error).__name__}: {error}).") from error
    return source.listing().modules
