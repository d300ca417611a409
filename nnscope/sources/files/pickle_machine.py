"""A pickle machine that makes descriptions: it runs the opcodes of protocols 0 to 5 and never calls or imports.

Everything is bounded: bytes before they are taken, the stack, the number of steps, and the memory of what is made, by
an estimate that may grow to a fixed amount plus the length of the pickle (promise P3). Objects may share and nest as
deep as they like; nothing here recurses, hashes or compares them.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NoReturn

from nnscope.core.errors import FileError
from nnscope.core.text import plain
from nnscope.sources.files.pickle_opcodes import OPCODES, Stop
from nnscope.sources.files.pickle_values import Global, Placeholder

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.sources.files.pickle_values import Vocabulary

MAX_STEPS = 10_000_000
"""Some 200 000 tensors; more would take longer than anyone waits."""

MAX_STACK = 1_000_000
MAX_REFUSED = 1000
BASE_MEMORY = 56_000_000
"""Bytes of objects that any pickle may make; each of its own bytes allows one more."""

_MAX_LINE = 1 << 20
_CHUNK = 1 << 20
_BATCH = 1000


class Cursor:
    """Takes bytes one after another from a range of a file or from memory.

    Parameters
    ----------
    fetch : callable
        ``fetch(offset, length)`` gives exactly these bytes.
    start, end : int
        Where the bytes begin and end.
    path : str
        For messages.
    """

    def __init__(self, fetch: Callable[[int, int], bytes], start: int, end: int, path: str) -> None:
        self.path = path
        self._fetch = fetch
        self._end = end
        self._buffer = b""
        self._base = start
        self._next = 0

    @property
    def at(self) -> int:
        """Offset of the next byte."""
        return self._base + self._next

    def byte(self) -> int:
        """Take one byte."""
        at = self._next
        if at >= len(self._buffer):
            self._refill(1)
            at = 0
        self._next = at + 1
        return self._buffer[at]

    def take(self, length: int) -> bytes:
        """Take ``length`` bytes, which must be there."""
        start = self._next
        end = start + length
        if end > len(self._buffer):
            self._refill(length)
            start, end = 0, length
        self._next = end
        return self._buffer[start:end]

    def skip(self, length: int) -> None:
        """Pass over ``length`` bytes, which must be there, without reading them."""
        self._need(length)
        if self._next + length <= len(self._buffer):
            self._next += length
        else:
            self._base, self._buffer, self._next = self.at + length, b"", 0

    def line(self) -> bytes:
        """Take a line and its newline; gives the line."""
        found = self._buffer.find(b"\n", self._next)
        if found < 0:
            self._refill(min(self._end - self.at, _MAX_LINE))
            found = self._buffer.find(b"\n", self._next)
        if found < 0:
            raise FileError("bad-pickle", "A line of text in the pickle has no end.", self.path, offset=self.at)
        return self.take(found + 1 - self._next)[:-1]

    def _need(self, length: int) -> None:
        if self.at + length > self._end:
            what = f"The pickle is cut short: {length} more bytes are needed, {self._end - self.at} are there."
            raise FileError("truncated", what, self.path, offset=self.at)

    def _refill(self, length: int) -> None:
        self._need(length)
        at = self.at
        self._buffer = self._fetch(at, min(max(length, _CHUNK), self._end - at))
        self._base, self._next = at, 0


class PickleMachine:
    """Runs one pickle.

    Parameters
    ----------
    cursor : Cursor
        Stands at the first opcode; afterwards, behind the last.
    vocabulary : Vocabulary
        Describes what understood names would make.
    refused : dict of str
        Collects, in order, the names that were wanted and not understood.
    """

    def __init__(self, cursor: Cursor, vocabulary: Vocabulary, refused: dict[str, None]) -> None:
        self.cursor = cursor
        self.vocabulary = vocabulary
        self.refused = refused
        self.stack: list[object] = []
        self.marks: list[int] = []
        self._memo: list[object] = []
        self._far_memo: dict[int, object] = {}
        self._made = 0
        self._limit = BASE_MEMORY
        self._start = cursor.at

    def run(self) -> object:
        """The object that the pickle describes.

        Raises
        ------
        FileError
            If it is malformed, cut short or too large.
        """
        try:
            for _ in range(0, MAX_STEPS, _BATCH):
                self._run_batch()
        except Stop as stop:
            return stop.result
        except (IndexError, KeyError, TypeError, ValueError, OverflowError, struct.error) as error:
            self.fail(f"The pickle is malformed ({plain(str(error), 80) or type(error).__name__}).")
        self.fail(f"The pickle has more than {MAX_STEPS} steps; no more are run.", "over-budget")

    def _run_batch(self) -> None:
        byte, opcodes = self.cursor.byte, OPCODES
        for _ in range(_BATCH):
            opcodes[byte()](self)
        if len(self.stack) + len(self.marks) > MAX_STACK:
            self.fail(f"The pickle stacks more than {MAX_STACK} objects.", "over-budget")

    def push(self, value: object, size: int = 0) -> None:
        """Put ``value``, for which about ``size`` bytes were allocated, on the stack."""
        self._made += size
        if self._made > self._limit:
            self._raise_limit()
        self.stack.append(value)

    def charge(self, size: int) -> None:
        """Count ``size`` bytes of objects; refuse to go over the budget."""
        self._made += size
        if self._made > self._limit:
            self._raise_limit()

    def _raise_limit(self) -> None:
        """Allow what the bytes taken so far allow, and refuse more."""
        self._limit = BASE_MEMORY + self.cursor.at - self._start
        if self._made > self._limit:
            what = f"The pickle's objects need over {self._made >> 20} MiB, far more than its own bytes."
            self.fail(what, "over-budget")

    def pop(self) -> object:
        """Take the top of the stack; a mark is a wall."""
        if self.marks and len(self.stack) <= self.marks[-1]:
            raise ValueError("a mark is in the way")
        return self.stack.pop()

    def top(self) -> object:
        """The top of the stack, which stays; a mark is a wall."""
        if self.marks and len(self.stack) <= self.marks[-1]:
            raise ValueError("a mark is in the way")
        return self.stack[-1]

    def pop_to_mark(self) -> list[object]:
        """Take everything above the last mark, and the mark."""
        mark = self.marks.pop()
        items = self.stack[mark:]
        del self.stack[mark:]
        return items

    def remember(self, index: int) -> None:
        """Put the top of the stack into the memo. Picklers count up from 0, so a list is mostly enough."""
        value = self.top()
        if index == len(self._memo):
            self.charge(8)
            self._memo.append(value)
        elif index < len(self._memo):
            self._memo[index] = value
        else:
            self.charge(100)
            self._far_memo[index] = value

    def remember_next(self) -> None:
        """Put the top of the stack into the memo's next place (protocol 4)."""
        self.remember(len(self._memo) + len(self._far_memo))

    def recall(self, index: int) -> None:
        """Push what the memo holds at ``index``."""
        if index < len(self._memo):
            self.push(self._memo[index])
        elif index in self._far_memo:
            self.push(self._far_memo[index])
        else:
            raise ValueError("a memo entry that was never made")

    def find(self, module: object, name: object) -> Global:
        """The name ``module.name``, as text."""
        if not isinstance(module, str) or not isinstance(name, str):
            raise ValueError("a name that is no text")
        found = Global(f"{module}.{name}")
        if not self.vocabulary.knows(found.name):
            self.refuse(found.name)
        return found

    def call(self, target: object, args: object) -> object:
        """What calling ``target`` would make, described."""
        if not isinstance(args, tuple):
            raise ValueError("arguments that are no tuple")
        if isinstance(target, Global):
            made = self.vocabulary.call(target.name, args)
            self.charge(300 if isinstance(made, Placeholder) else 96)
            return made
        name = f"{target.name}(…)" if isinstance(target, Placeholder) else f"({type(target).__name__})"
        self.refuse(name)
        self.charge(300)
        return Placeholder(name, args)

    def refuse(self, name: str) -> None:
        """List ``name`` as wanted and not called."""
        if len(self.refused) < MAX_REFUSED:
            self.refused[name] = None

    def fail(self, what: str, code: str = "bad-pickle") -> NoReturn:
        """Raise the FileError."""
        raise FileError(code, what, self.cursor.path, "It is damaged or was made to harm.", offset=self.cursor.at)
