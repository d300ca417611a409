"""Errors that people read: each says what, where and what to do.

``FileError`` is the one exception type for malformed input (promise P4). ``Failure`` is the same message as
data, so that it can travel from an engine to the window and be shown without ending anything.
"""

from __future__ import annotations

from dataclasses import dataclass


class NnscopeError(Exception):
    """A failure that can be shown to a person as one sentence.

    Parameters
    ----------
    what : str
        One sentence: what went wrong, in words a user understands.
    where : str
        The path, address or setting it concerns.
    remedy : str
        What to do about it; may be empty when the sentence already says it.
    """

    def __init__(self, what: str, where: str = "", remedy: str = "") -> None:
        super().__init__(what, where, remedy)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text} {self.remedy}".strip()


class FileError(NnscopeError):
    """Malformed, unsupported or unreadable input.

    Parameters
    ----------
    code : str
        Short stable identifier such as ``"truncated"`` or ``"header-too-long"``; tests and scripts match on it.
    what, where, remedy
        As in `NnscopeError`; ``where`` is the path of the file.
    offset : int or None
        Byte offset in the file at which the trouble was found, when there is one.
    """

    def __init__(self, code: str, what: str, where: str = "", remedy: str = "", *, offset: int | None = None) -> None:
        super().__init__(what, where, remedy)
        self.code = code
        self.offset = offset

    def __str__(self) -> str:
        text = super().__str__()
        return text if self.offset is None else f"{text} (at byte {self.offset})"


class Cancelled(NnscopeError):  # noqa: N818 - not an error to the user
    """The job was cancelled: its result is not wanted any more."""

    def __init__(self) -> None:
        super().__init__("Cancelled.")


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as data: what, where, what to do. Never a traceback as the message.

    Attributes
    ----------
    what, where, remedy : str
        As in `NnscopeError`.
    code : str
        As in `FileError`, or the kind of error in one word.
    details : str
        The traceback or other text that is shown on demand only.
    offset : int or None
        As in `FileError`: the byte of the file at which the trouble was found.
    """

    what: str
    where: str = ""
    remedy: str = ""
    code: str = ""
    details: str = ""
    offset: int | None = None

    @classmethod
    def of(cls, error: BaseException, details: str = "") -> Failure:
        """The failure that tells of ``error``; ``details`` is the traceback, shown on demand only."""
        if isinstance(error, NnscopeError):
            if isinstance(error, FileError):
                return cls(error.what, error.where, error.remedy, error.code, details, error.offset)
            return cls(error.what, error.where, error.remedy, type(error).__name__.lower(), details)
        return cls(
            f"Something unexpected happened ({type(error).__name__}).",
            remedy="The details tell more; please report them.",
            code="unexpected",
            details=details or repr(error),
        )

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text} {self.remedy}".strip()
