"""Every hostile or odd HDF5 and TIFF file has a row here, in processes with a quarter of a gigabyte and 10 s."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hostile import hdf5_cases, tiff_cases
from tests.sources.guarded.fates import fates

if TYPE_CHECKING:
    from tests.sources.guarded.fates import Fate

CASES = {
    f"{table}:{case.id}": case
    for table, cases in (("hdf5", hdf5_cases.CASES), ("tiff", tiff_cases.CASES))
    for case in cases
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Fate]:
    folder = tmp_path_factory.mktemp("hostile")
    paths = [folder / f"{i}-file{case.suffix}" for i, case in enumerate(CASES.values())]
    for path, case in zip(paths, CASES.values(), strict=True):
        path.write_bytes(case.make())
    return dict(zip(CASES, fates(paths), strict=True))


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", CASES)
def test_hostile_input(name: str, found: dict[str, Fate]) -> None:
    case, fate = CASES[name], found[name]
    assert fate.died == ""
    assert fate.code == case.code, fate
    assert len(fate.error) < 1000
    assert all(reason.endswith(".") for reason in fate.reasons.values())
    if case.tensors is not None:
        stem = f"{list(CASES).index(name)}-file"
        expected = {address.replace("{stem}", stem): values for address, values in case.tensors.items()}
        assert fate.values == expected
        assert fate.reasons.keys() == {address for address, values in expected.items() if values is None}
