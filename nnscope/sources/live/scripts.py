"""Record a training script that does not know nnscope: the first model that an optimiser trains is watched.

The script runs as ``python SCRIPT`` or ``python -m MODULE`` would run it, and what it raises, prints and exits with is
its own. A `Follower` hears its optimisers meanwhile; nothing that is wrong with the recording gets into it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import runpy
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from nnscope.core.errors import NnscopeError
from nnscope.sources.live import following
from nnscope.sources.live.following import Follower

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import torch

    from nnscope.sources.live.watching import Watch

FAILED, INTERRUPTED = 1, 130  # exit codes, as Python's and a shell's
_NOT_THE_SCRIPTS = frozenset((__file__, following.__file__, runpy.__file__, "<frozen runpy>"))


@dataclass(frozen=True, slots=True)
class Script:
    """What is run.

    Attributes
    ----------
    name : str
        Path of a file, or the name of a module.
    arguments : sequence of str
    is_module : bool
        Whether it is run as ``python -m`` runs modules, which makes relative imports possible.
    """

    name: str
    arguments: Sequence[str] = ()
    is_module: bool = False

    def check(self) -> None:
        """Look whether it is there; of a module, its package is imported for that.

        Raises
        ------
        NnscopeError
            If it isn't.
        """
        if not self.is_module and not Path(self.name).is_file():
            raise NnscopeError("There is no such script.", self.name)
        if self.is_module and not _is_found(self.name):
            raise NnscopeError("There is no such module.", self.name, "Run this where `python -m` finds it.")

    def run(self) -> None:
        """Run it in this process, as the main program."""
        if self.is_module:
            runpy.run_module(self.name, run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(self.name, run_name="__main__")

    @contextlib.contextmanager
    def as_main(self) -> Iterator[None]:
        """``sys.argv`` and the path of imports as it expects them."""
        argv, path = sys.argv, sys.path[:]
        sys.argv = [self.name, *self.arguments]
        sys.path.insert(0, os.getcwd() if self.is_module else str(Path(self.name).resolve().parent))
        try:
            yield
        finally:
            sys.argv, sys.path[:] = argv, path


@dataclass(frozen=True, slots=True)
class Ended:
    """A script that has ended.

    Attributes
    ----------
    run : Watch or None
        Its recording, closed; None where it trained no model or none could be recorded.
    code : int
        Its exit code.
    error : BaseException or None
        What it raised, with a traceback of its own frames.
    what : str
        What was recorded: model, parameters, optimiser.
    trouble : str
        Why nothing is recorded, unless the script ended before it trained.
    """

    run: Watch | None
    code: int
    error: BaseException | None = None
    what: str = ""
    trouble: str = ""


def record_script(script: Script, begin: Callable[[torch.nn.Module], Watch], model: str = "") -> Ended:
    """Run a script and record the model that it trains.

    Parameters
    ----------
    script : Script
    begin : callable
        Begins the recording of the model that was found.
    model : str
        Name of the model's class; the first model that trains if empty.

    Returns
    -------
    Ended
        How the script ended, whatever it did.

    Raises
    ------
    NnscopeError
        If there is no such script; nothing was run then.
    """
    follower = Follower(model, begin)
    with script.as_main():
        script.check()
        code, error = _run(script, follower)
    trouble = follower.trouble
    if follower.run is None and not trouble and not code:
        which = f"no model of the class {model}" if model else "no model"
        trouble = f"The script trained {which} with an optimiser of PyTorch."
    return Ended(follower.run, code, error, follower.what, trouble)


def _run(script: Script, follower: Follower) -> tuple[int, BaseException | None]:
    """Exit code of the script, and what it raised."""
    try:
        with follower.following():
            script.run()
    except SystemExit as end:
        return _code_of(end), None
    except (Exception, KeyboardInterrupt) as raised:
        code = INTERRUPTED if isinstance(raised, KeyboardInterrupt) else FAILED
        return code, raised.with_traceback(_of_the_script(raised.__traceback__))
    finally:
        if follower.run is not None:
            follower.run.close()
    return 0, None


def _code_of(end: SystemExit) -> int:
    """As Python takes it: anything but a number is said on stderr."""
    if end.code is None or isinstance(end.code, int):
        return int(end.code or 0)
    print(end.code, file=sys.stderr)
    return FAILED


def _of_the_script(trace: TracebackType | None) -> TracebackType | None:
    """The same traceback without the frames of this module, of what hears the script and of `runpy`."""
    frames = []
    while trace is not None:
        frames.append(trace)
        trace = trace.tb_next
    kept = None
    for at in reversed(frames):
        if at.tb_frame.f_code.co_filename not in _NOT_THE_SCRIPTS:
            kept = TracebackType(kept, at.tb_frame, at.tb_lasti, at.tb_lineno)
    return kept


def _is_found(module: str) -> bool:
    """Whether there is such a module; one that is there and fails shall tell that by itself."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError as error:
        return not (error.name and f"{module}.".startswith(f"{error.name}."))
    except Exception:
        return True
