"""How failures are told: one clear sentence on stderr and an exit code; never a traceback, unless it is asked for."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnscope.core.errors import NnscopeError
from nnscope.core.text import plain
from nnscope.headless.look import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator

FAILURE = 1
USAGE = 2
INTERRUPTED = 130  # as shells count what ends by Ctrl+C …
UNREAD = 141  # … and by writing where nobody reads any more
DEBUG = "NNSCOPE_DEBUG"  # environment variable: 1 shows tracebacks


@dataclass
class Outcome:
    """The exit code to be."""

    code: int = 0


def say(text: str) -> None:
    """A line on stderr, with nothing in it that a terminal obeys."""
    with suppress(OSError):
        sys.stdout.flush()  # what is said last stands last
    print(f"nnscope: {plain(text, limit=0)}", file=sys.stderr)


@contextmanager
def said() -> Iterator[Outcome]:
    """What is raised inside is said, and becomes an exit code."""
    outcome = Outcome()
    try:
        yield outcome
        sys.stdout.flush()
    except NnscopeError as error:
        _raise_if_debugging(error)
        details = f" {DEBUG}=1 shows more." if hasattr(error, "__notes__") else ""
        say(f"{error}{details}")
        outcome.code = USAGE if isinstance(error, OptionError) else FAILURE
    except KeyboardInterrupt:
        say("Cancelled.")
        outcome.code = INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it flushes at the end
        outcome.code = UNREAD
    except Exception as error:
        _raise_if_debugging(error)
        say(f"Something unexpected happened ({type(error).__name__}: {error}). {DEBUG}=1 shows where.")
        outcome.code = FAILURE


def _raise_if_debugging(error: Exception) -> None:
    if os.environ.get(DEBUG, "") not in ("", "0"):
        raise error
