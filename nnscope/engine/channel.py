"""The socket between a window and a model process: where they meet, who may talk, and how threads reach the loop.

They meet in a folder that only this user can enter (mode 0700): a Unix socket lies in it, or, where those don't exist
or the path is too long for one, a file that names a port of 127.0.0.1. Whoever connects must know a 256-bit token.
It is asked for in ZeroMQ's own handshake (PLAIN), before any message can pass, and compared in constant time: without
it the connection is closed and nothing else is said. A message longer than the limit closes the connection as well,
before memory is set aside for it.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
import shutil
import socket
import sys
import tempfile
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import zmq
from zmq.utils.monitor import recv_monitor_message

if TYPE_CHECKING:
    from collections.abc import Callable

REQUEST_LIMIT = 1 << 20  # bytes of a message to the model process
ANSWER_LIMIT = 160 << 20  # bytes of a message from it; what is longer goes in parts, see `nnscope.engine.parcels`
USER = b"nnscope/1"  # the version of the protocol
_LONGEST_PATH = 100  # of a Unix socket; systems allow 104 to 108
_ENDPOINT = "endpoint"
_HEARTBEAT = {zmq.HEARTBEAT_IVL: 1000, zmq.HEARTBEAT_TIMEOUT: 15_000, zmq.LINGER: 0}  # milliseconds
_ANY_PORT = "tcp://127.0.0.1:*"
_GONE = zmq.EVENT_DISCONNECTED | zmq.EVENT_CLOSED
_ZAP = "inproc://zeromq.zap.01"  # fixed by ZeroMQ RFC 27


def make_folder() -> Path:
    """A new folder for one meeting, which only this user can enter."""
    return Path(tempfile.mkdtemp(prefix="nnscope-"))


def remove_folder(folder: Path) -> None:
    """Remove it; both sides do, whoever is left."""
    shutil.rmtree(folder, ignore_errors=True)


def new_token() -> str:
    """256 random bits in hexadecimal."""
    return secrets.token_hex(32)


def find_endpoint(folder: Path) -> str | None:
    """Where the server of that folder listens; None while it doesn't yet."""
    try:
        return (folder / _ENDPOINT).read_text()
    except FileNotFoundError:
        return None


def client_socket(context: zmq.Context[Any], token: str) -> zmq.Socket[Any]:
    """A client's socket, to be watched first and then connected: what happens in between would go unseen."""
    client = _socket(context, zmq.DEALER, ANSWER_LIMIT)
    client.plain_username = USER
    client.plain_password = token.encode()
    client.sndhwm = 0
    return client


class Listener:
    """A server's socket, and the answers to who asks for admission.

    Parameters
    ----------
    context : zmq.Context
    folder : Path or str
        Where it is bound and announced; not used with ``listening``.
    token : str
    listening : int
        The descriptor of a TCP socket that listens already; −1 for none.

    Attributes
    ----------
    socket : zmq.Socket
        A ROUTER. Messages have the client's identity and one frame of payload.
    gate : zmq.Socket
        When it has something to read, call `admit`.
    traffic : zmq.Socket
        When it has something to read, call `count`.
    guests : int
        How many are connected; who is not admitted is so for 2 seconds at most.
    """

    def __init__(self, context: zmq.Context[Any], folder: Path | str, token: str, listening: int = -1) -> None:
        self.guests = 0
        self._connected: set[int] = set()  # their descriptors
        self._token = token.encode()
        self.gate = context.socket(zmq.REP)
        self.gate.linger = 0
        self.gate.bind(_ZAP)
        self.socket = _socket(context, zmq.ROUTER, REQUEST_LIMIT)
        self.socket.plain_server = True
        self.socket.handshake_ivl = 2000
        self.socket.sndhwm = 0  # a reply is never dropped; how many there are is up to the client
        self.traffic = self.socket.get_monitor_socket(zmq.EVENT_ACCEPTED | _GONE)
        if listening >= 0:
            self.socket.setsockopt(zmq.USE_FD, listening)
            self.socket.bind(_ANY_PORT)
        else:
            self.socket.bind(_address(Path(folder)))
            _announce(Path(folder), self.socket.getsockopt_string(zmq.LAST_ENDPOINT))

    def count(self) -> None:
        """Note who has come or gone."""
        event = recv_monitor_message(self.traffic)
        if event["event"] & _GONE:
            self._connected.discard(event["value"])
        else:
            self._connected.add(event["value"])
        self.guests = len(self._connected)

    def admit(self) -> None:
        """Answer one request for admission (ZeroMQ RFC 27)."""
        version, number, _, _, _, mechanism, *credentials = self.gate.recv_multipart()
        welcome = mechanism == b"PLAIN" and len(credentials) == 2 and self._knows(*credentials)
        status = (b"200", b"OK", b"nnscope", b"") if welcome else (b"400", b"", b"", b"")
        self.gate.send_multipart([version, number, *status])

    def reaches(self, client: bytes, record: bytes) -> bool:
        """Send something to a client; whether it is still there."""
        self.socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        try:
            self.socket.send_multipart([client, record])
        except zmq.ZMQError:
            return False
        finally:
            self.socket.setsockopt(zmq.ROUTER_MANDATORY, 0)
        return True

    def close(self) -> None:
        """Close both sockets."""
        self.socket.disable_monitor()
        self.traffic.close(linger=0)
        self.socket.close()
        self.gate.close()

    def _knows(self, user: bytes, token: bytes) -> bool:
        return hmac.compare_digest(token, self._token) and user == USER


class Mailbox:
    """Calls that any thread hands to the one that runs the loop. Putting never blocks.

    Attributes
    ----------
    wake : socket
        Readable when there are calls to `run`.
    """

    def __init__(self) -> None:
        self._calls: deque[Callable[[], None]] = deque()
        self._bell, self.wake = socket.socketpair()
        self._bell.setblocking(False)
        self.wake.setblocking(False)

    def put(self, call: Callable[[], None]) -> None:
        """Have ``call`` run by the loop; once the mailbox is closed, nothing happens."""
        self._calls.append(call)
        with contextlib.suppress(OSError):  # full: the bell is ringing already; closed: no one listens any more
            self._bell.send(b"\0")

    def run(self) -> None:
        """Run what has come in."""
        with contextlib.suppress(BlockingIOError):
            self.wake.recv(4096)
        while self._calls:
            self._calls.popleft()()

    def close(self) -> None:
        """Close the bell and forget what is left."""
        self._bell.close()
        self.wake.close()
        self._calls.clear()


def _socket(context: zmq.Context[Any], kind: int, limit: int) -> zmq.Socket[Any]:
    made: zmq.Socket[Any] = context.socket(kind)
    for option, value in _HEARTBEAT.items():
        made.setsockopt(option, value)
    made.setsockopt(zmq.MAXMSGSIZE, limit)
    return made


def _address(folder: Path) -> str:
    path = folder / "socket"
    if sys.platform == "win32" or len(os.fsencode(path)) > _LONGEST_PATH:
        return _ANY_PORT
    return f"ipc://{path}"


def _announce(folder: Path, endpoint: str) -> None:
    unfinished = folder / f"{_ENDPOINT}.part"
    unfinished.write_text(endpoint)
    unfinished.replace(folder / _ENDPOINT)
