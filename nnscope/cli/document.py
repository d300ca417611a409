"""The one strict JSON document that ``--json`` prints: non-finite numbers are the strings "nan", "inf" and "-inf"."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def print_document(document: Mapping[str, Any]) -> None:
    """Print ``document`` and nothing else; all of it is ASCII, whatever the names in it are."""
    try:
        text = json.dumps(document, allow_nan=False)
    except (ValueError, TypeError):  # something in it has no JSON: it takes a walk through all of it
        text = json.dumps(strict(document), allow_nan=False)
    print(text)


def strict(value: Any) -> Any:
    """``value`` with everything JSON has no word for replaced: non-finite numbers, complex ones, tuples."""
    if isinstance(value, dict):
        return {key: strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [strict(item) for item in value]
    if isinstance(value, complex):
        return {"real": strict(value.real), "imag": strict(value.imag)}
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value
