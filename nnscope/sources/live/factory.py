"""A model from the user's own file: ``file.py:factory``, run because its user named it."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from nnscope.core.errors import Failure, NnscopeError

if TYPE_CHECKING:
    from types import ModuleType

_NAME = "__user_model__"  # never the name of another module, whatever the file is called
WAYS = (
    "It must return a model, or a model and example inputs (a tensor, a tuple, or a dictionary of keyword arguments)."
)


class UserCodeError(NnscopeError):
    """Something in the user's own file went wrong; ``details`` is their part of the traceback."""

    def __init__(self, what: str, where: str, remedy: str = "", details: str = "") -> None:
        super().__init__(what, where, remedy)
        self.details = details

    def failure(self) -> Failure:
        """As data."""
        return Failure(self.what, self.where, self.remedy, "user-code", self.details)


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """What a factory returned.

    Attributes
    ----------
    model : Module
    args : tuple or None
        Positional arguments of a forward call; None when there are no example inputs.
    kwargs : mapping
    """

    model: torch.nn.Module
    args: tuple[Any, ...] | None = None
    kwargs: Mapping[str, Any] | None = None


def build(path: str, name: str) -> Built:
    """Run the file ``path`` and its function ``name``.

    Raises
    ------
    UserCodeError
        If there is no such file or function, it raises, or it returns something else.
    """
    where = f"{path}:{name}"
    module = _import(Path(path), where)
    factory = getattr(module, name, None)
    if not callable(factory):
        raise UserCodeError(f"There is no function {name!r} in the file.", where, _functions(module))
    return _understand(_run(factory, where), where)


def _import(path: Path, where: str) -> ModuleType:
    if not path.is_file():
        raise UserCodeError("There is no such file.", where)
    spec = importlib.util.spec_from_file_location(_NAME, path)
    assert spec is not None  # the name ends in .py
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[_NAME] = module  # dataclasses look themselves up there
    sys.path.insert(0, str(path.parent.resolve()))  # as if it were run as a script
    sys.argv = [str(path)]
    loader = spec.loader
    _run(lambda: loader.exec_module(module), where)
    return module


def _run(call: Any, where: str) -> Any:
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


def _understand(result: Any, where: str) -> Built:
    model, inputs = result if isinstance(result, tuple) and len(result) == 2 else (result, None)
    if not isinstance(model, torch.nn.Module):
        raise UserCodeError(f"The function returned {_kind(model)}, not a model.", where, WAYS)
    if inputs is None:
        return Built(model)
    if isinstance(inputs, Mapping):
        return Built(model, (), inputs)
    if isinstance(inputs, tuple | list):
        return Built(model, tuple(inputs), {})
    return Built(model, (inputs,), {})


def _functions(module: ModuleType) -> str:
    names = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
    return f"It has: {', '.join(names[:12])}." if names else "It defines none."


def _kind(value: object) -> str:
    return "nothing" if value is None else f"something of type {type(value).__name__}"
