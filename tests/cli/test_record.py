"""``nnscope record``: scripts that don't know nnscope."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nnscope.core.attaching import address_of
from nnscope.store.runs.reader import RunReader
from nnscope.store.runs.writer import RunWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Result

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
import torch
from helper import SIZE

class Teacher(torch.nn.Linear): pass
class Student(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = torch.nn.Linear(SIZE, 8)
        self.head = torch.nn.Linear(8, 2)
    def forward(self, x):
        return self.head(self.stem(x).relu())

if __name__ == "__main__":
    assert sys.argv[1:] == ["--lr", "0.1", "fast"], sys.argv
    torch.manual_seed(0)
    teacher, student = Teacher(SIZE, 2), Student()
    optimizer = torch.optim.SGD(student.parameters(), float(sys.argv[2]))
    for step in range(6):
        x = torch.randn(4, SIZE)
        loss = (student(x) - teacher(x).detach()).square().mean()
        optimizer.zero_grad(); loss.backward(); optimizer.step()
        print(f"{loss.item():.9f}")
        if step == 4 and "crash" in __file__:
            raise RuntimeError("the disk of the user")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "helper.py").write_text("SIZE = 3\n")
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "crash.py").write_text(SCRIPT)
    return tmp_path


def outside(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nnscope", *arguments]
    return subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=100
    )


def test_a_script_is_recorded_unchanged(folder: Path) -> None:
    plain = subprocess.run(
        [sys.executable, "train.py", "--lr", "0.1", "fast"], cwd=folder, capture_output=True, text=True, check=True
    )
    done = outside(folder, "record", "train.py", "--lr", "0.1", "fast", "-o", "run", "--every", "2", "--half")
    assert (done.returncode, done.stdout) == (0, plain.stdout)
    assert "6 steps recorded" in done.stderr
    reader = RunReader(folder / "run")
    assert reader.meta.model == "Student"
    assert len(reader.steps) == 6
    assert reader.frame_steps("head.weight").tolist() == [0, 2, 4]
    assert reader.frame_steps("head:output").tolist() == [2, 4]  # hooks came on at the first step of the optimiser
    assert len(reader.series("stem.weight:grad", "abs_mean").steps) == 2
    assert [f"{loss:.9f}" for loss in reader.scalar("backward").values] == plain.stdout.split()
    assert reader.tensors()["head.weight"].dtype == "bfloat16"
    reader.close()


def test_a_script_that_ends_in_an_error_leaves_its_run(folder: Path) -> None:
    done = outside(folder, "record", "-o", "run", "crash.py", "--", "--lr", "0.1", "fast")
    assert done.returncode == 1
    assert "RuntimeError: the disk of the user" in done.stderr
    reader = RunReader(folder / "run")
    assert len(reader.steps) == 5
    reader.close()


@pytest.fixture
def runner(tmp_path: Path, nnscope: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """``runner(text, …)`` runs ``nnscope record …`` where ``s.py`` holds that text after a model and its training."""
    monkeypatch.chdir(tmp_path)

    def run(text: str, *arguments: str) -> Result:
        (tmp_path / "s.py").write_text(TRAINING + text)
        return nnscope("record", *arguments)

    return run


TRAINING = """
import sys
import torch
print("begun")
m = torch.nn.Linear(3, 2)
def train(steps):
    optimizer = torch.optim.SGD(m.parameters(), 0.1)
    for step in range(steps):
        m(torch.ones(1, 3)).sum().backward()
        optimizer.step()
    print("trained")
"""


def test_what_can_not_be_recorded_is_told_before_the_script_runs(runner: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "thesis.tex").write_text("x")
    for arguments, words in (
        (("-o", "old"), "old: The folder is not empty."),
        (("-o", "s.py/run"), "Not a directory"),
        (("-o", "~nobody-of-that-name/run"), "There is no such home folder."),
        (("-o", "run", "--kinds", "outptu"), "'outptu' is no kind of value"),
        (("-o", "run", "none.py"), "none.py: There is no such script."),
        (("-o", "run", "-m", "none"), "none: There is no such module."),
    ):
        done = runner("train(2)", *arguments, "s.py")
        assert (done.code, done.out) == (1, ""), arguments
        assert words in done.err
        assert done.err.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("train(2)", 1, "No module of the model matches this."),
        ("train(2); sys.exit(5)", 5, "No module of the model matches this."),
        ("raise ValueError('mine')", 1, "ValueError: mine"),
        ("sys.exit(3)", 3, ""),
        ("", 1, "The script trained no model"),
    ],
)
def test_why_nothing_is_recorded(
    runner: Callable[..., Result], tmp_path: Path, text: str, code: int, words: str
) -> None:
    done = runner(text, "s.py", "-o", "run", "--layers", "nothing*", "--no-attach")
    assert (done.code, done.out) == (code, "begun\ntrained\n" if "train(" in text else "begun\n")
    assert words in done.err
    assert ("trained no model" in done.err) == (not text)
    assert "unexpected" not in done.err
    assert not (tmp_path / "run").exists()


def test_cancelling_says_what_there_is(runner: Callable[..., Result], tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    done = runner("train(4)\nraise KeyboardInterrupt", "s.py", "-o", "~/mine", "--no-attach")
    assert (done.code, done.out) == (130, "begun\ntrained\n")
    assert "nnscope: Cancelled.\n" in done.err
    assert f"{tmp_path / 'mine'}: 4 steps recorded, tensors at 1 of them: Linear, 8 of the 8 parameters" in done.err
    assert "Traceback" not in done.err


def test_what_stands_after_the_script_is_its_own(runner: Callable[..., Result], tmp_path: Path) -> None:
    text = "print(sys.argv); train(1)"
    done = runner(text, "s.py", "--help", "-m", "x", "-lr", "-5", "-o", "run", "--no-attach", "--", "--every", "-h")
    assert done.code == 0
    assert "['s.py', '--help', '-m', 'x', '-lr', '-5', '--every', '-h']" in done.out
    done = runner(text, "--no-attach", "-o", "next", "-m", "s", "--help")
    assert done.code == 0
    assert f"['{tmp_path / 's.py'}', '--help']" in done.out
    done = runner("sys.exit(0 if '--help' in sys.argv else 9)", "s.py", "--help")
    assert (done.code, done.out, done.err) == (0, "begun\n", "")
    done = runner("train(1)", "s.py", "-h")
    assert (done.code, "Give the folder of the run." in done.err) == (1, True)
    assert runner("train(1)", "s.py").code == 2
    done = runner(text, "--help", "s.py", "--help")
    assert done.out.startswith("Usage: nnscope record")


def test_an_address_is_no_run_and_its_token_is_kept(nnscope: Callable[..., Result], tmp_path: Path) -> None:
    address = address_of(40123, "5" * 64)
    for command in (("verify", address), ("recover", address, "-o", tmp_path / "new"), ("verify", address[10:])):
        done = nnscope(*command)
        assert (done.code, done.out) == (1, "")
        assert "Give the folder of the run." in done.err
        assert "555" not in done.err
    done = nnscope("info", "127.0.0.1:40123")
    assert done.code == 1
    assert "Copy all of what `nnscope.watch` printed: nnscope://127.0.0.1:PORT/?token=…" in done.err


def test_a_run_without_a_step_is_told(nnscope: Callable[..., Result], tmp_path: Path) -> None:
    RunWriter(tmp_path / "run").close()
    done = nnscope("verify", tmp_path / "run")
    assert (done.code, "whole, 0 segments" in done.out) == (0, True)
    assert "No step is recorded in it" in done.err
