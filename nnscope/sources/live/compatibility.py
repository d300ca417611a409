"""What can be observed of each module of a model, and what can't and why (P12), told before anything is captured.

Most reasons can be read off the modules. That a module is never called, or gives no tensor, shows when the model runs
once; see `nnscope.sources.live.source`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn

from nnscope.sources.live.attention import is_plain_multihead
from nnscope.sources.live.modules import compiled_paths, is_callable, is_inside
from nnscope.sources.live.values import why_unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nnscope.sources.live.modules import ModuleRef

YES, PARTLY, NO, HOLDER = "yes", "partly", "no", "holds others"

COMPILED = "It was compiled by torch.compile, and no hook runs in a compiled graph. Look at the model before that."
_SCRIPTED = "It runs inside TorchScript, where no hook is called. Look at the model before it was scripted."
_FUSED = "Attention by {how} can't be seen. Load the model with attn_implementation='eager' or 'sdpa'."
_WITHOUT_WEIGHTS = ("flash", "flex", "paged")  # attention implementations of Hugging Face that nothing can be read from
_QUANTISED = ("torch.ao.nn.quantized", "torch.nn.quantized", "torch.ao.nn.intrinsic.quantized")


class Remark(NamedTuple):
    """Whether a module can be observed, a word of `YES`, `PARTLY`, `NO` and `HOLDER`; and what there is to say."""

    observed: str
    note: str = ""


def remarks(modules: Sequence[ModuleRef]) -> dict[str, Remark]:
    """What can be said of modules by looking at them, by path."""
    found = {ref.path: ref.reference() for ref in modules}
    compiled = compiled_paths(modules)
    scripted = [path for path, module in found.items() if isinstance(module, torch.jit.ScriptModule)]
    fused = [path for path, module in found.items() if module is not None and is_plain_multihead(module)]
    projections = {f"{path}.out_proj".lstrip(".") for path in fused}
    told: dict[str, Remark] = {}
    for ref in modules:
        module = found[ref.path]
        if module is None or not is_callable(module):
            told[ref.path] = Remark(HOLDER)
        elif any(is_inside(ref.path, path) for path in compiled):
            told[ref.path] = Remark(NO, COMPILED)
        elif any(is_inside(ref.path, path) and ref.path != path for path in scripted):
            told[ref.path] = Remark(NO, _SCRIPTED)
        elif ref.path in projections:
            told[ref.path] = Remark(NO, "MultiheadAttention uses its weights without calling it.")
        else:
            told[ref.path] = _remark(module, ref)
    return told


def _remark(module: nn.Module, ref: ModuleRef) -> Remark:
    limits = [*_limits(module)]
    notes = [*limits, *_notes(module, ref)]
    return Remark(PARTLY if limits else YES, " ".join(notes))


def _limits(module: nn.Module) -> Iterator[str]:
    """What can't be seen of a module whose hooks run."""
    if isinstance(module, torch.jit.ScriptModule):
        yield "Of what runs in TorchScript only inputs and outputs are seen."
    if type(module).__call__ is not nn.Module.__call__ and not isinstance(module, torch.jit.ScriptModule):
        yield "It has a __call__ of its own, which may pass hooks over."
    if isinstance(module, nn.DataParallel):
        yield "Its replicas run in threads of their own and are not seen."
    if type(module).__module__.startswith(_QUANTISED):
        yield "It gives quantised tensors, whose values can't be shown."
    how = str(getattr(getattr(module, "config", None), "_attn_implementation", "") or "")
    if "attention" in type(module).__name__.lower() and any(word in how for word in _WITHOUT_WEIGHTS):
        yield _FUSED.format(how=how)
    yield from _unreadable(module.parameters(recurse=False))


def _unreadable(parameters: Iterable[torch.Tensor]) -> Iterator[str]:
    """Why parameters can't be shown, each reason once."""
    reasons = dict.fromkeys(why_unreadable(parameter) for parameter in parameters)
    yield from (f"Of a parameter: {why}" for why in reasons if why)


def _notes(module: nn.Module, ref: ModuleRef) -> Iterator[str]:
    """In which way it is seen."""
    if isinstance(module, nn.TransformerEncoderLayer):
        yield "While it is watched its parts run one after the other, and not as one fused operation."
    if is_plain_multihead(module):
        yield "Attention is recomputed from its inputs."
    if ref.aliases:
        yield f"Also called {', '.join(ref.aliases[:3])}; its calls are told apart by ~2, ~3 …"
