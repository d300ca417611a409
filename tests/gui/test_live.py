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

    bench.show("block1.conv1.weight")
    window.central.live.button.click()
    wait(lambda: controller.timeline.is_live(controller.workspace.pane.source), timeout=PATIENCE)
    run = controller.workspace.pane.source
    assert run.startswith("nnscope://127.0.0.1:")  # attached to, as any training is
    assert controller.workspace.pane.address == "block1.conv1.weight"
    wait(lambda: "loss" in window.central.live.told_text, timeout=PATIENCE)
    assert (window.central.live.button.text(), window.central.live.samples.isVisible()) == ("Stop", False)
    kept = len(controller.timeline.kept_here())
    wait(lambda: len(controller.timeline.kept_here()) > kept, timeout=PATIENCE)
    window.central.live.button.click()
    wait(lambda: window.central.live.button.text() == "Train", timeout=PATIENCE)
    bench.until(lambda: "has ended after step" in window.central.live.said_text)
    assert window.timeline.isVisible()
    window.central.live.detacher.click()
    bench.until(lambda: run not in controller.library.sources)
    window.show_tensor(DEMO, "block1:output")
    bench.settle()

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
