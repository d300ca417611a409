"""Files to look at, and a way to run the command line in this process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnscope.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True)
class Result:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one strict JSON document on stdout."""

        def refuse(word: str) -> None:
            raise AssertionError(f"{word} is not JSON")

        return json.loads(self.out, parse_constant=refuse)


@pytest.fixture
def nnscope(capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """``nnscope("info", path)`` runs the command line in this process."""

    def run(*arguments: object) -> Result:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run


@pytest.fixture
def weights() -> dict[str, np.ndarray]:
    """Tensors with known values: a kernel, a bias, and one with everything that is no finite number."""
    rng = np.random.default_rng(3)
    odd = rng.normal(size=(4, 5)).astype(np.float32)
    odd[0, :4] = np.nan, np.inf, -np.inf, 0
    return {
        "conv1.weight": rng.normal(size=(8, 3, 5, 5)).astype(np.float32),
        "conv1.bias": np.arange(8, dtype=np.float64),
        "head.odd": odd,
        "head.steps": np.array(7, np.int64),
    }


@pytest.fixture
def npz(tmp_path: Path, weights: dict[str, np.ndarray]) -> Path:
    """The same in a file."""
    path = tmp_path / "model.npz"
    np.savez(path, **weights)
    return path


@pytest.fixture
def npy(tmp_path: Path) -> Path:
    """A matrix on its own, 24 × 40."""
    path = tmp_path / "matrix.npy"
    np.save(path, np.linspace(-1, 2, 960, dtype=np.float32).reshape(24, 40))
    return path
