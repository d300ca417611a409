"""Starting the processes that engines run in: ``python -m nnscope.engine.model_process`` and ``…reading_process``.

A model process imports PyTorch so that we need not; a reading process hands a file to a parser that we don't trust with
our own. Either is told what to open, and the token, through its standard input, which then stays open: when it closes,
because we close it or because we are no more, the process ends. What it prints is kept, up to `KEPT` bytes, for the
details of a failure.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from nnscope.core.errors import NnscopeError
from nnscope.engine.channel import find_endpoint, make_folder, new_token, remove_folder
from nnscope.engine.remote import RemoteEngine

KEPT = 32 << 10  # bytes of output
PATIENCE = 1.0  # seconds that a process gets to end by itself


@dataclass(frozen=True, slots=True)
class Role:
    """What a process is for.

    Attributes
    ----------
    module : str
        What it runs.
    name : str
        What it is called in sentences.
    code : str
        Of the `Failure` that tells of its end.
    about_target : bool
        Whether that failure concerns what was opened more than the process.
    environment : tuple of (str, str)
        Variables that it gets beside ours.
    ends : tuple of (signal, str)
        What it means when a signal ended it, as sentences.
    """

    module: str
    name: str
    code: str
    about_target: bool = False
    environment: tuple[tuple[str, str], ...] = ()
    ends: tuple[tuple[signal.Signals, str], ...] = ()


MODEL = Role("nnscope.engine.model_process", "model process", "died")
_SLOW = "The file kept the reading process busy for longer than opening or one read may take, so it was ended."
_CRASH = "The file made the library that reads it crash ({})."
READING = Role(
    "nnscope.engine.reading_process",
    "reading process",
    "reader-died",
    about_target=True,
    environment=(
        ("HDF5_PLUGIN_PRELOAD", "::"),
        ("HDF5_PLUGIN_PATH", ""),
        ("HDF5_USE_FILE_LOCKING", "FALSE"),
        ("MALLOC_ARENA_MAX", "4"),
        ("OPENBLAS_NUM_THREADS", str(min(8, os.cpu_count() or 1))),
    ),
    ends=(
        *((slow, _SLOW) for slow in (signal.SIGALRM, signal.SIGXCPU)),
        *((crash, _CRASH.format(crash.name)) for crash in (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE)),
        (signal.SIGABRT, "The file made the library that reads it give up (SIGABRT); it may need too much memory."),
    ),
)
"""HDF5's first variable switches off the loading of plugins, which a file can ask for by naming a filter. The last two
keep what many threads reserve, and never use, out of an address space that is limited."""


def start_model(target: str) -> RemoteEngine:
    """Start a process that runs ``demo:NAME`` or ``file.py:factory``, and the engine that speaks with it.

    Returns at once: requests wait until the model is there, and tell by their progress what is going on. Whatever goes
    wrong in the process, such as an error in the user's file, is the answer to each of them.

    Raises
    ------
    NnscopeError
        If no process can be started at all.
    """
    return RemoteEngine(ChildProcess(MODEL, target))


def start_reader(path: str, inline: bool = False) -> RemoteEngine:
    """Start a process with limited memory and time that reads the file at ``path``, and the engine that speaks with it.

    Returns at once, as `start_model` does. With ``inline`` each request is answered within the call.

    Raises
    ------
    NnscopeError
        If no process can be started at all.
    """
    return RemoteEngine(ChildProcess(READING, os.path.abspath(path)), inline)


class ChildProcess:
    """A process that we have started; see `nnscope.engine.remote.Peer`."""

    remedy = "Restart it to go on."

    def __init__(self, role: Role, target: str) -> None:
        self.token = new_token()
        self.name = role.name
        self.code = role.code
        self.where = target if role.about_target else ""
        self._role = role
        self._folder = make_folder()
        self._kept = bytearray()
        try:
            self._process = _start(role, target, self._folder, self.token)
        except OSError as error:
            remove_folder(self._folder)
            raise NnscopeError(f"The {role.name} can't be started: {error.strerror}.", sys.executable) from error
        assert self._process.stdout is not None  # a pipe was asked for
        self.output: int | None = self._process.stdout.fileno()
        os.set_blocking(self.output, False)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def endpoint(self) -> str | None:
        """Where it listens; None while it doesn't yet."""
        return find_endpoint(self._folder)

    def read_output(self) -> bool:
        """Take what it has written; False when there will be no more."""
        if self.output is None:
            return False
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self.output, 1 << 16):
                self._kept += chunk
                del self._kept[:-KEPT]
            self.output = None
        return self.output is not None

    def ended(self, wait: float = 0.0) -> str:
        """Why it is no more, as a sentence; empty while it lives."""
        try:
            code = self._process.wait(wait) if wait else self._process.poll()
        except subprocess.TimeoutExpired:
            return ""
        return "" if code is None else _reason(self._role, code)

    def details(self) -> str:
        """The last that it wrote."""
        self.read_output()
        return self._kept.decode(errors="replace")

    def close(self) -> None:
        """End it, by force if it has to be, and remove its folder. Idempotent."""
        assert self._process.stdin is not None  # pipes were asked for
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.terminate()  # it has nothing to finish, and may be importing still
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self.output = None
        remove_folder(self._folder)


def _start(role: Role, target: str, folder: Path, token: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", role.module],  # -P: nothing is imported from the present folder
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        env={**environment(), **dict(role.environment)},
        start_new_session=True,  # Ctrl+C in a terminal is for us, and we end it
    )
    assert process.stdin is not None  # a pipe was asked for
    with contextlib.suppress(BrokenPipeError):  # it ended at once: the loop will tell why
        process.stdin.write(json.dumps({"target": target, "folder": str(folder), "token": token}).encode() + b"\n")
    return process


def environment() -> dict[str, str]:
    """Ours for a child, with a way to this very package where it isn't installed."""
    root = str(Path(__file__).resolve().parents[2])
    before = os.environ.get("PYTHONPATH", "")
    path = before if root.endswith("-packages") else os.pathsep.join(filter(None, (root, before)))
    return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


def _reason(role: Role, code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            number = signal.Signals(-code)
            return dict(role.ends).get(number) or f"The {role.name} was ended by the signal {number.name}."
    return f"The {role.name} ended by itself (exit status {code})."
