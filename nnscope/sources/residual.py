"""Branches that a model adds to what went past them: what they are, how names tell of them, what they weigh (§14).

A model at work is traced (`nnscope.sources.live.residual`). A file has names alone, and so has what can't be traced:
blocks are then known by the words that common libraries use for their children.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from nnscope.core.tensor import TensorInfo

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
_BLOCKS = ("Block", "Bottleneck")  # ends of class names
_FUSED = "MultiheadAttention"  # what is inside of it is never called
_RUNNING = ("running_mean", "running_var", "num_batches_tracked")  # kept beside weights, and none


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


IDENTITY = Branch("identity", (), "", skip=True)


def blocks_of_names(tensors: Iterable[TensorInfo]) -> tuple[ResidualBlock, ...]:
    """The residual blocks that the names of a file's tensors tell of; no classes are known there."""
    types: dict[str, str] = {"": ""}
    weighted = {}
    for info in weights(tensors):
        path = info.address.rpartition(".")[0]
        weighted[path] = True
        types.update((above, "") for above in reversed([path, *_above(path)]) if above not in types)
    return blocks_by_name(types, weighted)


def blocks_by_name(types: Mapping[str, str], weighted: Iterable[str]) -> tuple[ResidualBlock, ...]:
    """The residual blocks that the names of modules tell of.

    Parameters
    ----------
    types : mapping
        Name of the class of each module by path, ``""`` where it is not known; every module after those it is in.
    weighted : iterable of str
        Paths of the modules that hold weights of their own.
    """
    return tuple(_Names.of(types, weighted).blocks())


def holder(modules: tuple[str, ...]) -> str:
    """The innermost path that holds them all; of one alone, itself."""
    if len(modules) == 1:
        return modules[0]
    split = [path.split(".") for path in modules]
    shared: list[str] = []
    for names in zip(*split, strict=False):
        if len(set(names)) > 1:
            break
        shared.append(names[0])
    return ".".join(shared)


def weights(tensors: Iterable[TensorInfo]) -> Iterator[TensorInfo]:
    """The tensors that are weights: neither captured values nor what normalisation keeps count of."""
    for info in tensors:
        if info.kind == "parameter" and not info.address.endswith(_RUNNING):
            yield info


def weight_norms(
    blocks: Sequence[ResidualBlock], tensors: Iterable[TensorInfo], norm: Callable[[str], float]
) -> tuple[tuple[float, ...], ...]:
    """Frobenius norm of the weights of each branch of each block.

    The identity, and any way past that has no weights, weighs √C: the norm of the unit matrix on the C channels that
    the branch beside it ends with.

    Parameters
    ----------
    blocks : sequence of ResidualBlock
    tensors : iterable of TensorInfo
        Of the model.
    norm : callable
        Frobenius norm of the tensor of an address.
    """
    inside: dict[str, list[TensorInfo]] = {
        path: [] for block in blocks for branch in block.branches for path in branch.modules
    }
    for info in weights(tensors):
        for path in {info.address, *_above(info.address)} & inside.keys():
            inside[path].append(info)
    return tuple(_weighed(block, inside, norm) for block in blocks)


def activation_norms(blocks: Iterable[ResidualBlock], norm: Callable[[str], float]) -> tuple[tuple[float, ...], ...]:
    """Frobenius norm of what each branch of each block adds; 0 where that is not known.

    The identity adds what the branch beside it takes in. ``norm`` gives that of the tensor of an address, such as
    ``"conv1:output"``, and 0 when there is none.
    """

    def added(block: ResidualBlock, branch: Branch) -> float:
        if branch.modules:
            return norm(f"{branch.end}:output") if branch.end else 0.0
        return norm(f"{block.branches[0].modules[0]}:input")

    return tuple(tuple(added(block, branch) for branch in block.branches) for block in blocks)


