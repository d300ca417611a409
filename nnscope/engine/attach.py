"""Attaching to a training of another process: the engine that answers for it, wherever its files are."""

from __future__ import annotations

import socket

from nnscope.core.attaching import HOST, SCHEME, parse_address, without_token
from nnscope.core.errors import NnscopeError
from nnscope.engine.remote import RemoteEngine

PATIENCE = 5.0  # seconds that a connection may take


def attach(address: str, inline: bool = False) -> RemoteEngine:
    """The engine that answers for a training, wherever its files are.

    Parameters
    ----------
    address : str
        What ``nnscope.watch`` printed.
    inline : bool
        Each request is answered within the call.

    Raises
    ------
    NnscopeError
        If it is no address, or nothing listens there.
    """
    port, token = parse_address(address)
    try:
        socket.create_connection((HOST, port), PATIENCE).close()
    except OSError as error:
        what = f"No training listens there ({error.strerror or 'it does not answer'})."
        remedy = "It may have ended, or its port is not forwarded to this machine."
        raise NnscopeError(what, without_token(address), remedy) from None
    return RemoteEngine(Training(port, token), inline)


class Training:
    """A training that somebody else runs; see `nnscope.engine.remote.Peer`."""

    name = "training"
    code = "died"
    remedy = "Attach again, or open the folder of the run."
    output: int | None = None

    def __init__(self, port: int, token: str) -> None:
        self.token = token
        self.where = f"{SCHEME}{HOST}:{port}"
        self._port = port

    def endpoint(self) -> str | None:
        """Where it listens."""
        return f"tcp://{HOST}:{self._port}"

    def read_output(self) -> bool:
        """What it prints is not ours to read."""
        return False

    def ended(self, wait: float = 0.0) -> str:
        """Only the connection tells."""
        return ""

    def details(self) -> str:
        """Nothing more is known."""
        return ""

    def close(self) -> None:
        """It goes on without us."""
