"""Memory to copy into again: copies that were replaced before anyone had looked at them.

Most of the cost of a copy in new memory is the memory: the system hands it out page by page and clears each. A model
that is watched step by step gives the same shapes again and again, so a copy that makes room for its successor is
written to once more, by the next tensor of the same layout. On a GPU PyTorch's own allocator does this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

    import torch

LEAST_BYTES = 1 << 16  # below this new memory costs nothing


class Spares:
    """Copies that no one holds, by their layout: shape and strides of what was copied, its dtype and their own.

    Not thread-safe: the keeper of the values locks.
    """

    def __init__(self) -> None:
        self.nbytes = 0
        self._by_layout: dict[Hashable, list[torch.Tensor]] = {}

    def keep(self, layout: Hashable, copy: torch.Tensor) -> None:
        """Take a copy that may be written to."""
        found = self._by_layout.pop(layout, [])
        found.append(copy)
        self._by_layout[layout] = found  # last, to be let go of last
        self.nbytes += copy.nbytes

    def take(self, layout: Hashable) -> torch.Tensor | None:
        """A copy to write to; None when there is none of this layout."""
        found = self._by_layout.get(layout)
        if not found:
            return None
        copy = found.pop()
        self.nbytes -= copy.nbytes
        return copy

    def shrink(self, nbytes: int) -> None:
        """Let go until at most ``nbytes`` are left, of the layout first that was seen last the longest ago."""
        while self.nbytes > nbytes:
            layout, found = next(iter(self._by_layout.items()))
            while found and self.nbytes > nbytes:
                self.nbytes -= found.pop().nbytes
            if not found:
                del self._by_layout[layout]
