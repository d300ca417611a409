"""Connections to psygnal signals that end together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from psygnal import SignalInstance


class Subscriptions:
    """What was connected through it is disconnected by `close`."""

    def __init__(self) -> None:
        self._made: list[tuple[SignalInstance, Callable[..., Any]]] = []

    def connect(self, signal: SignalInstance, slot: Callable[..., Any]) -> None:
        """Call ``slot`` when ``signal`` emits."""
        signal.connect(slot)
        self._made.append((signal, slot))

    def close(self) -> None:
        """End every connection made here."""
        while self._made:
            signal, slot = self._made.pop()
            signal.disconnect(slot, missing_ok=True)
