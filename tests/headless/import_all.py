"""Import every module of nnscope that is below ``gui``, in this process, and print their number.

With ``--no-gl`` the room that draws is left out as well.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys

import nnscope


def below(package: str, path: list[str], left_out: set[str]) -> list[str]:
    """Names of the modules under a package, less some of its members."""
    names = []
    for module in pkgutil.iter_modules(path, f"{package}."):
        if module.name.rpartition(".")[2] not in left_out:
            names.append(module.name)
            if module.ispkg:
                names += below(module.name, list(importlib.import_module(module.name).__path__), set())
    return names


if __name__ == "__main__":
    above = {"gui", "app", "__main__"} | ({"render"} if "--no-gl" in sys.argv else set())
    found = below("nnscope", list(nnscope.__path__), above)
    for name in found:
        importlib.import_module(name)
    print(len(found))
