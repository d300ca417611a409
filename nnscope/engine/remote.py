"""An engine in another process: requests go out over the channel, answers and notices come back.

One loop thread owns the socket and looks after the process at the other end. When that ends, crashes, falls silent or
sends something that is not understood, every request that waits gets a `Failure`, `Died` is told with a sentence, and
nothing is left open.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
from concurrent.futures import Future, InvalidStateError, wait
from typing import TYPE_CHECKING, Any, Protocol

import zmq
from psygnal import SignalInstance
from zmq.utils.monitor import recv_monitor_message

from nnscope.core.answer import Died, Progress
from nnscope.core.errors import Failure
from nnscope.engine.channel import Mailbox, client_socket
from nnscope.engine.parcels import Arriving
from nnscope.engine.protocol import Job
from nnscope.engine.wire import Ask, Begin, Drop, Going, Hello, More, Notify, Part, Reply, WireError, decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.core.request import Request
    from nnscope.engine.wire import Message

STARTING = 10  # milliseconds between two looks whether the process listens already
WATCHING = 250  # milliseconds between two looks whether it still lives, beside being told by its sockets

_LOST = zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
_REFUSALS = zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL

_log = logging.getLogger(__name__)


class Peer(Protocol):
    """The process at the other end, as the loop sees it.

    Attributes
    ----------
    token : str
    name : str
        What it is called in sentences, such as "model process".
    code, where, remedy : str
        Of the `Failure` that tells of its end.
    output : int or None
        A file descriptor that becomes readable when the process writes something or ends.
    """

    token: str
    name: str
    code: str
    where: str
    remedy: str
    output: int | None

    def endpoint(self) -> str | None:
        """Where it listens; None while it doesn't yet."""
        ...

    def read_output(self) -> bool:
        """Take what it has written; False when there will be no more."""
        ...

    def ended(self, wait: float = 0.0) -> str:
        """Why it is no more, as a sentence, after waiting up to ``wait`` seconds for it; empty while it lives."""
        ...

    def details(self) -> str:
        """The last that it wrote."""
        ...

    def close(self) -> None:
        """End it and remove what was made for it. Idempotent."""
        ...


