"""The number of each step, whatever the training loop gives in its place."""

from __future__ import annotations

import logging
import numbers
import operator
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import MutableMapping

LOSS = "loss"
GREATEST = 1 << 62  # whole numbers on disk have 64 bits, and steps are counted on from the last

log = logging.getLogger("nnscope")


class Numbering:
    """Numbers the steps of a training.

    Attributes
    ----------
    last : int
        Number of the last step; −1 before the first.
    count : int
        Of the steps.
    """

    def __init__(self) -> None:
        self.last = -1
        self.count = 0
        self._told = False

    def advance(self, given: object, scalars: MutableMapping[str, Any]) -> None:
        """Go to the step that was ``given``, or else to the next; raises nothing.

        Parameters
        ----------
        given : object
            A whole number, of Python, NumPy or a tensor of one element, or None. For anything else the step has the
            number after the last, and one line in the log tells it.
        scalars : dict
            Numbers of the step: a real one in the place of the step's number is its ``loss``, if there is none.
        """
        number = None if given is None else self._understood(given, scalars)
        self.last = self.last + 1 if number is None else number
        self.count += 1

    def _understood(self, given: Any, scalars: MutableMapping[str, Any]) -> int | None:
        try:
            number = operator.index(given)
        except Exception:  # whatever it is, it is the training loop's (P10)
            if _is_real(given):
                scalars.setdefault(LOSS, given)
            self._tell(f"is no whole number ({type(given).__name__})", f" Give {LOSS}=… by name.")
            return None
        if abs(number) > GREATEST:
            self._tell(f"is beyond ±{GREATEST}")
            return None
        return number

    def _tell(self, what: str, remedy: str = "") -> None:
        """Once, for it comes at each step."""
        if not self._told:
            self._told = True
            log.warning("What step() was given %s: such steps have the number after the last.%s", what, remedy)


def _is_real(value: object) -> bool:
    if isinstance(value, torch.Tensor):
        return value.is_floating_point() and not value.is_nested and value.numel() == 1
    return isinstance(value, numbers.Real)
