"""Names near to one that does not exist: what someone may have meant."""

from __future__ import annotations

import difflib
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

COMPARED = 2000  # names that are compared letter by letter; more would be noticed as a wait
LONGEST = 256  # characters of a name worth comparing


def near_names(wanted: str, names: Iterable[str], count: int = 3) -> list[str]:
    """Up to ``count`` of ``names`` that are most like ``wanted``, the nearest first.

    Names that contain ``wanted`` come first, then those that differ by few letters.
    """
    known = [name for name in names if len(name) <= LONGEST]
    if not wanted or len(wanted) > LONGEST:
        return []
    lowered = wanted.lower()
    holding = list(islice((name for name in known if lowered in name.lower()), count))
    alike = difflib.get_close_matches(wanted, known[:COMPARED], count)
    return list(dict.fromkeys([*holding, *alike]))[:count]
