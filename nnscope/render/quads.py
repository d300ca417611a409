"""Quads for the GPU: four vertices each, two triangles, one draw call for all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from vispy import gloo

_CORNERS = np.array((0, 1, 2, 2, 1, 3), np.uint32)


class QuadBuffer:
    """Vertices and their indices; refilled before each draw."""

    def __init__(self) -> None:
        self._vertices = gloo.VertexBuffer()
        self._indices = gloo.IndexBuffer()
        self._pattern = np.empty(0, np.uint32)

    def draw(self, program: Any, vertices: np.ndarray) -> None:
        """Draw quads.

        Parameters
        ----------
        program : gloo.Program
        vertices : structured ndarray of float32 fields, 4 per quad
            Corners in the order top left, top right, bottom left, bottom right; the fields are the attributes.
        """
        count = len(vertices) // 4
        if not count:
            return
        if 6 * count > len(self._pattern):
            first = 4 * np.arange(2 * count, dtype=np.uint32)[:, None]
            self._pattern = (first + _CORNERS).ravel()
        self._vertices.set_data(vertices)
        self._indices.set_data(self._pattern[: 6 * count])
        program.bind(self._vertices)
        program.draw("triangles", self._indices)

    def delete(self) -> None:
        """Free both buffers; the context must be current."""
        self._vertices.delete()
        self._indices.delete()
