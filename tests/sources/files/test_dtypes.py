"""Element types: every bit pattern is kept, byte orders are honoured, and PyTorch's own tables are covered."""

from __future__ import annotations

import ml_dtypes  # noqa: F401 - it registers its names with NumPy
import numpy as np
import pytest
import torch

from nnscope.sources.files.dtypes import SAFETENSORS, TORCH_DTYPES, TORCH_STORAGES, decode, element

NAMES = sorted(
    {*SAFETENSORS.values(), *TORCH_STORAGES.values(), "complex32", "int4"} - {"float6_e2m3fn", "float6_e3m2fn"}
)
CARRIERS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64, 16: np.complex128}


@pytest.mark.parametrize("name", [name for name in NAMES if name != "complex32"])
def test_names_are_those_of_numpy_and_ml_dtypes(name: str) -> None:
    assert element(name).dtype == np.dtype(name)


@pytest.mark.parametrize("name", [name for name in NAMES if element(name).bits in (8, 16) and name != "bool"])
def test_every_bit_pattern_is_kept(name: str) -> None:
    kind = element(name)
    patterns = np.arange(1 << kind.bits, dtype=CARRIERS[kind.itemsize])
    assert decode(patterns.copy(), kind).tobytes() == patterns.tobytes()


@pytest.mark.parametrize("name", [name for name in NAMES if element(name).bits > 8])
def test_both_byte_orders_give_the_same_values(name: str) -> None:
    little, big = element(name, "little"), element(name, "big")
    part = little.itemsize // (2 if name.startswith("complex") else 1)
    data = np.random.default_rng(0).bytes(24 * little.itemsize)
    swapped = np.frombuffer(data, np.uint8).reshape(-1, part)[:, ::-1].tobytes()
    carrier = CARRIERS[little.itemsize]
    expected = decode(np.frombuffer(data, carrier).copy().reshape(4, 6).T, little)
    found = decode(np.frombuffer(swapped, carrier).copy().reshape(4, 6).T, big)
    assert found.shape == (6, 4)
    assert found.tobytes() == expected.tobytes()


def test_pytorch_s_storages_and_types_are_known() -> None:
    assert set(torch.storage._dtype_to_storage_type_map().values()) <= TORCH_STORAGES.keys()
    written = {*torch.storage._dtype_to_storage_type_map(), *torch.storage._new_dtypes()}
    assert {str(dtype).removeprefix("torch.") for dtype in written} <= TORCH_DTYPES.keys()
