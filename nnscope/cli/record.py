"""``nnscope record``: run a training script unchanged, with recording."""

from __future__ import annotations

import traceback
from pathlib import Path  # noqa: TC003 - Typer reads annotations
from typing import TYPE_CHECKING, Annotated

import typer

from nnscope.cli.failures import say

if TYPE_CHECKING:
    from nnscope.sources.live.watching import Watch


def record(
    context: typer.Context,
    script: Annotated[Path, typer.Argument(metavar="SCRIPT", help="A training script of yours.", show_default=False)],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="RUN", help="Folder of the run, empty or not there yet.")],
    model: Annotated[
        str, typer.Option("--model", metavar="CLASS", help="Class of the model; the first that trains by default.")
    ] = "",
    every: Annotated[
        int | None, typer.Option("--every", min=1, help="Look at tensors at every so many steps of the optimiser.")
    ] = None,
    attach: Annotated[bool, typer.Option("--attach/--no-attach", help="Whether others can attach meanwhile.")] = True,
) -> int:
    """Run a training script unchanged, and record the model that it trains.

    What else stands after SCRIPT is given to the script; what stands after `--` is its own in any case.
    """
    from nnscope.recording import leads, open_to_others
    from nnscope.sources.live.scripts import record_script

    def began(run: Watch) -> None:
        if attach and leads(run):
            open_to_others(run)

    ended = record_script(script, context.args, out, model, every, began)
    if ended.error is not None:
        traceback.print_exception(ended.error)
    run = ended.run
    say(f"{out}: {run.step_number + 1} steps recorded, tensors at {run.looks} of them.")
    if run.trouble:
        say(run.trouble)
    return ended.code


RECORD_SETTINGS = {"allow_extra_args": True, "ignore_unknown_options": True}
"""Of the command: options that it does not know are the script's."""
