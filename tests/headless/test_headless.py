"""Everything below the window imports and works in a process where importing Qt is an error."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def _without_qt(*arguments: str) -> str:
    """Run a module with Qt refused and no display, and return what it printed."""
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    command = [sys.executable, "-m", "tests.headless.no_qt", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A safetensors file with one 3 × 4 float32 matrix of 0 to 11."""
    values = struct.pack("<12f", *range(12))
    header = json.dumps({"layer.weight": {"dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48]}}).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + values)
    return path


def _json(*arguments: str) -> Any:
    return json.loads(_without_qt(*arguments))


def test_qt_is_refused() -> None:
    with pytest.raises(AssertionError, match="PyQt6 must not be imported here"):
        _without_qt("PyQt6")


@pytest.mark.parametrize("gl", [True, False], ids=["no Qt", "no Qt, no OpenGL"])
def test_everything_below_imports(gl: bool) -> None:
    arguments = ("tests.headless.import_all",) if gl else ("--no-gl", "tests.headless.import_all", "--no-gl")
    assert int(_without_qt(*arguments)) > 40


def test_info_works(checkpoint: Path) -> None:
    info = _json("--no-gl", "nnscope", "info", str(checkpoint), "--json", "--stats")
    (tensor,) = info["tensors"]
    assert (tensor["address"], tensor["shape"], tensor["stats"]["mean"]) == ("layer.weight", [3, 4], 5.5)


def test_probe_works(checkpoint: Path) -> None:
    answer = _json("--no-gl", "nnscope", "probe", str(checkpoint), "layer.weight", "--at", "1,2", "--json")
    assert (answer["index"], answer["value"]) == ([1, 2], 6.0)


def test_render_works(checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "picture.png"
    answer = _json("nnscope", "render", str(checkpoint), "layer.weight", "-o", str(out), "--size", "320x240", "--json")
    assert answer["size"] == [320, 240]
    assert out.read_bytes().startswith(b"\x89PNG")


def test_doctor_works() -> None:
    assert "checks" in _json("nnscope", "doctor", "--json")
