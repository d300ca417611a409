"""Write the hostile corpus to a folder: ``python -m tests.hostile FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.hostile import hdf5_cases, numpy_cases, pickle_cases, safetensors_cases, tiff_cases, zip_cases

TABLES = {
    "pickle": pickle_cases.CASES,
    "zip": zip_cases.CASES,
    "safetensors": safetensors_cases.CASES,
    "numpy": numpy_cases.CASES,
    "hdf5": hdf5_cases.CASES,
    "tiff": tiff_cases.CASES,
}


def main(folder: str) -> None:
    """Write every case of every table."""
    for table, cases in TABLES.items():
        (Path(folder) / table).mkdir(parents=True, exist_ok=True)
        for case in cases:
            (Path(folder) / table / f"{case.id}{case.suffix}").write_bytes(case.make())


if __name__ == "__main__":
    main(sys.argv[1])
