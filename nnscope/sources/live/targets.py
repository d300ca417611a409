"""What can be run in a model process, by its address: ``demo:NAME`` or ``file.py:factory``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nnscope.core.plugins import DEMO, find_model
from nnscope.sources.live.factory import Built, build
from nnscope.sources.live.session import Material

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

    from nnscope.core.registry import ModelSpec


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A model and what can be done with it."""

    model: torch.nn.Module
    material: Material


def find_target(address: str) -> Target:
    """Build the model at that address.

    Raises
    ------
    NnscopeError
        If there is none, or the user's file fails.
    """
    if address.startswith(DEMO):
        spec = find_model(address.removeprefix(DEMO))
        return Target(spec.factory(), _of_spec(spec))
    file, _, factory = address.rpartition(":")
    built = build(file, factory)
    return Target(built.model, _of_built(built))


def _of_spec(spec: ModelSpec) -> Material:
    if spec.samples is None:
        return Material(classes=spec.classes, train=spec.train)
    samples = spec.samples()

    def load(index: int) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        return samples.load(index), {}

    return Material(samples.labels, load, spec.classes, spec.train)


def _of_built(built: Built) -> Material:
    args, kwargs = built.args, built.kwargs or {}
    return Material() if args is None else Material(("example input",), lambda index: (args, kwargs))
