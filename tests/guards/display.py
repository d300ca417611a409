"""A test that opens widgets fails with a sentence where there is no display, before Qt ends the whole process."""

from __future__ import annotations

import functools

import pytest

from nnscope.doctor import startup_problem

_WIDGET_FIXTURES = {"qapp", "qtbot", "qtmodeltester"}


def opens_widgets(item: pytest.Item) -> bool:
    """Whether the test asks for an application object."""
    return bool(_WIDGET_FIXTURES & set(getattr(item, "fixturenames", ()))) or item.get_closest_marker("gui") is not None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Look for the display and the system libraries once, before the first widget."""
    if opens_widgets(item) and (problem := _problem()):
        pytest.fail(f"{problem} `python3 packaging/bootstrap.py test` brings a virtual display.", pytrace=False)


@functools.cache
def _problem() -> str | None:
    return startup_problem()
