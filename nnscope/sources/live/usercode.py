"""Running code of the user's own: whatever goes wrong in it becomes one sentence in its words."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, TypeVar

from nnscope.core.errors import Failure, NnscopeError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class UserCodeError(NnscopeError):
    """Something in the user's own file went wrong; ``details`` is their part of the traceback."""

    def __init__(self, what: str, where: str, remedy: str = "", details: str = "") -> None:
        super().__init__(what, where, remedy)
        self.details = details

    def failure(self) -> Failure:
        """As data."""
        return Failure(self.what, self.where, self.remedy, "user-code", self.details)


def guarded(call: Callable[[], T], where: str) -> T:
    """What ``call()`` returns; whatever it raises becomes one sentence."""
    try:
        return call()
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        raise UserCodeError(*_told(error, where)) from error


def _told(error: BaseException, where: str) -> tuple[str, str, str, str]:
    """The error in the user's words: sentence, place, remedy, and the traceback from their first line on."""
    file = where.rpartition(":")[0]
    frames = traceback.extract_tb(error.__traceback__)
    theirs = next((i for i, frame in enumerate(frames) if frame.filename == file), len(frames))
    line = next((f" in line {frame.lineno}" for frame in reversed(frames) if frame.filename == file), "")
    message = str(error)
    if isinstance(error, SyntaxError) and error.filename == file:
        line, message = f" in line {error.lineno}", error.msg
    what = f"The file raised {type(error).__name__}{line}: {message or 'no message'}"
    details = "".join([*traceback.format_list(frames[theirs:]), *traceback.format_exception_only(type(error), error)])
    return what if what.endswith(".") else what + ".", where, "", details
