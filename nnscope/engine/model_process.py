"""The model process: builds the model that was asked for and serves it until its parent is gone.

Started by `nnscope.engine.spawn` as ``python -m nnscope.engine.model_process``. One line of JSON on standard input
says what to run and where to listen. After that standard input only has to stay open: at its end the process ends,
whatever it is doing. The code that runs here sees an empty standard input.
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
from nnscope.sources.live.usercode import UserCodeError

if TYPE_CHECKING:
    from io import BufferedReader

    from nnscope.engine.live import LiveEngine


def main() -> None:
    """Serve until standard input ends."""
    parent = _take_stdin()
    order = json.loads(parent.readline())
    folder = Path(order["folder"])
    server = EngineServer(folder, order["token"])
    threading.Thread(target=_end_with, args=(parent, folder), name="nnscope-parent", daemon=True).start()
    try:
        server.serve(_build(order["target"], server))
    except BaseException as error:
        server.fail(_failure(error))
    threading.Event().wait()  # the thread above ends the process


def _build(target: str, server: EngineServer) -> LiveEngine:
    from nnscope.engine.live import check_target, open_live

    check_target(target)
    server.tell("Importing PyTorch")
    import torch

    torch.set_num_threads(max(1, torch.get_num_threads() // 2))  # the window needs the rest
    return open_live(target, server.tell)


def _failure(error: BaseException) -> Failure:
    return error.failure() if isinstance(error, UserCodeError) else Failure.of(error, traceback.format_exc())


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


if __name__ == "__main__":
    main()
