"""Arrays as Qt images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtGui import QImage

if TYPE_CHECKING:
    import numpy as np


def as_image(rgba: np.ndarray) -> QImage:
    """A Qt image with a copy of the pixels [height, width, RGBA]."""
    height, width = rgba.shape[:2]
    return QImage(rgba.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()
