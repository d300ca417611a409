"""Runs: written, read while they grow, joined, thinned, verified and recovered."""

from __future__ import annotations

import shutil
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nnscope.core.errors import FileError, NnscopeError
from nnscope.store.runs import compaction
from nnscope.store.runs.folder import segments_of
from nnscope.store.runs.losses import Stretch, losses
from nnscope.store.runs.reader import RunReader
from nnscope.store.runs.verify import recover, verify
from nnscope.store.runs.writer import Limits, RunWriter
from tests.store.runs.made import OUTPUT, WEIGHT, record, write_run

if TYPE_CHECKING:
    from pathlib import Path


def holds(reader: RunReader, steps: range) -> None:
    """That every one of these steps is there with all it left behind."""
    assert set(steps) <= set(reader.steps.tolist())
    losses = reader.scalar("loss")
    values = dict(zip(losses.steps.tolist(), losses.values.tolist(), strict=True))
    for step in steps:
        made = record(step)
        assert values[step] == made.scalars["loss"]
        _, info, frame = reader.frame("stem.weight", step)
        assert info == WEIGHT
        assert frame.arrays["values"].tobytes() == made.frames[WEIGHT].arrays["values"].tobytes()


def test_a_run_comes_back(tmp_path: Path) -> None:
    write_run(tmp_path / "run", range(10), every=3)
    reader = RunReader(tmp_path / "run")
    holds(reader, range(10))
    assert reader.meta.model == "Net"
    assert reader.meta.modules == (("stem", "Conv2d"),)
    assert reader.tensors() == {"stem.weight": WEIGHT, "stem:output": OUTPUT}
    assert reader.scalar_names == ("loss", "accuracy")
    assert reader.scalar("accuracy").steps.tolist() == [1, 3, 5, 7, 9]
    assert reader.scalar("none").steps.size == 0
    means = reader.series("stem.weight", "mean")
    assert means.values.tolist() == [record(step).statistics[WEIGHT].mean for step in range(10)]
    assert reader.statistics("stem.weight", 4).std == record(4).statistics[WEIGHT].std
    assert reader.statistics("stem:output") is None
    assert reader.frame_steps("stem:output").tolist() == list(range(10))
    assert reader.frame("stem:output")[2].level == 3
    assert reader.frame("stem:output", 77) is None
    assert (reader.troubles, reader.missing, reader.thinned) == ({}, (), 0)
    reader.close()


def test_steps_that_go_back(tmp_path: Path) -> None:
    writer = write_run(tmp_path / "run", range(3), close=False)
    writer.append(record(1))
    writer.close()
    reader = RunReader(tmp_path / "run")
    assert reader.steps.tolist() == [0, 1, 2, 1]
    assert reader.frame("stem.weight", 1) is not None
    reader.close()


def test_many_flushes_become_few_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "AT_ONCE", 4)
    write_run(tmp_path / "run", range(43))
    spans = [(f.first, f.last) for f in segments_of(tmp_path / "run")]
    assert spans == [(1, 16), (17, 32), (33, 36), (37, 40), (41, 41), (42, 42), (43, 43)]
    reader = RunReader(tmp_path / "run")
    assert reader.steps.tolist() == list(range(43))
    holds(reader, range(43))
    reader.close()
    assert verify(tmp_path / "run").code == 0


def test_old_frames_are_thinned_when_there_is_no_room(tmp_path: Path) -> None:
    limits = Limits(folder=100_000)
    writer = RunWriter(tmp_path / "run", limits=limits)
    for step in range(70):
        writer.append(record(step))
        writer.flush()
    writer.close()
    assert not writer.trouble
    assert sum(f.path.stat().st_size for f in segments_of(tmp_path / "run")) < 1.1 * limits.folder
    reader = RunReader(tmp_path / "run")
    kept = reader.frame_steps("stem.weight")
    assert 0 < len(kept) < 70
    assert reader.thinned == 2 * (70 - len(kept))
    assert reader.steps.tolist() == list(range(70))  # numbers and statistics stay
    assert len(reader.series("stem.weight", "mean").steps) == 70
    assert reader.frame("stem.weight")[2].arrays["values"].tobytes() == (
        record(69).frames[WEIGHT].arrays["values"].tobytes()
    )
    assert reader.statistics("stem.weight", 3).mean == record(3).statistics[WEIGHT].mean
    reader.close()


