"""What the tool bar's choices offer, in words."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtGui import QIcon, QPixmap

from nnscope.compute.colour import colour_maps as known_maps
from nnscope.core.space import AESTHETIC, RAYS
from nnscope.gui.images import as_image
from nnscope.gui.toolbar.choice import SWATCH, Entry

if TYPE_CHECKING:
    from nnscope.scene.controller import ViewChoice
    from nnscope.scene.resolve import Resolved
    from nnscope.scene.state import PaneState

_NORMALISATIONS = (
    ("linear", "Linear", "A stated domain; symmetric about 0 for signed values"),
    ("minmax", "Min – max", "From the tensor's least to its greatest value"),
    ("zscore", "Z-score", "(x − mean) / std"),
    ("robust", "Robust", "(x − median) / (1.4826 · MAD)"),
    ("log", "Logarithmic", "sign(x) · log(1 + |x| / s), s the median magnitude"),
    ("tanh", "Tanh", "tanh(x / s): exaggerates what is small"),
)
_AESTHETIC = ("tanh",)

REDUCTIONS = (
    Entry("mean", "Mean", "Mean of the values under a cell"),
    Entry("extremes", "Extremes", "The value of largest magnitude under a cell"),
    Entry("variance", "Variance", "Variance of the values under a cell"),
    Entry("min", "Minimum", "Least value under a cell"),
    Entry("max", "Maximum", "Greatest value under a cell"),
)

_RAYS = (
    ("mip", "Maximum"),
    ("minip", "Minimum"),
    ("signed", "Largest magnitude"),
    ("average", "Mean"),
    ("additive", "Sum"),
    ("surface", "Surface"),
    ("translucent", "Translucent"),
)


def rays(scientific: bool) -> list[Entry]:
    """What may be made of the values along a ray."""
    reason = "Aesthetic: not in scientific mode"
    return [
        Entry(name, title, RAYS[name].capitalize(), reason if scientific and name in AESTHETIC else "")
        for name, title in _RAYS
    ]


def views(choices: list[ViewChoice]) -> list[Entry]:
    """The views, those that don't apply greyed out."""
    return [Entry(choice.name, choice.title, refusal=choice.refusal) for choice in choices]


def normalisations(scientific: bool) -> list[Entry]:
    """The normalisations of methods.md §2."""
    return [
        Entry(name, title, hint, "Aesthetic: not in scientific mode" if scientific and name in _AESTHETIC else "")
        for name, title, hint in _NORMALISATIONS
    ]


def effective_normalisation(pane: PaneState, resolved: Resolved | None) -> str:
    """The one in use, whatever was asked for."""
    if resolved is not None and resolved.normalisation is not None:
        return resolved.normalisation.name
    return pane.normalisation


@cache
def colour_maps() -> tuple[list[Entry], list[QIcon]]:
    """The colour maps with a picture of each."""
    maps = known_maps().values()
    entries = [Entry(m.name, m.name.replace("-", " "), m.kind.capitalize()) for m in maps]
    return entries, [QIcon(_swatch(m.lut)) for m in maps]


def _swatch(lut: np.ndarray) -> QPixmap:
    width, height = SWATCH.width() * 2, SWATCH.height() * 2
    row = lut[np.arange(width) * 256 // width]
    return QPixmap.fromImage(as_image(np.ascontiguousarray(np.broadcast_to(row, (height, *row.shape)))))
