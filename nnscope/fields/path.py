"""A field over training: the parameters of the same Gaussians at several steps, and the paths of their centres."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nnscope.fields.parameters import Gaussians

PREFIX = "path."
_PARAMETERS = ("means", "chol", "amplitudes")
_KINDS = {"steps": "<i8", "means": "<f4", "chol": "<f4", "amplitudes": "<f4", "ranges": "<f4"}


@dataclass(frozen=True, slots=True, eq=False)
class FieldPath:
    """Row i of every step is the same Gaussian.

    Attributes
    ----------
    steps : ndarray of int64, shape (t,)
        Rising.
    means, chol, amplitudes : ndarray, shapes (t, n, d), (t, n, k) and (t, n)
        As `Gaussians` has them.
    ranges : ndarray, shape (t, 2)
        Offset and scale.

    Raises
    ------
    NnscopeError
        If the shapes don't fit each other, values are not finite, or the steps don't rise.
    """

    steps: np.ndarray
    means: np.ndarray
    chol: np.ndarray
    amplitudes: np.ndarray
    ranges: np.ndarray

    def __post_init__(self) -> None:
        t, n = self.amplitudes.shape if self.amplitudes.ndim == 2 else (0, 0)
        wanted = {"steps": (t,), "means": (t, n, *self.means.shape[2:3]), "chol": (t, n, *self.chol.shape[2:3])}
        for name, shape in {**wanted, "ranges": (t, 2)}.items():
            if not t or getattr(self, name).shape != shape:
                raise NnscopeError("The steps of this field don't fit each other.", f"{PREFIX}{name}", "Fit it anew.")
        finite = all(np.isfinite(getattr(self, name)).all() for name in _KINDS)
        if not finite or not (np.diff(self.steps) > 0).all():
            raise NnscopeError("The steps of this field don't rise or hold no numbers.", PREFIX, "Fit it anew.")

    @classmethod
    def of(cls, steps: Sequence[int], fields: Sequence[Gaussians]) -> FieldPath:
        """Fields at steps, with the same Gaussians in each."""
        means, chol, amplitudes = (np.stack([getattr(field, name) for field in fields]) for name in _PARAMETERS)
        ranges = np.array([(field.offset, field.scale) for field in fields])
        return cls(np.asarray(steps, np.int64), means, chol, amplitudes, ranges)

    @classmethod
    def read(cls, tensors: Mapping[str, np.ndarray]) -> FieldPath:
        """From the tensors of a file, by their names there."""
        missing = [name for name in _KINDS if PREFIX + name not in tensors]
        if missing:
            raise NnscopeError(f"This field has no tensor {PREFIX}{missing[0]}.", remedy="Fit it anew.")
        return cls(**{name: tensors[PREFIX + name] for name in _KINDS})

    def tensors(self) -> dict[str, np.ndarray]:
        """What a file holds of it."""
        return {PREFIX + name: np.asarray(getattr(self, name), kind) for name, kind in _KINDS.items()}

    def at(self, place: int, field: Gaussians) -> Gaussians:
        """The field at steps[place], of the kind of ``field``."""
        offset, scale = map(float, self.ranges[place])
        parts = {"means": self.means[place], "chol": self.chol[place], "amplitudes": self.amplitudes[place]}
        return replace(field, **parts, offset=offset, scale=scale)
