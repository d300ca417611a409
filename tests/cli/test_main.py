"""Which way a command line goes, and how it ends."""

from __future__ import annotations

import subprocess
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nnscope.cli import failures
from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Paths that windows were opened on, instead of windows."""
    opened: list[list[str]] = []
    app = types.ModuleType("nnscope.app")
    app.run = lambda paths: opened.append(paths) or 0  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "nnscope.app", app)
    return opened


def test_paths_open_the_window(nnscope: Callable, window: list, npy: Path) -> None:
    assert nnscope().code == 0
    assert nnscope(npy, "demo:digits-cnn").code == 0
    assert window == [[], [str(npy), "demo:digits-cnn"]]


def test_a_file_named_like_a_command(
    nnscope: Callable, window: list, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("info", np.zeros(1))
    Path("info.npy").rename("info")
    assert nnscope("./info").code == 0
    assert nnscope("info").code == 2  # the command, without its path
    assert window == [["./info"]]


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("inof", "Did you mean `nnscope info`?"),
        ("nothing.pt", "`nnscope --help` lists the commands."),
        ("a\x1b[2J", ""),
    ],
)
def test_neither_command_nor_file(nnscope: Callable, window: list, word: str, hint: str) -> None:
    result = nnscope(word)
    assert (result.code, result.out, window) == (2, "", [])
    assert "There is no file or command of this name." in result.err
    assert hint in result.err
    assert "\x1b" not in result.err


def test_the_windows_failures_are_sentences(nnscope: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(paths: list[str]) -> int:
        raise NnscopeError("There is no display.", remedy="Use `nnscope render`.")

    monkeypatch.setitem(sys.modules, "nnscope.app", types.SimpleNamespace(run=fail))
    result = nnscope(tmp_path)
    assert (result.code, result.err) == (1, "nnscope: There is no display. Use `nnscope render`.\n")


@pytest.mark.parametrize(
    "arguments",
    [["info"], ["info", "a", "b", "c"], ["info", "--nothing"], ["--nothing"], ["probe", "a"], ["render", "a", "b"]],
    ids=" ".join,
)
def test_wrong_usage_is_2(nnscope: Callable, arguments: list[str]) -> None:
    result = nnscope(*arguments)
    assert (result.code, result.out) == (2, "")
    assert "Error: " in result.err


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["info", "--help"], ["render", "--help"]], ids=" ".join)
def test_help(nnscope: Callable, arguments: list[str]) -> None:
    result = nnscope(*arguments)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("Usage: nnscope")


def test_version(nnscope: Callable) -> None:
    import nnscope as package

    assert nnscope("--version").out == f"nnscope {package.__version__}\n"


def test_missing_file(nnscope: Callable, tmp_path: Path) -> None:
    result = nnscope("info", tmp_path / "nothing.safetensors")
    assert (result.code, result.out) == (1, "")
    assert "nothing.safetensors" in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (RuntimeError("boom"), 1, "Something unexpected happened (RuntimeError: boom). NNSCOPE_DEBUG=1 shows where."),
        (NnscopeError("It\nis \x1b[2Jso.", "a\tb"), 1, "a\\x09b: It\\x0ais \\x1b[2Jso."),
        (KeyboardInterrupt(), 130, "Cancelled."),
    ],
    ids=["unexpected", "hostile", "interrupted"],
)
def test_endings(
    nnscope: Callable, npy: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, words: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("nnscope.headless.client.open_client", fail)
    result = nnscope("info", npy)
    assert (result.code, result.err) == (code, f"nnscope: {words}\n")


def test_tracebacks_on_demand(nnscope: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(failures.DEBUG, "1")
    with pytest.raises(NnscopeError):
        nnscope("info", tmp_path / "nothing.npy")


def _run(code: str, *arguments: object) -> str:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_files_need_neither_qt_nor_torch(npz: Path) -> None:
    code = """if True:
        import sys
        from nnscope.__main__ import main
        main(["info", sys.argv[1], "--stats", "--json"])
        main(["probe", sys.argv[1], "conv1.bias", "--at", "3"])
        print([name for name in ("torch", "PyQt6", "vispy", "zmq", "sklearn", "PIL") if name in sys.modules])
    """
    assert _run(code, npz).splitlines()[-1] == "[]"


def test_the_window_starts_without_the_command_line(tmp_path: Path) -> None:
    code = """if True:
        import sys, types
        sys.modules["nnscope.app"] = types.SimpleNamespace(run=lambda paths: 0)
        from nnscope.__main__ import main
        assert main([]) == 0
        print([name for name in ("typer", "rich", "numpy", "torch") if name in sys.modules])
    """
    assert _run(code) == "[]\n"


def test_a_real_process(npz: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nnscope", "info", str(npz)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "conv1.weight" in done.stdout


def test_a_reader_that_goes_away_early(npz: Path) -> None:
    command = f"{sys.executable} -m nnscope info {npz} --json | head -c 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "{"
    assert done.stderr == ""
