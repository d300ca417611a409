"""A model from the user's own file: ``file.py:factory``, run because its user named it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from nnscope.sources.live.usercode import UserCodeError, guarded

if TYPE_CHECKING:
    from types import ModuleType

_NAME = "__user_model__"  # never the name of another module, whatever the file is called
WAYS = (
    "It must return a model, or a model and example inputs (a tensor, a tuple, or a dictionary of keyword arguments)."
)


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
    """Run the file ``path``, which is there, and its function ``name``.

    Raises
    ------
    UserCodeError
        If there is no such function, it raises, or it returns something else.
    """
    where = f"{path}:{name}"
    module = _import(Path(path), where)
    factory = getattr(module, name, None)
    if not callable(factory):
        raise UserCodeError(f"There is no function {name!r} in the file.", where, _functions(module))
    return _understand(guarded(factory, where), where)


def _import(path: Path, where: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(_NAME, path)
    assert spec is not None  # the name ends in .py
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[_NAME] = module  # dataclasses look themselves up there
    sys.path.insert(0, str(path.parent.resolve()))  # as if it were run as a script
    sys.argv = [str(path)]
    loader = spec.loader
    guarded(lambda: loader.exec_module(module), where)
    return module


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
