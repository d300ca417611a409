"""``python -m tests.benchmarks [NAME…] [--json FILE] [--quick]``: measure the goals and print the table.

A row of many parts takes the name of one after a colon, as in ``pca:784x1024``.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from tests.benchmarks.measure import Result

ROWS = tuple(sorted(p.stem.removeprefix("row_") for p in Path(__file__).parent.glob("row_*.py")))


def main() -> None:
    """Run the rows asked for (all by default)."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("rows", nargs="*", metavar="NAME", help=f"of {', '.join(ROWS)}")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures there too")
    parser.add_argument("--quick", action="store_true", help="smaller inputs and fewer repeats: a smoke test")
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed has its bytecode, ours as the peers'
    sys.dont_write_bytecode = False
    unknown = {name.partition(":")[0] for name in options.rows} - set(ROWS)
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}; rows are {', '.join(ROWS)}")
    results: list[Result] = []
    for name in options.rows or ROWS:
        try:
            results += _measured(*name.partition(":")[::2], options.quick)
        except KeyError as error:
            parser.error(str(error.args[0]))
    Console().print(_table(results))
    if options.json:
        machine = {"python": platform.python_version(), "machine": platform.machine()}
        lines = [{**asdict(r), "verdict": r.verdict} for r in results]
        options.json.write_text(json.dumps({"machine": machine, "results": lines}, indent=1) + "\n")


def _measured(name: str, part: str, quick: bool) -> list[Result]:
    """The lines of a row, or of one part of it."""
    row = importlib.import_module(f"tests.benchmarks.row_{name}")
    parts = getattr(row, "PARTS", ())
    if not part:
        return list(row.run(quick=quick))
    if part not in parts:
        raise KeyError(f"row {name} has no part {part}; parts are {', '.join(parts) or 'none'}")
    return list(row.run(quick=quick, part=part))


def _table(results: list[Result]) -> Table:
    table = Table("row", "what", "ours", "peer", "figure", "95 %", "goal", "verdict", "note")
    for r in results:
        interval = f"{r.low:.3g} … {r.high:.3g}"
        table.add_row(
            r.row, r.what, _number(r.ours, r.unit), _number(r.peer, r.unit), f"{r.figure:.3g}", interval,
            str(r.goal or ""), r.verdict, r.note,
        )  # fmt: skip
    return table


def _number(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{value:.3g} {unit}"


if __name__ == "__main__":
    main()
