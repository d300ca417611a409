"""Row ``hover``: the answer to a pointer move, a change of layer that is cached, and the longest stall while opening.

Over the billion-parameter checkpoint. The answer is timed from the intention to what the window's thread is given,
through the controller and a local engine with a queue in place of the event loop; the gate compares every answer with
the bytes of the file. The change of layer and the stalls are those of the real window on the display of ``DISPLAY``: a
stall is one turn of its event loop, whatever was done in it, from opening the file until all about its first tensor is
on the screen.
"""

from __future__ import annotations

import os
import queue
import tempfile
import time
from pathlib import Path

import numpy as np

from nnscope.core.frame import Camera2D
from nnscope.scene.controller import Controller
from tests.benchmarks.checkpoint import shared
from tests.benchmarks.measure import REPEATS, Goal, Result, absolute, missing
from tests.benchmarks.window import Window

SIZE = (1280, 800)


def run(quick: bool = False) -> list[Result]:
    """Measure the row."""
    return [_answers(40 if quick else 400), *_in_the_window(10 if quick else 60, 2 if quick else REPEATS)]


def _answers(count: int) -> Result:
    todo: queue.SimpleQueue = queue.SimpleQueue()
    controller = Controller(todo.put)
    try:
        key = controller.open(str(shared()))
        _settle(controller, todo)
        hovers = _hovers(controller, todo, key, count)
    finally:
        controller.close()
    return absolute("hover", "answer, 95th percentile", [float(np.percentile(hovers, 95))], Goal(0.016))


def _in_the_window(count: int, repeats: int) -> list[Result]:
    change, stall = "change of layer, cached, 95th percentile", "longest stall while opening"
    if not os.environ.get("DISPLAY"):
        return [missing("hover", what, "no DISPLAY: run under Xvfb", Goal(0.050)) for what in (change, stall)]
    stalls, changes = [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            window = Window(Path(folder))
            stalls.append(window.open(str(shared())))
            changes = changes or window.changes(str(shared()), count)
            window.close()
    return [
        absolute("hover", change, [float(np.percentile(changes, 95))], Goal(0.050), note="in the window"),
        absolute("hover", stall, stalls, Goal(0.050), note="in the window"),
    ]


def _hovers(controller: Controller, todo: queue.SimpleQueue, key: str, count: int) -> list[float]:
    controller.show(key, "model.layers.0.mlp.up_proj.weight")
    _settle(controller, todo)
    controller.workspace.update_pane(camera=Camera2D(1000, 4000, 2.0))
    _settle(controller, todo)
    picture = controller.drawn().picture
    rng = np.random.default_rng(0)
    waits = []
    for x, y in rng.uniform((picture.x, picture.y), (picture.x + picture.w, picture.y + picture.h), (count, 2)):
        start = time.perf_counter()
        controller.hover(x, y)
        while controller._hover.current is not None and controller._hover.current.answer is None:
            todo.get()()
        waits.append(time.perf_counter() - start)
        _check(controller, key)
    return waits


def _check(controller: Controller, key: str) -> None:
    hover = controller._hover.current
    if hover is None or hover.answer is None or hover.answer.index is None:
        return
    reader = controller.library.sources[key].engine.source.reader(hover.address)
    held = reader.read(tuple((i, i + 1, 1) for i in hover.answer.index)).item()
    assert hover.answer.value == held, "hover told a wrong value"


def _settle(controller: Controller, todo: queue.SimpleQueue) -> None:
    controller.frame(*SIZE)
    while not controller.settled:
        todo.get()()
        controller.frame(*SIZE)
