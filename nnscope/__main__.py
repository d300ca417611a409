"""``nnscope`` and ``python -m nnscope``: a command, or else the window on the paths given.

The window must be there fast, so the command line's libraries are imported for commands only.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = ("info", "render", "animate", "probe", "fit", "record", "verify", "recover", "doctor")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program's name; those of the process by default.

    Returns
    -------
    int
        Exit code: 0 done, 1 a stated failure, 2 wrong usage.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and (given[0] in COMMANDS or given[0].startswith("-")):
        from nnscope.cli.application import run_command

        return run_command(given)
    return _run_window(given)


def _run_window(paths: list[str]) -> int:
    from nnscope.cli.failures import said

    strange = next((path for path in paths if ":" not in path and not os.path.exists(path)), None)
    if strange is not None:
        return _refuse(strange)
    with said() as outcome:
        from nnscope.app import run

        outcome.code = run(paths)
    return outcome.code


def _refuse(word: str) -> int:
    """No file of that name: say so here and not in a window, for it may be a command with a slip in it."""
    import difflib

    from nnscope.cli.failures import USAGE, say
    from nnscope.core.text import plain

    near = difflib.get_close_matches(word, COMMANDS, 1)
    hint = f"Did you mean `nnscope {near[0]}`?" if near else "`nnscope --help` lists the commands."
    say(f"{plain(word)}: There is no file or command of this name. {hint}")
    return USAGE


if __name__ == "__main__":
    sys.exit(main())
