"""Trainings of several processes: each rank records its own, and the run opens as one."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from nnscope.core.errors import FileError, NnscopeError
from nnscope.sources.live.ranks import rank_here
from nnscope.sources.live.watching import watch
from nnscope.sources.session import RunSource
from nnscope.store.runs.ranks import RankedReader, open_run
from nnscope.store.runs.reader import RunReader
from nnscope.store.runs.verify import recover, verify
from tests.sources.live.ddp_training import STEPS

if TYPE_CHECKING:
    from pathlib import Path


def trained(folder: Path, *trainings: str) -> list[list[list[str]]]:
    """The losses that each of two processes printed, training by training."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.sources.live.ddp_training"]
    running = [
        subprocess.Popen(
            [*command, str(rank), "2", str(folder / "store"), *trainings], stdout=subprocess.PIPE, text=True
        )
        for rank in range(2)
    ]
    said = [process.communicate(timeout=120)[0].splitlines() for process in running]
    assert [process.returncode for process in running] == [0, 0]
    return [[line.split() for line in lines] for lines in said]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs of two trainings. The first was made before them without a run: nothing had been recorded yet."""
    folder = tmp_path_factory.mktemp("ranks")
    losses = trained(folder, "ddp", "", "ddp", str(folder / "run"), "shard", str(folder / "sharded"))
    for plain, recorded, _ in losses:
        assert len(plain) == STEPS
        assert recorded == plain, "recording changed the losses"
    assert losses[0][1] != losses[1][1]
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Path:
    return folder / "run"


def test_two_ranks_open_as_one_run(run: Path) -> None:
    source = RunSource(run)
    listing = source.listing()
    names = {info.address for info in listing.tensors}
    assert {"rank0.module.0.weight", "rank1.module.0.weight", "rank1.module.2.bias:grad"} <= names
    assert {"rank0", "rank1.module.0"} <= {module.path for module in listing.modules}
    assert listing.scalars == ("rank0.loss", "rank1.loss")
    assert listing.warnings == ()
    weights = [source.reader(f"rank{rank}.module.0.weight@3").read(((0, 6, 1), (0, 4, 1))) for rank in range(2)]
    np.testing.assert_array_equal(*weights)  # DDP keeps them equal
    outputs = [source.reader(f"rank{rank}.module.2:output@3").read(((0, 5, 1), (0, 3, 1))) for rank in range(2)]
    assert not np.array_equal(*outputs)
    losses = [source.series("", f"rank{rank}.loss") for rank in range(2)]
    assert [list(series.steps) for series in losses] == [list(range(STEPS))] * 2
    assert source.newest_step == STEPS - 1
    assert source.series("rank1.module.0.weight", "std").values.shape == (STEPS,)
    assert source.pooled("rank1.module.0.weight").count == 24 * STEPS


def test_what_each_rank_says_is_what_its_own_run_says(run: Path) -> None:
    both, second = RankedReader(run), RunReader(run / "rank1")
    one, other = both.frame("rank1.module.0.weight", 2), second.frame("module.0.weight", 2)
    assert one is not None
    assert other is not None
    np.testing.assert_array_equal(one[2].arrays["values"], other[2].arrays["values"])
    assert both.statistics("rank1.module.0.weight", 2) is not None
    assert both.frame("rank7.module.0.weight") is None
    assert len(both.times().steps) == STEPS
    with pytest.raises(NnscopeError, match="no tensor of this name"):
        RunSource(run).reader("module.0.weight")


def test_a_lost_rank_is_told_and_the_others_are_recovered(run: Path, tmp_path: Path) -> None:
    import shutil

    assert verify(run).code == 0
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    segment = next((copy / "rank1").glob("seg-*.h5"))
    segment.write_bytes(segment.read_bytes()[:-1])
    found = verify(copy)
    assert found.code == 3
    assert found.damaged[0][0] == f"rank1/{segment.name}"
    shutil.rmtree(copy / "rank1")
    assert verify(copy).damaged == (("rank1", "This rank is missing."),)
    assert RunSource(copy).listing().warnings == ("rank1 is missing: its process has recorded nothing here.",)
    recover(copy, tmp_path / "new")
    assert isinstance(open_run(tmp_path / "new"), RankedReader)
    with pytest.raises(NnscopeError, match="can't be written"):
        recover(copy, tmp_path / "new")


def test_a_rank_that_comes_later_is_met(run: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(run / "rank1", tmp_path / "rank1")
    source = RankedReader(tmp_path)
    assert not any(name.startswith("rank0") for name in source.tensors())
    shutil.copytree(run / "rank0", tmp_path / "rank0")
    assert source.refresh()
    assert any(name.startswith("rank0") for name in source.tensors())
    (tmp_path / "rank2").symlink_to(tmp_path / "rank0")  # a link out of the folder is not followed
    assert not source.refresh()


def test_sharded_parameters_are_recorded_shard_by_shard(folder: Path) -> None:
    source = RunSource(folder / "sharded")
    shapes = {info.address: info.shape for info in source.listing().tensors}
    assert shapes["rank0.0.weight:shard0"] == shapes["rank1.0.weight:shard0"] == (3, 4)
    assert any(name.startswith("rank1.0.weight:shard0:grad") for name in shapes)
    assert "rank0.0.weight" not in shapes


def test_ranks_of_torchrun_and_of_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert rank_here() is None
    for rank, count, expected in (("1", "4", (1, 4)), ("0", "1", None), ("4", "4", None), ("x", "2", None)):
        monkeypatch.setenv("RANK", rank)
        monkeypatch.setenv("WORLD_SIZE", count)
        assert rank_here() == expected
    with watch(torch.nn.Linear(2, 2), tmp_path / "single") as watched:
        watched.step()
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(NnscopeError, match="of one process already"):
        watch(torch.nn.Linear(2, 2), tmp_path / "single")


def test_a_folder_of_ranks_with_nothing_to_read(tmp_path: Path) -> None:
    (tmp_path / "rank0").mkdir()
    (tmp_path / "rank0" / "seg-000001.h5").write_bytes(b"nothing")
    with pytest.raises(FileError, match="Nothing of this run can be read"):
        open_run(tmp_path)
