"""Dropping files on a window: which paths a drop carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PyQt6.QtCore import QMimeData

LIMIT = 64  # files opened by one drop


def dropped_paths(data: QMimeData | None) -> list[str]:
    """Local paths of a drop; empty when it carries none."""
    if data is None or not data.hasUrls():
        return []
    return [url.toLocalFile() for url in data.urls() if url.isLocalFile()][:LIMIT]
