"""A port of this machine that leads to another, as ``ssh -L`` makes one: bytes in any pieces, and a line to be cut."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

PIECE = 1021  # bytes: no frame ends where a piece does


class Forwarding:
    """Forwards connections to ``port`` of this machine until it is closed.

    Attributes
    ----------
    port : int
        Where it listens.
    """

    def __init__(self, port: int) -> None:
        self._to = port
        self._door = socket.create_server(("127.0.0.1", 0))
        self._lines: list[socket.socket] = []
        self.port = self._door.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, name="forwarding")]
        self._threads[0].start()

    def close(self) -> None:
        """Cut all lines."""
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        for line in self._lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for line in self._lines:
            line.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._door.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                self._lines += [near, far]
                for one, other in ((near, far), (far, near)):
                    self._threads.append(threading.Thread(target=self._pass_on, args=(one, other), name="forwarding"))
                    self._threads[-1].start()

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while piece := one.recv(PIECE):
                other.sendall(piece)
        with suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)
