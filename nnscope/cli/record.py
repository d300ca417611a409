"""``nnscope record``: run a training script unchanged, with recording."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path  # noqa: TC003 - Typer reads annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from nnscope.cli.failures import FAILURE, say
from nnscope.cli.spreading import spread
from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from nnscope.sources.live.scripts import Ended
    from nnscope.sources.live.watching import Watch

_NOWHERE = os.devnull  # in place of a folder
_KEPT = "\0"  # before a word that the parser shall not read; the words of a command line hold none


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
    frame: Annotated[
        int, typer.Option("--frame", metavar="KB", min=0, help="Of one tensor at a look; 0 for 64, or more of few.")
    ] = 0
    half: Annotated[bool, typer.Option("--half", help="Carry float32 values in half precision, and label them.")] = (
        False
    )


class ScriptCommand(TyperCommand):
    """A command that runs a script: what stands after SCRIPT and is none of our long options or ``-o`` is the script's.

    So are ``--help`` and ``-m`` there; before SCRIPT they are ours. Who asks for the script's help need not say where
    to record.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # Typer's own Context, or Click's in older ones
        """Keep what is the script's from being read as ours."""
        parser = self.make_parser(ctx)
        parser.allow_interspersed_args = False
        after = len(parser.parse_args(list(args))[1])  # arguments that stand after SCRIPT
        before, own = args[: len(args) - after], args[len(args) - after :]
        if set(own) & set(ctx.help_option_names):
            before = ["-o", _NOWHERE, *before]  # the last that is given counts
        kept = [_KEPT + word if _is_kept(word, ctx.help_option_names) else word for word in own]
        super().parse_args(ctx, [*before, *kept])
        others: list[str] = [word.removeprefix(_KEPT) for word in ctx.args]
        ctx.args = others
        return others


def _is_kept(word: str, help_names: Sequence[str]) -> bool:
    return word in help_names or (word[:1] == "-" and word[:2] not in ("--", "-o", "-"))


@spread
def record(
    context: typer.Context,
    script: Annotated[
        str,
        typer.Argument(metavar="SCRIPT", help="A training script of yours, or with -m a module.", show_default=False),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="RUN", help="Folder of the run, empty or not there yet.")],
    wanted: Wanted,
    module: Annotated[
        bool, typer.Option("-m", help="SCRIPT names a module, which is run as `python -m` does.")
    ] = False,
    model: Annotated[
        str, typer.Option("--model", metavar="CLASS", help="Class of the model; the first that trains by default.")
    ] = "",
    attach: Annotated[bool, typer.Option("--attach/--no-attach", help="Whether others can attach meanwhile.")] = True,
) -> int:
    """Run a training script unchanged, and record the model that it trains.

    What else stands after SCRIPT is given to the script, `--help` too; what stands after `--` is its own in any case.
    A step is one of the first optimiser that trains the model, or of a later one that trains most of the same
    parameters. The exit code is the script's, or 1 where it ended well and nothing could be recorded.
    """
    from nnscope.sources.live.asked import folder_of, kinds_of
    from nnscope.sources.live.ranks import folder_here
    from nnscope.sources.live.scripts import Script, record_script
    from nnscope.store.runs.writer import check_vacant

    folder, kinds = folder_of(out), kinds_of(tuple(filter(None, wanted.kinds.split(","))))
    if str(out) != _NOWHERE:
        check_vacant(folder, folder_here(folder))
    begin = partial(_watch, folder, kinds, wanted, attach)
    ended = record_script(Script(script, context.args, module), begin, model)
    if set(context.args) & set(context.help_option_names) and not ended.what and ended.error is None:
        return ended.code  # it has shown its help
    return _tell(ended, folder)


def _tell(ended: Ended, folder: Path) -> int:
    """What the script raised, what is recorded, and the exit code."""
    if isinstance(ended.error, KeyboardInterrupt):
        say("Cancelled.")
    elif ended.error is not None:
        sys.excepthook(type(ended.error), ended.error, ended.error.__traceback__)
    run = ended.run
    if run is not None:
        say(f"{folder}: {run.steps} steps recorded, tensors at {run.looks} of them: {ended.what}.")
    for trouble in filter(None, (run.trouble if run is not None else "", ended.trouble)):
        say(f"Nothing is recorded: {trouble}" if run is None else trouble)
    return ended.code or (FAILURE if ended.trouble else 0)


def _watch(folder: Path, kinds: tuple[str, ...], wanted: Wanted, attach: bool, model: torch.nn.Module) -> Watch:
    """Begin to record the model."""
    from nnscope.recording import leads, open_to_others
    from nnscope.sources.live.budget import Budget
    from nnscope.sources.live.watching import watch

    if str(folder) == _NOWHERE:
        raise NnscopeError("Nobody said where to record.", "-o", "Give the folder of the run.")
    budget = Budget(wanted.memory << 20, wanted.disk << 20, wanted.frame << 10, wanted.half)
    run = watch(model, folder, every=wanted.every, layers=wanted.layers, kinds=kinds, budget=budget)
    if attach and leads(run):
        open_to_others(run)
    return run


RECORD_SETTINGS = {"allow_extra_args": True, "ignore_unknown_options": True}
"""Of the command: options that it does not know are the script's."""
