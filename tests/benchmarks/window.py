"""A real window, driven turn by turn of its event loop, with each turn timed."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from tests.benchmarks.checkpoint import LARGEST

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATIENCE = 60.0  # seconds that anything may take
NAMES = ("model.layers.0.self_attn.q_proj.weight", "model.layers.1.self_attn.q_proj.weight")


class Window:
    """The app's own window on the display of ``DISPLAY``; close it."""

    def __init__(self, folder: Path) -> None:
        os.environ["NNSCOPE_SETTINGS"] = str(folder / "settings.json")
        from nnscope.app import build_window
        from nnscope.gui.application import favour_the_window, make_application

        favour_the_window()  # as `run_application` does
        self.app = make_application()
        self.window = build_window()
        self.controller = self.window.controller
        self._whole = ""  # address of what is on the screen with nothing missing
        self.window.canvas.painted.connect(self._count)
        self.window.resize(1280, 800)
        self.window.show()
        self.rest(2.0)  # a newcomer looks at the welcome page for at least as long

    def turns(self, until: Callable[[], bool]) -> float:
        """Let the event loop run until a condition holds; the seconds of its longest turn."""
        longest, end = 0.0, time.perf_counter() + PATIENCE
        while not until():
            start = time.perf_counter()
            self.app.processEvents()
            longest = max(longest, time.perf_counter() - start)
            assert start < end, "the window did not come to rest"
            if time.perf_counter() - start < 2e-4:
                time.sleep(2e-4)
        return longest

    def rest(self, seconds: float) -> float:
        """Let the event loop run for a time; the seconds of its longest turn."""
        end = time.perf_counter() + seconds
        return self.turns(lambda: time.perf_counter() > end)

    def open(self, path: str) -> float:
        """Open a file until everything about its first tensor is on the screen; the longest stall on the way."""
        start = time.perf_counter()
        self.window.open_paths([path])
        longest = time.perf_counter() - start
        longest = max(longest, self.turns(lambda: path in self.controller.library.sources and self.controller.settled))
        return max(longest, self.rest(1.0))

    def changes(self, path: str, count: int) -> list[float]:
        """Seconds from choosing a tensor that was shown before until it is on the screen, whole."""
        for name in (*NAMES, LARGEST):
            self.window.show_tensor(path, name)
            self.turns(lambda: self.controller.settled)
            self.rest(0.3)
        return [self._change(path, NAMES[number % 2]) for number in range(count)]

    def close(self) -> None:
        """Close the window and let it end."""
        self.window.close()
        self.app.processEvents()

    def _change(self, path: str, name: str) -> float:
        start = time.perf_counter()
        self.window.show_tensor(path, name)
        self.turns(lambda: self._whole == name)
        waited = time.perf_counter() - start
        self.rest(0.15)  # the inspector follows at its own pace
        return waited

    def _count(self) -> None:
        drawn = self.controller.drawn()
        self._whole = drawn.resolved.info.address if drawn is not None and not drawn.composed.missing else ""
