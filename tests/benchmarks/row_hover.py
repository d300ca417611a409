"""Row ``hover``: the answer to a pointer move, a change of layer that is cached, and the longest stall while indexing.

Driven through the controller and a local engine over the billion-parameter checkpoint, with a queue in place of the
window's event loop: what is timed is the wait from the intention to the answer on the window's thread. The
gate compares every hover answer with the bytes of the file.
"""

from __future__ import annotations

import queue
import time

import numpy as np

from nnscope.core.frame import Camera2D
from nnscope.scene.controller import Controller
from tests.benchmarks.checkpoint import LARGEST, shared
from tests.benchmarks.measure import Goal, Result, absolute

SIZE = (1280, 800)


def run(quick: bool = False) -> list[Result]:
    """Measure the row."""
    todo: queue.SimpleQueue = queue.SimpleQueue()
    controller = Controller(todo.put)
    try:
        key, stall = _open(controller, todo)
        hovers = _hovers(controller, todo, key, 40 if quick else 400)
        changes = _changes(controller, todo, key, 10 if quick else 60)
    finally:
        controller.close()
    return [
        absolute("hover", "answer, 95th percentile", [float(np.percentile(hovers, 95))], Goal(0.016)),
        absolute("hover", "change of layer, cached, 95th percentile", [float(np.percentile(changes, 95))], Goal(0.050)),
        absolute("hover", "longest stall while indexing", [stall], Goal(0.050)),
    ]


def _open(controller: Controller, todo: queue.SimpleQueue) -> tuple[str, float]:
    """Open the checkpoint; the longest time any single step kept the window's thread."""
    longest = 0.0
    start = time.perf_counter()
    key = controller.open(str(shared()))
    longest = max(longest, time.perf_counter() - start)
    while not controller.settled:
        run_one = todo.get()
        start = time.perf_counter()
        run_one()
        controller.frame(*SIZE)
        longest = max(longest, time.perf_counter() - start)
    return key, longest


def _hovers(controller: Controller, todo: queue.SimpleQueue, key: str, count: int) -> list[float]:
    controller.show(key, "model.layers.0.mlp.up_proj.weight")
    _settle(controller, todo)
    controller.workspace.update_pane(camera=Camera2D(1000, 4000, 2.0))
    _settle(controller, todo)
    picture = controller.drawn().place.picture
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


def _changes(controller: Controller, todo: queue.SimpleQueue, key: str, count: int) -> list[float]:
    names = ["model.layers.0.self_attn.q_proj.weight", "model.layers.1.self_attn.q_proj.weight"]
    for name in (*names, LARGEST):
        controller.show(key, name)
        _settle(controller, todo)
    waits = []
    for i in range(count):
        start = time.perf_counter()
        controller.show(key, names[i % 2])
        while controller.frame(*SIZE).panes[0].title != names[i % 2] or controller.drawn().composed.missing:
            todo.get()()
        waits.append(time.perf_counter() - start)
    return waits


def _settle(controller: Controller, todo: queue.SimpleQueue) -> None:
    controller.frame(*SIZE)
    while not controller.settled:
        todo.get()()
        controller.frame(*SIZE)
