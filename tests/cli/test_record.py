"""``nnscope record``: scripts that don't know nnscope."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nnscope.store.runs.reader import RunReader

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
    (tmp_path / "hello.py").write_text("print('hello')\n")
    return tmp_path


def nnscope(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nnscope", *arguments]
    return subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=100
    )


def test_a_script_is_recorded_unchanged(folder: Path) -> None:
    plain = subprocess.run(
        [sys.executable, "train.py", "--lr", "0.1", "fast"], cwd=folder, capture_output=True, text=True, check=True
    )
    done = nnscope(folder, "record", "train.py", "--lr", "0.1", "fast", "-o", "run", "--every", "2", "--half")
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
    done = nnscope(folder, "record", "-o", "run", "crash.py", "--", "--lr", "0.1", "fast")
    assert done.returncode == 1
    assert "RuntimeError: the disk of the user" in done.stderr
    reader = RunReader(folder / "run")
    assert len(reader.steps) == 5
    reader.close()


def test_what_can_not_be_recorded_is_one_sentence(folder: Path) -> None:
    done = nnscope(folder, "record", "hello.py", "-o", "run")
    assert (done.returncode, done.stdout) == (1, "hello\n")
    assert "trained no model" in done.stderr
    assert nnscope(folder, "record", "none.py", "-o", "run").returncode == 1
    assert not (folder / "run").exists()
