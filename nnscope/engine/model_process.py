"""The model process: builds the model that was asked for and serves it until its parent is gone.

Started by `nnscope.engine.spawn` as ``python -m nnscope.engine.model_process``; `nnscope.engine.child` tells how it is
told what to run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscope.engine.child import failure_of, run
from nnscope.sources.live.usercode import UserCodeError

if TYPE_CHECKING:
    from nnscope.core.errors import Failure
    from nnscope.engine.live import LiveEngine
    from nnscope.engine.server import EngineServer


def main() -> None:
    """Serve until standard input ends."""
    run(_build, _failure)


def _build(target: str, server: EngineServer) -> LiveEngine:
    from nnscope.engine.live import check_target, open_live

    check_target(target)
    server.tell("Importing PyTorch")
    import torch

    torch.set_num_threads(max(1, torch.get_num_threads() // 2))  # the window needs the rest
    return open_live(target, server.tell)


def _failure(error: BaseException) -> Failure:
    return error.failure() if isinstance(error, UserCodeError) else failure_of(error)


if __name__ == "__main__":
    main()
