"""Row ``capture``: a forward pass with the outputs of all leaf modules captured, against a plain one and torchlens.

Two copies of a model run in turns, one of them watched all the time, as a model in training is. The watched pass
copies every output whole, within the usual budget; statistics are made from the copies when they are asked for, so they
are no part of it and have a line of their own, and so has a single pass with hooks put on and off and copies in new
memory, and a pass with hooks that do nothing but copy each output over the last one: the least that keeping them costs.
The gate: outputs are bit-identical, and so is every copy to what plain hooks saw. torchlens keeps the output of every
operation, and much about it; it puts torch's functions back after each pass.
"""

from __future__ import annotations

import copy
import gc
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import nnscope
from tests.benchmarks.measure import Goal, Result, compared, missing, seconds
from tests.benchmarks.watched_models import gpt2, leaves, resnet18

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nnscope.tensor import Tensor

ROUNDS, TRACES = 41, 7


def run(quick: bool = False) -> list[Result]:
    """Measure the row."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with torch.no_grad():
            image, tokens = torch.randn(1, 3, 224, 224), torch.randint(0, 50257, (1, 256))
            results = _measure("ResNet-18", resnet18(), image, quick)
            return results + _measure("GPT-2 6×384", gpt2(), tokens, quick)
    finally:
        torch.set_num_threads(before)


def _measure(name: str, model: torch.nn.Module, x: torch.Tensor, quick: bool) -> list[Result]:
    watched, copied, paths = copy.deepcopy(model), copy.deepcopy(model), leaves(model)
    capturing = nnscope.capture(watched, paths.__contains__, ("output",))
    plain_run, watched_run = (lambda: seconds(lambda: model(x))), (lambda: seconds(lambda: watched(x)))
    _only_copy(copied, paths)
    with capturing:
        for _ in range(3):
            watched(x)
            copied(x)
        _check(model, watched, x, paths, capturing)
        least_run = lambda: seconds(lambda: copied(x))  # noqa: E731
        rounds = np.array([(watched_run(), plain_run(), least_run()) for _ in range(5 if quick else ROUNDS)]).T
        count = sum(not tensor.unreadable for tensor in capturing.values())
        note = f"{count} outputs copied whole, {_megabytes(capturing):.0f} MB; statistics on demand"
        first = compared("capture", f"{name}: forward, watched", (rounds[0], rounds[1]), Goal(1.10), note)
        statistics = [_statistics(watched, x, capturing) for _ in range(2 if quick else 5)]
        traced = _traces(name, model, x, plain_run, watched_run, 2 if quick else TRACES)
    single = [(_once(model, x, paths), plain_run()) for _ in range(3 if quick else 15)]
    return [
        first,
        traced,
        _aside(f"{name}: hooks that only copy", rounds[[2, 1]], "peer: plain; the least that keeping outputs costs"),
        _aside(f"{name}: a single pass, hooks on and off", np.array(single).T, "peer: plain"),
        _aside(f"{name}: all statistics of all outputs", np.array([statistics, statistics]), "when asked for"),
    ]


def _only_copy(model: torch.nn.Module, paths: frozenset[str]) -> None:
    """Put hooks on that copy each output over the one before."""

    def hook(module: torch.nn.Module, args: object, output: torch.Tensor) -> None:
        kept = memory.setdefault(module, output)
        memory[module] = output.clone() if kept is output else kept.copy_(output)

    memory: dict[torch.nn.Module, torch.Tensor] = {}
    for path in paths:
        model.get_submodule(path).register_forward_hook(hook)


def _check(
    model: torch.nn.Module, watched: torch.nn.Module, x: torch.Tensor, paths: frozenset[str], found: Any
) -> None:
    """Outputs bit for bit, and the copies those that plain hooks make."""
    seen: dict[str, torch.Tensor] = {}

    def keep(path: str) -> Callable[..., None]:
        def hook(module: torch.nn.Module, args: object, output: torch.Tensor) -> None:
            seen.setdefault(path, output.clone())

        return hook

    handles = [model.get_submodule(path).register_forward_hook(keep(path)) for path in paths]
    expected = model(x)
    for handle in handles:
        handle.remove()
    for one, other in zip(_tensors(watched(x)), _tensors(expected), strict=True):
        assert torch.equal(one, other), "capturing changed the output"
    for path, output in seen.items():
        np.testing.assert_array_equal(found[f"{path}:output"].read(), output.numpy())


def _tensors(output: Any) -> list[torch.Tensor]:
    return [output] if isinstance(output, torch.Tensor) else [output.logits]


def _megabytes(found: Mapping[str, Tensor]) -> float:
    return sum(tensor.nbytes for tensor in found.values()) / 1e6


def _statistics(model: torch.nn.Module, x: torch.Tensor, found: Mapping[str, Tensor]) -> float:
    model(x)  # what was asked before is known
    return seconds(lambda: [tensor.stats() for tensor in found.values() if not tensor.unreadable])


def _once(model: torch.nn.Module, x: torch.Tensor, paths: frozenset[str]) -> float:
    capturing = nnscope.capture(model, paths.__contains__, ("output",))

    def watch() -> None:
        with capturing:
            model(x)

    return seconds(watch)


def _traces(
    name: str, model: torch.nn.Module, x: torch.Tensor, plain: Callable, watched: Callable, repeats: int
) -> Result:
    what, goal = f"{name}: overhead, torchlens' full trace / ours", Goal(8, at_least=True)
    try:
        import torchlens
        from torchlens.options import CaptureOptions
    except ImportError as error:
        return missing("capture", what, f"torchlens can't be used here: {error}", goal)
    times = []
    for _ in range(repeats + 1):
        gc.collect()
        trace = seconds(lambda: torchlens.trace(model, x, capture=CaptureOptions(unwrap_when_done=True)))
        gc.collect()
        times.append((np.median([watched() for _ in range(3)]), trace, np.median([plain() for _ in range(3)])))
    ours, peer, base = np.array(times[1:]).T
    ratios = _overheads(ours, peer, base)
    note = f"torchlens {torchlens.__version__}: every operation; overheads over a plain pass"
    return Result(
        "capture", what, float(np.median(ours - base)), float(np.median(peer - base)), *ratios, goal, note=note
    )  # fmt: skip


def _overheads(ours: np.ndarray, peer: np.ndarray, base: np.ndarray) -> tuple[float, float, float]:
    """(peer − base)/(ours − base) of medians, with its 95 % bootstrap interval; ours counts as 0.1 ms at least."""
    draws = np.random.default_rng(0).integers(0, len(ours), (2000, len(ours)))
    draws = np.vstack([np.arange(len(ours)), draws])
    over = np.maximum(np.median((ours - base)[draws], axis=1), 1e-4)
    ratios = np.median((peer - base)[draws], axis=1) / over
    low, high = np.percentile(ratios[1:], [2.5, 97.5])
    return float(ratios[0]), float(low), float(high)


def _aside(what: str, times: np.ndarray, note: str) -> Result:
    """A line without a goal."""
    ours, peer = (float(np.median(part)) for part in times)
    nan = float("nan")
    return Result("capture", what, ours, peer, ours / peer, nan, nan, None, note=note)
