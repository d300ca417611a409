"""Numbers as people read them: full precision in the hover line, four digits in a cell, SI bytes in a list."""

from __future__ import annotations

import math
from typing import Any

EXACT = 17  # significant digits that tell every float64 from its neighbours
PART = 20  # an end of a range is written with no larger error than this part of it


def exact(value: complex | float | int | bool | None, dtype: str) -> str:
    """The shortest text that names exactly this value of ``dtype`` and no neighbour."""
    if value is None:
        return "–"
    if isinstance(value, (bool, int)):
        return str(value)
    if isinstance(value, complex):
        return f"{value.real:.9g}{value.imag:+.9g}i"
    if math.isnan(value) or math.isinf(value):
        return {"inf": "+Inf", "-inf": "−Inf", "nan": "NaN"}[str(value)]
    return _minus(str(_scalar_type(dtype)(value)) if "float" in dtype else repr(value))


def short(value: float, digits: int = 4) -> str:
    """About ``digits`` significant digits."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "−Inf"
    if value == int(value) and abs(value) < 10**digits:
        return _minus(str(int(value)))
    return _minus(f"{value:.{digits}g}")


def digits_needed(low: float, high: float) -> int:
    """How many significant digits tell what lies between two finite numbers, up to `EXACT`."""
    span = high - low
    if math.isinf(span):
        return 1
    for digits in range(1, EXACT):
        if all(abs(float(f"{end:.{digits - 1}e}") - end) * PART <= span for end in (low, high)):
            return digits
    return EXACT


def cell_text(value: float, state: int) -> str:
    """What is written inside a cell: three to four digits, or the name of what is no number."""
    if state:
        return ("", "NaN", "+Inf", "−Inf", "")[state]
    if value == int(value) and abs(value) < 1e5:
        return _minus(str(int(value)))
    size = abs(value)
    if 1e-3 <= size < 1e4:
        return _minus(f"{value:.{max(0, 3 - max(0, math.floor(math.log10(size)) + 1))}f}")
    return _minus(f"{value:.1e}".replace("e-0", "e-").replace("e+0", "e"))


def nbytes(count: int) -> str:
    """Bytes in binary units: ``"1.5 MiB"``."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def shape(sizes: tuple[int, ...]) -> str:
    """``"64 × 3 × 3"``; a scalar for rank 0."""
    return " × ".join(map(str, sizes)) if sizes else "scalar"


def _minus(text: str) -> str:
    return text.replace("-", "−", 1) if text.startswith("-") else text


def _scalar_type(dtype: str) -> Any:
    """The type whose shortest text is exact: bfloat16 and float8 values are float32 values too."""
    import numpy as np

    return {"float16": np.float16, "float64": np.float64}.get(dtype, np.float32)
