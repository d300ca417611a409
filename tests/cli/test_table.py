"""Tables: aligned in a pipe, drawn on a terminal, and whole in both."""

from __future__ import annotations

import re
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nnscope.cli.table import WIDEST, Column, print_table

COLUMNS = (Column("name"), Column("kind"), Column("size", numeric=True))
CELLS = st.text("abc[]/._", min_size=1, max_size=30)
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(params=[30, 60, 200])
def terminal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("COLUMNS", str(request.param))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    return request.param


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(rows=st.lists(st.tuples(CELLS, CELLS, st.integers(0, 10**9).map(str)), max_size=5))
def test_nothing_is_cut_on_a_terminal(
    terminal: int, capsys: pytest.CaptureFixture[str], rows: list[tuple[str, str, str]]
) -> None:
    print_table(COLUMNS, rows)
    shown = ANSI.sub("", capsys.readouterr().out)
    letters = re.sub(r"[\s─]", "", shown)
    for _, kind, size in rows:
        assert kind in shown
        assert size in shown
    assert len(letters) == len("namekindsize") + sum(len(cell) for row in rows for cell in row)


def test_columns_are_aligned_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(COLUMNS, [("a", "weight", "7"), ("bcd", "b", "1234")])
    assert capsys.readouterr().out == "name  kind    size\na     weight     7\nbcd   b       1234\n"


def test_one_long_name_widens_its_own_row_only(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(COLUMNS, [("a" * 1000, "x", "1"), ("b", "x", "2")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("a" * 1000)
    assert len(lines[2]) <= WIDEST + 20


def test_no_rows(terminal: int, capsys: pytest.CaptureFixture[str]) -> None:
    print_table(COLUMNS, [])
    assert "name" in capsys.readouterr().out