class RemoteEngine:
    """The engine at the other end of a channel; see `Engine`.

    Parameters
    ----------
    peer : Peer
        Owned by the engine from now on.
    inline : bool
        `submit` waits for the answer (scripts and tests).
    """

    def __init__(self, peer: Peer, inline: bool = False) -> None:
        self.notices: SignalInstance = SignalInstance((object,), name="notices")
        self._peer = peer
        self._inline = inline
        self._mailbox = Mailbox()
        self._numbers = itertools.count(1)
        self._pending: dict[int, tuple[Job, Callable[[Progress], None] | None]] = {}
        self._arriving: dict[int, Arriving] = {}  # of the loop alone
        self._lock = threading.Lock()
        self._end: Failure | None = None  # once set, what every request is answered with
        self._outbox: list[bytes] = [encode(Hello())]
        self._socket: zmq.Socket[Any] | None = None
        self._monitor: zmq.Socket[Any] | None = None
        self._thread = threading.Thread(target=self._loop, name="nnscope-remote", daemon=True)
        self._thread.start()

    def submit(self, request: Request, on_progress: Callable[[Progress], None] | None = None) -> Job:
        """Send ``request``. Never blocks unless the engine is inline."""
        job = Job(request)
        number = next(self._numbers)
        try:
            record = encode(Ask(number, request))
        except WireError as error:
            job.future.set_result(Failure.of(error))
            return job
        with self._lock:
            end = self._end
            if end is None:
                self._pending[number] = (job, on_progress)
        if end is not None:
            job.future.set_result(end)
            return job
        job.future.add_done_callback(lambda future: self._on_done(number, future))
        self._mailbox.put(lambda: self._send(record))
        if self._inline:
            wait([job.future])
        return job

    def close(self) -> None:
        """End the thread and the process behind it, close the sockets. Idempotent."""
        self._refuse_all(Failure("This source is closed.", code="closed"))
        self._mailbox.put(lambda: None)  # wakes the loop, which sees the end
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _loop(self) -> None:
        context: zmq.Context[Any] = zmq.Context()
        poller = zmq.Poller()
        poller.register(self._mailbox.wake.fileno(), zmq.POLLIN)
        if self._peer.output is not None:
            poller.register(self._peer.output, zmq.POLLIN)
        try:
            while self._end is None:
                ready = dict(poller.poll(STARTING if self._socket is None else WATCHING))
                self._turn(ready, poller, context)
        finally:
            self._finish(context)

    def _turn(self, ready: dict[Any, int], poller: zmq.Poller, context: zmq.Context[Any]) -> None:
        output = self._peer.output
        if output in ready and not self._peer.read_output():
            poller.unregister(output)
        if self._mailbox.wake.fileno() in ready:
            self._mailbox.run()
        if self._socket is None:
            self._connect(poller, context)
        if self._socket is not None and self._socket in ready:
            self._receive(self._socket.recv())
        lost = self._monitor in ready and self._is_lost()
        gone = self._peer.ended(1.0 if lost else 0.0)
        if gone or lost:
            self._die(gone or f"The connection to the {self._peer.name} was lost.")

    def _connect(self, poller: zmq.Poller, context: zmq.Context[Any]) -> None:
        endpoint = self._peer.endpoint()
        if endpoint is None:
            return
        self._socket = client_socket(context, self._peer.token)
        self._monitor = self._socket.get_monitor_socket(_LOST)
        self._socket.connect(endpoint)
        poller.register(self._socket, zmq.POLLIN)
        poller.register(self._monitor, zmq.POLLIN)
        waiting, self._outbox = self._outbox, []
        for record in waiting:
            self._send(record)

    def _is_lost(self) -> bool:
        assert self._monitor is not None  # it has something to read
        event = recv_monitor_message(self._monitor)["event"]
        if event & _REFUSALS:
            self._die(f"The {self._peer.name} refused the connection.")
        return bool(event & _LOST)

    def _send(self, record: bytes) -> None:
        if self._socket is None:
            self._outbox.append(record)
            return
        with contextlib.suppress(zmq.Again):  # it was refused, and there is no one to send to: the monitor tells
            self._socket.send(record, zmq.NOBLOCK)

    def _receive(self, record: bytes) -> None:
        try:
            self._take(decode(record))
        except WireError as error:
            self._die(f"The {self._peer.name} sent something that is not understood: {error}")

    def _take(self, message: Message) -> None:
        if isinstance(message, Reply):
            self._resolve(message.number, message.answer)
        elif isinstance(message, (Begin, Part)):
            self._take_part(message)
        elif isinstance(message, Going):
            self._tell(message.number, message.progress)
        elif isinstance(message, Notify):
            _call(self.notices.emit, message.notice)

    def _take_part(self, message: Begin | Part) -> None:
        """Take a part of an answer, unless it is not wanted any more, and ask for the next one."""
        number, whole = message.number, False
        with self._lock:
            if number not in self._pending:
                return
        if isinstance(message, Begin):
            self._arriving[number] = Arriving(message)
        elif number in self._arriving:
            whole = self._arriving[number].take(message)
        if whole:
            self._take(self._arriving.pop(number).reply())
        elif number in self._arriving:
            arriving = self._arriving[number]
            self._tell(number, Progress(arriving.here, arriving.total, "Receiving"))
            self._send(encode(More(number)))

    def _tell(self, number: int, progress: Progress) -> None:
        with self._lock:
            _, on_progress = self._pending.get(number, (None, None))
        if on_progress is not None:
            _call(on_progress, progress)

    def _resolve(self, number: int, answer: object) -> None:
        with self._lock:
            job, _ = self._pending.pop(number, (None, None))
        if job is not None:
            _settle(job, answer)

    def _on_done(self, number: int, future: Future[Any]) -> None:
        if future.cancelled():
            with self._lock:
                self._pending.pop(number, None)
            self._mailbox.put(lambda: self._drop(number))

    def _drop(self, number: int) -> None:
        self._arriving.pop(number, None)
        self._send(encode(Drop(number)))

    def _die(self, reason: str) -> None:
        if self._refuse_all(
            Failure(reason, self._peer.where, self._peer.remedy, self._peer.code, self._peer.details())
        ):
            _call(self.notices.emit, Died(reason))

    def _refuse_all(self, end: Failure) -> bool:
        """Answer all that waits, and all to come, with ``end``; False when there was an end before."""
        with self._lock:
            if self._end is not None:
                return False
            self._end = end
            pending, self._pending = list(self._pending.values()), {}
        for job, _ in pending:
            _settle(job, end)
        return True

    def _finish(self, context: zmq.Context[Any]) -> None:
        self._refuse_all(Failure("This source is closed.", code="closed"))
        self._arriving.clear()
        self._peer.close()
        self._mailbox.close()
        context.destroy(linger=0)  # with the socket and its monitor


def _settle(job: Job, answer: object) -> None:
    try:
        job.future.set_result(answer)
    except InvalidStateError:  # cancelled in this very moment: the answer is not wanted
        _log.debug("An answer came for a cancelled request.")


def _call(receiver: Callable[..., Any], value: object) -> None:
    """Hand ``value`` to code of others, which must not end the loop."""
    try:
        receiver(value)
    except Exception:
        _log.exception("A receiver of %s failed.", type(value).__name__)
