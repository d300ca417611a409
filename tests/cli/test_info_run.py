"""``nnscope info`` of a recorded run: its steps, numbers and damage, and one tensor of it over the steps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from nnscope.cli.info_run import compact
from nnscope.store.runs.folder import segments_of
from nnscope.store.runs.writer import RunWriter
from tests.store.runs.made import WEIGHT, record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOSSES = (2.5, 0.25, float("nan"), 3.0, 0.5)
STEPS = (0, 5, 10, 3, 5)  # it starts over after step 10


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with a flush for each step."""
    writer = RunWriter(tmp_path / "run", "Net", ())
    for step, loss in zip(STEPS, LOSSES, strict=True):
        writer.append(replace(record(step), scalars={"loss": loss}))
        writer.flush()
    writer.close()
    return tmp_path / "run"


def test_a_run_is_told(nnscope: Callable, run: Path) -> None:
    told = nnscope("info", run)
    assert (told.code, told.err) == (0, "")
    first, second, head, loss, *_ = told.out.splitlines()
    assert first == "Net: 4 steps, 0 to 10, 4 looks at tensors"
    assert second == "recorded 2001-09-09 01:46:40 UTC to 2001-09-09 01:46:50 UTC"
    assert head.split() == ["number", "first", "last", "least", "at", "step", "most", "at", "step"]
    assert loss.split() == ["loss", "2.5", "nan", "0.5", "5", "3", "3"]
    document = nnscope("info", run, "--json").document
    assert document["warnings"] == []
    assert document["run"] == {
        "model": "Net",
        "steps": {"first": 0, "last": 10, "count": 4},
        "began": 1e9,
        "ended": 1e9 + 10,
        "looks": 4,
        "scalars": {
            "loss": {"count": 4, "first": 2.5, "last": "nan"}
            | {"least": 0.5, "least_step": 5, "most": 3.0, "most_step": 3}
        },
    }


def test_one_tensor_is_told_over_the_steps(nnscope: Callable, run: Path) -> None:
    lines = nnscope("info", run, "stem.weight").out.splitlines()
    assert lines[2] == "kept at 4 steps: 0, 3, 5, 10"
    means = [record(step).statistics[WEIGHT].mean for step in (0, 3, 5, 10)]
    assert lines[4].split()[:3] == ["mean", f"{means[0]:.6g}", f"{means[-1]:.6g}"]
    document = nnscope("info", run, "stem.weight", "--json").document
    assert (document["kept"], document["history"]["steps"]) == ([0, 3, 5, 10], [0, 3, 5, 10])
    assert document["history"]["mean"] == means
    assert list(document["history"]) == ["steps", "mean", "std", "norm"]
    other = nnscope("info", run, "stem:output").out
    assert "kept at 4 steps" in other
    assert "norm" not in other  # no statistics were recorded of it


def test_one_tensor_of_a_file(nnscope: Callable, npz: Path) -> None:
    told = nnscope("info", npz, "conv1.bias")
    assert (told.code, len(told.out.splitlines())) == (0, 2)
    several = nnscope("info", npz, "conv1.bias", "--layer", "conv*")
    assert (several.code, several.out) == (2, "")
    assert "An address names one tensor" in several.err


def test_damage_is_told(nnscope: Callable, run: Path) -> None:
    lost = segments_of(run)[1].path
    lost.write_bytes(lost.read_bytes()[:-1])
    sentences = [f"{lost.name} is damaged and left out.", "Flush 2 is lost."]  # such steps were recorded again
    told = nnscope("info", run)
    assert all(sentence in told.err for sentence in sentences)
    assert nnscope("info", run, "--json").document["warnings"] == sentences


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ([], ""),
        ([7], "7"),
        ([0, 4], "0, 4"),
        ([0, 4, 8, 12], "0 to 12 every 4"),
        ([0, 1, 2, 3, 10, 20, 30], "0 to 3, 10 to 30 every 10"),
        ([2**at for at in range(15)], "1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048 and 3 more"),
    ],
    ids=str,
)
def test_steps_in_few_words(steps: list[int], text: str) -> None:
    assert compact(steps) == text
