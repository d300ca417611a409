"""What every child process of the engine does: takes its orders, serves, and ends with its parent.

One line of JSON on standard input says what to open, where to listen and with which token. After that standard input
only has to stay open: at its end the process ends, whatever it is doing. The code that runs here sees an empty standard
input.
"""

from __future__ import annotations

import json
import os
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from nnscope.core.errors import Failure
from nnscope.engine.channel import remove_folder
from nnscope.engine.server import EngineServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BufferedReader

    from nnscope.engine.protocol import Engine


def failure_of(error: BaseException) -> Failure:
    """An error as data, with its traceback as the details."""
    return Failure.of(error, "".join(traceback.format_exception(error)))


def run(build: Callable[[str, EngineServer], Engine], failure: Callable[[BaseException], Failure] = failure_of) -> None:
    """Serve what ``build(target, server)`` gives until standard input ends; of an error, what ``failure`` makes of it.

    The server listens before there is an engine: ``build`` may tell it how things are going.
    """
    parent = _take_stdin()
    order = json.loads(parent.readline())
    folder = Path(order["folder"])
    server = EngineServer(folder, order["token"])
    threading.Thread(target=_end_with, args=(parent, folder), name="nnscope-parent", daemon=True).start()
    try:
        server.serve(build(order["target"], server))
    except BaseException as error:
        server.fail(failure(error))
    threading.Event().wait()  # the thread above ends the process


def _take_stdin() -> BufferedReader:
    """The pipe to the parent, out of the way of the code that will run here."""
    parent = os.fdopen(os.dup(0), "rb")
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    return parent


def _end_with(parent: BufferedReader, folder: Path) -> None:
    parent.read()
    remove_folder(folder)
    os._exit(0)  # at once: a step or a user's loop may never give way
