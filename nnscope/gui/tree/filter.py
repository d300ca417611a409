"""The filter box: what a typed text matches."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_GLOB = re.compile(r"[*?]|\[[^\]]+\]")


def matcher(text: str) -> Callable[[str], bool] | None:
    """A test of addresses, or None when everything matches. Case does not count.

    With ``*``, ``?`` or ``[…]`` in it the text is a glob over the whole address; else every word of it must occur.
    """
    wanted = text.strip().casefold()
    if not wanted:
        return None
    if _GLOB.search(wanted):
        pattern = re.compile(fnmatch.translate(wanted))
        return lambda address: pattern.match(address.casefold()) is not None or wanted in address.casefold()
    words = wanted.split()
    return lambda address: all(word in address.casefold() for word in words)
