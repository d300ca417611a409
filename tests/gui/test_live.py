"""The demo model in its own process: pick an input, train, kill it, start it again, close."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.gui.conftest import Bench

pytestmark = [pytest.mark.gui, pytest.mark.gl]

DEMO = "demo:digits-cnn"
PATIENCE = 60_000  # ms: importing torch takes its time on a busy machine


def children() -> set[int]:
    """Process ids of this process' children."""
    files = Path("/proc/self/task").glob("*/children")
    return {int(pid) for file in files for pid in file.read_text().split()}


@pytest.mark.slow
def test_the_demo_lives_learns_dies_and_returns(bench: Bench) -> None:
    before = children()
    wait, window, controller = bench.qtbot.waitUntil, bench.window, bench.controller
    window.open_paths([DEMO])
    wait(lambda: DEMO in controller.library.sources, timeout=PATIENCE)
    assert window.central.on_canvas  # the shipped weights are there at once
    wait(window.central.live.isVisible, timeout=PATIENCE)
    source = controller.library.sources[DEMO]
    assert ":output" in bench.rows()

    window.show_tensor(DEMO, "block1:output")
    bench.settle()
    version = source.version("block1:output")
    window.actions_table["next_sample"].trigger()
    wait(lambda: source.version("block1:output") > version, timeout=PATIENCE)
    bench.until(lambda: window.central.live.samples.value == "1")
    assert "prediction" in window.central.live.told_text

    window.central.live.button.click()
    wait(lambda: window.central.live.button.text() == "Stop", timeout=PATIENCE)
    wait(lambda: "loss" in window.central.live.told_text, timeout=PATIENCE)
    window.central.live.button.click()
    wait(lambda: window.central.live.button.text() == "Train", timeout=PATIENCE)

    (process,) = children() - before
    os.kill(process, signal.SIGKILL)
    wait(window.central.banner.isVisible, timeout=PATIENCE)
    assert not window.central.live.isVisible()
    assert window.isVisible()
    window.central.banner.button.click()
    wait(window.central.live.isVisible, timeout=PATIENCE)
    assert not window.central.banner.isVisible()

    window.close()
    wait(lambda: children() <= before, timeout=PATIENCE)


@pytest.mark.slow
@pytest.mark.parametrize("moment", [0.0, 0.4, 1.5], ids=str)
def test_closing_while_the_model_starts_leaves_no_process(bench: Bench, moment: float) -> None:
    before = children()
    bench.window.open_paths([DEMO])
    bench.qtbot.wait(round(1000 * moment))
    bench.window.close()
    bench.qtbot.waitUntil(lambda: children() <= before, timeout=3000)