def test_read_while_it_is_written(tmp_path: Path) -> None:
    """No torn step, and nothing that was reported as flushed is ever missing."""
    writer = write_run(tmp_path / "run", range(1), close=False)
    flushed = [0]

    def write() -> None:
        for step in range(1, 50):
            writer.append(record(step))
            writer.flush()
            flushed[0] = writer.flushed

    thread = threading.Thread(target=write)
    thread.start()
    reader = RunReader(tmp_path / "run")
    looks = 0
    while thread.is_alive() or looks < 3:
        sure = flushed[0]
        reader.refresh()
        holds(reader, range(sure, sure + 1))
        assert reader.steps.tolist() == list(range(len(reader.steps)))
        assert len(reader.steps) > sure
        assert reader.frame("stem.weight", sure // 2) is not None
        looks += 1
    thread.join()
    assert not writer.trouble
    assert not reader.troubles
    reader.close()


def test_a_damaged_segment_is_named_and_the_rest_stays(tmp_path: Path) -> None:
    write_run(tmp_path / "run", range(8), every=2)
    bad = segments_of(tmp_path / "run")[1].path
    data = bytearray(bad.read_bytes())
    data[len(data) // 2] ^= 4
    bad.write_bytes(data)
    reader = RunReader(tmp_path / "run")
    assert list(reader.troubles) == [bad.name]
    assert reader.losses == ("Flush 2 is lost: steps 2 to 3 can't be read.",)
    assert reader.steps.tolist() == [0, 1, 4, 5, 6, 7]
    reader.close()
    verdict = verify(tmp_path / "run")
    assert (verdict.code, verdict.damaged[0][0], verdict.missing) == (3, bad.name, ())


def test_missing_segments_are_noticed_also_at_the_end(tmp_path: Path) -> None:
    write_run(tmp_path / "run", range(8), every=2)
    files = segments_of(tmp_path / "run")
    for gone in (files[0], files[3]):
        gone.path.unlink()
    verdict = verify(tmp_path / "run")
    assert (verdict.code, verdict.missing, verdict.steps) == (3, ((1, 1), (4, 4)), (2, 5))
    reader = RunReader(tmp_path / "run")
    assert reader.missing == ((1, 1), (4, 4))
    assert reader.losses == (
        "Flush 1 is lost: steps before 2 can't be read.",
        "Flush 4 is lost: steps after 5 can't be read.",
    )
    assert tuple(loss.sentence for loss in verdict.losses) == reader.losses
    reader.close()


def test_a_segment_of_another_run_is_not_taken(tmp_path: Path) -> None:
    write_run(tmp_path / "a", range(4))
    write_run(tmp_path / "b", range(4))
    shutil.copy(segments_of(tmp_path / "b")[2].path, segments_of(tmp_path / "a")[2].path)
    shutil.copy(segments_of(tmp_path / "a")[0].path, segments_of(tmp_path / "a")[1].path)
    reader = RunReader(tmp_path / "a")
    assert reader.steps.tolist() == [0, 3]
    assert len(reader.troubles) == 2
    reader.close()
    assert verify(tmp_path / "a").code == 3


def test_recover_makes_a_new_run_of_what_is_whole(tmp_path: Path) -> None:
    write_run(tmp_path / "run", range(12), every=2)
    files = segments_of(tmp_path / "run")
    files[1].path.write_bytes(b"")
    files[4].path.unlink()
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    verdict = recover(tmp_path / "run", tmp_path / "new")
    assert verdict.code == 3
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    assert verify(tmp_path / "new").code == 0
    reader = RunReader(tmp_path / "new")
    assert reader.steps.tolist() == [0, 1, 4, 5, 6, 7, 10, 11]
    holds(reader, range(4, 8))
    assert len(reader.meta.notes) == 2
    assert reader.meta.model == "Net"
    reader.close()


def test_a_run_without_its_description(tmp_path: Path) -> None:
    write_run(tmp_path / "run", range(4))
    for damage in ("", "{}", None):
        meta = tmp_path / "run" / "meta.json"
        meta.unlink() if damage is None else meta.write_text(damage)
        reader = RunReader(tmp_path / "run")
        holds(reader, range(4))
        assert list(reader.troubles) == ["meta.json"]
        reader.close()
        assert verify(tmp_path / "run").code == 3
    recover(tmp_path / "run", tmp_path / "new")
    assert verify(tmp_path / "new").code == 0


def test_every_flipped_bit_of_the_description_is_found_or_harmless(tmp_path: Path) -> None:
    writer = RunWriter(tmp_path / "run", "Net", (("stem", "Conv2d"),))
    writer.append(record(0, frames=False))
    writer.close()
    meta = tmp_path / "run" / "meta.json"
    whole, data = verify(tmp_path / "run").meta, meta.read_bytes()
    for bit in range(0, 8 * len(data), 13):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        meta.write_bytes(flipped)
        assert verify(tmp_path / "run").meta in (None, whole)


def test_nothing_left_is_unreadable(tmp_path: Path) -> None:
    write_run(tmp_path / "run", range(2))
    for path in (tmp_path / "run").iterdir():
        path.write_bytes(b"\0" * 100)
    assert verify(tmp_path / "run").code == 1
    with pytest.raises(FileError, match="Nothing of this run"):
        RunReader(tmp_path / "run")
    with pytest.raises(FileError, match="Nothing of this run"):
        recover(tmp_path / "run", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_run_with_no_step_yet_is_whole(tmp_path: Path) -> None:
    RunWriter(tmp_path / "run").close()
    assert verify(tmp_path / "run").code == 0
    reader = RunReader(tmp_path / "run")
    assert reader.steps.size == 0
    assert reader.tensors() == {}
    reader.close()


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    write_run(tmp_path / "run", range(2))
    with pytest.raises(NnscopeError, match="holds a recorded run already"):
        RunWriter(tmp_path / "run")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("x")
    with pytest.raises(NnscopeError, match="is not empty"):
        RunWriter(tmp_path / "other")
    with pytest.raises(FileError, match="no recorded run"):
        RunReader(tmp_path / "other")
    with pytest.raises(FileError, match="no recorded run"):
        verify(tmp_path / "nothing")


def test_links_and_pipes_are_not_followed(tmp_path: Path) -> None:
    import os

    write_run(tmp_path / "run", range(3))
    files = segments_of(tmp_path / "run")
    target = tmp_path / "elsewhere.h5"
    files[0].path.rename(target)
    files[0].path.symlink_to(target)
    files[1].path.unlink()
    os.mkfifo(files[1].path)
    reader = RunReader(tmp_path / "run")
    assert reader.steps.tolist() == [2]
    assert len(reader.troubles) == 2
    reader.close()


def test_a_large_scalar_table_is_fast(tmp_path: Path) -> None:
    """Ten thousand steps of numbers alone are one small segment."""
    writer = RunWriter(tmp_path / "run")
    from nnscope.store.runs.record import StepRecord

    for step in range(10_000):
        writer.append(StepRecord(step, 0.0, {"loss": 1 / (step + 1)}))
    writer.close()
    reader = RunReader(tmp_path / "run")
    assert np.array_equal(reader.scalar("loss").values, 1 / np.arange(1, 10_001))
    reader.close()


def test_what_is_said_of_losses() -> None:
    first, second, third = Stretch(1, 16, 0, 99), Stretch(17, 17, 100, 120), Stretch(19, 20, 40, 60)
    late = Stretch(33, 33, 200, 210)
    assert [loss.sentence for loss in losses((first, late), 40)] == [
        "Flushes 17 to 32 are lost: steps 100 to 199 can't be read.",
        "Flushes 34 to 40 are lost: steps after 210 can't be read.",
    ]
    assert [loss.sentence for loss in losses((second, third), 20)] == [  # it started over before the eighteenth
        "Flushes 1 to 16 are lost.",
        "Flush 18 is lost.",
    ]
    looking = Stretch(18, 18, 96, 140)  # at what step 96 left behind, before its own numbers
    assert [loss.sentence for loss in losses((first, looking), 18)] == [
        "Flush 17 is lost: some of steps 100 to 139 can't be read."
    ]
    assert [loss.sentence for loss in losses((), 3)] == ["Flushes 1 to 3 are lost."]
    assert losses((first, second), 17) == ()
