"""Attention weights that a fused operation doesn't give, computed again from what it was given.

softmax(q·kᵀ·scale + mask) in float32 (float64 stays), with neither dropout nor rounding to half precision: what
``scaled_dot_product_attention`` documents and its kernels round. A query that may attend to no key has zeros, as there.

Nothing here makes a graph or draws a random number. Oracle: eager attention of the same model.
"""

from __future__ import annotations

import inspect
import math
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional
from torch.utils._python_dispatch import _disable_current_modes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MODULE = inspect.signature(torch.nn.MultiheadAttention.forward)
_FUNCTION = inspect.signature(functional.multi_head_attention_forward)
_DOT_PRODUCT = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal", "scale", "enable_gqa")
_TOLERANCE = {torch.float16: 1e-2, torch.bfloat16: 5e-2}  # of a row's sum; 1e-3 for others


@contextmanager
def aside(tensor: torch.Tensor) -> Iterator[None]:
    """Compute beside a model, unseen by it: no graph, no automatic casts, nothing for those that count operations."""
    quiet = _disable_current_modes() if torch._C._len_torch_dispatch_stack() else nullcontext()
    plain = torch.inference_mode(False), torch.no_grad(), torch.autocast(tensor.device.type, enabled=False)
    with torch._C.DisableTorchFunction(), quiet, plain[0], plain[1], plain[2]:
        yield


def dot_product_arguments(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call of ``scaled_dot_product_attention`` by name."""
    return {**dict(zip(_DOT_PRODUCT, args, strict=False)), **kwargs}


def dot_product_shape(given: Mapping[str, Any]) -> tuple[int, ...]:
    """Shape of the weights: [..., head, query, key]."""
    query, key = given["query"], given["key"]
    lead = query.shape[:-2]
    if not given.get("enable_gqa"):
        lead = torch.broadcast_shapes(lead, key.shape[:-2])
    return (*lead, query.shape[-2], key.shape[-2])


def dot_product_weights(given: Mapping[str, Any]) -> torch.Tensor:
    """The weights of a call of ``scaled_dot_product_attention``.

    Parameters
    ----------
    given : mapping
        Its arguments by name.

    Returns
    -------
    Tensor, shape (..., head, query, key)
        In float32, or float64 where query and key are. Rows sum to 1, or are zero.
    """
    query, key = _wide(given["query"]), _wide(given["key"])
    scale = given.get("scale")
    with aside(query):
        if given.get("enable_gqa"):
            key = key.repeat_interleave(query.shape[-3] // key.shape[-3], dim=-3)
        scores = query @ key.transpose(-2, -1) * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
        mask = given.get("attn_mask")
        if mask is not None and mask.dtype == torch.bool:
            scores = scores.masked_fill(~mask, -torch.inf)
        elif mask is not None:
            scores = scores + mask.detach()
        if given.get("is_causal"):
            later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
            scores = scores.masked_fill(later, -torch.inf)
        nothing = torch.isneginf(scores).all(-1, keepdim=True)
        return torch.softmax(scores, -1).masked_fill(nothing, 0.0)


def module_arguments(
    module: torch.nn.MultiheadAttention, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """What a call of ``MultiheadAttention`` hands to ``multi_head_attention_forward``, by name."""
    bound = _MODULE.bind(module, *args, **kwargs)
    bound.apply_defaults()
    given = bound.arguments
    inputs = [given[name] for name in ("query", "key", "value")]
    if module.batch_first and inputs[0].dim() == 3:
        inputs = [x.transpose(0, 1) for x in inputs]
    same = module._qkv_same_embed_dim
    return {
        **dict(zip(("query", "key", "value"), inputs, strict=True)),
        "embed_dim_to_check": module.embed_dim,
        "num_heads": module.num_heads,
        "in_proj_weight": module.in_proj_weight if same else None,
        **{name: getattr(module, name) for name in ("in_proj_bias", "bias_k", "bias_v", "add_zero_attn")},
        "out_proj_weight": module.out_proj.weight,
        "out_proj_bias": module.out_proj.bias,
        **{name: given[name] for name in ("key_padding_mask", "attn_mask", "is_causal")},
        "use_separate_proj_weight": not same,
        **{name: getattr(module, name) for name in ("q_proj_weight", "k_proj_weight", "v_proj_weight")},
    }


def function_arguments(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call of ``multi_head_attention_forward`` by name."""
    bound = _FUNCTION.bind(*args, **kwargs)
    bound.apply_defaults()
    return dict(bound.arguments)


def multihead_shape(given: Mapping[str, Any]) -> tuple[int, ...]:
    """Shape of the weights, less keys that are added to those given: [batch, head, query, key]."""
    query, key = given["query"].shape, given["key"].shape
    return (*query[1:-1], given["num_heads"], query[0], key[0])


def multihead_weights(given: Mapping[str, Any]) -> torch.Tensor:
    """The weights of a call of ``multi_head_attention_forward``, by PyTorch's own plain way through it.

    Parameters
    ----------
    given : mapping
        Its arguments by name.

    Returns
    -------
    Tensor, shape (batch, head, query, key); without a batch (head, query, key)
        In float32, or float64. Rows that may attend to nothing are zero.
    """
    plainly = {"training": False, "dropout_p": 0.0, "need_weights": True, "average_attn_weights": False}
    wide = {name: _wide(value) if isinstance(value, torch.Tensor) else value for name, value in given.items()}
    for name in ("attn_mask", "key_padding_mask"):
        wide[name] = _additive(given[name], wide["query"])
    with aside(given["query"]):
        _, weights = functional.multi_head_attention_forward(**{**wide, **plainly})
        assert weights is not None
        return weights.masked_fill(weights.isnan().all(-1, keepdim=True), 0.0)


def looks_like_attention(tensor: torch.Tensor) -> bool:
    """Whether these are weights: not negative, and every row sums to 1, or to 0 where it is masked.

    Three axes must end in a square: probabilities of words have as many.
    """
    shape = tensor.shape
    if tensor.dim() not in (3, 4) or not tensor.is_floating_point() or not tensor.numel():
        return False
    if tensor.dim() == 3 and shape[-1] != shape[-2]:
        return False
    with aside(tensor):
        total = tensor.detach().float().sum(-1)
        near = (total - 1).abs() < _TOLERANCE.get(tensor.dtype, 1e-3)
        fits = (near | (total == 0)).all() & near.any() & (tensor.detach() >= 0).all()
        return bool(fits)


def _wide(tensor: torch.Tensor) -> torch.Tensor:
    """Without its graph, in float32 at least."""
    plain = tensor.detach()
    return plain if plain.dtype == torch.float64 else plain.float()


def _additive(mask: torch.Tensor | None, query: torch.Tensor) -> torch.Tensor | None:
    """A mask of ``multi_head_attention_forward`` as numbers to add: of booleans, True is what is left out."""
    if mask is None or mask.dtype != torch.bool:
        return mask if mask is None else mask.detach().to(query.dtype)
    return torch.zeros_like(mask, dtype=query.dtype).masked_fill(mask, -torch.inf)
