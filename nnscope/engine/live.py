"""The engine over a live model: a `LocalEngine` that also obeys `Control`."""

from __future__ import annotations

import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from nnscope.core.answer import ControlAnswer
from nnscope.core.errors import Failure, NnscopeError
from nnscope.core.plugins import DEMO, find_model
from nnscope.core.request import Control
from nnscope.engine.local import LocalEngine
from nnscope.engine.protocol import Job
from nnscope.engine.serving import RunServer
from nnscope.store.runs.writer import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from psygnal import SignalInstance
    from torch.nn import Module

    from nnscope.core.answer import Progress
    from nnscope.core.request import Request
    from nnscope.sources.live.session import Session
    from nnscope.sources.live.source import LiveSource
    from nnscope.sources.live.watching import Watch

SHARE = 0.5  # of the time, for recording: who trains a model here wants to see it more than to have it done
FLUSH = 0.4  # seconds after which the steps of a training are on the disk, and seen
COMMANDS = "Commands are: sample, train, stop."


def check_target(target: str) -> None:
    """Raise `NnscopeError` if there is clearly nothing at ``target``; costs no import of torch."""
    if target.startswith(DEMO):
        find_model(target.removeprefix(DEMO))
    elif not Path(target.rpartition(":")[0]).is_file():
        raise NnscopeError("There is no such file.", target)


def open_live(target: str, tell: Callable[[str], None]) -> LiveEngine:
    """Build the model at ``target`` (see `check_target`), run its first sample, and serve it.

    ``tell`` is told what is being done. Imports torch; raises `NnscopeError` if there is no such model or it fails.
    """
    from nnscope.sources.live.session import Session
    from nnscope.sources.live.source import SHOWN, LiveSource
    from nnscope.sources.live.targets import find_target

    tell("Building the model")
    found = find_target(target)
    source = LiveSource(found.model, target, kinds=SHOWN)
    engine = LiveEngine(source)
    session = Session(found.model, source, found.material, engine.notices.emit, record_training)
    tell("Running the sample")
    session.run_sample()
    engine.obey(session)
    return engine


def record_training(model: Module, folder: str) -> Watch:
    """Record a training, and let the window attach to it as to one elsewhere; a folder is made if none is given."""
    from nnscope.sources.live.pace import Pace
    from nnscope.sources.live.watching import watch
    from nnscope.store.runs.passing import passing_folder

    folder_used = folder or passing_folder()
    run = watch(model, folder_used, every=Pace(None, SHARE), limits=Limits(seconds=FLUSH))
    run.publish(RunServer(run.folder, passing=not folder))
    return run


class LiveEngine:
    """Answers requests about a live model and carries out commands, one after the other.

    Parameters
    ----------
    source : LiveSource
        Owned by the engine from now on.
    """

    def __init__(self, source: LiveSource) -> None:
        self._local = LocalEngine(source)
        self._session: Session | None = None
        self._closed = False
        self._commands = ThreadPoolExecutor(1, thread_name_prefix="nnscope-command")
        self.notices: SignalInstance = self._local.notices

    def obey(self, session: Session) -> None:
        """Carry out commands by ``session``, which is owned from now on."""
        self._session = session

    def submit(self, request: Request, on_progress: Callable[[Progress], None] | None = None) -> Job:
        """Start answering ``request``; never blocks."""
        if not isinstance(request, Control):
            return self._local.submit(request, on_progress)
        job = Job(request)
        if self._closed:
            job.future.set_result(Failure("This source is closed.", code="closed"))
        else:
            self._commands.submit(self._run, job, request)
        return job

    def close(self) -> None:
        """Stop training, end all threads, take the hooks off. Idempotent."""
        self._closed = True
        if self._session is not None:
            self._session.close()
        self._commands.shutdown(cancel_futures=True)
        self._local.close()

    def _run(self, job: Job, control: Control) -> None:
        if not job.future.set_running_or_notify_cancel():
            return
        try:
            self._carry_out(control)
            told = self._session.describe() if self._session else {}
            result = tuple((key, told.get(key)) for key in ("sample", "training", "prediction", "run"))
            job.future.set_result(ControlAnswer(control.command, result))  # type: ignore[arg-type]
        except Exception as error:  # an engine answers every request; the traceback goes into the details
            job.future.set_result(Failure.of(error, traceback.format_exc()))

    def _carry_out(self, control: Control) -> None:
        session, arguments = self._session, dict(control.arguments)
        if session is None:
            raise NnscopeError("This model takes no commands.", control.command)
        if control.command == "sample":
            session.choose(_integer(arguments.get("index")))
        elif control.command == "train":
            session.start_training(_integer(arguments.get("seed", 0)), str(arguments.get("folder") or ""))
        elif control.command == "stop":
            session.stop_training()
        else:
            raise NnscopeError("There is no such command.", control.command, COMMANDS)


def _integer(value: object) -> int:
    if not isinstance(value, int):
        raise NnscopeError("This command needs a whole number.", str(value))
    return value
