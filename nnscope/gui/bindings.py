"""Which keys carry out which command: the defaults, and what was chosen in their place.

A shortcut is one key with modifiers, in Qt's portable form (``"Ctrl+Shift+S"``); an empty text is none. No two commands
ever share one. What a settings file says is taken as far as it can be: an entry that is no shortcut, that the window
needs for itself, or that another command has, is passed over and the command keeps its default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QKeySequence

from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LONGEST = 64  # characters of a shortcut in a settings file
_PORTABLE = QKeySequence.SequenceFormat.PortableText
_NATIVE = QKeySequence.SequenceFormat.NativeText
_KEY = 0x01FFFFFF  # the bits of a combination that tell the key, which need not be in Qt's enum
_MODIFIERS = (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_AltGr, Qt.Key.Key_Meta)
_NO_KEYS = {0, *(key.value for key in (Qt.Key.Key_unknown, *_MODIFIERS))}
_OWN = {
    "Tab": "moves to the next control",
    "Shift+Tab": "moves to the control before",
    "Shift+Backtab": "moves to the control before",
    "Backtab": "moves to the control before",
    "Return": "presses what is chosen",
    "Enter": "presses what is chosen",
    "Esc": "closes what is open",
    "F10": "opens the menus",
}


class Bindings:
    """The shortcut of each command.

    Parameters
    ----------
    defaults : mapping of str to str
        By command, in the order of the table; no shortcut twice.
    remembered : mapping of str to str
        Those chosen in their place; anything at all.
    menus : iterable of str
        Names of the menus, whose first letter opens them together with Alt.
    """

    def __init__(self, defaults: Mapping[str, str], remembered: Mapping[str, str], menus: Iterable[str] = ()) -> None:
        self._own = {**_OWN, **{f"Alt+{name[0].upper()}": f"opens the menu {name}" for name in menus}}
        self._defaults = {id: normal(keys) or "" for id, keys in defaults.items()}
        self._elsewhere = {id: keys for id, keys in remembered.items() if id not in defaults}  # of plugins not here now
        self._keys = self._without_doubles({**self._defaults, **self._valid(remembered)})

    def __getitem__(self, id: str) -> str:
        return self._keys[id]

    def default(self, id: str) -> str:
        """The shortcut that a command comes with."""
        return self._defaults[id]

    def is_default(self, id: str) -> bool:
        """Whether a command has the shortcut it comes with."""
        return self._keys[id] == self._defaults[id]

    def remembered(self) -> dict[str, str]:
        """What to remember: every shortcut that isn't the default."""
        return {**self._elsewhere, **{id: keys for id, keys in self._keys.items() if not self.is_default(id)}}

    def refusal(self, keys: str) -> str:
        """Why no command can have these keys, as a sentence; empty when one can."""
        if not keys:
            return ""
        if normal(keys) is None:
            return "This is no shortcut: press one key, alone or together with Ctrl, Alt or Shift."
        own = self._own.get(normal(keys) or "")
        return f"{native(keys)} {own}, so it can't be the shortcut of a command." if own else ""

    def holder(self, keys: str, besides: str = "") -> str:
        """The command, other than ``besides``, that has these keys; empty when none has."""
        found = normal(keys)
        return next((id for id, own in self._keys.items() if own and own == found and id != besides), "")

    def bind(self, id: str, keys: str) -> None:
        """Give a command a shortcut; an empty one takes it away.

        Raises
        ------
        NnscopeError
            If these keys are refused, or another command has them.
        """
        why = self.refusal(keys)
        if why or self.holder(keys, id):
            raise NnscopeError(why or "Another command has this shortcut.", keys)
        self._keys[id] = normal(keys) or ""

    def swap(self, id: str, keys: str) -> None:
        """Give a command the shortcut that another has, and the other this one's own."""
        other = self.holder(keys, id)
        if other:
            self._keys[other], self._keys[id] = self._keys[id], self._keys[other]

    def reset_all(self) -> None:
        """All commands as they come."""
        self._keys = dict(self._defaults)
        self._elsewhere = {}

    def _valid(self, remembered: Mapping[str, str]) -> dict[str, str]:
        known = {id: keys for id, keys in remembered.items() if id in self._defaults and len(keys) <= LONGEST}
        return {id: normal(keys) or "" for id, keys in known.items() if not self.refusal(keys)}

    def _without_doubles(self, keys: dict[str, str]) -> dict[str, str]:
        """Where two commands have the same keys, one that isn't as it comes goes back to that, until there are none."""
        while True:
            taken: dict[str, str] = {}
            for id, own in keys.items():
                other = taken.setdefault(own, id) if own else id
                if other != id:
                    loser = id if own != self._defaults[id] else other
                    keys[loser] = self._defaults[loser] if own != self._defaults[loser] else ""
                    break
            else:
                return keys


def normal(keys: str) -> str | None:
    """The portable form of a shortcut; None for what is none, or more than one key after the other."""
    sequence = QKeySequence.fromString(keys, _PORTABLE)
    if sequence.count() != 1 or sequence[0].toCombined() & _KEY in _NO_KEYS:
        return None
    return sequence.toString(_PORTABLE)


def native(keys: str) -> str:
    """A shortcut as it is written on this platform."""
    return QKeySequence.fromString(keys, _PORTABLE).toString(_NATIVE)


def caps(keys: str) -> list[str]:
    """The keys of a shortcut one by one: ``["Ctrl", "+"]`` for ``"Ctrl++"``."""
    text = native(keys)
    if not text:
        return []
    *modifiers, key = text[:-1].split("+") if text.endswith("+") else text.split("+")
    return [*filter(None, modifiers), "+" if text.endswith("+") else key]
