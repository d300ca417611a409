"""A recorded run opened like any file: in a process of its own, at the newest step or at one that is named."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

import nnscope
from nnscope.core.errors import NnscopeError
from nnscope.core.request import GetSeries
from nnscope.sources.session import RunSource
from nnscope.store.runs.folder import segments_of
from tests.store.runs.made import WEIGHT, record, write_run

if TYPE_CHECKING:
    from pathlib import Path


def weight(step: int) -> np.ndarray:
    return record(step).frames[WEIGHT].arrays["values"]


def test_a_run_opens_like_a_file(tmp_path: Path) -> None:
    write_run(tmp_path / "run", range(5))
    with nnscope.open(tmp_path / "run") as run:
        assert (run.listing.format, dict(run.listing.metadata)["last step"]) == ("run", "4")
        assert list(run) == ["stem.weight", "stem:output"]
        assert run["stem.weight"].read().tobytes() == weight(4).tobytes()
        assert run["stem.weight@2"].read().tobytes() == weight(2).tobytes()
        assert run["stem.weight[1]@2"].read().tobytes() == weight(2)[1].tobytes()
        assert run["stem.weight@2"].stats().max == float(weight(2).max())
        assert run["stem:output@3"].shape == (8, 8)
        assert run.listing.tensors[1].axes == ("row (means of 8)", "column (means of 8)")
        with pytest.raises(NnscopeError, match=r"not kept at step 9\. It was at step 4"):
            run["stem.weight@9"]
        with pytest.raises(NnscopeError, match="no tensor of this name"):
            run["trunk.weight"]
        series = run._client.ask(GetSeries("stem.weight", "mean"))
        assert series.steps.tolist() == [0, 1, 2, 3, 4]
        assert series.values[2] == record(2).statistics[WEIGHT].mean
        assert run._client.ask(GetSeries("", "accuracy")).steps.tolist() == [1, 3]
        assert run.listing.scalars == ("loss", "accuracy")
        assert run._client.ask(GetSeries("", "")).values.tolist() == [1e9 + step for step in range(5)]
        assert run._client.ask(GetSeries("stem:output", "level")).values.tolist() == [3.0] * 5
        for name in ("std", "frobenius"):
            values = [getattr(record(step).statistics[WEIGHT], name) for step in range(5)]
            assert run._client.ask(GetSeries("stem.weight", name)).values.tolist() == pytest.approx(values)
        for wrong in (GetSeries("", "none"), GetSeries("stem.weight", "none"), GetSeries("none", "mean")):
            with pytest.raises(NnscopeError):
                run._client.ask(wrong)


def test_numbers_over_steps(tmp_path: Path) -> None:
    writer = write_run(tmp_path / "run", range(4), close=False)
    writer.append(replace(record(2), scalars={"loss": 7.0}, statistics={WEIGHT: record(9).statistics[WEIGHT]}))
    writer.close()  # the training had started over at step 2
    with nnscope.open(tmp_path / "run") as run:
        assert (run.steps.tolist(), run.warnings, list(run.scalars)) == ([0, 1, 2, 3], (), ["loss", "accuracy"])
        losses = [7.0 if step == 2 else record(step).scalars["loss"] for step in range(4)]
        assert run.scalars["loss"].values.tolist() == losses
        assert run.scalars["accuracy"].steps.tolist() == [1, 3]
        found = run["stem.weight"].history("std")
        assert found.steps.tolist() == [0, 1, 2, 3]
        expected = [record(step).statistics[WEIGHT].std for step in (0, 1, 9, 3)]
        assert found.values.tolist() == pytest.approx(expected)
        assert "kurtosis" not in run.scalars
        for wrong, sentence in (
            (lambda: run["stem.weight"].history("kurtosis"), "no such statistic"),
            (lambda: run["stem.weight[0]"].history(), "of whole tensors"),
            (lambda: run["stem:output"].history("mean"), "Nothing of this name"),
        ):
            with pytest.raises(NnscopeError, match=sentence):
                wrong()
    np.save(tmp_path / "a.npy", np.zeros(3))
    with nnscope.open(tmp_path / "a.npy") as file:
        for wrong in (lambda: file.steps, lambda: file.scalars, lambda: next(iter(file.values())).history()):
            with pytest.raises(NnscopeError, match="Only a recorded run has numbers over steps"):
                wrong()


def test_a_run_that_grows(tmp_path: Path) -> None:
    writer = write_run(tmp_path / "run", range(2), close=False)
    source = RunSource(tmp_path / "run")
    assert dict(source.listing().metadata)["last step"] == "1"
    first = source.listing().tensors[0].version
    writer.append(record(2))
    writer.close()
    assert dict(source.listing().metadata)["last step"] == "2"
    assert source.listing().tensors[0].version > first
    source.close()


def test_damage_is_said(tmp_path: Path) -> None:
    write_run(tmp_path / "run", range(3))
    bad = segments_of(tmp_path / "run")[1].path
    bad.write_bytes(bad.read_bytes()[:-1])
    with nnscope.open(tmp_path / "run") as run:
        assert run.warnings == (f"{bad.name} is damaged and left out.", "Flush 2 is lost: step 1 can't be read.")
        assert run["stem.weight@2"].read().tobytes() == weight(2).tobytes()


def test_a_file_has_no_steps(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros(3))
    with nnscope.open(tmp_path / "x.npy") as source, pytest.raises(NnscopeError, match="Only a recorded run has steps"):
        source["x@3"]


def test_verify_and_recover_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from nnscope.__main__ import main

    write_run(tmp_path / "run", range(4))
    assert main(["verify", str(tmp_path / "run")]) == 0
    assert "whole, 4 segments, steps 0 to 3" in capsys.readouterr().out
    files = segments_of(tmp_path / "run")
    files[1].path.write_bytes(b"x")
    files[2].path.unlink()
    assert main(["verify", str(tmp_path / "run"), "--json"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert (told["verdict"], told["segments"], told["steps"], told["missing"]) == ("lossy", 2, [0, 3], [[3, 3]])
    assert told["damaged"][0]["file"] == files[1].path.name
    assert main(["recover", str(tmp_path / "run"), "-o", str(tmp_path / "new")]) == 3
    assert "Flushes 2 to 3 are lost: steps 1 to 2 can't be read." in capsys.readouterr().err
    assert told["losses"] == [{"first": 2, "last": 3, "steps": "steps 1 to 2"}]
    with nnscope.open(tmp_path / "run") as run:
        assert run.warnings == (
            f"{files[1].path.name} is damaged and left out.",
            "Flushes 2 to 3 are lost: steps 1 to 2 can't be read.",
        )
    assert main(["verify", str(tmp_path / "new")]) == 0
    assert main(["recover", str(tmp_path / "run"), "-o", str(tmp_path / "new")]) == 1
    assert main(["verify", str(tmp_path)]) == 1
    assert "no recorded run" in capsys.readouterr().err


def test_a_picture_of_a_step_by_command(tmp_path: Path) -> None:
    from nnscope.__main__ import main

    write_run(tmp_path / "run", range(3))
    assert main(["render", str(tmp_path / "run"), "stem.weight@1", "-o", str(tmp_path / "a.png")]) == 0
    assert main(["render", str(tmp_path / "run"), "stem.weight", "-o", str(tmp_path / "b.png")]) == 0
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()
