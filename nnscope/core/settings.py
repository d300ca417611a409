"""What the application remembers between runs: theme, recent files, the window's place, shortcuts.

One small JSON file in the user's configuration folder. A broken or strange file is never an error: what can't be
understood falls back to its default, because no one should lose the window to a bad preference.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from nnscope.core.atomic import write_atomically
from nnscope.core.errors import NnscopeError

ENVIRONMENT = "NNSCOPE_SETTINGS"  # path of the file, in place of the user's own (tests, portable installations)
THEMES = ("system", "light", "dark")
RECENT = 12  # files remembered
LARGEST = 1 << 20  # bytes; a longer settings file is not ours


@dataclass(frozen=True, slots=True)
class Preferences:
    """All that is remembered.

    Attributes
    ----------
    theme : str
        One of `THEMES`.
    recent : tuple of str
        Paths and ``demo:NAME`` addresses, the newest first.
    geometry, layout : str
        Base64 of the window's geometry and of its docks' places; empty for the default.
    keys : dict of str to str
        Shortcuts other than the default, by command; an empty text takes a command's shortcut away.
    """

    theme: str = "system"
    recent: tuple[str, ...] = ()
    geometry: str = ""
    layout: str = ""
    keys: dict[str, str] = field(default_factory=dict)

    def opened(self, path: str) -> Preferences:
        """These preferences with ``path`` as the newest recent file."""
        others = tuple(p for p in self.recent if p != path)
        return replace(self, recent=(path, *others)[:RECENT])


def settings_path() -> Path:
    """Where the settings file is; `ENVIRONMENT` overrides the platform's place."""
    override = os.environ.get(ENVIRONMENT)
    if override:
        return Path(override)
    from platformdirs import user_config_path  # not needed by the headless commands

    return user_config_path("nnscope", appauthor=False) / "settings.json"


def load_preferences(path: Path | None = None) -> Preferences:
    """The preferences of the file; defaults for whatever is missing or malformed."""
    return _parse(_read(path or settings_path()))


def save_preferences(preferences: Preferences, path: Path | None = None) -> None:
    """Write them, atomically.

    Raises
    ------
    NnscopeError
        If the file can't be written.
    """
    target = path or settings_path()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NnscopeError(f"The settings folder can't be made: {error.strerror}.", str(target.parent)) from error
    write_atomically(target, json.dumps(asdict(preferences), indent=2).encode())


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            loaded = json.loads(file.read(LARGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    return loaded if isinstance(loaded, dict) else {}


def _parse(raw: dict[str, Any]) -> Preferences:
    theme = raw.get("theme")
    recent = raw.get("recent")
    paths = [p for p in recent if isinstance(p, str) and p] if isinstance(recent, list) else []
    return Preferences(
        theme=theme if theme in THEMES else "system",
        recent=tuple(dict.fromkeys(paths))[:RECENT],
        geometry=_text(raw.get("geometry")),
        layout=_text(raw.get("layout")),
        keys=_texts(raw.get("keys")),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> dict[str, str]:
    pairs = value.items() if isinstance(value, dict) else ()
    return {key: text for key, text in pairs if isinstance(text, str)}
