"""Names of the axes of tensors in files, where name and rank leave no doubt.

A file knows no modules, only names such as ``layers.3.self_attn.q_proj.weight``. PyTorch keeps the weight of a linear
layer as [out, in] and that of a convolution as [out, in, kernel …]. A matrix could also be an embedding [token,
channel], or lie the other way round (GPT-2), so matrices are named by the layer's own name, and what isn't known by its
name has none. A transposed convolution is [in, out, kernel …]: where the name speaks of one, only the kernel is named.
"""

from __future__ import annotations

from functools import lru_cache

Names = tuple[str, ...]

LONGEST = 100  # characters of a layer's own name; longer ones are no names of layers
KERNELS: dict[int, Names] = {
    3: ("kernel position",),
    4: ("kernel row", "kernel column"),
    5: ("kernel plane", "kernel row", "kernel column"),
}
_ENDINGS = (".weight", ".bias", ".running_mean", ".running_var")
_DIGITS = "0123456789"
_LINEAR = frozenset(
    (
        *("q_proj", "k_proj", "v_proj", "o_proj", "out_proj", "in_proj", "gate_proj", "up_proj", "down_proj", "proj"),
        *("qkv", "query", "key", "value", "dense", "projection", "fc", "linear", "classifier", "head", "lm_head"),
    )
)
_TOKENS = frozenset(
    (
        *("embed_tokens", "word_embeddings", "tok_embeddings", "wte"),
        *("token_embedding", "token_embeddings", "token_embedding_table"),
    )
)
_POSITIONS = frozenset(
    ("embed_positions", "position_embedding", "position_embeddings", "position_embedding_table", "wpe")
)
_NORMS = frozenset(("ln", "bn"))
_UP = frozenset(("up", "upconv", "upsample"))


def stored_axes(address: str, rank: int, dtype: str) -> Names:
    """Names of the axes of a tensor of a PyTorch checkpoint; empty where they are in doubt.

    Values packed into bytes (dtype ``"uint8"``) have other axes than the layer's.
    """
    if not address.endswith(_ENDINGS) or dtype == "uint8":
        return ()
    path, _, name = address.rpartition(".")
    layer = path.rpartition(".")[2].rstrip(_DIGITS)  # conv1 as conv; a mere number, as in sequences, tells nothing
    return _axes(layer, name, rank) if len(layer) <= LONGEST else ()


@lru_cache(maxsize=8192)
def _axes(layer: str, name: str, rank: int) -> Names:
    if rank == 1:
        return _of_vector(layer, name)
    if name != "weight":
        return ()
    if rank == 2:
        return _of_matrix(layer)
    if rank not in KERNELS or (rank == 3 and "conv" not in layer.lower()):  # stacks of matrices, as experts are
        return ()
    return *(("out", "in") if layer and not _may_be_transposed(layer.lower()) else ("", "")), *KERNELS[rank]


def _of_vector(layer: str, name: str) -> Names:
    if name.startswith("running_") or "norm" in layer.lower() or not _NORMS.isdisjoint(layer.split("_")):
        return ("channel",)
    return ("out",) if name == "bias" and layer else ()


def _of_matrix(layer: str) -> Names:
    if layer in _TOKENS:
        return "token", "channel"
    if layer in _POSITIONS:
        return "position", "channel"
    return ("out", "in") if layer in _LINEAR else ()


def _may_be_transposed(layer: str) -> bool:
    return "transp" in layer or "deconv" in layer or not _UP.isdisjoint(layer.split("_"))
