"""The display that the tests of the window need is there: without it they would be left out unnoticed."""

from __future__ import annotations

import sys

import pytest

from nnscope.doctor import startup_problem


def test_windows_can_open() -> None:
    assert startup_problem() is None, "`python3 packaging/bootstrap.py test` brings a virtual display"


@pytest.mark.gui
@pytest.mark.skipif(sys.platform != "linux", reason="the platform plugin has another name elsewhere")
def test_qt_uses_the_display(qapp: object) -> None:
    from PyQt6.QtGui import QGuiApplication

    assert QGuiApplication.platformName() in ("xcb", "wayland")
