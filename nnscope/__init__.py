"""Look inside neural networks: open a checkpoint or a live PyTorch model and see exact values.

``import nnscope`` costs nothing: each name below is loaded when it is first used.

- `open` : a file, a folder, ``demo:NAME`` or ``file.py:factory`` as a mapping from address to tensor.
- `capture` : the inputs and outputs of a model's modules while a ``with`` block runs.
- `watch` : record a training run, one call a step, into a folder that no crash can harm, and let others attach to it.
- `Budget` : what that may take: memory, room on the disk, half precision.
- `compatibility` : what can be observed of each module of a model, and what can't and why.
- `analyses` : the methods that `Tensor.analyse` applies to a tensor, with their settings.
- `launch` : the window, on any of these.
- `NnscopeError`, `FileError` : what is raised, each with a sentence that says what, where and what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnscope.api import analyses, capture, compatibility, launch, open
    from nnscope.core.errors import FileError, NnscopeError
    from nnscope.recording import watch
    from nnscope.sources.live.budget import Budget

    __version__: str

__all__ = [
    "Budget",
    "FileError",
    "NnscopeError",
    "__version__",
    "analyses",
    "capture",
    "compatibility",
    "launch",
    "open",
    "watch",
]

_HOMES = {
    "Budget": "nnscope.sources.live.budget",
    "FileError": "nnscope.core.errors",
    "NnscopeError": "nnscope.core.errors",
    "analyses": "nnscope.api",
    "capture": "nnscope.api",
    "compatibility": "nnscope.api",
    "launch": "nnscope.api",
    "open": "nnscope.api",
    "watch": "nnscope.recording",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        return _version()
    if name not in _HOMES:
        raise AttributeError(f"module 'nnscope' has no attribute {name!r}")
    import importlib

    value = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("nnscope")
    except PackageNotFoundError:  # run from a source tree
        return "0+source"
