"""Copies on their way off a GPU: by a stream of their own into pinned memory, and nobody waits but who reads them.

What a look copies is copied on the device first, in the order of the model's own work, which may overwrite the original
with its next operation. From there to the host it goes on another stream, beside that work: the training thread issues
the copies and goes on, and the thread that records waits for the event behind them. Three things are needed for that
and easily lost: the host's memory is pinned, both sides have one dtype (a copy that converts goes through pageable
memory), and the copy on the device is held until the values have left it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence


class Sent:
    """A copy on its way to the host."""

    __slots__ = ("_device", "_event", "_host")

    def __init__(self, device: torch.Tensor, host: torch.Tensor, event: torch.cuda.Event) -> None:
        self._device: torch.Tensor | None = device
        self._host = host
        self._event = event

    def received(self) -> torch.Tensor:
        """The values on the host, once they are there."""
        if self._device is not None:
            self._event.synchronize()
            self._device = None  # what it held may be used for something else from now on
        return self._host


class Transit:
    """Sends copies to the host; for one thread, the one that trains."""

    def __init__(self) -> None:
        self._streams: dict[torch.device, torch.cuda.Stream] = {}

    def send(self, copies: Sequence[torch.Tensor]) -> list[torch.Tensor | Sent]:
        """Begin to send what is on a GPU; what is not stays as it is. Returns before anything has arrived.

        Parameters
        ----------
        copies : sequence of Tensor
            That nobody writes to any more, in the order of the streams that are current on their devices.

        Returns
        -------
        list of Tensor or Sent
            In the same order; see `received`.
        """
        sent: list[torch.Tensor | Sent] = list(copies)
        for device, places in _by_device(copies).items():
            for place, parcel in zip(places, self._send_from(device, [copies[p] for p in places]), strict=True):
                sent[place] = parcel
        return sent

    def _send_from(self, device: torch.device, copies: list[torch.Tensor]) -> list[Sent]:
        stream = self._streams.get(device)
        if stream is None:
            stream = self._streams[device] = torch.cuda.Stream(device)
        stream.wait_stream(torch.cuda.current_stream(device))
        event = torch.cuda.Event()
        with torch.cuda.stream(stream):
            hosts = [_pinned_like(copy).copy_(copy, non_blocking=True) for copy in copies]
            event.record(stream)
        return [Sent(copy, host, event) for copy, host in zip(copies, hosts, strict=True)]


def received(copy: torch.Tensor | Sent) -> torch.Tensor:
    """A copy that was sent, waited for; any other as it is."""
    return copy.received() if isinstance(copy, Sent) else copy


def _by_device(copies: Sequence[torch.Tensor]) -> dict[torch.device, list[int]]:
    """Where the copies stand that are on each GPU."""
    found: dict[torch.device, list[int]] = defaultdict(list)
    for place, copy in enumerate(copies):
        if copy.is_cuda:
            found[copy.device].append(place)
    return found


def _pinned_like(copy: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(copy, device="cpu", pin_memory=True)
