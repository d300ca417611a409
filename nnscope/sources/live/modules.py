"""The modules of a model by path, which of them to watch, and why some can't be."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch

from nnscope.core.address import ROOT
from nnscope.core.errors import NnscopeError

Layers = str | Iterable[str] | Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class ModuleRef:
    """A module of a model, which is not kept alive by this.

    Attributes
    ----------
    path : str
        Dotted; ``""`` for the model itself.
    type : str
        Name of its class.
    reference : weakref.ref
    aliases : tuple of str
        Other paths under which the same module is reached.
    """

    path: str
    type: str
    reference: weakref.ref[torch.nn.Module]
    aliases: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What addresses begin with: the path, or `ROOT`."""
        return self.path or ROOT


def modules_of(model: torch.nn.Module) -> tuple[ModuleRef, ...]:
    """Every module once, under the first of its paths."""
    paths: dict[torch.nn.Module, list[str]] = {}
    for path, module in model.named_modules(remove_duplicate=False):
        paths.setdefault(module, []).append(path)
    return tuple(
        ModuleRef(first, type(module).__name__, weakref.ref(module), tuple(others))
        for module, (first, *others) in paths.items()
    )


def select(modules: Iterable[ModuleRef], layers: Layers) -> tuple[ModuleRef, ...]:
    """The modules that ``layers`` means.

    Parameters
    ----------
    modules : iterable of ModuleRef
    layers : str, iterable of str, or callable
        A path or a pattern such as ``"encoder.*"``, several of them, or a function of the path. The model itself is
        matched by ``"*"`` and by `ROOT`, and a function sees it as ``""``.

    Raises
    ------
    NnscopeError
        If a path or pattern matches nothing.
    """
    modules = tuple(modules)
    if callable(layers):
        return tuple(ref for ref in modules if layers(ref.path))
    chosen: dict[ModuleRef, None] = {}
    for pattern in [layers] if isinstance(layers, str) else layers:
        matching = [ref for ref in modules if _matches(ref, pattern)]
        if not matching:
            raise NnscopeError("No module of the model matches this.", pattern, _known(modules))
        chosen.update(dict.fromkeys(matching))
    return tuple(ref for ref in modules if ref in chosen)


def compiled_paths(modules: Iterable[ModuleRef]) -> tuple[str, ...]:
    """Paths of the modules that torch.compile has taken over; everything inside them is compiled as well.

    ``module.compile()`` takes over the module itself. ``torch.compile(module)`` gives a wrapper whose own hooks do run,
    around a compiled ``_orig_mod``.
    """
    found = []
    for ref in modules:
        module = ref.reference()
        if module is not None and (module._compiled_call_impl is not None or ref.path.endswith("_orig_mod")):
            found.append(ref.path)
    return tuple(found)


def is_callable(module: torch.nn.Module | None) -> bool:
    """Whether it has a forward at all (a ``ModuleList`` has none)."""
    if isinstance(module, torch.jit.ScriptModule):  # its class can't be asked
        return True
    return module is not None and type(module).forward is not torch.nn.Module.forward


def is_inside(path: str, parent: str) -> bool:
    """Whether ``path`` is ``parent`` or lies in it."""
    return not parent or path == parent or path.startswith(parent + ".")


def _matches(ref: ModuleRef, pattern: str) -> bool:
    return any(fnmatchcase(name, pattern) for name in (ref.path, ref.name, *ref.aliases))


def _known(modules: tuple[ModuleRef, ...]) -> str:
    names = [ref.path for ref in modules if ref.path]
    if not names:
        return "The model has no modules inside."
    return f"Modules are: {', '.join(names[:8])}{' …' if len(names) > 8 else ''}."
