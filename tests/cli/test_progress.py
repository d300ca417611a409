"""Progress is shown after a moment, to people only, and leaves nothing on stdout."""

from __future__ import annotations

import sys

import pytest

from nnscope.cli import progress
from nnscope.core.answer import Progress


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "WAIT", 0.0)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("terminal", [True, False])
def test_shown_where_someone_looks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], terminal: bool
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    with progress.reporter() as reporter:
        reporter.update(Progress(1, 4, "Reading"))
        reporter.begin(Progress(10, 100, "w[/]\x1b[2J"), 40)
        reporter.update(Progress(1, 2))
    out, err = capsys.readouterr()
    assert out == ""
    assert ("w[/]\\x1b[2J" in err) == terminal
    assert terminal or err == ""


def test_nothing_is_shown_at_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress.reporter() as reporter:
        reporter.update(Progress(1, 4, "Reading"))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("step", "done"), [(Progress(0, 1), 10), (Progress(1, 2), 30), (Progress(2, 2), 50), (Progress(3, 0), 10)]
)
def test_a_share_of_the_whole(step: Progress, done: int) -> None:
    assert progress._within(step, Progress(10, 100, "w"), 40) == Progress(done, 100, "w")
