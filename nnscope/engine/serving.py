"""A training that can be attached to: a port of this machine, and a process that serves the run behind it.

The training does nothing for those who look at it. It holds a listening socket, which a thread waits at; with the first
connection that thread starts a process (``python -m nnscope.engine.run_process``), hands the socket over and sleeps.
That process reads the run from its folder and answers. So neither what is asked, nor how slowly answers are taken, nor
any bytes that a stranger sends, ever reach the training; and pictures of large tensors are computed beside it, at the
lowest priority. When nobody is attached the process ends, and the thread waits at the socket again.

Tried: serving by a thread of the training, as a model process does. Every answer then held the interpreter for its
while, which the training lost.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import select
import shutil
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from nnscope.core.attaching import HOST, address_of
from nnscope.core.errors import NnscopeError
from nnscope.engine.channel import new_token
from nnscope.engine.spawn import environment
from nnscope.store.runs.passing import release

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nnscope.core.request import Scalar

BACKLOG = 16
PAUSE = 1.0  # seconds between the end of one process and the start of the next
LOOK = 0.25  # seconds between two looks whether the process still runs

_ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "",
    "HDF5_PLUGIN_PRELOAD": "::",
    "HDF5_PLUGIN_PATH": "",
    "HDF5_USE_FILE_LOCKING": "FALSE",
    "MALLOC_ARENA_MAX": "4",
    "OPENBLAS_NUM_THREADS": "1",
}
_staying: list[subprocess.Popen[bytes]] = []  # they serve those who are still attached, after the training has ended

_log = logging.getLogger("nnscope")


@atexit.register
def _leave() -> None:
    """Those that stay do so on purpose: nothing waits for them, and nothing warns of it."""
    for process in _staying:
        if process.poll() is None:
            process.returncode = 0


class RunServer:
    """Lets others attach to the run in ``folder`` while it is recorded.

    Parameters
    ----------
    folder : Path
    port : int
        Of 127.0.0.1 to listen on; 0 for any that is free.
    passing : bool
        The folder is removed when the run has ended and nobody looks at it any more.

    Raises
    ------
    NnscopeError
        If that port can't be listened on.
    """

    def __init__(self, folder: Path, port: int = 0, passing: bool = False) -> None:
        self._order = {"folder": str(folder.absolute()), "token": new_token(), "passing": passing}
        self._listener = _listening(port)
        self.address = address_of(self._listener.getsockname()[1], str(self._order["token"]))
        self._process: subprocess.Popen[bytes] | None = None
        self._facts: dict[str, Scalar] = {}
        self._lock = threading.Lock()
        self._bell, self._wake = socket.socketpair()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="nnscope-attach", daemon=True)
        self._thread.start()

    def tell(self, facts: Mapping[str, Scalar]) -> None:
        """Tell those who are attached how the training goes. Never blocks: what can't be sent now is left out."""
        with self._lock:
            self._facts |= facts
            self._send(self._facts)

    def close(self, said: str) -> None:
        """The training has ended, as ``said``; those who are attached keep the run until they leave. Idempotent."""
        if self._ends.is_set():
            return
        self.tell({"training": False, "ended": said})
        self._ends.set()
        self._bell.send(b"\0")
        self._thread.join()
        for held in (self._listener, self._bell, self._wake):
            held.close()
        release(str(self._order["folder"]))
        if self._process is None:
            self._remove()
        else:
            _part(self._process)

    def _watch(self) -> None:
        while not self._ends.is_set():
            ready, _, _ = select.select([self._listener, self._wake], [], [])
            if self._wake in ready:
                return
            try:
                self._serve()
            except OSError as error:
                _log.warning("Nobody can attach to the training any more: %s.", error.strerror or error)
                return
            self._ends.wait(PAUSE)

    def _serve(self) -> None:
        """Start the process and wait until it ends, or the training does."""
        process = _start(self._listener.fileno())
        with self._lock:
            self._process = process
            self._send({**self._order, "facts": self._facts})
        while process.poll() is None:
            if self._ends.wait(LOOK):
                return
        with self._lock:
            self._process = None
        assert process.stdin is not None  # a pipe was asked for
        with contextlib.suppress(OSError):
            process.stdin.close()

    def _send(self, told: Mapping[str, object]) -> None:
        """One line; a line that does not fit into the pipe is left out whole."""
        if self._process is None or self._process.stdin is None:
            return
        line = json.dumps(told).encode() + b"\n"
        with contextlib.suppress(OSError, ValueError):  # full, or the process is gone
            if len(line) <= select.PIPE_BUF:
                os.write(self._process.stdin.fileno(), line)

    def _remove(self) -> None:
        if self._order["passing"]:
            shutil.rmtree(str(self._order["folder"]), ignore_errors=True)


def _listening(port: int) -> socket.socket:
    if sys.platform == "win32":
        raise NnscopeError("A training can't be attached to on Windows.", remedy="Open the folder of the run.")
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise NnscopeError(f"Nobody can attach: {why}.", f"{HOST}:{port}", "Choose another port, or 0.") from error
    return listener


def _start(listener: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "nnscope.engine.run_process", str(listener)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # it may outlive the training, which a shell's pipe must not wait for
        pass_fds=[listener],
        env={**environment(), **_ENVIRONMENT},
        bufsize=0,
        start_new_session=True,  # Ctrl+C in a terminal is for the training
    )
    assert process.stdin is not None  # a pipe was asked for
    os.set_blocking(process.stdin.fileno(), False)
    return process


def _part(process: subprocess.Popen[bytes]) -> None:
    """Let a process go: its input ends, and it itself when nobody is attached."""
    assert process.stdin is not None  # a pipe was asked for
    with contextlib.suppress(OSError):
        process.stdin.close()
    _staying[:] = [other for other in (*_staying, process) if other.poll() is None]
