"""What an analysis is: a method of the compute core with its settings, applied to one tensor where it lives.

Like a view, but the answer is an `Analysis`: named arrays and single facts, for scripts, plots and pictures made of
them. Its settings are checked before it runs (`nnscope.views.setting`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nnscope.compute.decode import to_float32
from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from nnscope.core.request import Scalar, Settings
    from nnscope.core.tensor import TensorInfo
    from nnscope.sources.base import TensorReader
    from nnscope.views.base import BuildContext
    from nnscope.views.setting import Setting

WHOLE = 1 << 28  # elements of a tensor that a method takes into memory at once: a gigabyte of float32


@dataclass(frozen=True, slots=True)
class Found:
    """What a method found: named arrays, and facts by name."""

    arrays: dict[str, np.ndarray]
    facts: dict[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Work:
    """What a method gets to work on.

    Attributes
    ----------
    context : BuildContext
    reader : TensorReader
    settings : mapping
        All of the method's, checked.
    """

    context: BuildContext
    reader: TensorReader
    settings: Mapping[str, Any]

    def values(self) -> np.ndarray:
        """The whole tensor in float32; magnitudes of complex values.

        Raises
        ------
        NnscopeError
            If it has more than `WHOLE` elements.
        """
        info = self.reader.info
        if info.size > WHOLE:
            raise NnscopeError(
                f"The tensor has {info.size:,} elements, and this method takes at most {WHOLE:,}.",
                info.address,
                "Take a part of it by an index, such as NAME[0].",
            )
        return to_float32(self.reader.read(tuple((0, size, 1) for size in info.shape)))

    def progress(self, done: int, total: int) -> None:
        """Report how far it is; raises `Cancelled` when the answer is not wanted any more."""
        self.context.progress(done, total)


@dataclass(frozen=True, slots=True)
class Method:
    """One analysis.

    Attributes
    ----------
    name, title : str
        Registry name and the words in a menu.
    refuses : callable
        Why it can't be applied to a tensor, as a sentence; empty when it can.
    run : callable
        Does it.
    settings : tuple of Setting
    """

    name: str
    title: str
    refuses: Callable[[TensorInfo], str]
    run: Callable[[Work], Found]
    settings: tuple[Setting, ...] = ()

    def checked(self, given: Settings) -> dict[str, Scalar]:
        """All settings, those not given by their defaults.

        Raises
        ------
        NnscopeError
            If one is unknown or of a wrong value.
        """
        known = {setting.name: setting for setting in self.settings}
        for name, _ in given:
            if name not in known:
                raise NnscopeError(f"{self.name} has no setting {name!r}.", remedy=_choices("Settings", known))
        defaults = {name: setting.default for name, setting in known.items()}
        return {**defaults, **{name: known[name].checked(value) for name, value in given}}


def matrices(info: TensorInfo) -> str:
    """Refuses what has fewer than two axes."""
    return "" if info.ndim >= 2 and info.size else "This needs a tensor of two or more axes that is not empty."


def volumes(info: TensorInfo) -> str:
    """Refuses what has other than three axes."""
    return "" if info.ndim == 3 and info.size else "This needs a tensor of three axes; fix the others by an index."


def _choices(what: str, names: Mapping[str, Any]) -> str:
    return f"{what} are: {', '.join(sorted(names))}." if names else f"It has no {what.lower()}."
