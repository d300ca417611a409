"""Where a model adds a branch to what went past it, and how much each weighs (methods.md §14).

The graph of operations is read from a trace (torch.fx) of a copy of the model that shares its tensors: nothing is
computed, and the model is left alone. An addition is residual when both sides come from the same value, and at least
one goes through modules. The side with fewer of them is the skip; with none it is the identity.
What can't be traced is read from the names of modules, as common libraries give them.
"""

from __future__ import annotations

import copy
import math
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import fx

from nnscope.sources.live.modules import is_inside

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ADDITIONS = {operator.add, operator.iadd, torch.add, "add", "add_"}

# Children of a block that make up a branch, by words in their names (the first that fits counts); the ways past; norms.
_WORDS = {
    "mlp": (
        *("mlp", "ffn", "feed_forward", "linear1", "linear2", "fc1", "fc2", "intermediate", "output"),
        *("ln_2", "norm2", "post_attention"),
    ),
    "attention": ("attn", "attention", "ln_1", "norm1", "input_layernorm"),
    "other": ("conv", "bn", "norm", "residual"),
}
_SKIPS = ("downsample", "shortcut", "skip", "proj_shortcut")
_NORMS = ("norm", "ln_", "bn")


@dataclass(frozen=True, slots=True)
class Branch:
    """One side of an addition.

    Attributes
    ----------
    name : str
        Of the module that holds all of it, or of its first.
    modules : tuple of str
        Paths of the modules it goes through, in order; empty for the identity.
    end : str
        The module whose output is added; ``""`` when that is something else.
    skip : bool
    """

    name: str
    modules: tuple[str, ...]
    end: str
    skip: bool = False


@dataclass(frozen=True, slots=True)
class ResidualBlock:
    """An addition of branches.

    Attributes
    ----------
    path : str
        The innermost module that holds all branches.
    branches : tuple of Branch
        The way past last.
    traced : bool
        Whether it was read from the graph; else from names.
    """

    path: str
    branches: tuple[Branch, ...]
    traced: bool


def residual_blocks(model: torch.nn.Module) -> tuple[ResidualBlock, ...]:
    """The residual additions of a model, in the order of execution when it can be traced."""
    graph = _trace(model)
    return tuple(_by_name(model)) if graph is None else tuple(_in_graph(graph))


def weight_norms(model: torch.nn.Module, blocks: Iterable[ResidualBlock]) -> tuple[tuple[float, ...], ...]:
    """Frobenius norm of the weights of each branch of each block.

    The identity weighs √C, the norm of the unit matrix on the C channels that the branch beside it ends with.
    """
    weights = dict(model.named_parameters(remove_duplicate=False))
    return tuple(_weighed(block, weights) for block in blocks)


def activation_norms(blocks: Iterable[ResidualBlock], outputs: Mapping[str, float]) -> tuple[tuple[float, ...], ...]:
    """Frobenius norm of what each branch of each block adds, from those of outputs by module; 0 where there is none."""
    return tuple(tuple(outputs.get(branch.end, 0.0) for branch in block.branches) for block in blocks)


def _weighed(block: ResidualBlock, weights: Mapping[str, torch.Tensor]) -> tuple[float, ...]:
    held = [
        [tensor.detach() for name, tensor in weights.items() if any(is_inside(name, path) for path in branch.modules)]
        for branch in block.branches
    ]
    channels = next((tensors[-1].shape[0] for tensors in held if tensors and tensors[-1].ndim), 1)
    return tuple(
        math.hypot(*(float(tensor.double().norm()) for tensor in tensors)) if branch.modules else math.sqrt(channels)
        for branch, tensors in zip(block.branches, held, strict=True)
    )


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
    skip = Branch(_holder(past) if past else "identity", past, past_end, skip=True)
    yield ResidualBlock(_holder((*modules, *past)), (Branch(_holder(modules), modules, end), skip), True)


def _side(end: fx.Node, nodes: frozenset[fx.Node]) -> tuple[tuple[str, ...], str]:
    """Modules among the nodes in order of execution, and the module that gives ``end``."""
    steps = [node for node in end.graph.nodes if node in nodes and node.op == "call_module"]
    return tuple(str(node.target) for node in steps), str(end.target) if end.op == "call_module" else ""


def _holder(modules: tuple[str, ...]) -> str:
    """The innermost path that holds them all; of one alone, itself."""
    if len(modules) == 1:
        return modules[0]
    split = [path.split(".") for path in modules]
    shared = [names[0] for names in zip(*split, strict=False) if len(set(names)) == 1]
    return ".".join(shared)


def _by_name(model: torch.nn.Module) -> Iterable[ResidualBlock]:
    for path, module in model.named_modules():
        groups: dict[str, list[str]] = {"skip": []}
        for name, child in module.named_children():
            if _has_weights(child):
                groups.setdefault(_group(name), []).append(name)
        if "attention" in groups and "mlp" in groups:
            for name in ("attention", "mlp"):
                modules = _leaves(model, path, groups[name])
                end = [inside for inside in modules if not _is_norm(inside)] or modules  # norms come before, or after
                yield _named(path, groups[name], modules, end[-1], Branch("identity", (), "", skip=True))
        elif "other" in groups and (groups["skip"] or type(module).__name__.endswith(("Block", "Bottleneck"))):
            modules, past = _leaves(model, path, groups["other"]), _leaves(model, path, groups["skip"])
            skip = Branch(_holder(past) if past else "identity", past, past[-1] if past else "", skip=True)
            yield _named(path, groups["other"], modules, modules[-1], skip)


def _group(name: str) -> str:
    if name in _SKIPS:
        return "skip"
    return next((group for group, words in _WORDS.items() if any(word in name.lower() for word in words)), "")


def _named(path: str, members: list[str], modules: tuple[str, ...], end: str, skip: Branch) -> ResidualBlock:
    main = next((name for name in members if not _is_norm(name)), members[0])
    return ResidualBlock(path, (Branch(_joined(path, main), modules, end), skip), False)


def _is_norm(path: str) -> bool:
    return any(word in path.rpartition(".")[2].lower() for word in _NORMS)


def _leaves(model: torch.nn.Module, path: str, children: list[str]) -> tuple[str, ...]:
    """Modules with weights of their own inside these children; what is inside of fused attention is never called."""
    found: list[str] = []
    for top in (_joined(path, child) for child in children):
        for name, module in model.get_submodule(top).named_modules():
            where = _joined(top, name)
            fused = found and isinstance(model.get_submodule(found[-1]), torch.nn.MultiheadAttention)
            if _has_weights(module, recurse=False) and not (fused and is_inside(where, found[-1])):
                found.append(where)
    return tuple(found)


def _has_weights(module: torch.nn.Module, recurse: bool = True) -> bool:
    return next(module.parameters(recurse), None) is not None


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name
