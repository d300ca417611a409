"""A module as a linear map about one input: products with its Jacobian, without changing the model (methods.md §10).

The module runs once, in evaluation mode, on copies of its inputs and of its buffers; autograd then gives Jᵀv again and
again, and Ju as the derivative of Jᵀv by v (twice backwards: every operation that trains has that, forward derivatives
many lack). Attention is computed by the definition, whose kernel has second derivatives. Afterwards modes, buffers,
gradients, random states and hooks are as they were (P9, P10). Hooks that the user put there run, since some of them
make the weights; a recorder on the same model is to be paused.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils import _pytree

from nnscope.core.errors import NnscopeError
from nnscope.sources.live.evaluating import evaluating
from nnscope.sources.live.members import arguments, tensors_of
from nnscope.sources.live.values import copy_of, why_unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REMEDY = "Choose a module whose inputs are real numbers, such as the one after an embedding."


@dataclass(frozen=True, slots=True)
class Ends:
    """Between which tensors the Jacobian is: members of inputs and output, such as ``".0"`` or ``".hidden"``.

    None for the first that holds real numbers.
    """

    source: str | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """What a module is called with."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] | None = None

    def copied(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The same values in memory of their own."""
        copied = _pytree.tree_map_only(torch.Tensor, copy_of, (self.args, dict(self.kwargs or {})))
        return copied[0], copied[1]


class Linearised:
    """Products with the Jacobian of a module at one input.

    Attributes
    ----------
    input_shape, output_shape : tuple of int
    """

    def __init__(self, source: torch.Tensor, target: torch.Tensor) -> None:
        self._source = source
        self._target = target
        self._dual = torch.zeros_like(target, requires_grad=True)
        self._back: torch.Tensor | None = None
        self.input_shape = tuple(source.shape)
        self.output_shape = tuple(target.shape)

    def vjp(self, v: np.ndarray) -> np.ndarray:
        """Jᵀv, in the inputs' shape.

        Raises
        ------
        NnscopeError
            If an operation has no derivative, or the model was changed meanwhile.
        """
        return self._derive(self._target, self._source, self._like(v, self._target))

    def jvp(self, u: np.ndarray) -> np.ndarray:
        """Ju, in the outputs' shape; raises as `vjp`."""
        if self._back is None and self._target.requires_grad:
            with _explained(), torch.enable_grad():
                (self._back,) = torch.autograd.grad(
                    self._target, self._source, self._dual, create_graph=True, materialize_grads=True
                )
        return self._derive(self._back, self._dual, self._like(u, self._source))

    def _derive(self, of: torch.Tensor | None, by: torch.Tensor, weights: torch.Tensor) -> np.ndarray:
        if of is None or not of.requires_grad:  # the output has nothing to do with this input
            return np.zeros(tuple(by.shape), np.float32)
        with _explained():
            (found,) = torch.autograd.grad(of, by, weights, retain_graph=True, materialize_grads=True)
        return np.asarray(found.detach().to("cpu", torch.promote_types(found.dtype, torch.float32)).numpy())

    def _like(self, array: np.ndarray, tensor: torch.Tensor) -> torch.Tensor:
        copied = np.array(array).reshape(tuple(tensor.shape))
        return torch.from_numpy(copied).to(tensor.device, tensor.dtype)


def linearise(module: torch.nn.Module, call: Call, ends: Ends = Ends()) -> Linearised:
    """Run ``module`` once and keep the graph of what it did.

    Parameters
    ----------
    module : Module
    call : Call
    ends : Ends

    Returns
    -------
    Linearised
        Holds the graph, and so the memory, until it is dropped.

    Raises
    ------
    NnscopeError
        If the module fails, or there is no such tensor of real numbers on either end.
    """
    with evaluating(module), torch.inference_mode(False), torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
        args, kwargs = call.copied()
        source = _variable(args, kwargs, ends.source)
        # A copy of it goes in: what requires a gradient may not be written to.
        given = _pytree.tree_map(lambda value: value.clone() if value is source else value, (args, kwargs))
        return Linearised(source, _choose(_run(module, *given), ends.target, "output"))


def call_of(model: torch.nn.Module, path: str, call: Call) -> Call:
    """What the module at ``path`` is called with when ``model`` is, the first time.

    Raises
    ------
    NnscopeError
        If there is no such module, it isn't called, or the model fails.
    """
    try:
        module = model.get_submodule(path)
    except AttributeError:
        raise NnscopeError("The model has no such module.", path) from None
    seen: list[Call] = []

    def look(module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if not seen:
            seen.append(Call(*Call(args, kwargs).copied()))

    handle = module.register_forward_pre_hook(look, with_kwargs=True)
    try:
        with evaluating(model), torch.no_grad():
            _run(model, *call.copied())
    finally:
        handle.remove()
    if not seen:
        raise NnscopeError("This module was not called in the forward pass.", path)
    return seen[0]


def _run(model: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What ``model`` gives, with copies of its buffers in their place."""
    buffers = {name: copy_of(buffer) for name, buffer in model.named_buffers() if not why_unreadable(buffer)}
    try:
        return torch.func.functional_call(model, buffers, args, kwargs)
    except Exception as error:  # of the user's code
        raise NnscopeError(f"The module could not be run ({type(error).__name__}: {error}).") from error


def _variable(args: tuple[Any, ...], kwargs: dict[str, Any], member: str | None) -> torch.Tensor:
    """The input to derive by; it is one of the copies."""
    source = _choose(arguments(args, kwargs), member, "inputs")
    if not any(leaf is source for leaf in _pytree.tree_leaves((args, kwargs))):
        raise NnscopeError("This input lies inside an object that can't be copied.", member or "inputs", REMEDY)
    return source.requires_grad_()


def _choose(value: Any, member: str | None, side: str) -> torch.Tensor:
    real = {name: tensor for name, tensor in tensors_of(value) if tensor.is_floating_point()}
    if member is None and real:
        return next(iter(real.values()))
    if member is None:
        raise NnscopeError(f"The {side} hold no real numbers.", side, REMEDY)
    if member not in real:
        known = ", ".join(name or "the tensor itself" for name in real) or "none"
        raise NnscopeError(f"The {side} hold no real numbers under this name.", member, f"There are: {known}.")
    return real[member]


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # autograd's only type
        first = str(error).splitlines()[0] if str(error) else repr(error)
        raise NnscopeError(f"The derivative could not be computed ({first}).") from error
