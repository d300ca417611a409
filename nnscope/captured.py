"""Captured values as tensors: what the hooks of ``nnscope.sources.live`` keep, under the Python interface."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from nnscope.collection import TensorCollection
from nnscope.core.errors import NnscopeError
from nnscope.engine.local import LocalEngine
from nnscope.headless.client import SourceClient
from nnscope.sources.live.capture import STORED

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from nnscope.core.tensor import Listing, TensorInfo
    from nnscope.engine.protocol import Engine
    from nnscope.sources.live.capture import Capture
    from nnscope.sources.live.source import LiveSource


class CapturedTensors(TensorCollection):
    """What the modules of a model took and gave, by address, while the ``with`` block ran.

    Every forward pass takes the place of the one before. The hooks come off at the end of the block; the values stay
    readable.
    """

    def __init__(self, hooks: Capture) -> None:
        self._hooks = hooks
        super().__init__(_LiveClient(hooks))

    def for_window(self) -> tuple[list[str], dict[str, Engine]]:
        """An engine with threads of its own, over the same values and the model's parameters."""
        return [], {self.path: LocalEngine(_Borrowed(self._hooks.source))}

    def __enter__(self) -> Self:
        self._hooks.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._hooks.__exit__(kind, error, at)


class _Borrowed:
    """A live source that stays open, with its hooks on the model, when who borrowed it closes it."""

    def __init__(self, source: LiveSource) -> None:
        self.listing = source.listing
        self.reader = source.reader

    def close(self) -> None:
        """The source is not ours."""


class _LiveClient(SourceClient):
    """Asks about captured values, which come and go: what there is is looked up anew each time."""

    def __init__(self, hooks: Capture) -> None:
        super().__init__(hooks.source)
        self._hooks = hooks
        self._hidden = () if hooks.stored else STORED

    @property
    def listing(self) -> Listing:
        self._hooks.sense()
        listing = self.source.listing()
        return replace(listing, tensors=tuple(info for info in listing.tensors if info.kind not in self._hidden))

    def info(self, name: str) -> TensorInfo | None:
        self._hooks.sense()
        with suppress(NnscopeError):
            info = self.source.reader(name).info
            return info if info.kind not in self._hidden else None
        return None
