"""Quads for the GPU: four vertices each, two triangles, one draw call for all of them."""

from __future__ import annotations

from typing import Any
from weakref import WeakSet

import numpy as np
from vispy import gloo

_CORNERS = np.array((0, 1, 2, 2, 1, 3), np.uint32)


class QuadBuffer:
    """Vertices and their indices; filled once for each picture, or for many when nothing changed."""

    def __init__(self) -> None:
        self._vertices = gloo.VertexBuffer()
        self._indices = gloo.IndexBuffer()
        self._pattern = np.empty(0, np.uint32)
        self._count = 0
        self._bound: WeakSet[Any] = WeakSet()

    def fill(self, vertices: np.ndarray) -> None:
        """Replace the quads.

        Parameters
        ----------
        vertices : structured ndarray of float32 fields, 4 per quad
            Corners in the order top left, top right, bottom left, bottom right; the fields are the attributes.
        """
        count = len(vertices) // 4
        if count:
            self._vertices.set_data(vertices)
        if count and count != self._count:
            self._indices.set_data(self._indices_of(count))
        self._count = count

    def draw(self, program: Any) -> None:
        """Draw the quads by a gloo.Program."""
        if not self._count:
            return
        if program not in self._bound:  # takes VisPy as long as the rest; places within a vertex never change
            program.bind(self._vertices)
            self._bound.add(program)
        program.draw("triangles", self._indices)

    def delete(self) -> None:
        """Free both buffers; the context must be current."""
        self._vertices.delete()
        self._indices.delete()

    def _indices_of(self, count: int) -> np.ndarray:
        if 6 * count > len(self._pattern):
            first = 4 * np.arange(2 * count, dtype=np.uint32)[:, None]
            self._pattern = (first + _CORNERS).ravel()
        return self._pattern[: 6 * count]
