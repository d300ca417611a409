"""JSON from strangers, read step by step: strict, without nesting, and with memory in proportion to what is kept.

A general parser turns ``[[],[],…`` into twenty times its length in objects before anyone can look at it. The two
headers that matter here (safetensors, shard index) have a fixed and flat form, so they are scanned where they lie,
as bytes. Duplicate names are refused: two readers that disagree on which one counts would show different tensors.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NoReturn

from nnscope.core.errors import FileError
from nnscope.core.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALL_VALUE = 1 << 16
"""Most bytes of a value that is read whole."""

MAX_STRING = 4 << 20
"""Most bytes of a string."""

MAX_PAIRS = 300_000
"""Most pairs of a map from strings to strings."""

_SPACE = re.compile(rb"[ \t\n\r]*+")
_STRING = re.compile(rb'"(?:[^"\\\x00-\x1f]++|\\.)*+"', re.DOTALL)
_TOKEN = re.compile(rb'[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)
_SCALAR = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[^,}\]\s]++', re.DOTALL)


class JsonScanner:
    """A position in JSON text that moves forward as parts of it are taken.

    Parameters
    ----------
    text : bytes
    path : str
        The file, for messages.
    base : int
        Byte of the file at which ``text`` begins.
    """

    def __init__(self, text: bytes, path: str, base: int = 0) -> None:
        self.text = text
        self.at = 0
        self._path = path
        self._base = base

    def peek(self) -> bytes:
        """The next byte that is no space; empty at the end."""
        match = _SPACE.match(self.text, self.at)
        assert match is not None  # it matches nothing, too
        self.at = match.end()
        return self.text[self.at : self.at + 1]

    def expect(self, byte: bytes) -> None:
        """Take that byte."""
        if self.peek() != byte:
            self.fail(f"{byte.decode()!r} is expected here")
        self.at += 1

    def string(self) -> str:
        """Take a string."""
        self.peek()
        match = _STRING.match(self.text, self.at)
        if match is None:
            self.fail("a string is expected here")
        if len(match[0]) > MAX_STRING:
            self.fail(f"strings of more than {MAX_STRING} bytes are not read")
        self.at = match.end()
        return self._decode(match[0])

    def take(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """Take what ``pattern`` matches here, or nothing."""
        match = pattern.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        return match

    def more(self, first: bool = False) -> bool:
        """Whether an object goes on with another key; takes the comma before it, or the closing brace."""
        byte = self.peek()
        if byte == b"}":
            self.at += 1
            return False
        if not first:
            self.expect(b",")
        return True

    def object_keys(self) -> Iterator[str]:
        """The keys of an object; the caller takes each value before asking for the next key."""
        self.expect(b"{")
        more = self.more(first=True)
        while more:
            key = self.string()
            self.expect(b":")
            yield key
            more = self.more()

    def string_pairs(self) -> Iterator[tuple[str, str]]:
        """The pairs of an object whose values are strings."""
        for count, key in enumerate(self.object_keys()):
            if count >= MAX_PAIRS:
                self.fail(f"more than {MAX_PAIRS} entries are not read")
            yield key, self.string()

    def small_value(self) -> object:
        """Take any value of at most `SMALL_VALUE` bytes."""
        self.peek()
        end = self._end_of_value()
        text, start = self.text[self.at : end], self.at
        try:
            value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            self.fail(f"this is not valid JSON ({plain(str(error), 80)})", start)
        self.at = end
        return value

    def finish(self) -> None:
        """Make sure that nothing but spaces is left."""
        if self.peek():
            self.fail("nothing should follow here")

    def fail(self, what: str, at: int | None = None, code: str = "bad-header") -> NoReturn:
        """Raise the FileError that says what is wrong at the present place."""
        offset = self._base + (self.at if at is None else at)
        raise FileError(code, f"The header is malformed: {what}.", self._path, offset=offset)

    def _end_of_value(self) -> int:
        if self.text[self.at : self.at + 1] not in (b"{", b"["):
            match = _SCALAR.match(self.text, self.at, self.at + SMALL_VALUE)
            return self.at if match is None else match.end()
        depth, at = 0, self.at
        limit = min(len(self.text), at + SMALL_VALUE)
        while at < limit:
            match = _TOKEN.match(self.text, at, limit)
            if match is None:
                break
            at = match.end()
            depth += (match[0] in (b"{", b"[")) - (match[0] in (b"}", b"]"))
            if not depth:
                return at
        self.fail(f"this value does not end within {SMALL_VALUE} bytes")

    def _decode(self, quoted: bytes) -> str:
        try:
            text: str = json.loads(quoted) if b"\\" in quoted else quoted[1:-1].decode()
            text.encode()  # half a surrogate pair is no text
        except (ValueError, UnicodeError):
            self.fail("this string is not valid text")
        return text


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key occurs twice")
    return result


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
