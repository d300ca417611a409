"""Row ``open``: a checkpoint of 10⁹ fp16 parameters in four shards, warm page cache.

Each repeat is a fresh process, measured after its imports: the listing, the first picture of the largest tensor (a
1280×800 frame rendered offscreen and read back), and the memory both added. The gate compares listed values with the
file's bytes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.benchmarks.checkpoint import LARGEST, shapes, shared
from tests.benchmarks.measure import REPEATS, Goal, Result, absolute

if TYPE_CHECKING:
    from pathlib import Path

_CHILD = """
import json, queue, sys, time
import numpy as np
import nnscope.sources.files.open, nnscope.scene.controller
from nnscope.render.offscreen import render_offscreen
from nnscope.core.frame import Frame
def peak():  # of this process alone, in kB (ru_maxrss would begin at the parent's)
    return int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
render_offscreen(Frame(64, 64))  # the context and shaders are part of start-up, not of opening
folder, address = sys.argv[1:]
before = peak()
start = time.perf_counter()
from nnscope.engine.opening import open_engines
(engine,) = open_engines(folder, inline=True)
listing = engine.source.listing()
listed = time.perf_counter() - start
engine.close()
start = time.perf_counter()
from nnscope.scene.controller import Controller
todo = queue.SimpleQueue()
controller = Controller(todo.put)
key = controller.open(folder)
controller.show(key, address)
frame = controller.frame(1280, 800)
while not frame.panes[0].tiles:  # as the window does: run what arrived, draw again
    todo.get()()
    frame = controller.frame(1280, 800)
image = render_offscreen(frame)
drawn = time.perf_counter() - start
after = peak()
controller.close()
print(json.dumps({"listed": listed, "drawn": drawn, "memory": (after - before) / 1024,
                  "tensors": len(listing.tensors), "parameters": listing.parameters,
                  "colours": int(len(np.unique(image.reshape(-1, 4), axis=0)))}))
"""


def run(quick: bool = False) -> list[Result]:
    """Measure the row."""
    folder = shared()
    samples = [_once(folder) for _ in range(1 if quick else REPEATS + 1)]
    samples = samples if quick else samples[1:]  # the first warms the page cache
    for sample in samples:
        assert sample["tensors"] == len(shapes())
        assert sample["parameters"] > 10**9
        assert sample["colours"] > 100, "the first picture is blank"
    gate = f"{samples[0]['tensors']} tensors, {samples[0]['parameters']:,} parameters"
    return [
        absolute("open", "model tree", [s["listed"] for s in samples], Goal(0.3), note=gate),
        absolute("open", "first picture of the largest tensor", [s["drawn"] for s in samples], Goal(1.0), note=LARGEST),
        absolute("open", "extra memory", [s["memory"] for s in samples], Goal(512), "MB"),
    ]


def _once(folder: Path) -> dict[str, float]:
    command = [sys.executable, "-c", _CHILD, str(folder), LARGEST]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
