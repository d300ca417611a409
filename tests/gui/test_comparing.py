"""Two steps of a run, or two files or runs, beside each other in the window: linked, in one colour domain, with their
difference in the third pane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from safetensors.numpy import save_file

from nnscope.gui.dialogs.compare import ANOTHER, BEFORE, CompareDialog
from nnscope.gui.dialogs.compare_source import CompareSourceDialog
from tests.store.runs.made import WEIGHT, record, write_run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gui.conftest import Bench

LAST = 5


def kept(step: int) -> np.ndarray:
    return record(step).frames[WEIGHT].arrays["values"].astype(np.float64)


def drawn(bench: Bench, pane: int) -> tuple[str, np.ndarray]:
    """The address that a pane shows, and its values."""
    found: Any = bench.controller.drawn(pane)
    (placed,) = found.composed.frame.tiles
    return found.resolved.info.address, placed.tile.values


def shows(bench: Bench, step: int, against: int) -> bool:
    bench.settle()
    names = [f"stem.weight@{against}", f"stem.weight@{step}", f"stem.weight@{step}-{against}"]
    arrays = (kept(against), kept(step), kept(step) - kept(against))
    found = [drawn(bench, pane) for pane in range(3)]
    return all(
        name == wanted and np.array_equal(values, array.astype(np.float32))
        for (name, values), wanted, array in zip(found, names, arrays, strict=True)
    )


@pytest.mark.gui
@pytest.mark.gl
def test_steps_are_compared_in_linked_panes(bench: Bench, tmp_path: Path) -> None:
    write_run(tmp_path / "run", range(LAST + 1))
    bench.open(tmp_path / "run")
    actions, controller = bench.window.actions_table, bench.controller
    bench.until(actions["compare"].isEnabled)
    controller.timeline.choose(4)
    actions["compare"].trigger()
    dialog = bench.window.findChild(CompareDialog)
    assert dialog.step.value() == 0
    dialog.compare.click()
    bench.until(lambda: len(controller.workspace.state.panes) == 3)
    bench.until(lambda: shows(bench, 4, 0))
    before, chosen, change = (controller.resolved(pane) for pane in range(3))
    assert before.normalisation == chosen.normalisation
    assert before.normalisation != change.normalisation
    low, high = change.normalisation.domain
    assert (low, change.style.name) == (-high, "blue-red")
    assert (before.remarks[0], change.info.note) == ("step 0", "step 4 − step 0")

    area = controller.drawn(0).picture
    controller.zoom(area.x + area.w / 2, area.y + area.h / 2, 1.5)
    bench.settle()
    cameras = [pane.camera for pane in controller.workspace.state.panes]
    assert cameras[0] is not None
    assert cameras == [cameras[0]] * 3
    x, y = bench.cell(1, 2, pane=2)
    ratio = bench.window.devicePixelRatioF()
    controller.hover(x * ratio, y * ratio)
    bench.until(lambda: controller._hover.current is not None and controller._hover.current.answer is not None)
    assert controller._hover.current.answer.value == (kept(4) - kept(0))[1, 2]
    frame = controller.frame(*bench.window.canvas.size, ratio)
    assert [[(m.row, m.col) for m in pane.markers if m.kind == "cursor"] for pane in frame.panes] == [[(1, 2)]] * 3

    controller.timeline.move(-1)  # the difference goes with the run, what it is against stays
    bench.until(lambda: shows(bench, 3, 0))
    actions["last_step"].trigger()
    bench.settle()
    bench.until(lambda: drawn(bench, 2)[0] == f"stem.weight@{LAST}-0")
    assert drawn(bench, 0)[0] == "stem.weight@0"
    bench.window.show_tensor(controller.workspace.pane.source, "stem.weight")
    assert (controller.workspace.pane.step, controller.workspace.pane.minus) == (None, None)


@pytest.mark.gui
def test_the_dialog_offers_steps_that_were_kept(bench: Bench) -> None:
    wanted: list[int] = []
    dialog = CompareDialog("<b>w</b>", [0, 10, 40], 40, bench.window)
    dialog.wanted.connect(wanted.append)
    assert (dialog.chosen, dialog.step.isEnabled(), dialog.told.text()) == (0, False, "")
    dialog.against.setCurrentIndex(BEFORE)
    assert dialog.chosen == 10
    dialog.against.setCurrentIndex(ANOTHER)
    dialog.step.setValue(33)
    assert dialog.told.text() == "It was not kept then; step 40 is nearest."
    dialog.compare.click()
    assert wanted == [40]


def compare_with(bench: Bench, path: object) -> None:
    """By the keyboard and the dialog."""
    bench.press(Qt.Key.Key_D)
    dialog = bench.window.findChild(CompareSourceDialog)
    assert dialog is not None
    dialog.other.setEditText(str(path))
    dialog.compare.click()
    bench.until(lambda: len(bench.controller.workspace.state.panes) == 3)
    bench.settle()


@pytest.mark.gui
@pytest.mark.gl
def test_files_are_compared_in_linked_panes(bench: Bench, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    first = {name: rng.normal(size=(6, 5)).astype(np.float32) for name in ("a", "b")} | {"odd": np.eye(3)}
    second = {name: 2 * first[name] for name in ("a", "b")} | {"odd": np.eye(4)}
    paths = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    for path, tensors in zip(paths, (first, second), strict=True):
        save_file(tensors, path)
    key, controller = bench.open(paths[0]), bench.controller
    bench.show("a")
    compare_with(bench, paths[1])
    pair = controller.workspace.state.panes[2].source
    assert [pane.source for pane in controller.workspace.state.panes] == [key, str(paths[1]), pair]

    def shows(name: str) -> bool:
        bench.settle()
        arrays = first[name], second[name], first[name].astype(np.float64) - second[name]
        return all(
            drawn(bench, pane)[0] == name and np.array_equal(drawn(bench, pane)[1], array.astype(np.float32))
            for pane, array in enumerate(arrays)
        )

    bench.until(lambda: shows("a"))
    one, other, change = (controller.resolved(pane) for pane in range(3))
    bench.until(lambda: controller.resolved(0).normalisation == controller.resolved(1).normalisation)
    most = np.abs(first["a"].astype(np.float64) - second["a"]).max()
    assert change.normalisation.domain == pytest.approx((-most, most))
    assert [r.legend(None, 0).origin for r in (one, other, change)] == [
        "one.safetensors",
        "two.safetensors",
        "one.safetensors − two.safetensors",
    ]
    assert "one.safetensors − two.safetensors" in bench.rows()
    bench.window.show_tensor(key, "b")  # all three go together
    bench.until(lambda: shows("b"))
    bench.window.show_tensor(key, "odd")
    bench.until(lambda: "one shape" in controller.resolved(2).refusal)
    bench.window.close_source(key)  # and its comparison with it
    bench.settle()
    assert list(controller.library.sources) == [str(paths[1])]


@pytest.mark.gui
@pytest.mark.gl
def test_runs_are_compared_at_one_step(bench: Bench, tmp_path: Path) -> None:
    write_run(tmp_path / "first", range(LAST + 1))
    write_run(tmp_path / "second", range(2, LAST + 1))
    bench.open(tmp_path / "first")
    bench.show("stem.weight")
    compare_with(bench, tmp_path / "second")
    bench.until(lambda: drawn(bench, 2)[0] == "stem.weight")
    bench.controller.timeline.choose(3)
    bench.settle()
    bench.until(lambda: [drawn(bench, p)[0][-3:] for p in range(3)] == ["t@3", "t@3", "3-3"])
    assert np.array_equal(drawn(bench, 2)[1], np.zeros((3, 4)))
    assert controller_domains(bench)[0] == controller_domains(bench)[1]
    bench.controller.activate(2)  # the timeline is there for the difference as well
    bench.settle()
    assert bench.window.timeline.isVisible()
    bench.controller.timeline.choose(1)
    bench.until(lambda: bench.controller.frame(900, 600).panes[1].message.startswith("stem.weight was not kept"))


def controller_domains(bench: Bench) -> list[tuple[float, float]]:
    """Of the colours of each pane."""
    found: list[Any] = [bench.controller.resolved(pane).normalisation for pane in range(3)]
    return [norm.domain for norm in found]
