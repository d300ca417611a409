"""Run a module in a process where importing Qt is an error: ``python -m tests.headless.no_qt [--no-gl] MODULE ARGS…``.

With ``--no-gl`` VisPy and OpenGL are errors too, as on a machine without a graphics library.
"""

from __future__ import annotations

import runpy
import sys
from importlib.abc import MetaPathFinder

QT = ("PyQt5", "PyQt6", "PySide2", "PySide6", "qtpy", "superqt", "sip")
GL = ("vispy", "OpenGL")


class Refuse(MetaPathFinder):
    """A finder that raises for some packages before any other finder sees them."""

    def __init__(self, packages: tuple[str, ...]) -> None:
        self.packages = packages

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Raise for the packages that are not to be imported; otherwise leave it to the others."""
        if name.partition(".")[0] in self.packages:
            raise ImportError(f"{name} must not be imported here", name=name)


if __name__ == "__main__":
    no_gl = sys.argv[1] == "--no-gl"
    sys.meta_path.insert(0, Refuse(QT + GL if no_gl else QT))
    sys.argv = sys.argv[1 + no_gl :]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
