"""While a plane is moved, its flat picture is always some position of it, in full; and in the end the last one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnscope.core.cut import Cut
from nnscope.core.request import BuildPicture
from nnscope.engine.local import LocalEngine
from nnscope.engine.protocol import Job
from nnscope.scene.controller import Controller
from nnscope.scene.slicing import companion
from tests.scene.sources import ArraySource

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE = (1200, 700)


class Held(LocalEngine):
    """Answers requests for tiles only when told to."""

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        super().__init__(ArraySource(arrays), inline=True)
        self.waiting: list[Job] = []
        self.holds = False

    def submit(self, request: Any, on_progress: Any = None) -> Job:
        if not (self.holds and isinstance(request, BuildPicture)):
            return super().submit(request, on_progress)
        self.waiting.append(Job(request))
        return self.waiting[-1]

    def release(self) -> None:
        """Answer what waits, but for what was cancelled."""
        waiting, self.waiting = self.waiting, []
        for job in waiting:
            if not job.future.cancelled():
                job.future.set_result(super().submit(job.request).future.result())


@pytest.fixture
def held() -> Iterator[tuple[Controller, Held]]:
    engine = Held({"v": np.random.default_rng(0).normal(size=(20, 24, 28)).astype(np.float32)})
    controller = Controller(inline=True)
    controller.adopt("memory", engine)
    yield controller, engine
    controller.close()


def _cut(scene: Controller, cut: Cut, first: bool = False) -> None:
    """Move the plane of the volume in the first pane; at first, put its flat picture beside."""
    workspace = scene.workspace
    state = workspace.state
    volume = replace(state.panes[0], view="volume", space=replace(state.panes[0].space, cut=cut))
    if not first:
        workspace.update_pane(0, space=volume.space)
        return
    resolved = scene.resolved()
    assert resolved is not None
    view, layout, settings = companion(resolved.layout, cut)
    flat = replace(volume, view=view, layout=layout, settings=settings)
    workspace.set(replace(state, panes=(replace(volume, layout=resolved.layout), flat), linked=True))


def _beside(scene: Controller) -> Any:
    frame = scene.frame(*SIZE).panes[1]
    drawn = scene.drawn(1)
    assert drawn is not None
    return frame, drawn.resolved


@pytest.mark.parametrize("axis", ["", "z"], ids=["free", "across"])
def test_what_is_under_way_comes_first_and_the_newest_next(held: tuple[Controller, Held], axis: str) -> None:
    scene, engine = held
    scene.show("memory", "v")
    scene.workspace.update_pane(view="volume")
    for _ in range(3):
        scene.frame(*SIZE)
    _cut(scene, Cut(axis, 3.0), first=True)
    for _ in range(3):
        scene.frame(*SIZE)
    start, first = _beside(scene)
    assert start.pictured
    engine.holds = True
    seen = []
    for step in range(4, 12):
        _cut(scene, Cut(axis, float(step)))
        frame, resolved = _beside(scene)
        assert frame.pictured
        assert len(engine.waiting) == 1  # one is under way, and is let come
        seen.append((resolved.layout, resolved.settings))
        if step == 8:
            engine.release()
    assert seen[0] == (first.layout, first.settings)
    assert seen[4] == seen[0]
    assert seen[5] != seen[0]  # the fourth, which was under way
    for _ in range(3):
        engine.release()
        frame, resolved = _beside(scene)
    wanted = scene.workspace.state.panes[1]
    assert (resolved.layout, dict(wanted.settings).items() <= dict(resolved.settings).items()) == (wanted.layout, True)
    assert not engine.waiting


def test_pictures_of_other_tensors_and_of_panes_that_are_not_linked_are_not_shown(
    held: tuple[Controller, Held],
) -> None:
    scene, engine = held
    scene.show("memory", "v")
    scene.workspace.update_pane(view="volume")
    for _ in range(3):
        scene.frame(*SIZE)
    _cut(scene, Cut("", 3.0), first=True)
    for _ in range(3):
        scene.frame(*SIZE)
    workspace = scene.workspace
    workspace.set(replace(workspace.state, linked=False))
    engine.holds = True
    flat = workspace.state.panes[1]
    workspace.update_pane(1, settings=tuple(sorted({**dict(flat.settings), "at": 9.0}.items())))
    assert not _beside(scene)[0].pictured
