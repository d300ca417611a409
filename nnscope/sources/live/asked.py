"""What `watch` is asked for, checked: each mistake is one sentence, said before anything is touched."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from nnscope.core.errors import NnscopeError
from nnscope.sources.live.capture import ASKED

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from nnscope.sources.live.modules import Layers


def folder_of(run: str | os.PathLike[str]) -> Path:
    """The folder that ``run`` means, with ``~`` for the user's own."""
    try:
        return Path(run).expanduser()
    except RuntimeError as error:
        raise NnscopeError("There is no such home folder.", str(run), "Write the path out.") from error


def kinds_of(kinds: str | Sequence[str]) -> tuple[str, ...]:
    """The kinds of values, each of them known."""
    kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    for kind in kinds:
        if kind not in ASKED:
            known = ", ".join(map(repr, ASKED))
            raise NnscopeError(f"{kind!r} is no kind of value that is recorded.", "kinds", f"There are {known}.")
    return kinds


def every_of(every: int | None) -> int | None:
    """A whole number of steps of at least one, or None."""
    if every is None:
        return None
    try:
        number = operator.index(every)
    except TypeError as error:
        raise NnscopeError("Steps are counted in whole numbers.", f"every={every!r}", "Give 1 or more.") from error
    if number < 1:
        raise NnscopeError("Steps can't be recorded more often than each.", f"every={every}", "Give 1 or more.")
    return number


def layers_of(layers: Layers) -> Layers:
    """The same, which asks for something."""
    if isinstance(layers, str) or callable(layers):
        return layers
    found = tuple(layers) if isinstance(layers, Iterable) else ()
    if not found:
        raise NnscopeError("No module is asked for.", f"layers={layers!r}", 'Give paths or patterns such as "enc.*".')
    return found
