"""What every engine offers: requests in, answers out, notices by themselves.

Engines answer the same requests, each where its tensors are: `LocalEngine` in worker threads of this process,
`RemoteEngine` in a model process. The window sees only this contract.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from psygnal import SignalInstance

    from nnscope.core.answer import Progress
    from nnscope.core.request import Request


@dataclass(slots=True)
class Job:
    """A request on its way.

    Attributes
    ----------
    request : Request
    future : Future
        Resolves to the answer or to a `Failure`; it never raises but `CancelledError`.
    cancelled : threading.Event
        Set by `cancel`; running work looks at it between blocks.
    """

    request: Request
    future: Future[Any] = field(default_factory=Future)
    cancelled: threading.Event = field(default_factory=threading.Event)

    def cancel(self) -> None:
        """The answer is not wanted any more."""
        self.cancelled.set()
        self.future.cancel()

    def answer(self, timeout: float | None = None) -> Any:
        """Wait for the answer (scripts and tests; never on the window's thread)."""
        return self.future.result(timeout)


class Engine(Protocol):
    """The contract. Its signal emits from any thread."""

    @property
    def notices(self) -> SignalInstance:
        """Emits `Changed` and `Died`."""
        ...

    def submit(self, request: Request, on_progress: Callable[[Progress], None] | None = None) -> Job:
        """Start answering ``request``. Never blocks."""
        ...

    def close(self) -> None:
        """Stop all work and free threads, processes, files and sockets. Idempotent."""
        ...
