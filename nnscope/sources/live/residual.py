"""Where a model adds a branch to what went past it (methods.md §14).

The graph of operations is read from a trace (torch.fx) of a copy of the model that shares its tensors: nothing is
computed, and the model is left alone. An addition is residual when both sides come from the same value, and at least
one goes through modules. The side with fewer of them is the skip; with none it is the identity.
What can't be traced is read from the names of modules (`nnscope.sources.residual`).
"""

from __future__ import annotations

import copy
import operator
from typing import TYPE_CHECKING

import torch
from torch import fx

from nnscope.sources.residual import IDENTITY, Branch, ResidualBlock, blocks_by_name, holder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ADDITIONS = {operator.add, operator.iadd, torch.add, "add", "add_"}


def residual_blocks(model: torch.nn.Module) -> tuple[ResidualBlock, ...]:
    """The residual additions of a model, in the order of execution when it can be traced."""
    graph = _trace(model)
    return _by_name(model) if graph is None else tuple(_in_graph(graph))


class _Tracer(fx.Tracer):  # type: ignore[misc]  # torch is not read by the type checker
    """Goes into everything that is made of modules, and takes the rest as one step."""

    def is_leaf_module(self, module: torch.nn.Module, qualified_name: str) -> bool:
        return not any(module.children()) or isinstance(module, torch.nn.MultiheadAttention)


def _trace(model: torch.nn.Module) -> fx.Graph | None:
    """The graph of a copy without hooks: tracing runs the user's code, which may keep what it sees."""
    try:
        shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
        twin = copy.deepcopy(model, shared)
        for module in twin.modules():
            module._forward_hooks.clear()
            module._forward_pre_hooks.clear()
        return _Tracer().trace(twin)
    except Exception:  # of the user's code, run on stand-ins for tensors: anything may go wrong
        return None


def _in_graph(graph: fx.Graph) -> Iterable[ResidualBlock]:
    before: dict[fx.Node, frozenset[fx.Node]] = {}
    for node in graph.nodes:
        before[node] = frozenset().union(*(before[source] for source in node.all_input_nodes), {node})
        sides = [side for side in node.args[:2] if isinstance(side, fx.Node)]
        if node.op in ("call_function", "call_method") and node.target in _ADDITIONS and len(sides) == 2:
            yield from _addition(sides[0], sides[1], before)


def _addition(a: fx.Node, b: fx.Node, before: Mapping[fx.Node, frozenset[fx.Node]]) -> Iterable[ResidualBlock]:
    """The block that this addition closes, if it is one."""
    common = before[a] & before[b]
    if not any(node.op != "get_attr" for node in common):
        return
    sides = sorted((_side(side, before[side] - common) for side in (a, b)), key=lambda side: -len(side[0]))
    (modules, end), (past, past_end) = sides
    if not modules or a is b:
        return
    skip = Branch(holder(past), past, past_end, skip=True) if past else IDENTITY
    yield ResidualBlock(holder((*modules, *past)), (Branch(holder(modules), modules, end), skip), True)


def _side(end: fx.Node, nodes: frozenset[fx.Node]) -> tuple[tuple[str, ...], str]:
    """Modules among the nodes in order of execution, and the module that gives ``end``."""
    steps = [node for node in end.graph.nodes if node in nodes and node.op == "call_module"]
    return tuple(str(node.target) for node in steps), str(end.target) if end.op == "call_module" else ""


def _by_name(model: torch.nn.Module) -> tuple[ResidualBlock, ...]:
    modules = dict(model.named_modules())
    weighted = [path for path, module in modules.items() if any(True for _ in module.parameters(recurse=False))]
    return blocks_by_name({path: type(module).__name__ for path, module in modules.items()}, weighted)
