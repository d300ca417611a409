"""What is remembered between runs, kept up to date on disk; a disk that refuses is told of, once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nnscope.core.attaching import is_address
from nnscope.core.errors import Failure, NnscopeError
from nnscope.core.settings import Preferences, load_preferences, save_preferences

if TYPE_CHECKING:
    from collections.abc import Callable


class Memory:
    """The preferences now; `update` changes and saves them."""

    def __init__(self, failed: Callable[[Failure], None]) -> None:
        self.now: Preferences = load_preferences()
        self._failed = failed
        self._refused = False

    def update(self, **changes: Any) -> None:
        """Change fields of `Preferences`."""
        self._take(replace(self.now, **changes))

    def opened(self, path: str) -> None:
        """Put ``path`` on top of the recent files; trainings come and go."""
        if is_address(path):
            return
        self._take(self.now.opened(path))

    def _take(self, preferences: Preferences) -> None:
        if preferences == self.now:
            return
        self.now = preferences
        try:
            save_preferences(preferences)
        except NnscopeError as error:
            if not self._refused:
                self._failed(Failure.of(error))
            self._refused = True