def _weighed(
    block: ResidualBlock, inside: Mapping[str, list[TensorInfo]], norm: Callable[[str], float]
) -> tuple[float, ...]:
    held = [
        {info.address: info for path in branch.modules for info in inside[path]} for branch in block.branches
    ]  # once each: a module may be named beside one inside of it
    ends = (list(tensors.values())[-1] for tensors in held if tensors)
    channels = next((info.shape[0] for info in ends if info.ndim), 1)
    return tuple(
        math.hypot(*map(norm, tensors)) if tensors or not branch.skip else math.sqrt(channels)
        for branch, tensors in zip(block.branches, held, strict=True)
    )


@dataclass(frozen=True, slots=True)
class _Names:
    """Modules by name: class names by path, children by path, and which have weights, their own or inside."""

    types: Mapping[str, str]
    children: Mapping[str, list[str]]
    own: frozenset[str]
    filled: frozenset[str]

    @classmethod
    def of(cls, types: Mapping[str, str], weighted: Iterable[str]) -> _Names:
        own = frozenset(weighted)
        filled = own.union(*(_above(path) for path in own))
        children: dict[str, list[str]] = {path: [] for path in types}
        for path in types:
            if path in filled and path:
                children[path.rpartition(".")[0]].append(path)
        return cls(types, children, own, filled)

    def blocks(self) -> Iterator[ResidualBlock]:
        for path in self.types:
            groups = _grouped(self.children[path])
            if "attention" in groups and "mlp" in groups:
                for name in ("attention", "mlp"):
                    modules = self._leaves(groups[name])
                    end = [inside for inside in modules if not _is_norm(inside)] or modules  # norms are before or after
                    yield _named(path, groups[name], modules, end[-1], IDENTITY)
            elif "other" in groups and (groups["skip"] or self._is_block(path, groups["other"])):
                modules, past = self._leaves(groups["other"]), self._leaves(groups["skip"])
                skip = Branch(holder(past), past, past[-1], skip=True) if past else IDENTITY
                yield _named(path, groups["other"], modules, modules[-1], skip)

    def _is_block(self, path: str, branch: list[str]) -> bool:
        """By the name of the class; where none is known, two convolutions in a block or in one of several alike."""
        name = path.rpartition(".")[2]
        if self.types[path]:
            return self.types[path].endswith(_BLOCKS)
        return ("block" in name.lower() or name.isdigit()) and sum("conv" in child for child in branch) > 1

    def _leaves(self, tops: list[str]) -> tuple[str, ...]:
        """Modules with weights of their own inside these; what is inside of fused attention is never called."""
        found: list[str] = []
        for top in tops:
            for path in self._inside(top):
                fused = found and self.types[found[-1]] == _FUSED and path.startswith(f"{found[-1]}.")
                if path in self.own and not fused:
                    found.append(path)
        return tuple(found)

    def _inside(self, path: str) -> Iterator[str]:
        yield path
        for child in self.children[path]:
            yield from self._inside(child)


def _named(path: str, members: list[str], modules: tuple[str, ...], end: str, skip: Branch) -> ResidualBlock:
    main = next((member for member in members if not _is_norm(member)), members[0])
    return ResidualBlock(path, (Branch(main, modules, end), skip), False)


def _grouped(children: list[str]) -> dict[str, list[str]]:
    """Children by what they are a part of; norms alone are neither an attention nor an MLP."""
    named = {child: _group(child.rpartition(".")[2]) for child in children}
    whole = {name for child, name in named.items() if not _is_norm(child)} | {"skip"}
    groups: dict[str, list[str]] = {"skip": []}
    for child, name in named.items():
        groups.setdefault(name if name in whole else "other", []).append(child)
    return groups


def _group(name: str) -> str:
    if name in _SKIPS:
        return "skip"
    return next((group for group, words in _WORDS.items() if any(word in name.lower() for word in words)), "")


def _is_norm(path: str) -> bool:
    return any(word in path.rpartition(".")[2].lower() for word in _NORMS)


def _above(path: str) -> Iterator[str]:
    """The modules that hold it, the innermost first; the model itself last."""
    while path:
        path = path.rpartition(".")[0]
        yield path
