"""Small pictures of the inputs that a demo model offers, from its plugin; drawn crisp, in the theme's colours.

A plugin is someone's own code (promise P24): one that fails here, or gives something else than pictures, costs the
pictures and an entry in the error panel, and the labels stay.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QRect, QRectF
from PyQt6.QtGui import QIcon, QIconEngine, QImage, QPainter

from nnscope.core.errors import Failure, NnscopeError
from nnscope.core.plugins import DEMO
from nnscope.gui.icons import PaintedEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nnscope.core.frame import Theme
    from nnscope.core.registry import ModelSpec

LARGEST = 64  # pixels a side
MOST = 4096  # pictures


class Previews:
    """The pictures of the samples of ``models``; ``failed`` is told of a plugin that has none to give after all."""

    def __init__(self, models: Sequence[ModelSpec], failed: Callable[[Failure], None]) -> None:
        self._makers = {f"{DEMO}{spec.name}": spec.previews for spec in models if spec.previews is not None}
        self._made: dict[str, np.ndarray | None] = {}
        self._failed = failed

    def of(self, source: str, samples: int) -> np.ndarray | None:
        """The pictures [sample, row, column] of a source that has ``samples`` samples; None without."""
        if source in self._makers and source not in self._made:
            self._made[source] = self._make(source)
        made = self._made.get(source)
        return made if made is not None and len(made) == samples else None

    def _make(self, source: str) -> np.ndarray | None:
        maker = self._makers[source]
        try:
            return None if maker is None else checked(maker())
        except Exception as error:  # whatever a plugin does wrong, it is only its pictures that are missing
            reason = str(error) if isinstance(error, NnscopeError) else f"{type(error).__name__}: {error}"
            what = f"The pictures of the model's inputs could not be made ({reason})."
            self._failed(Failure(what, source, "The inputs are listed by name.", "plugin", traceback.format_exc()))
            return None


def checked(images: object) -> np.ndarray:
    """``images`` if they are small grey pictures.

    Raises
    ------
    NnscopeError
        If they are not an array of uint8 [sample, row, column] of at most `LARGEST` pixels a side.
    """
    if isinstance(images, np.ndarray) and images.dtype == np.uint8 and images.ndim == 3:
        samples, height, width = images.shape
        if samples <= MOST and min(height, width) >= 1 and max(height, width) <= LARGEST:
            return images
    raise NnscopeError(f"they must be an array of uint8 [sample, row, column], at most {LARGEST} pixels a side")


def preview_icon(image: np.ndarray, theme: Theme) -> QIcon:
    """A grey picture [row, column] as ink on paper."""
    share = image[..., None] / 255
    rgb = np.round(np.array(theme.ground) * (1 - share) + np.array(theme.text) * share).astype(np.uint8)
    height, width = image.shape
    return QIcon(_Engine(QImage(rgb.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()))


class _Engine(PaintedEngine):
    """Draws a picture in whole multiples of its pixels."""

    def __init__(self, image: QImage) -> None:
        super().__init__()
        self._image = image

    def paint(self, painter: QPainter | None, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        if painter is None:
            return
        device = painter.device()
        ratio = 1.0 if device is None else device.devicePixelRatio()
        size = self._image.size()
        most = min(rect.width() * ratio / size.width(), rect.height() * ratio / size.height())
        factor = (int(most) if most >= 1 else most) / ratio
        area = QRectF(0, 0, size.width() * factor, size.height() * factor)
        area.moveCenter(rect.toRectF().center())
        area.moveTo(round(area.x() * ratio) / ratio, round(area.y() * ratio) / ratio)
        painter.setOpacity(0.4 if mode == QIcon.Mode.Disabled else 1.0)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, most < 1)
        painter.drawImage(area, self._image)
        painter.setOpacity(1.0)

    def clone(self) -> QIconEngine:
        return _Engine(self._image)
