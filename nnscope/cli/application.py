"""The command-line application: which commands there are, and how they end."""

from __future__ import annotations

import sys
from functools import wraps
from typing import TYPE_CHECKING, Annotated, ParamSpec

import typer

import nnscope
from nnscope.cli.animate import animate
from nnscope.cli.doctor import doctor
from nnscope.cli.failures import said
from nnscope.cli.fit import fit
from nnscope.cli.info import info
from nnscope.cli.probe import probe
from nnscope.cli.record import RECORD_SETTINGS, ScriptCommand, record
from nnscope.cli.render import render
from nnscope.cli.runs import recover, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import NoReturn

Arguments = ParamSpec("Arguments")

_HELP = """Look inside neural networks: open a checkpoint or a live PyTorch model and see exact values.

`nnscope [PATH…]` opens the window. PATH is a safetensors file, a Hugging Face folder or its index, a .pt, .pth, .bin or
.ckpt, a .npy or .npz, an HDF5 file, a TIFF stack, the folder of a recorded run, `demo:NAME`, or `file.py:factory` (a
function of yours that returns a model, or a model and example inputs). An ADDRESS is the name of a tensor, which may go
on with an index, `conv1.weight[3]`, and in a run with a step, `conv1.weight@120`.
"""


def run_command(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal that knows few letters shows the others escaped
    try:
        _application()(list(arguments), prog_name="nnscope")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0


def _application() -> typer.Typer:
    app = typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,  # names and messages are plain text, never markup
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(help=_HELP)(_top)
    for command in (info, render, animate, probe, fit, verify, recover, doctor):
        app.command()(_ending(command))
    app.command(cls=ScriptCommand, context_settings=RECORD_SETTINGS)(_ending(record))
    return app


def _ending(command: Callable[Arguments, int]) -> Callable[Arguments, NoReturn]:
    """The command with its failures said and its exit code given to the shell."""

    @wraps(command)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> NoReturn:
        with said() as outcome:
            outcome.code = command(*args, **kwargs)
        raise typer.Exit(outcome.code)

    return run


def _version(asked: bool) -> None:
    if asked:
        print(f"nnscope {nnscope.__version__}")
        raise typer.Exit


def _top(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """The options that stand before a command."""
