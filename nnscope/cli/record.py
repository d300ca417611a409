"""``nnscope record``: run a training script unchanged, with recording."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - Typer reads annotations
from typing import TYPE_CHECKING, Annotated

import typer

from nnscope.cli.failures import say
from nnscope.cli.spreading import spread

if TYPE_CHECKING:
    import torch

    from nnscope.sources.live.watching import Watch


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is recorded, and what that may take."""

    every: Annotated[
        int | None, typer.Option("--every", min=1, help="Look at tensors at every so many steps of the optimiser.")
    ] = None
    layers: Annotated[
        str, typer.Option("--layers", metavar="GLOB", help="Modules whose inputs and outputs are recorded.")
    ] = "*"
    kinds: Annotated[
        str,
        typer.Option(
            "--kinds",
            metavar="NAME,…",
            help="parameter, grad, input, output, grad_input, grad_output, attention and sensitivity.",
        ),
    ] = "parameter,output,grad"
    memory: Annotated[
        int, typer.Option("--memory", metavar="MB", min=1, help="Of copies, at most; a fifth of it in one look.")
    ] = 1280
    disk: Annotated[
        int, typer.Option("--disk", metavar="MB", min=1, help="Of the run, at most; old frames are thinned beyond.")
    ] = 8192
    half: Annotated[bool, typer.Option("--half", help="Carry float32 values in half precision, and label them.")] = (
        False
    )


@spread
def record(
    context: typer.Context,
    script: Annotated[Path, typer.Argument(metavar="SCRIPT", help="A training script of yours.", show_default=False)],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="RUN", help="Folder of the run, empty or not there yet.")],
    wanted: Wanted,
    model: Annotated[
        str, typer.Option("--model", metavar="CLASS", help="Class of the model; the first that trains by default.")
    ] = "",
    attach: Annotated[bool, typer.Option("--attach/--no-attach", help="Whether others can attach meanwhile.")] = True,
) -> int:
    """Run a training script unchanged, and record the model that it trains.

    What else stands after SCRIPT is given to the script; what stands after `--` is its own in any case.
    """
    from nnscope.recording import leads, open_to_others
    from nnscope.sources.live.scripts import record_script

    def begin(found: torch.nn.Module) -> Watch:
        run = _watch(found, out, wanted)
        if attach and leads(run):
            open_to_others(run)
        return run

    ended = record_script(script, context.args, begin, model)
    if ended.error is not None:
        traceback.print_exception(ended.error)
    run = ended.run
    say(f"{out}: {run.step_number + 1} steps recorded, tensors at {run.looks} of them.")
    if run.trouble:
        say(run.trouble)
    return ended.code


def _watch(model: torch.nn.Module, out: Path, wanted: Wanted) -> Watch:
    from nnscope.sources.live.budget import Budget
    from nnscope.sources.live.watching import watch

    budget = Budget(wanted.memory << 20, wanted.disk << 20, wanted.half)
    kinds = tuple(filter(None, wanted.kinds.split(",")))
    return watch(model, out, every=wanted.every, layers=wanted.layers, kinds=kinds, budget=budget)


RECORD_SETTINGS = {"allow_extra_args": True, "ignore_unknown_options": True}
"""Of the command: options that it does not know are the script's."""
