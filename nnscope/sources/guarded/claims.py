"""What a file claims against what is there, and what its parser says against one clear sentence."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from nnscope.core.errors import FileError, NnscopeError
from nnscope.core.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_RATIO = 1000
"""Most bytes of values for each byte stored; deflate, the densest code of these formats, has 1032 at its limit."""

FREE_BYTES = 256 << 20
"""Bytes of values that need no explanation: images of nothing but background are stored in next to none."""

PIECE_BYTES = 256 << 20
"""Most bytes of one piece that is stored, and so decoded, as a whole: a chunk, a tile, a strip."""

NUMBERS = frozenset(
    (
        *("bool", "float16", "float32", "float64", "complex64", "complex128"),
        *(f"{sign}int{bits}" for bits in (8, 16, 32, 64) for sign in ("", "u")),
    )
)
"""Canonical names of the types of values that are shown."""


def refusal(claimed: int, stored: int) -> str:
    """Why a tensor of ``claimed`` bytes that are stored in ``stored`` is not read; empty when it is."""
    if claimed <= max(FREE_BYTES, MAX_RATIO * stored):
        return ""
    return f"It claims {claimed} bytes of values, but {stored} bytes are stored: more than {MAX_RATIO} to 1."


def piece_refusal(nbytes: int, piece: str) -> str:
    """Why pieces of that size are not read; empty when they are. ``piece`` is its name in the plural."""
    if nbytes <= PIECE_BYTES:
        return ""
    return f"Its {piece} have {nbytes} bytes each; at most {PIECE_BYTES} are decoded at once."


@contextmanager
def told_as_file_error(path: str, code: str = "damaged") -> Iterator[None]:
    """Whatever a parser raises becomes one `FileError`: parsers raise many types for what is wrong with a file."""
    try:
        yield
    except NnscopeError:
        raise
    except MemoryError as error:
        what = "Reading it needs more memory than one file may take."
        raise FileError("over-budget", what, path, "It is damaged, or too large for this format.") from error
    except RecursionError as error:
        raise FileError(code, "It is nested too deeply.", path, "It is damaged.") from error
    except Exception as error:
        said = plain(str(error).strip().partition("\n")[0], 200)
        what = f"It can't be decoded ({said or type(error).__name__})."
        raise FileError(code, what, path, "It is damaged, or of a kind that is not supported.") from error
