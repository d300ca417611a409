"""The process that serves a run while it is recorded, for those who attach; see `nnscope.engine.serving`.

Its argument is the number of the listening socket that it was given. The first line of its standard input says which
folder, which token, and whether the folder is to be removed in the end; each further line is what the training tells.
When its input ends the training has. The process stays as long as somebody is attached, and a moment longer.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from nnscope.engine.child import failure_of
from nnscope.engine.growing import GrowingEngine
from nnscope.engine.server import EngineServer
from nnscope.sources.guarded.limits import limit_process
from nnscope.sources.session import RunSource
from nnscope.store.runs.passing import hold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nnscope.core.request import Scalar

IDLE = 10.0  # seconds without anybody, after which it ends while the training goes on
ENDING = 1.0  # and after the training's end: who reattaches at once finds it
LOOK = 0.25  # seconds between two looks at the folder
NICE = 19
GONE = "The training process is gone; what it recorded can be looked at."


def main() -> None:
    """Serve until nobody is attached."""
    os.nice(NICE)
    order = json.loads(sys.stdin.readline())
    if order["passing"]:
        hold(order["folder"])
    limit_process()
    server = EngineServer("", order["token"], listening=int(sys.argv[1]))
    training = _Training(order["facts"])
    try:
        engine = GrowingEngine(RunSource(order["folder"]), training.facts)
        server.serve(engine)
    except Exception as error:
        server.fail(failure_of(error))
        engine = None
    _stay(server, training, engine)
    if order["passing"] and training.ended:
        shutil.rmtree(order["folder"], ignore_errors=True)
    os._exit(0)  # at once: whoever is still answered is not there to hear it


def _stay(server: EngineServer, training: _Training, engine: GrowingEngine | None) -> None:
    """Look at the folder as long as somebody is attached."""
    seen = time.monotonic()
    while True:
        now = time.monotonic()
        if server.guests:
            seen = now
            if engine is not None:
                engine.look()
        elif now - seen >= (ENDING if training.ended else IDLE):
            return
        time.sleep(LOOK)


class _Training:
    """What the training tells, read in a thread of its own."""

    def __init__(self, facts: Mapping[str, Scalar]) -> None:
        self._facts: dict[str, Any] = {"training": True, **facts}
        self._parent = os.getppid()
        self._closed = False
        threading.Thread(target=self._listen, name="nnscope-parent", daemon=True).start()

    @property
    def ended(self) -> bool:
        """Whether there is no training any more: also where others hold its end of the pipe."""
        return self._closed or os.getppid() != self._parent

    def facts(self) -> dict[str, Any]:
        """The newest that is known."""
        if self.ended and not self._facts.get("ended"):
            return {**self._facts, "training": False, "ended": GONE}
        return dict(self._facts)

    def _listen(self) -> None:
        for line in sys.stdin:
            self._facts = {**self._facts, **json.loads(line)}
        self._closed = True


if __name__ == "__main__":
    main()
