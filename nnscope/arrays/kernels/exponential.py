"""The exponential function for kernels: it vectorises in float32, and is the library's in float64."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import types
from numba.extending import overload

from nnscope.arrays.compiled import compiled_fast

if TYPE_CHECKING:
    from collections.abc import Callable

_LOG2E = np.float32(1.4426950408889634)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_LOWEST = np.float32(-87)  # below it the result would be denormal
_LOWEST_POWER = np.float32(-125)  # the same of powers of two


@compiled_fast
def exp32(x: np.float32) -> np.float32:
    """exp within 3·10⁻⁷ of relative error for x ≤ 88; e⁻⁸⁷ below −87 (the polynomial of Cephes' ``expf``)."""
    v = max(x, _LOWEST)
    n = np.floor(v * _LOG2E + np.float32(0.5))
    r = v - n * _LN2_HIGH - n * _LN2_LOW
    p = np.float32(1.9875691500e-4)
    p = p * r + np.float32(1.3981999507e-3)
    p = p * r + np.float32(8.3334519073e-3)
    p = p * r + np.float32(4.1665795894e-2)
    p = p * r + np.float32(1.6666665459e-1)
    p = p * r + np.float32(5.0000001201e-1)
    power = (np.int32(n) + np.int32(127)) << np.int32(23)
    found: np.float32 = (p * r * r + r + np.float32(1)) * np.int32(power).view(np.float32)
    return found


@compiled_fast
def power32(x: np.float32) -> np.float32:
    """2ˣ within 4·10⁻⁷ of relative error for x ≤ 127; 2⁻¹²⁵ below −125 (a minimax polynomial of degree 5).

    Two thirds of the work of `exp32`, for those who can fold log₂e into what they have.
    """
    v = max(x, _LOWEST_POWER)
    n = np.floor(v + np.float32(0.5))
    r = v - n
    p = np.float32(0.0013276468962430954)
    p = p * r + np.float32(0.009675541892647743)
    p = p * r + np.float32(0.05550713464617729)
    p = p * r + np.float32(0.24022120237350464)
    p = p * r + np.float32(0.6931469440460205)
    p = np.float32(p * r + np.float32(1.0000001192092896))
    found: np.float32 = np.int32(p.view(np.int32) + (np.int32(n) << np.int32(23))).view(np.float32)
    return found


def exp_of(x: Any) -> Any:
    """exp in the precision of ``x``."""
    return math.exp(x)


@overload(exp_of)  # type: ignore[untyped-decorator]
def _exp_of(x: Any) -> Callable[[Any], Any]:
    def narrow(x: Any) -> Any:
        return exp32(x)

    def wide(x: Any) -> Any:
        return math.exp(x)

    return narrow if x == types.float32 else wide
