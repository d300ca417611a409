"""Serves an engine to the clients of a channel: one loop thread that moves bytes, while the engine's threads work.

The server listens before there is an engine, so that a window can connect and ask while PyTorch is still being
imported: requests wait, told how things are going, until `serve` brings the engine or `fail` says why there is none.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import zmq

from nnscope.core.answer import Progress
from nnscope.core.errors import Failure
from nnscope.engine.channel import ANSWER_LIMIT, Listener, Mailbox
from nnscope.engine.parcels import LIMIT, Sending, packed
from nnscope.engine.wire import Ask, Drop, Going, Hello, More, Notify, Reply, WireError, decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nnscope.core.answer import Notice
    from nnscope.engine.protocol import Engine, Job

MAX_CLIENTS = 64  # remembered for notices; those that came first are forgotten
PROGRESS_EVERY = 0.05  # seconds between two records of one job
LOOKING = 1000  # milliseconds without a message after which the clients of parcels are looked for

_log = logging.getLogger(__name__)


class EngineServer:
    """Listens in ``folder`` for clients that know ``token``.

    Parameters
    ----------
    folder : Path or str
    token : str
    listening : int
        See `nnscope.engine.channel.Listener`.
    """

    def __init__(self, folder: Path | str, token: str, listening: int = -1) -> None:
        self._context: zmq.Context[Any] = zmq.Context()
        self._listener = Listener(self._context, folder, token, listening)
        self._mailbox = Mailbox()
        self._clients: OrderedDict[bytes, None] = OrderedDict()
        self._jobs: dict[tuple[bytes, int], Job] = {}
        self._parcels: dict[tuple[bytes, int], Sending] = {}
        self._waiting: list[tuple[bytes, Ask]] = []
        self._engine: Engine | None = None
        self._failure: Failure | None = None
        self._news = ""
        self._open = True
        self._thread = threading.Thread(target=self._loop, name="nnscope-server", daemon=True)
        self._thread.start()

    @property
    def guests(self) -> int:
        """How many clients are connected."""
        return self._listener.guests

    def serve(self, engine: Engine) -> None:
        """Answer with ``engine`` from now on, beginning with what has been waiting. Its owner closes it."""
        engine.notices.connect(self._notify)
        self._mailbox.put(lambda: self._begin(engine))

    def fail(self, failure: Failure) -> None:
        """Answer everything with ``failure`` from now on."""
        self._mailbox.put(lambda: self._give_up(failure))

    def tell(self, news: str) -> None:
        """Tell those who wait what is being done for them."""
        self._mailbox.put(lambda: self._spread(news))

    def close(self) -> None:
        """Cancel what runs, end the thread, close the sockets. Idempotent."""
        self._mailbox.put(self._stop)
        self._thread.join()

    def _loop(self) -> None:
        poller = zmq.Poller()
        for readable in (
            self._listener.socket,
            self._listener.gate,
            self._listener.traffic,
            self._mailbox.wake.fileno(),
        ):
            poller.register(readable, zmq.POLLIN)
        try:
            while self._open:
                self._turn(dict(poller.poll(LOOKING if self._parcels else None)))
        finally:
            self._finish()

    def _turn(self, ready: dict[Any, int]) -> None:
        if self._listener.gate in ready:
            self._listener.admit()
        if self._listener.traffic in ready:
            self._listener.count()
        if self._listener.socket in ready:
            self._receive(*self._listener.socket.recv_multipart())
        if self._mailbox.wake.fileno() in ready:
            self._mailbox.run()
        if not ready:
            self._let_go()

    def _finish(self) -> None:
        if self._engine is not None:
            self._engine.notices.disconnect(self._notify, missing_ok=True)
        for job in self._jobs.values():
            job.cancel()
        self._mailbox.close()
        self._listener.close()
        self._context.term()

    def _receive(self, client: bytes, *frames: bytes) -> None:
        try:
            message = decode(b"".join(frames))
        except WireError as error:
            _log.warning("A message that is not understood was passed over: %s", error)
            return
        if isinstance(message, Hello):
            self._remember(client)
        elif isinstance(message, Ask):
            self._ask(client, message)
        elif isinstance(message, Drop):
            self._drop(client, message.number)
        elif isinstance(message, More):
            self._send_more(client, message.number)

    def _ask(self, client: bytes, ask: Ask) -> None:
        if self._failure is not None:
            self._reply(client, ask.number, self._failure)
        elif self._engine is None:
            self._waiting.append((client, ask))
            self._send(client, encode(Going(ask.number, Progress(0, 0, self._news))))
        else:
            job = self._engine.submit(ask.request, self._progress_of(client, ask.number))
            self._jobs[client, ask.number] = job
            job.future.add_done_callback(lambda future: self._done(client, ask.number, job))

    def _drop(self, client: bytes, number: int) -> None:
        self._waiting = [(c, ask) for c, ask in self._waiting if (c, ask.number) != (client, number)]
        self._parcels.pop((client, number), None)
        job = self._jobs.pop((client, number), None)
        if job is not None:
            job.cancel()

    def _done(self, client: bytes, number: int, job: Job) -> None:
        """Called in the engine's thread, which also does the encoding."""
        reply = None if job.future.cancelled() else _encoded(Reply(number, job.future.result()))
        self._mailbox.put(lambda: self._answer(client, number, job, reply))

    def _answer(self, client: bytes, number: int, job: Job, reply: bytes | Sending | None) -> None:
        """Send an answer, unless the request was dropped in the meantime."""
        if self._jobs.get((client, number)) is not job:
            return
        del self._jobs[client, number]
        if isinstance(reply, Sending):
            self._parcels[client, number] = reply
            self._send(client, reply.begin)
        elif reply is not None:
            self._send(client, reply)

    def _send_more(self, client: bytes, number: int) -> None:
        sending = self._parcels.get((client, number))
        if sending is None:
            return
        self._send(client, sending.next_part())
        if sending.done:
            del self._parcels[client, number]

    def _let_go(self) -> None:
        """Forget the parcels of clients that are gone."""
        for client, number in list(self._parcels):
            if not self._listener.reaches(client, encode(Going(number, Progress(0, 0)))):
                del self._parcels[client, number]

    def _progress_of(self, client: bytes, number: int) -> Callable[[Progress], None]:
        last = 0.0

        def on_progress(progress: Progress) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= PROGRESS_EVERY:
                last = now
                record = encode(Going(number, progress))
                self._mailbox.put(lambda: self._send(client, record))

        return on_progress

    def _notify(self, notice: Notice) -> None:
        record = encode(Notify(notice))
        self._mailbox.put(lambda: self._broadcast(record))

    def _begin(self, engine: Engine) -> None:
        self._engine = engine
        waiting, self._waiting = self._waiting, []
        for client, ask in waiting:
            self._ask(client, ask)

    def _give_up(self, failure: Failure) -> None:
        self._failure = failure
        waiting, self._waiting = self._waiting, []
        for client, ask in waiting:
            self._reply(client, ask.number, failure)

    def _spread(self, news: str) -> None:
        self._news = news
        for client, ask in self._waiting:
            self._send(client, encode(Going(ask.number, Progress(0, 0, news))))

    def _stop(self) -> None:
        self._open = False

    def _remember(self, client: bytes) -> None:
        self._clients[client] = None
        while len(self._clients) > MAX_CLIENTS:
            self._clients.popitem(last=False)

    def _broadcast(self, record: bytes) -> None:
        for client in self._clients:
            self._send(client, record)

    def _reply(self, client: bytes, number: int, answer: Failure) -> None:
        self._send(client, encode(Reply(number, answer)))

    def _send(self, client: bytes, record: bytes) -> None:
        """A client that is gone is passed over by the socket."""
        self._listener.socket.send_multipart([client, record], copy=len(record) < 1 << 16)


def _encoded(reply: Reply) -> bytes | Sending:
    """The bytes of ``reply``; of a failure in its place when it can't be sent."""
    try:
        record = packed(reply)
    except WireError as error:
        return encode(Reply(reply.number, Failure.of(error)))
    size, limit = (record.total, LIMIT) if isinstance(record, Sending) else (len(record), ANSWER_LIMIT)
    if size <= limit:
        return record
    what = f"The answer has {size >> 20} MiB, more than the {limit >> 20} MiB that one answer may have."
    return encode(Reply(reply.number, Failure(what, remedy="Ask for a smaller part.", code="too-large")))
