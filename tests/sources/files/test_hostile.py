"""Every hostile or odd input of promises.md has a row here: what is opened, what is refused, and that nothing runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from nnscope.core.errors import FileError
from nnscope.sources.files.open import open_file
from tests.hostile import numpy_cases, pickle_cases, safetensors_cases, zip_cases
from tests.hostile.pickles import COMMAND
from tests.sources.files.reading import outcome, read_all

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hostile.case import Case

MARKER = COMMAND.split()[-1]
TABLES = {
    "pickle": pickle_cases.CASES,
    "zip": zip_cases.CASES,
    "safetensors": safetensors_cases.CASES,
    "numpy": numpy_cases.CASES,
}
CASES = [pytest.param(case, id=f"{table}:{case.id}") for table, cases in TABLES.items() for case in cases]


@pytest.fixture(autouse=True)
def _in_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("case", CASES)
def test_hostile_input(case: Case, tmp_path: Path) -> None:
    path = tmp_path / f"file{case.suffix}"
    path.write_bytes(case.make())
    start = time.process_time()
    if case.code:
        with pytest.raises(FileError) as caught:
            open_file(path)
        assert caught.value.code == case.code, str(caught.value)
        assert str(path) in caught.value.where
        assert len(str(caught.value)) < 1000
    else:
        _check(case, path)
    assert time.process_time() - start < 10
    assert not (tmp_path / MARKER).exists(), "a command from the file was run"


def _check(case: Case, path: Path) -> None:
    if case.tensors is None:
        outcome(path)
        return
    listing, values = read_all(path)
    expected = {name.replace("{stem}", path.stem): flat for name, flat in case.tensors.items()}
    assert {name: None if v is None else v.ravel().tolist() for name, v in values.items()} == expected
    assert set(case.refused) <= set(listing.refused)
    assert listing.nbytes == path.stat().st_size
