"""``nnscope verify`` and ``nnscope recover``: how much of a recorded run is whole, and a new run of what is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnscope.cli.document import print_document
from nnscope.cli.failures import say
from nnscope.cli.options import JsonOption  # noqa: TC001 - Typer reads annotations
from nnscope.core.attaching import SCHEME, is_address
from nnscope.core.errors import NnscopeError
from nnscope.core.text import plain

if TYPE_CHECKING:
    from nnscope.store.runs.verify import Verdict

RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a recorded run.", show_default=False)]

_WORDS = {0: "whole", 3: "lossy", 1: "unreadable"}


def verify(run: RunArgument, json: JsonOption = False) -> int:
    """Look at every byte of a recorded run: exit code 0 when it is whole, 3 when something is lost, 1 when all is."""
    from nnscope.store.runs.verify import verify as look

    verdict = look(_folder(run))
    if json:
        print_document({"path": str(run), **_document(verdict)})
    else:
        _tell(run, verdict)
    return verdict.code


def recover(
    run: RunArgument,
    out: Annotated[Path, typer.Option("-o", "--out", metavar="NEW", help="Folder of the new run, not there yet.")],
    json: JsonOption = False,
) -> int:
    """Make a new run of all that is whole; the old one stays as it is."""
    from nnscope.store.runs.verify import recover as rescue

    verdict = rescue(_folder(run), out)
    if json:
        print_document({"path": str(run), "out": str(out), **_document(verdict)})
    else:
        _tell(run, verdict)
        print(f"{plain(str(out))}: {len(verdict.segments)} segments written")
    return verdict.code


def _folder(run: Path) -> Path:
    """The folder, and not the address of a training, whose token is nothing to be shown."""
    if is_address(str(run)) or run.parts[:1] == (SCHEME.partition("/")[0],):  # a path has lost one of its slashes
        raise NnscopeError("This is the address of a training, not a recorded run.", "", "Give the folder of the run.")
    return run


def _document(verdict: Verdict) -> dict[str, Any]:
    return {
        "verdict": _WORDS[verdict.code],
        "segments": len(verdict.segments),
        "steps": verdict.steps,
        "damaged": [{"file": name, "why": why} for name, why in verdict.damaged],
        "missing": verdict.missing,
        "losses": [{"first": loss.first, "last": loss.last, "steps": loss.steps} for loss in verdict.losses],
        "lost": verdict.lost,
    }


def _tell(run: Path, verdict: Verdict) -> None:
    steps = f", steps {verdict.steps[0]} to {verdict.steps[1]}" if verdict.steps else ""
    print(f"{plain(str(run))}: {_WORDS[verdict.code]}, {len(verdict.segments)} segments{steps}")
    if not verdict.segments and not verdict.code:
        say("No step is recorded in it: step() was never called, or not yet.")
    for name, why in verdict.damaged:
        say(f"{plain(name)}: {why}")
    for loss in verdict.losses:
        say(loss.sentence)
    for sentence in verdict.lost:
        say(plain(sentence, 0))
