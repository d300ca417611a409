"""Importing the methods costs NumPy and nothing else: what is heavy is imported where it is needed."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import nnscope.compute


def test_heavy_libraries_wait() -> None:
    names = [module.name for module in pkgutil.walk_packages(nnscope.compute.__path__, "nnscope.compute.")]
    heavy = {"scipy", "sklearn", "ml_dtypes", "cmap", "torch", "cupy", "numba"}
    code = f"import sys, {', '.join(names)}; print(*({heavy!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.split() == []
