"""The analyses that exist, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscope.core.errors import NnscopeError
from nnscope.views.analyses import attention, maps, octree, sensitivity, weights

if TYPE_CHECKING:
    from nnscope.views.analyses.base import Method

_METHODS: dict[str, Method] = {
    method.name: method for module in (weights, attention, octree, maps, sensitivity) for method in module.METHODS
}


def methods() -> tuple[Method, ...]:
    """All of them, in the order of the menu."""
    return tuple(_METHODS.values())


def find_method(name: str) -> Method:
    """The method of that name.

    Raises
    ------
    NnscopeError
        If there is none.
    """
    found = _METHODS.get(name)
    if found is None:
        raise NnscopeError("There is no analysis of this name.", name, f"Analyses are: {', '.join(_METHODS)}.")
    return found
