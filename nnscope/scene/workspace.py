"""The user's intent with its history: set a new state, be told of the change, undo, redo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from psygnal import Signal

from nnscope.scene.state import PaneState, WorkspaceState

if TYPE_CHECKING:
    from collections.abc import Callable

    from psygnal import SignalInstance

HISTORY = 200  # states kept for undo


class Workspace:
    """Holds one `WorkspaceState`. ``changed`` emits (old, new) after each change, undo and redo.

    Consecutive changes with the same ``merge`` word are one step of undo (a drag, a slider). ``complete`` (old, new)
    gives the state that a change leads to: panes that follow others are part of the same step.
    """

    changed: ClassVar[SignalInstance] = Signal(WorkspaceState, WorkspaceState)  # type: ignore[assignment]

    def __init__(self, state: WorkspaceState | None = None) -> None:
        self.complete: Callable[[WorkspaceState, WorkspaceState], WorkspaceState] = lambda _, new: new
        self._state = state or WorkspaceState()
        self._past: list[WorkspaceState] = []
        self._future: list[WorkspaceState] = []
        self._merge = ""

    @property
    def state(self) -> WorkspaceState:
        """The present state."""
        return self._state

    @property
    def pane(self) -> PaneState:
        """The active pane."""
        return self._state.pane

    @property
    def can_undo(self) -> bool:
        """Whether there is a state to go back to."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether an undone state can come back."""
        return bool(self._future)

    def set(self, state: WorkspaceState, merge: str = "") -> None:
        """Make ``state`` the present one; nothing happens when it is equal."""
        state = self.complete(self._state, state)
        if state == self._state:
            return
        if not (merge and merge == self._merge):
            self._past = [*self._past[-HISTORY + 1 :], self._state]
        self._merge = merge
        self._future.clear()
        self._move(state)

    def update_pane(self, index: int | None = None, merge: str = "", **changes: Any) -> None:
        """Replace fields of a pane (the active one by default)."""
        at = self._state.active if index is None else index
        self.set(self._state.with_pane(at, **changes), merge)

    def undo(self) -> None:
        """Go one step back, if there is one."""
        if self._past:
            self._future.append(self._state)
            self._merge = ""
            self._move(self._past.pop())

    def redo(self) -> None:
        """Take back one undo, if there is one."""
        if self._future:
            self._past.append(self._state)
            self._merge = ""
            self._move(self._future.pop())

    def _move(self, state: WorkspaceState) -> None:
        old, self._state = self._state, state
        self.changed.emit(old, state)
