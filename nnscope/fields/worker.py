"""A fit in a process of its own: ``python -m nnscope.fields.worker``, so that whoever asks for it goes on.

One line of JSON on standard input says what to do: ``values`` (a .npy file), ``out`` (the field's file), ``address``,
``gaussians``, ``steps`` and ``views`` (0 to fit values). Each step is told as a line of JSON on standard output,
``{"step": {…}}`` with what `nnscope.fields.record.Step` has; then ``{"done": {…}}``, or ``{"failure": {…}}``. With
``codes`` (bytes for each) in place of ``gaussians`` and ``views``, codes are compared: ``{"code": {…}}`` has what
`nnscope.fields.compression.CompressionRow` has. A line ``stop`` on standard input
ends the fit with the best field so far; the end of standard input ends the process.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from nnscope.core.errors import Cancelled, Failure, NnscopeError
from nnscope.fields.api import fit
from nnscope.fields.checkpoint import save_field
from nnscope.fields.compression import compression_table
from nnscope.fields.settings import FitSettings, ViewSettings

if TYPE_CHECKING:
    from nnscope.fields.fitting import FitResult
    from nnscope.fields.record import Step
    from nnscope.fields.view_fitting import ViewFitResult

_NICE = 5  # the window goes first


def main() -> int:
    """Do what standard input says."""
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    orders, told = sys.stdin, sys.stdout
    order = json.loads(orders.readline())
    stopped = threading.Event()
    threading.Thread(target=_listen, args=(orders, stopped), daemon=True).start()
    try:
        work = _compared if "codes" in order else _fitted
        _tell(told, done=work(order, told, stopped))
    except NnscopeError as error:
        _tell(told, failure=asdict(Failure.of(error)))
    return 0


def _compared(order: dict[str, Any], told: TextIO, stopped: threading.Event) -> dict[str, Any]:
    table = compression_table(
        np.load(order["values"]),
        order["codes"],
        FitSettings(steps=order["steps"]),
        lambda step: _tell(told, step=asdict(step)),
        lambda row: _tell(told, code=asdict(row)),
    )
    ahead = table.best.snr - table.rows[0].snr
    return {"best": table.best.name, "ahead": ahead, "flatness": table.flatness, "gain": table.gain}


def _fitted(order: dict[str, Any], told: TextIO, stopped: threading.Event) -> dict[str, Any]:
    def watch(step: Step) -> None:
        _tell(told, step=asdict(step))
        if stopped.is_set():
            raise Cancelled

    values = np.load(order["values"])
    settings, views = FitSettings(gaussians=order["gaussians"], steps=order["steps"]), order["views"]
    if views:
        found: FitResult | ViewFitResult = fit(values, settings, views=ViewSettings.of(views), watch=watch)
    else:
        found = fit(values, settings, watch=watch)
    checkpoint = found.checkpoint
    notes = {**checkpoint.notes, "address": order["address"]}
    save_field(order["out"], replace(checkpoint, notes=notes, target=values.reshape(found.field.shape)))
    return {
        "gaussians": len(found.field),
        "bytes": found.field.nbytes,
        "whole": 4 * values.size,
        "low": float(values.min()),
        "high": float(values.max()),
        "psnr": found.psnr,
        "heldout": getattr(found, "psnr_heldout", None),
        "seconds": found.seconds,
        "ended": found.ended,
    }


def _tell(told: TextIO, **what: Any) -> None:
    told.write(json.dumps(what) + "\n")
    told.flush()


def _listen(orders: TextIO, stopped: threading.Event) -> None:
    """Hear of the end: that of the fit, or at the end of input that of the process."""
    for line in orders:
        if line.strip() == "stop":
            stopped.set()
    os._exit(0)  # nobody is there any more


if __name__ == "__main__":
    sys.exit(main())
