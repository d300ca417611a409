"""Answers that are too long for one message: their large arrays follow in parts, each when the other end asks for it.

The client asks for the next part once it has the last one, so no more than one is on its way: what else is to be said
is not held up, a request that is cancelled in between costs no further part, and nothing is copied at the server, which
holds on to the arrays of the answer until the last of them is sent or the request is dropped. The client believes no
size beyond `LIMIT`, and takes parts in their order only.
"""

from __future__ import annotations

import numpy as np

from nnscope.engine.wire import Begin, Part, Reply, WireError, decode, encode, encode_apart

WHOLE = 16 << 20  # bytes of an answer up to which it is one message
PART = 4 << 20  # bytes of a part
LIMIT = 1 << 30  # bytes of all arrays of an answer


class Sending:
    """An answer on its way out.

    Parameters
    ----------
    number : int
        Of the request.
    head : bytes
        The message without its large arrays.
    arrays : tuple of ndarray
        Their bytes, flat uint8.

    Attributes
    ----------
    total : int
        Bytes of all arrays.
    """

    def __init__(self, number: int, head: bytes, arrays: tuple[np.ndarray, ...]) -> None:
        self.begin = encode(Begin(number, head, tuple(len(array) for array in arrays)))
        self.total = sum(map(len, arrays))
        self._number = number
        self._arrays = arrays
        self._array = 0
        self._first = 0

    @property
    def done(self) -> bool:
        """Whether everything is sent."""
        return self._array == len(self._arrays)

    def next_part(self) -> bytes:
        """The next part, as a message."""
        array, first = self._arrays[self._array], self._first
        data = array[first : first + PART].tobytes()
        part = encode(Part(self._number, self._array, first, data))
        self._first += len(data)
        if self._first == len(array):
            self._array, self._first = self._array + 1, 0
        return part


class Arriving:
    """An answer on its way in.

    Parameters
    ----------
    begin : Begin

    Attributes
    ----------
    total : int
        Bytes of all arrays.
    here : int
        Bytes that have come.

    Raises
    ------
    WireError
        If it is more than `LIMIT`, or says nothing that can be.
    """

    def __init__(self, begin: Begin) -> None:
        self.total, self.here = sum(begin.sizes), 0
        if min(begin.sizes, default=0) <= 0 or self.total > LIMIT:
            raise WireError(f"An answer in parts claims {self.total} bytes.")
        self._head, self._number = begin.head, begin.number
        self._arrays = tuple(np.empty(size, np.uint8) for size in begin.sizes)
        self._array = 0
        self._first = 0

    def take(self, part: Part) -> bool:
        """Put a part in its place; whether it was the last.

        Raises
        ------
        WireError
            If it is not the next one.
        """
        size = len(part.data)
        if self._array == len(self._arrays) or (part.array, part.first) != (self._array, self._first):
            raise WireError("A part of an answer is out of order.")
        array = self._arrays[self._array]
        if not 0 < size <= len(array) - self._first:
            raise WireError("A part of an answer is of a wrong size.")
        array[self._first : self._first + size] = np.frombuffer(part.data, np.uint8)
        self._first += size
        self.here += size
        if self._first == len(array):
            self._array, self._first = self._array + 1, 0
        return self.here == self.total

    def reply(self) -> Reply:
        """The whole answer, when all is here; its arrays are not to be written to.

        Raises
        ------
        WireError
            If it is none, or one to another request.
        """
        for array in self._arrays:
            array.flags.writeable = False
        message = decode(self._head, self._arrays)
        if not isinstance(message, Reply) or message.number != self._number:
            raise WireError("What came in parts is not the answer that was begun.")
        return message


def packed(reply: Reply) -> bytes | Sending:
    """``reply`` as one message, or in parts.

    Raises
    ------
    WireError
        If it holds something that can't travel.
    """
    head, arrays = encode_apart(reply)
    if not arrays or len(head) + sum(map(len, arrays)) <= WHOLE:
        return encode(reply)
    return Sending(reply.number, head, arrays)
