"""A training in one process, the window in another: attached, scrubbed, filmed, and the training killed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nnscope.__main__ import main
from nnscope.gui.dialogs.attach import AttachDialog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.gui.conftest import Bench

pytestmark = [pytest.mark.gui, pytest.mark.gl, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
PATIENCE = 60_000  # ms: importing torch takes its time on a busy machine
WEIGHT = "block1.conv1.weight"
TRAINING = """
import itertools, sys, torch, nnscope
from nnscope.core.plugins import find_model

torch.set_num_threads(1)
demo = find_model("digits-cnn")
model = demo.factory()
with nnscope.watch(model, sys.argv[1], every=3, kinds=("parameter",), layers="block1*") as run:
    for seed in itertools.count():
        for status in demo.train(model, seed):
            run.step(loss=status["loss"])
"""


@pytest.fixture
def training(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The demo CNN in training, in a process of its own, and where to attach."""
    command = [sys.executable, "-c", TRAINING, str(tmp_path / "run")]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert process.stderr is not None
    found = re.search(r"nnscope://\S+token=\w+", process.stderr.readline())
    assert found is not None
    yield process, found[0]
    process.kill()
    process.wait()
    process.stderr.close()


def test_a_training_is_attached_to_scrubbed_and_filmed(
    bench: Bench, training: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    process, address = training
    window, timeline = bench.window, bench.controller.timeline

    def wait(condition: object) -> None:
        bench.qtbot.waitUntil(condition, timeout=PATIENCE)

    dialog = AttachDialog(window)
    dialog.accepted_address.connect(lambda given: window.open_paths([given]))
    assert not dialog.attach.isEnabled()
    dialog.field.setText(address)
    dialog.attach.click()
    key = address.partition("/?")[0]
    wait(lambda: key in bench.controller.library.sources and bench.controller.workspace.pane.source == key)
    assert "token" not in " ".join(window.memory.now.recent)
    window.show_tensor(key, WEIGHT)

    # it follows the newest step
    wait(lambda: len(timeline.kept_here()) > 3)
    assert timeline.is_live(key)
    assert window.timeline.live.isVisible()
    assert window.actions_table["follow"].isChecked()
    assert re.search(r"step \d+ .*slowed by \d+\.\d%", window.central.live.told_text)
    version = bench.controller.library.version(key, WEIGHT)
    wait(lambda: bench.controller.library.version(key, WEIGHT) > version)

    # scrubbed back it stays, while steps come
    first = int(timeline.kept_here()[0])
    timeline.choose(first)
    kept = len(timeline.kept_here())
    wait(lambda: len(timeline.kept_here()) > kept and bench.controller.in_time)
    assert timeline.chosen() == first
    assert not window.actions_table["follow"].isChecked()
    assert bench.controller.drawn().resolved.info.address == f"{WEIGHT}@{first}"
    window.timeline.live.click()
    wait(timeline.follows)

    # a film of three seconds, over the same socket
    wait(lambda: len(timeline.kept_here()) > 8)
    film = tmp_path / "film.mp4"
    arguments = ["animate", address, WEIGHT, "-o", str(film), "--size", "640x400", "--frames", "75", "--fps", "25"]
    assert main(arguments) == 0
    pictures = frames_of(film)
    assert pictures.shape == (75, 400, 640, 3)
    assert np.abs(pictures[0].astype(int) - pictures[-1]).max() > 64

    # the training is killed: what was recorded stays, and says so
    process.kill()
    wait(lambda: "training process is gone" in window.central.live.said_text)
    assert not window.timeline.live.isVisible()
    window.show_tensor(key, "block1.conv2.weight")
    bench.settle()
    assert bench.controller.drawn().composed.frame.pictured
    window.central.live.detacher.click()
    bench.until(lambda: key not in bench.controller.library.sources)


def frames_of(file: Path) -> np.ndarray:
    """All pictures of a film, uint8 [frame, row, column, channel]."""
    import av

    with av.open(str(file)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
