"""``nnscope info RUN``: the steps of a recorded run and its numbers over them; of one tensor, when it was looked at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.cli.table import Column, print_table
from nnscope.core.errors import NnscopeError
from nnscope.core.text import plain
from nnscope.headless.history import history, is_run, scalars

if TYPE_CHECKING:
    from nnscope.core.answer import Series
    from nnscope.headless.client import Client
    from nnscope.tensor import Tensor

STATISTICS = {"mean": "mean", "std": "std", "frobenius": "norm"}  # name of the series → as it is told
DIGITS = 6  # significant ones, at least
TOLD = 12  # runs of steps that are written out
_COLUMNS = tuple(
    Column(head, numeric=head != "number")
    for head in ("number", "first", "last", "least", "at step", "most", "at step")
)


def tell_run(client: Client) -> None:
    """Print model, steps, times and numbers of a recorded run; nothing of what is none."""
    if not is_run(client):
        return
    facts = run_facts(client)
    steps = facts["steps"]
    print(f"{plain(facts['model']) or 'a model'}: {_steps(steps)}, {facts['looks']} looks at tensors")
    if steps["count"]:
        print(f"recorded {_when(facts['began'])} to {_when(facts['ended'])}")
    if facts["scalars"]:
        print_table(_COLUMNS, [_row(name, told) for name, told in facts["scalars"].items()])
    print()


def run_facts(client: Client) -> dict[str, Any]:
    """What is told of a run, as a document."""
    told = dict(client.listing.metadata)
    times = history(client, "", "") if told.get("last step") else None
    steps = np.empty(0, np.int64) if times is None else times.steps
    ends = (None, None) if times is None else (float(times.values.min()), float(times.values.max()))
    return {
        "model": told.get("model", ""),
        "steps": {"first": _end(steps, 0), "last": _end(steps, -1), "count": len(steps)},
        "began": ends[0],
        "ended": ends[1],
        "looks": int(told.get("looks", 0)),
        "scalars": {name: _summary(series) for name, series in scalars(client).items()},
    }


def tell_history(client: Client, tensor: Tensor) -> None:
    """Print at which steps a tensor of a run was kept, and its statistics over the steps."""
    if not is_run(client):
        return
    kept = tensor.kept_steps().tolist()
    if kept:
        print(f"kept at {len(kept)} steps: {compact(kept)}")
    found = {STATISTICS[name]: series for name, series in _histories(client, tensor).items()}
    if found:
        print_table(_COLUMNS, [_row(name, _summary(series)) for name, series in found.items()])
    if tensor.info.note:
        print(plain(tensor.info.note, 0))


def history_facts(client: Client, tensor: Tensor) -> dict[str, Any]:
    """The same as a document, with every step."""
    found = _histories(client, tensor)
    steps = next(iter(found.values())).steps.tolist() if found else []
    told = {STATISTICS[name]: series.values.tolist() for name, series in found.items()}
    return {"kept": tensor.kept_steps().tolist(), "history": {"steps": steps, **told}}


def compact(steps: list[int]) -> str:
    """``0 to 240 every 4, 250`` for rising steps; what is beyond `TOLD` such parts is counted."""
    parts: list[str] = []
    at = 0
    while at < len(steps) and len(parts) < TOLD:
        end = at + 1
        while end + 1 < len(steps) and steps[end + 1] - steps[end] == steps[at + 1] - steps[at]:
            end += 1
        if end - at < 2:  # two steps are no row
            parts.append(str(steps[at]))
            at += 1
            continue
        stride = steps[at + 1] - steps[at]
        parts.append(f"{steps[at]} to {steps[end]}" + (f" every {stride}" if stride > 1 else ""))
        at = end + 1
    return ", ".join(parts) + (f" and {len(steps) - at} more" if at < len(steps) else "")


def _histories(client: Client, tensor: Tensor) -> dict[str, Series]:
    """The statistics that were recorded; none of what is made of all steps, or of several tensors."""
    try:
        return {name: history(client, tensor.info.address, name) for name in STATISTICS}
    except NnscopeError:
        return {}


def _summary(series: Series) -> dict[str, Any]:
    values, finite = series.values, np.isfinite(series.values)
    told = {"count": len(values), "first": float(values[0]), "last": float(values[-1])}
    if not finite.any():
        return told
    low, high = int(np.where(finite, values, np.inf).argmin()), int(np.where(finite, values, -np.inf).argmax())
    return {
        **told,
        "least": float(values[low]),
        "least_step": int(series.steps[low]),
        "most": float(values[high]),
        "most_step": int(series.steps[high]),
    }


def _row(name: str, told: dict[str, Any]) -> tuple[str, ...]:
    """The cells of a number: with as many digits as tell its least from its greatest value."""
    from nnscope.scene.numbers import digits_needed

    digits = max(DIGITS, 1 + digits_needed(told["least"], told["most"])) if "least" in told else DIGITS
    cells = (told.get(key, "") for key in ("first", "last", "least", "least_step", "most", "most_step"))
    return plain(name, 64), *(f"{cell:.{digits}g}" if isinstance(cell, float) else str(cell) for cell in cells)


def _steps(steps: dict[str, Any]) -> str:
    if not steps["count"]:
        return "no step yet"
    if steps["count"] == 1:
        return f"step {steps['first']}"
    return f"{steps['count']:,} steps, {steps['first']} to {steps['last']}"


def _end(steps: np.ndarray, at: int) -> int | None:
    return int(steps[at]) if len(steps) else None


def _when(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):  # a damaged or foreign clock
        return "an unknown time"
