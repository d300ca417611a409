"""Every wait that is longer than a blink is seen and can be cancelled."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nnscope.engine.local import LocalEngine
from nnscope.scene.controller import Controller
from tests.scene.sources import ArraySource

if TYPE_CHECKING:
    from pathlib import Path

    from nnscope.core.request import Region
    from tests.gui.conftest import Bench

pytestmark = [pytest.mark.gui, pytest.mark.gl]


class SlowSource(ArraySource):
    """Reading waits for the gate."""

    def __init__(self) -> None:
        super().__init__({"slow.weight": np.eye(64, dtype=np.float32)})
        self.gate = threading.Event()

    def reader(self, address: str) -> object:
        inner, gate = super().reader(address), self.gate

        class Reader:
            info = inner.info

            def read(self, region: Region) -> np.ndarray:
                gate.wait(20)
                return inner.read(region)

        return Reader()


def test_a_long_read_is_shown_and_goes_when_done(bench: Bench) -> None:
    source = SlowSource()
    bench.controller.adopt("memory", LocalEngine(source))
    bench.until(lambda: "memory" in bench.controller.library.sources)
    bench.window.central.show_canvas()
    area = bench.window.status.jobs
    bench.until(area.row.isVisible)
    assert "slow.weight" in area.row.text.text()
    if area.more.isVisible():
        area.more.click()
        assert area.popup.isVisible()
        area.popup.hide()
    source.gate.set()
    bench.until(lambda: not area.row.isVisible())


def test_a_slow_opening_can_be_cancelled(bench: Bench, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    from nnscope.sources.files import open as opening

    real = opening.open_file
    monkeypatch.setattr(opening, "open_file", lambda path: (gate.wait(20), real(path))[1])
    bench.window.open_paths([str(checkpoint)])
    area = bench.window.status.jobs
    bench.until(area.row.isVisible)
    assert "Opening" in area.row.text.text()
    area.row.cancel.click()
    gate.set()
    bench.until(lambda: not area.row.isVisible())
    time.sleep(0.1)
    bench.qtbot.wait(100)
    assert bench.controller.library.sources == {}
    assert not bench.window.central.on_canvas


def test_an_idle_window_does_nothing(bench: Bench, checkpoint: Path) -> None:
    """No frame, no refresh and no question once everything is there."""
    bench.open(checkpoint)
    bench.qtbot.wait(300)
    calls: list[str] = []
    frame = Controller.frame
    bench.controller.frame = lambda *args: (calls.append("frame"), frame(bench.controller, *args))[1]  # type: ignore[method-assign]
    bench.controller.jobs_changed.connect(lambda: calls.append("job"))
    bench.qtbot.wait(400)
    assert calls == []
