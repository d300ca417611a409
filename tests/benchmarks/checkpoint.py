"""A checkpoint of 10⁹ fp16 parameters in four shards, shaped like a Llama-style model, made outside the repository.

``python -m tests.benchmarks.checkpoint FOLDER`` writes it (2 GB); benchmark rows make it on first use in the system's
temporary folder. Values are seeded normal noise of the usual scale with a few outliers, so that
extremes mean something.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
from pathlib import Path

import numpy as np

HIDDEN, INNER, VOCABULARY, LAYERS, KEYS = 2048, 8192, 128_256, 12, 512
SHARDS = 4
LARGEST = "model.embed_tokens.weight"
CHUNK = 1 << 22  # elements written at once

Shapes = dict[str, tuple[int, ...]]


def shapes() -> Shapes:
    """Name and shape of every tensor: 1.0 · 10⁹ parameters."""
    tensors: Shapes = {LARGEST: (VOCABULARY, HIDDEN)}
    for i in range(LAYERS):
        p = f"model.layers.{i}"
        for name, out, inp in (
            ("self_attn.q_proj", HIDDEN, HIDDEN),
            ("self_attn.k_proj", KEYS, HIDDEN),
            ("self_attn.v_proj", KEYS, HIDDEN),
            ("self_attn.o_proj", HIDDEN, HIDDEN),
            ("mlp.gate_proj", INNER, HIDDEN),
            ("mlp.up_proj", INNER, HIDDEN),
            ("mlp.down_proj", HIDDEN, INNER),
        ):
            tensors[f"{p}.{name}.weight"] = (out, inp)
        tensors[f"{p}.input_layernorm.weight"] = (HIDDEN,)
        tensors[f"{p}.post_attention_layernorm.weight"] = (HIDDEN,)
    tensors["model.norm.weight"] = (HIDDEN,)
    tensors["extra.adapter.weight"] = (HIDDEN, 4096)
    return tensors


def make(folder: Path) -> Path:
    """Write the checkpoint into ``folder`` unless it is there whole; returns the folder."""
    done = folder / "model.safetensors.index.json"
    if done.exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    noise = _noise()
    weight_map: dict[str, str] = {}
    groups: list[Shapes] = [{} for _ in range(SHARDS)]
    for name, shape in sorted(shapes().items(), key=lambda item: -math.prod(item[1])):
        min(groups, key=lambda g: sum(map(math.prod, g.values())))[name] = shape
    for i, group in enumerate(groups, 1):
        shard = f"model-{i:05}-of-{SHARDS:05}.safetensors"
        _write(folder / shard, group, noise)
        weight_map |= dict.fromkeys(group, shard)
    total = 2 * sum(map(math.prod, shapes().values()))
    done.write_text(json.dumps({"metadata": {"total_size": total}, "weight_map": weight_map}))
    return folder


def shared() -> Path:
    """The checkpoint in the temporary folder, made on first use."""
    return make(Path(tempfile.gettempdir()) / "nnscope-benchmark-1b")


def _noise() -> np.ndarray:
    rng = np.random.default_rng(0)
    values = (rng.standard_normal(CHUNK, np.float32) * 0.02).astype(np.float16)
    values[rng.integers(0, CHUNK, 40)] *= 20
    return values


def _write(path: Path, tensors: Shapes, noise: np.ndarray) -> None:
    header, at = {}, 0
    for name, shape in tensors.items():
        size = 2 * math.prod(shape)
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for shape in tensors.values():
            left = math.prod(shape)
            while left:
                count = min(left, CHUNK)
                file.write(noise[:count].tobytes())
                left -= count


if __name__ == "__main__":
    print(make(Path(sys.argv[1])))
