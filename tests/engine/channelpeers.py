"""Both ends of a channel in one process: an engine that does as it is told, and a peer without a process."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psygnal import SignalInstance

from nnscope.engine.channel import find_endpoint, make_folder, new_token, remove_folder
from nnscope.engine.protocol import Job
from nnscope.engine.remote import RemoteEngine
from nnscope.engine.server import EngineServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nnscope.core.answer import Progress
    from nnscope.core.request import Request


class ScriptedEngine:
    """Hands every request to ``script(job, on_progress)``; a script that returns None leaves the request waiting."""

    def __init__(self, script: Callable[[Job, Callable[[Progress], None] | None], Any]) -> None:
        self.notices: SignalInstance = SignalInstance((object,))
        self.jobs: list[Job] = []
        self._script = script

    def submit(self, request: Request, on_progress: Callable[[Progress], None] | None = None) -> Job:
        job = Job(request)
        self.jobs.append(job)
        answer = self._script(job, on_progress)
        if answer is not None:
            job.future.set_result(answer)
        return job

    def close(self) -> None:
        """Nothing to close."""


class Beside:
    """A peer in this very process: it listens in ``folder`` and ends when told to."""

    name = "model process"
    code = "died"
    where = ""
    remedy = "Restart it to go on."
    output: int | None = None

    def __init__(self, folder: Path, token: str) -> None:
        self.token = token
        self.folder = folder
        self.end = ""
        self.closed = 0

    def endpoint(self) -> str | None:
        return find_endpoint(self.folder)

    def read_output(self) -> bool:
        return False

    def ended(self, wait: float = 0.0) -> str:
        return self.end

    def details(self) -> str:
        return "the last words"

    def close(self) -> None:
        self.closed += 1


@contextmanager
def server_in(engine: ScriptedEngine | None = None) -> Iterator[tuple[EngineServer, Path, str]]:
    """A server, its folder and its token."""
    folder, token = make_folder(), new_token()
    server = EngineServer(folder, token)
    if engine is not None:
        server.serve(engine)
    try:
        yield server, folder, token
    finally:
        server.close()
        remove_folder(folder)


@contextmanager
def connected(engine: ScriptedEngine | None = None) -> Iterator[tuple[RemoteEngine, EngineServer, Beside]]:
    """A remote engine, the server it is connected to, and the peer between them."""
    with server_in(engine) as (server, folder, token):
        peer = Beside(folder, token)
        remote = RemoteEngine(peer)
        try:
            yield remote, server, peer
        finally:
            remote.close()


def held() -> tuple[int, int]:
    """How many threads (native ones too) and file descriptors this process has (Linux)."""
    return len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))


def runs(pid: int) -> bool:
    """Whether that process is there and no zombie (Linux)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


def wait_for(condition: Callable[[], Any], seconds: float = 5.0) -> bool:
    """Wait until ``condition()`` holds; False when it never did."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.005)):
        if condition():
            return True
        pause.wait(0.005)
    return bool(condition())
