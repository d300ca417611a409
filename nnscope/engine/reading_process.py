"""The reading process: opens one file of a format that a library of others parses, and serves it (promise P6).

Started by `nnscope.engine.spawn` as ``python -m nnscope.engine.reading_process``; `nnscope.engine.child` tells how it
is told what to open. Before it opens anything its memory and time are limited, and whatever the file then does to the
parser (a crash, an endless loop, a bomb) ends this process and no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscope.engine.child import run

if TYPE_CHECKING:
    from nnscope.engine.local import LocalEngine
    from nnscope.engine.server import EngineServer


def main() -> None:
    """Serve until standard input ends."""
    run(_build)


def _build(target: str, server: EngineServer) -> LocalEngine:
    from nnscope.engine.local import LocalEngine
    from nnscope.sources.guarded.formats import open_here
    from nnscope.sources.guarded.limits import limit_process, opening

    server.tell("Opening the file")
    limit_process()
    with opening():
        source = open_here(target)
    return LocalEngine(source)


if __name__ == "__main__":
    main()
