"""The steps of a recorded run: which one is shown, in colours that mean the same at each, and what is remarkable."""

from __future__ import annotations

import queue
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscope.core.answer import Series
from nnscope.core.errors import NnscopeError
from nnscope.core.request import ListTensors
from nnscope.engine.local import LocalEngine
from nnscope.scene.controller import Controller
from nnscope.scene.state import WorkspaceState
from nnscope.scene.timeline import at_or_before, events
from nnscope.sources.session import RunSource
from nnscope.store.runs.writer import RunWriter
from tests.store.runs.made import OUTPUT, WEIGHT, record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIZE = (900, 600)
STEPS = range(10)
KEPT = (2, 4, 6, 9)  # steps at which the weight was kept


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten steps; the weight was kept at four of them, the output at all."""
    writer = RunWriter(tmp_path / "run", "Net", (("stem", "Conv2d"),))
    for step in STEPS:
        made = record(step)
        frames = {info: frame for info, frame in made.frames.items() if info == OUTPUT or step in KEPT}
        writer.append(replace(made, frames=frames))
    writer.close()
    return tmp_path / "run"


@pytest.fixture
def scene(folder: Path) -> Iterator[Controller]:
    controller = Controller(inline=True)
    controller.adopt("run", LocalEngine(RunSource(folder), inline=True))
    yield controller
    controller.close()


def settled(controller: Controller) -> Any:
    for _ in range(12):
        frame = controller.frame(*SIZE)
    return frame


def weight(step: int) -> np.ndarray:
    return record(step).frames[WEIGHT].arrays["values"].astype(np.float64)


def shown(controller: Controller) -> np.ndarray:
    (pane,) = settled(controller).panes
    (placed,) = pane.tiles
    return placed.tile.values.astype(np.float64)


def test_a_pane_shows_its_tensor_as_it_was_at_or_before_the_step(scene: Controller) -> None:
    assert np.array_equal(shown(scene), weight(9))
    for step, kept in ((9, 9), (8, 6), (6, 6), (5, 4), (2, 2)):
        scene.timeline.choose(step)
        assert np.array_equal(shown(scene), weight(kept))
    (pane,) = settled(scene).panes
    assert pane.title == "stem.weight@2"
    scene.timeline.choose(5)
    (pane,) = settled(scene).panes
    assert "step 4; not kept at step 5" in pane.legend.notes


def test_a_step_before_the_first_says_so(scene: Controller) -> None:
    settled(scene)
    scene.timeline.choose(1)
    (pane,) = settled(scene).panes
    assert pane.message == "stem.weight was not kept at or before step 1. It was first at step 2."
    scene.show("run", "stem:output")
    (pane,) = settled(scene).panes
    assert pane.title == "stem:output@1"
    assert pane.tiles


def test_a_step_that_can_not_be_read_says_why(folder: Path) -> None:
    class Thinned(RunSource):
        def reader(self, address: str) -> Any:
            if address.endswith("@4"):
                raise NnscopeError("It was thinned out.", address)
            return super().reader(address)

    controller = Controller(inline=True)
    controller.adopt("run", LocalEngine(Thinned(folder), inline=True))
    settled(controller)
    controller.timeline.choose(4)
    assert "It was thinned out." in settled(controller).panes[0].message
    assert controller.in_time  # playing goes on
    controller.timeline.choose(6)
    assert np.array_equal(shown(controller), weight(6))
    controller.close()


def test_colours_mean_the_same_at_every_step(scene: Controller) -> None:
    settled(scene)
    scene.workspace.update_pane(normalisation="linear")
    statistics = [record(step).statistics[WEIGHT] for step in STEPS]
    most = max(max(abs(s.min), abs(s.max)) for s in statistics)
    for step in (None, 2, 6):
        scene.timeline.choose(step)
        (pane,) = settled(scene).panes
        assert pane.normalisation.domain == pytest.approx((-most, most))
        assert "domain of all steps" in pane.legend.notes
    scene.workspace.update_pane(each_step=True)
    (pane,) = settled(scene).panes
    own = np.abs(weight(6)).max()
    assert pane.normalisation.domain == pytest.approx((-own, own))
    assert "domain of this step alone" in pane.legend.notes
    scene.set_limits(-0.5, 0.5)
    (pane,) = settled(scene).panes
    assert pane.normalisation.domain == pytest.approx((-0.5, 0.5))
    assert not any("domain" in note for note in pane.legend.notes)


def test_moves_go_over_kept_steps_and_are_undone(scene: Controller) -> None:
    settled(scene)
    timeline, seen = scene.timeline, []
    for _ in range(5):
        timeline.move(-1)
        seen.append(timeline.chosen())
    assert seen == [6, 4, 2, 2, 2]
    timeline.choose(5)
    timeline.move(1)
    assert timeline.chosen() == 6
    timeline.move(1)
    assert scene.workspace.state.step_of("run") is None  # the newest, and it stays the newest while the run grows
    timeline.to_end(last=False)
    assert timeline.chosen() == 2
    timeline.to_end(last=True)
    assert timeline.chosen() == 9
    scene.workspace.undo()
    assert timeline.chosen() == 2
    for step in (3, 4, 5):
        timeline.choose(step)
    scene.workspace.undo()  # a drag over steps is one
    assert timeline.chosen() == 2


def test_hover_and_statistics_are_those_of_the_step(scene: Controller) -> None:
    settled(scene)
    scene.timeline.choose(4)
    (pane,) = settled(scene).panes
    heard = []
    scene.hover_changed.connect(heard.append)
    rect = pane.picture
    scene.hover(rect.x + rect.w / 2 + 1, rect.y + rect.h / 2 + 1)
    assert heard[-1].answer.value == weight(4)[heard[-1].answer.index]
    assert scene.resolved().stats.max == weight(4).max()
    scene.request_spectrum()
    _, spectrum = scene.library.spectra["run", "stem.weight@4"]
    np.testing.assert_allclose(spectrum.sigma, np.linalg.svd(weight(4), compute_uv=False), rtol=1e-5)


def test_the_last_picture_stays_until_the_next_is_complete(folder: Path) -> None:
    todo: queue.SimpleQueue = queue.SimpleQueue()
    controller = Controller(todo.put)
    controller.adopt("run", LocalEngine(RunSource(folder)))

    def run_until(done: Any) -> list[Any]:
        frames = [controller.frame(*SIZE)]
        while not (controller.settled and done(frames[-1])):
            todo.get(timeout=10)()
            frames.append(controller.frame(*SIZE))
        return frames

    run_until(lambda frame: frame.panes[0].tiles and "domain of all steps" in frame.panes[0].legend.notes)
    controller.timeline.kept_here()
    run_until(lambda frame: len(controller.timeline.kept_here()))
    controller.timeline.choose(4)
    assert not controller.in_time
    frames = run_until(lambda frame: frame.panes[0].title == "stem.weight@4" and frame.panes[0].tiles)
    assert controller.in_time
    assert frames[0].panes[0].title == "stem.weight"
    assert all(frame.panes[0].tiles for frame in frames)  # never blank
    controller.close()


@given(st.lists(st.integers(0, 50), max_size=20), st.integers(-1, 51))
def test_at_or_before(steps: list[int], step: int) -> None:
    rising = np.unique(np.array(steps, np.int64))
    assert at_or_before(rising, step) == max((s for s in steps if s <= step), default=None)


@pytest.mark.parametrize("flushed", [(7,), (2, 5), (1, 1, 1, 1, 1, 1, 1)], ids=["at once", "in two", "one by one"])
def test_where_a_training_started_over_the_newest_of_equal_steps_counts(
    tmp_path: Path, flushed: tuple[int, ...]
) -> None:
    steps, losses = [0, 5, 10, 3, 4, 10, 2], [float(at) for at in range(7)]
    writer = RunWriter(tmp_path / "run", "Net", ())
    controller, left = Controller(inline=True), list(zip(steps, losses, strict=True))
    for count in flushed:
        for step, loss in left[:count]:
            writer.append(replace(record(step), scalars={"loss": loss}))
        del left[:count]
        writer.flush()
        if "run" not in controller.library.sources:
            controller.adopt("run", LocalEngine(RunSource(tmp_path / "run"), inline=True))
        controller.library.sources["run"].engine.submit(ListTensors()).answer()  # looks at what has come
        controller.timeline.grow("run")
        settled(controller)
        series = controller.timeline.series("run", "", "loss")
    writer.close()
    assert series is not None
    assert (series.steps.tolist(), series.values.tolist()) == ([0, 2, 3, 4, 5, 10], [0, 6, 3, 4, 1, 5])
    assert controller.timeline.steps("run").tolist() == [0, 2, 3, 4, 5, 10]
    assert RunSource(tmp_path / "run").series("", "loss").steps.tolist() == steps  # the file has them as recorded
    controller.close()


def test_events_are_the_first_nan_and_the_tops_of_spikes() -> None:
    rng = np.random.default_rng(0)
    values = 1 + 0.01 * rng.normal(size=200)
    values[[60, 61, 62]] = 3, 5, 4
    values[140] = 2
    values[[170, 180]] = np.nan, np.inf
    found = events(Series("", "loss", np.arange(0, 400, 2), values))
    assert [(event.step, event.kind) for event in found] == [(122, "spike"), (280, "spike"), (340, "nan")]


@pytest.mark.parametrize("values", [[], [1.0], [2.0] * 40, list(np.linspace(5, 1, 60))], ids=len)
def test_nothing_remarkable(values: list[float]) -> None:
    assert events(Series("", "loss", np.arange(len(values)), np.array(values, float))) == ()


def test_a_state_holds_one_step_for_each_run() -> None:
    state = WorkspaceState().at_step("a", 3).at_step("b", 4).at_step("a", 5)
    assert (state.step_of("a"), state.step_of("b"), state.step_of("c")) == (5, 4, None)
    assert state.at_step("a", None).at_step("b", None) == WorkspaceState()
