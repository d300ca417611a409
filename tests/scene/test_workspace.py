"""Every change of view can be undone; drags are one step."""

from __future__ import annotations

from nnscope.core.frame import Camera2D
from nnscope.scene.state import PaneState, WorkspaceState
from nnscope.scene.workspace import Workspace


def test_undo_and_redo_walk_through_states() -> None:
    space, heard = Workspace(), []
    space.changed.connect(lambda old, new: heard.append((old, new)))
    start = space.state
    space.update_pane(colours="viridis")
    space.update_pane(reduction="extremes")
    assert (space.pane.colours, space.pane.reduction) == ("viridis", "extremes")
    space.undo()
    assert (space.pane.colours, space.pane.reduction) == ("viridis", "mean")
    space.undo()
    assert space.state == start
    assert not space.can_undo
    space.undo()
    space.redo()
    space.redo()
    assert space.pane.reduction == "extremes"
    assert not space.can_redo
    assert len(heard) == 6


def test_a_drag_is_one_step() -> None:
    space = Workspace()
    for x in range(10):
        space.update_pane(merge="camera", camera=Camera2D(x, 0, 1))
    space.undo()
    assert space.pane.camera is None


def test_a_change_after_undo_ends_the_future() -> None:
    space = Workspace()
    space.update_pane(colours="a")
    space.undo()
    space.update_pane(colours="b")
    assert not space.can_redo


def test_setting_the_same_state_is_no_step() -> None:
    space = Workspace()
    space.set(WorkspaceState())
    assert not space.can_undo


def test_several_panes_take_one_camera() -> None:
    state = WorkspaceState(panes=(PaneState(), PaneState(), PaneState(), PaneState()))
    moved = state.with_panes([1, 3], camera=Camera2D(1, 2, 3))
    assert [pane.camera is None for pane in moved.panes] == [True, False, True, False]


def test_another_tensor_resets_what_depends_on_it() -> None:
    pane = PaneState("a", "w", reduction="extremes", limits=(0, 1), camera=Camera2D(1, 2, 3), pin=(1, 1))
    other = pane.showing("a", "v")
    assert other == PaneState("a", "v", reduction="extremes")
